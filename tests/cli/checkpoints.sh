# shellcheck shell=sh source=tests/cli/lib.sh
# The models that a run leaves on its way: whole, the same after a kill, good for
# every verb.
. "$REPO/tests/cli/lib.sh"

sample_store || exit 1
small_base || exit 1

# start DIR [OPTION...]: a run of 108 small steps
start() {
    dir=$1
    shift
    prefkit train sample.db --quiet -t 1 --dimension safety --base base \
        --output "$dir" --epochs 6 --lr 1e-2 --batch-pairs 16 \
        --micro-tokens 512 --log "$dir.jsonl" "$@"
}

# killed DIR N [OPTION...]: the same, killed when its log tells of N steps
killed() {
    dir=$1
    n=$2
    shift 2
    (
        exec "$PREFKIT" train sample.db --quiet -t 1 --dimension safety \
            --base base --output "$dir" --epochs 6 --lr 1e-2 --batch-pairs 16 \
            --micro-tokens 512 --log "$dir.jsonl" "$@"
    ) >/dev/null 2>&1 &
    pid=$!
    while kill -0 $pid 2>/dev/null &&
        [ "$(cat "$dir.jsonl" 2>/dev/null | wc -l)" -lt "$n" ]; do
        sleep 0.01
    done
    kill -s KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
}

# same_models A B: the same models on the way, to the byte
same_models() {
    must diff -r "$1.checkpoints" "$2.checkpoints"
}

t "a model of every tenth step; the last is the output"
run 0 start whole --checkpoint-every 10
stdout_has "^on the way 10 models in whole.checkpoints"
must test "$(ls whole.checkpoints | tr '\n' ' ')" = "step-000010 step-000020 \
step-000030 step-000040 step-000050 step-000060 step-000070 step-000080 \
step-000090 step-000100 "
must grep -q '"kept_step":[[:space:]]*30,' whole.checkpoints/step-000030/prefkit.json
must grep -q '"pairs_trained":[[:space:]]*477,' whole.checkpoints/step-000030/prefkit.json
must grep -q '"kept_step":[[:space:]]*108,' whole/prefkit.json
# All of one run, which the same weights without models on the way name too.
run 0 start plain
absent plain.checkpoints
cat plain/prefkit.json whole/prefkit.json whole.checkpoints/*/prefkit.json |
    grep '"run":' | sort -u >runs
must test "$(wc -l <runs)" -eq 1
must cmp plain/prefkit.json whole/prefkit.json
must cmp plain/model.safetensors whole/model.safetensors

t "one is what the run would have been had it ended there, and scores"
run 0 prefkit verify whole.checkpoints/step-000010
run 0 prefkit score --quiet --rm m=whole.checkpoints/step-000010 \
    --input "$SAMPLE/generations.jsonl" --output ten.jsonl
run 0 prefkit score --quiet --rm m=whole \
    --input "$SAMPLE/generations.jsonl" --output last.jsonl
must test -s ten.jsonl
cmp -s ten.jsonl last.jsonl && fail "the tenth step's scores are the last's"
run 0 prefkit eval sample.db --quiet --rm m=whole.checkpoints/step-000010
# A state that was saved at a step knows of that step's model.
killed short 40 --checkpoint-every 4 --save-every 4
run 0 start short --checkpoint-every 4 --save-every 4 --resume
must cmp whole.checkpoints/step-000020/model.safetensors \
    short.checkpoints/step-000020/model.safetensors

for n in 13 34 71; do
    t "killed after $n steps and gone on with: the same models"
    killed "part$n" $n --checkpoint-every 10 --save-every 7
    if [ -e "part$n" ]; then
        skip "the run was over before the signal came"
        continue
    fi
    must test -s "part$n.checkpoints/step-000010/config.json"
    # As if the kill had come while one was written.
    mkdir "part$n.checkpoints/step-000050.tmp.1"
    echo half >"part$n.checkpoints/step-000050.tmp.1/model.safetensors"
    refused 2 "go on with --resume" start "part$n" --checkpoint-every 10
    run 0 start "part$n" --checkpoint-every 10 --save-every 7 --resume
    same_models whole "part$n"
    must cmp whole/model.safetensors "part$n/model.safetensors"
done

t "killed before any state was saved: from the start, to the same models"
killed early 23 --checkpoint-every 10 --save-every 0
if [ -e early ]; then
    skip "the run was over before the signal came"
else
    must test ! -e early.state/state
    refused 2 "early.checkpoints' holds models of an earlier run" \
        start early --checkpoint-every 10
    refused 3 "step-000010 is of another run: recipe.lr was 0.01, is 0.002" \
        start early --checkpoint-every 10 --resume --lr 2e-3
    run 0 start early --checkpoint-every 10 --resume
    same_models whole early
fi

t "stopped by SIGTERM: the same models"
(
    exec "$PREFKIT" train sample.db --quiet -t 1 --dimension safety --base base \
        --output term --epochs 6 --lr 1e-2 --batch-pairs 16 \
        --micro-tokens 512 --log term.jsonl --checkpoint-every 1 >/dev/null 2>&1
) &
pid=$!
until [ -e term.checkpoints/step-000005 ] || ! kill -0 $pid; do sleep 0.01; done
kill -s TERM $pid
wait $pid 2>/dev/null
run 0 start term --checkpoint-every 1 --resume
must test "$(ls term.checkpoints | wc -l)" -eq 107
for step in 10 50 100; do
    must diff -r whole.checkpoints/step-*$step term.checkpoints/step-*$step
done

t "adapters alone on their base, which score; the same after a kill"
lora="--lora-rank 4 --lora-alpha 8 --lora-dropout 0.1 --checkpoint-every 10"
# shellcheck disable=SC2086 # several options
run 0 start lora $lora
must test "$(ls lora.checkpoints | wc -l)" -eq 10
must test ! -e lora.checkpoints/step-000010/model.safetensors
run 0 prefkit score --quiet --rm m=lora.checkpoints/step-000010 \
    --input "$SAMPLE/generations.jsonl" --output lora10.jsonl
# shellcheck disable=SC2086
killed lora2 25 $lora --save-every 7
# shellcheck disable=SC2086
[ -e lora2 ] || run 0 start lora2 $lora --save-every 7 --resume
same_models lora lora2

t "a language model's; and the last step's where the best is kept"
run 0 start lm --objective lm --checkpoint-every 40
must grep -q LlamaForCausalLM lm.checkpoints/step-000040/config.json
prefkit export -q sample.db | head -n 60 |
    sed 's/"split":"[a-z]*"/"split":"valid"/' >valid.jsonl
run 0 prefkit init valid.db
run 0 prefkit import valid.db valid.jsonl
head -n 300 "$SAMPLE/comparisons.jsonl" >train.jsonl
run 0 prefkit import valid.db train.jsonl
run 0 prefkit train valid.db -t 1 --dimension safety --base base --output best \
    --epochs 4 --lr 1e-2 --batch-pairs 16 --valid-every 3 --keep best-loss \
    --checkpoint-every 6
steps=$(sed -n 's/.*"steps":[[:space:]]*\([0-9]*\),.*/\1/p' best/prefkit.json)
last=best.checkpoints/step-$(printf %06d "$steps")
must test -s "$last/model.safetensors"
must grep -q '"score_mean"' "$last/prefkit.json"
must grep -q '"score_mean"' best.checkpoints/step-000006/prefkit.json
# It was not validated then.
run 0 prefkit train valid.db -t 1 --dimension safety --base base --output once \
    --epochs 1 --lr 1e-2 --batch-pairs 16 --checkpoint-every 2
must grep -q '"score_mean"' once/prefkit.json
must sh -c '! grep -q score_mean once.checkpoints/step-000002/prefkit.json'

t "eval --run draws accuracy along a run"
# An epoch is 18 steps: the later ones bring nothing new.
run 0 prefkit eval sample.db --quiet --dimension safety --run safe=whole --json
cp stdout whole.json
run 0 prefkit eval sample.db --quiet --dimension safety --run safe=whole
must test "$(grep -c '^  safe  *21.1k ' stdout)" -eq 11
stdout_has '^  safe  *21.1k  *30  *477 '
stdout_has '^  safe  *21.1k  *108  *1710 '
stdout_has 'with 10 more of its run'
stdout_has '(trained: pairs trained on, again in each epoch)'
# The models on the way are no models of the tables.
must test "$(grep -c '^safe.* on safety$' stdout)" -eq 1
must sh -c '! grep -q safe@ stdout'
# The same numbers as of the same model by itself.
run 0 prefkit eval sample.db --quiet --dimension safety --run safe=whole --rm \
    thirty=whole.checkpoints/step-000030
line=$(grep '^  safe  *21.1k  *30 ' stdout | sed 's/.*477//')
must test -n "$line"
must test "$(grep '^  thirty  *21.1k  *30 ' stdout | sed 's/.*477//')" = "$line"
run 0 prefkit eval sample.db --quiet --dimension safety --run safe=whole \
    --full --html run.html
must test "$(grep -c '^  safe@' stdout)" -eq 10
must grep -q 'class="band m0"' run.html

t "eval --run: two runs, one that is not at its end, and what is refused"
killed open 45 --checkpoint-every 10 --save-every 0
run 0 prefkit eval sample.db --dimension safety --run a=whole/ --run b=open
n=0 # 4, or more where the kill came late
for newest in open.checkpoints/step-??????; do n=$((n + 1)); done
must test $n -ge 4
stdout_has "^model b = $newest"
stdout_has "with $((n - 1)) more of its run"
stderr_has "open is not there yet: b is its run's model of step ${n}0"
must test "$(grep -c '^  b  *21.1k ' stdout)" -eq $n
# Where the best is kept it is one of them.
run 0 prefkit eval valid.db --split valid --run best=best --json
kept=$(sed -n 's/.*"kept_step":[[:space:]]*\([0-9]*\),.*/\1/p' best/prefkit.json)
must test "$(grep -c "\"step\":[[:space:]]*$kept" stdout)" -eq 1
refused 4 "plain.checkpoints' holds no models" \
    prefkit eval sample.db --run a=plain
refused 4 "name its output, 'whole'" \
    prefkit eval sample.db --run a=whole.checkpoints
run 2 prefkit eval sample.db --run a=whole --rm a=whole
stderr_has "both name 'a'"
run 2 prefkit eval sample.db --run a=whole --run a=whole
run 2 prefkit eval sample.db --run whole
run 2 prefkit eval sample.db
cp -r whole.checkpoints mixed.checkpoints
cp -r whole mixed
cp -r once.checkpoints/step-000002 mixed.checkpoints
refused 3 "step-000002 is of another run" prefkit eval sample.db --run a=mixed
refused 3 "without a score head" prefkit eval sample.db --run a=lm
run 0 prefkit eval sample.db --quiet --dimension safety --run a=lora
must test "$(grep -c '^  a  *21.1k ' stdout)" -eq 11

t "the room they take is told before the first step, and what is too little"
run 0 prefkit train sample.db -t 1 --dimension safety --base base \
    --output told --batch-pairs 16 --checkpoint-every 5
stderr_has "disk: [0-9.]* MiB for the model, [0-9.]* for 3 models of [0-9.]* on the way, at most [0-9.]* for the state; [0-9]* available"

t "a folder that nothing can be written to"
mkdir locked.checkpoints
chmod a-w locked.checkpoints
if touch locked.checkpoints/x 2>/dev/null; then
    rm locked.checkpoints/x
    skip "this user writes everywhere"
else
    refused 4 "cannot create 'locked.checkpoints/step-000010'" \
        start locked --checkpoint-every 10
fi
chmod u+w locked.checkpoints
run 2 start x --checkpoint-every -1

end_test
