# shellcheck shell=sh source=tests/cli/lib.sh
# Training that is stopped and gone on with ends in the same bytes.
. "$REPO/tests/cli/lib.sh"

sample_store || exit 1
small_base || exit 1

# start DIR [OPTION...]: a run of many small steps
start() {
    dir=$1
    shift
    prefkit train sample.db --quiet -t 1 --dimension safety --base base \
        --output "$dir" --epochs 6 --lr 1e-2 --batch-pairs 16 \
        --micro-tokens 512 --log "$dir.jsonl" "$@"
}

# until_step DIR N PID: wait until the log tells of N steps, or the run is over
until_step() {
    while kill -0 "$3" 2>/dev/null &&
        [ "$(cat "$1.jsonl" 2>/dev/null | wc -l)" -lt "$2" ]; do
        sleep 0.01
    done
}

same_log() {
    sed 's/,"seconds":[^,}]*//' "$1.jsonl" >one.log
    sed 's/,"seconds":[^,}]*//' "$2.jsonl" | cmp - one.log
}

run 0 start whole
cp -r base other
other_tokenizer other

for signal in KILL TERM INT; do
    t "stopped by SIG$signal, gone on with: the same bytes, the same log"
    # A background job of a script ignores SIGINT unless it is told otherwise.
    (
        trap - INT
        exec "$PREFKIT" train sample.db --quiet -t 1 --dimension safety \
            --base base --output "$signal" --epochs 6 --lr 1e-2 \
            --batch-pairs 16 --micro-tokens 512 --log "$signal.jsonl" \
            --save-every 3 2>/dev/null
    ) >/dev/null &
    pid=$!
    until_step "$signal" 8 $pid
    kill -s $signal $pid 2>/dev/null
    wait $pid 2>/dev/null
    if [ -e "$signal" ]; then
        skip "the run was over before the signal came"
        continue
    fi
    must test -s "$signal.state/state"
    refused 2 "go on with --resume" start "$signal" --save-every 3
    refused 3 "tokenizer was .* is" start "$signal" --resume --base other
    run 0 start "$signal" --save-every 3 --resume
    must cmp whole/model.safetensors "$signal/model.safetensors"
    must cmp whole/prefkit.json "$signal/prefkit.json"
    must same_log whole "$signal"
    absent "$signal.state"
done

t "layers computed again: the same bytes"
run 0 start again --recompute
must cmp whole/model.safetensors again/model.safetensors

t "bf16: near the curve of fp32; the same bytes twice, and stopped between"
start bf16 --precision bf16 --lr 1e-3 2>stderr >/dev/null
if grep -q "can't be had here" stderr; then
    skip "no bf16 on this machine"
else
    run 0 start fp32 --precision fp32 --lr 1e-3
    must grep -q '"precision":[[:space:]]*"bf16"' bf16/prefkit.json
    # To a hundredth for as long as the two are about the same weights.
    for f in fp32 bf16; do
        sed 's/.*"loss":\([^,]*\),.*/\1/' $f.jsonl | head -n 20 >$f.loss
    done
    paste -d ' ' fp32.loss bf16.loss | awk '
        { e = $1 / 100 }
        !($1 - $2 <= e && $2 - $1 <= e) { bad = 1 }
        $1 != $2 { differ = 1 }
        END { exit bad || !differ || NR < 20 }' ||
        fail "another curve than in fp32"
    (
        exec "$PREFKIT" train sample.db --quiet -t 1 --dimension safety \
            --base base --output half --epochs 6 --lr 1e-3 --batch-pairs 16 \
            --micro-tokens 512 --log half.jsonl --precision bf16 \
            --save-every 3 >/dev/null 2>&1
    ) &
    pid=$!
    until_step half 8 $pid
    kill -s KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    [ -e half ] || run 0 start half --precision bf16 --lr 1e-3 --resume
    must cmp bf16/model.safetensors half/model.safetensors
fi

t "an address space too small is refused, not waited for; what it says fits"
run 0 prefkit init-model wide --quiet --tokenizer "$SAMPLE/tokenizer.model" \
    --shape dim=16,layers=2,heads=2,hidden=16384
(
    # shellcheck disable=SC3045 # not in POSIX, but in dash and bash
    ulimit -v 1500000
    export OMP_NUM_THREADS=1 # each takes addresses for OpenBLAS
    set -- train sample.db --quiet -t 1 --dimension safety --base wide \
        --output wide-rm --batch-pairs 64
    refused 5 "ulimit -v" prefkit "$@" --micro-tokens 1000000000
    absent wide-rm
    run 0 prefkit "$@" --micro-tokens \
        "$(sed 's/.*--micro-tokens \([0-9]*\) fits/\1/' stderr)"
    [ $BAD -eq 0 ]
)
must test $? -eq 0

t "a loss that is not finite names its pairs and leaves the weights before it"
run 3 prefkit train sample.db --quiet -t 1 --dimension safety --base base \
    --output bad --epochs 40 --batch-pairs 8 --lr 1000 --weight-decay 1000
stderr_has "is not finite"
stderr_has "judgments "
stderr_has "bad.last-good"
must test -s bad.last-good/model.safetensors
absent bad

t "a second run that fails leaves its own weights, not the first one's"
must grep -q '"seed":[[:space:]]*1,' bad.last-good/prefkit.json
run 3 prefkit train sample.db --quiet -t 1 --dimension safety --base base \
    --output bad --epochs 40 --batch-pairs 8 --lr 1000 --weight-decay 1000 \
    --seed 2
stderr_has "the weights before it are in bad.last-good"
must grep -q '"seed":[[:space:]]*2,' bad.last-good/prefkit.json
absent bad bad.last-good.earlier

t "a last step after which nothing can be scored leaves no model"
run 3 prefkit train sample.db --quiet -t 1 --dimension safety --base base \
    --output bad --batch-pairs 120 --lr 1000 --weight-decay 1000
stderr_has "the trained model: the score is not finite"
absent bad bad.state

t "validation, the best weights, and a drawing"
prefkit export -q sample.db | head -n 60 |
    sed 's/"split":"[a-z]*"/"split":"valid"/' >valid.jsonl
run 0 prefkit init valid.db
run 0 prefkit import valid.db valid.jsonl
head -n 300 "$SAMPLE/comparisons.jsonl" >train.jsonl
run 0 prefkit import valid.db train.jsonl
run 0 prefkit train valid.db -t 1 --dimension safety --base base --output best \
    --epochs 4 --lr 1e-2 --batch-pairs 16 --valid-every 2 --keep best-loss \
    --patience 3 --log best.jsonl --curve best.svg --judgments soft
must grep -q '"validation":{"loss":' best.jsonl
must grep -q '"ties":0,"score_mean"' best.jsonl
must grep -q '"by_strength"' best.jsonl
must grep -q '"kept_step"' best/prefkit.json
must grep -q 'class="valid"' best.svg
absent best.state

t "weights that were never validated tell of no validation"
run 3 prefkit train valid.db --quiet -t 1 --dimension safety --base base \
    --output worse --epochs 40 --batch-pairs 8 --lr 1000 --weight-decay 1000
must grep -q '"valid"' worse.last-good/prefkit.json
grep -q '"validation"' worse.last-good/prefkit.json && fail "told of one"

t "weights that score nothing are not the best, and are not gone on from"
rm -rf worse*
for objective in reward lm; do
    run 3 prefkit train valid.db --quiet -t 1 --dimension safety \
        --objective $objective --base base --output worse --epochs 3 \
        --batch-pairs 1000 --lr 1000 --weight-decay 1000 --valid-every 1 \
        --keep best-loss --log worse.jsonl
    stderr_has "validation after step 3: the .* is not finite"
    must test "$(wc -l <worse.jsonl)" -eq 2
    absent worse worse.state/state
done

t "the paper's recipes, and a language model"
run 0 prefkit train sample.db -t 1 --recipe llama2-safety --base base \
    --output recipe --batch-pairs 64
must grep -q '"name":[[:space:]]*"llama2-safety"' recipe/prefkit.json
must grep -q '"safety_weight":[[:space:]]*1' recipe/prefkit.json
run 2 prefkit train sample.db --recipe llama2-safety --base base --output x \
    --dimension helpfulness
run 0 prefkit train sample.db -t 1 --objective lm --dimension helpfulness \
    --base base --output lm --lr 1e-2 --epochs 1
must grep -q LlamaForCausalLM lm/config.json
run 3 prefkit train sample.db -t 1 --objective lm --dimension helpfulness \
    --base recipe --output y

end_test
