# shellcheck shell=sh source=tests/cli/lib.sh
# Training by several processes: the loss curve of one, one rank that is killed,
# and a run that is gone on with. Needs a program built with `make MPI=1`.
. "$REPO/tests/cli/lib.sh"

sample_store || exit 1
small_base || exit 1
set -- train sample.db --quiet -t 1 --dimension safety --base base \
    --lr 1e-2 --batch-pairs 16 --micro-tokens 512

if ! ldd "$PREFKIT" | grep -q libmpi; then
    t "one of several processes of a build without MPI is refused"
    export OMPI_COMM_WORLD_SIZE=2
    refused 2 "make MPI=1" prefkit "$@" --output alone
    unset OMPI_COMM_WORLD_SIZE
    absent alone
    t "several ranks"
    skip "this program is built without MPI"
    exit 0
fi
if ! command -v mpirun >/dev/null; then
    t "several ranks"
    skip "there is no mpirun"
    exit 0
fi

# ranks N OPTION...: the run above, by N processes
ranks() {
    n=$1
    shift
    mpirun --allow-run-as-root --oversubscribe -n "$n" "$PREFKIT" "$@"
}

# numbers LOG: step, loss, norm and tokens of each line
numbers() {
    sed 's/.*"step":\([0-9]*\),"loss":\([^,]*\),.*"grad_norm":\([^,]*\),.*/\1 \2 \3/' "$1"
}

# same_curve A B [EARLY]: loss and norm at each step, and as many steps: to 1e-5
# (or EARLY) in the first ones, and later to what AdamW makes of other roundings
same_curve() {
    numbers "$1" >a.txt
    numbers "$2" | paste -d ' ' a.txt - | awk -v early="${3:-1e-5}" '
        function near(x, y) {
            e = (NR <= 5 ? early : 1e-2) * (x < 0 ? -x : x)
            return x - y <= e && y - x <= e
        }
        NF != 6 || $1 != $4 || !near($2, $5) || !near($3, $6) { bad = 1 }
        END { exit bad || NR < 10 }'
}

t "one process of this build writes what it always does"
run 0 prefkit "$@" --output one --log one.jsonl
must grep -q '"ranks":[[:space:]]*1,*$' one/prefkit.json

for n in 2 3; do
    t "$n ranks: the loss curve of one, and the same bytes twice"
    run 0 ranks $n "$@" --output "by$n" --log "by$n.jsonl" --json
    must test "$(grep -c '"schema"' stdout)" -eq 2
    must same_curve one.jsonl "by$n.jsonl"
    must grep -q "\"ranks\":[[:space:]]*$n,*\$" "by$n/prefkit.json"
    run 0 ranks $n "$@" --output "again$n"
    must cmp "by$n/model.safetensors" "again$n/model.safetensors"
    must cmp "by$n/prefkit.json" "again$n/prefkit.json"
    absent "by$n.state"
done

t "adapters: the loss curve of one, and the same bytes twice"
lora="--lora-rank 4 --lora-alpha 8 --lora-dropout 0.1"
# shellcheck disable=SC2086 # several options
run 0 prefkit "$@" $lora --output lora1 --log lora1.jsonl
for n in 2 3; do
    # shellcheck disable=SC2086
    run 0 ranks $n "$@" $lora --output "lora$n" --log "lora$n.jsonl"
    must same_curve lora1.jsonl "lora$n.jsonl"
    # shellcheck disable=SC2086
    run 0 ranks $n "$@" $lora --output "more$n"
    for file in model.safetensors adapter/adapter_model.safetensors; do
        must cmp "lora$n/$file" "more$n/$file"
    done
done

# The sums of gradients are as in fp32; but a weight near the middle of two bf16
# numbers may come to be rounded to the other, and the faster it learns the
# sooner that shows.
t "products in bf16: the loss curve of one, and the same bytes twice"
if prefkit "$@" --lr 1e-3 --precision bf16 --output half1 --log half1.jsonl \
    >stdout 2>stderr; then
    for n in 2 3; do
        run 0 ranks $n "$@" --lr 1e-3 --precision bf16 --output "half$n" \
            --log "half$n.jsonl"
        must same_curve half1.jsonl "half$n.jsonl" 2e-3
        run 0 ranks $n "$@" --lr 1e-3 --precision bf16 --output "halves$n"
        must cmp "half$n/model.safetensors" "halves$n/model.safetensors"
    done
elif grep -q "bf16 can't be had here" stderr; then
    skip "no products in bf16 here"
else
    fail "$(cat stderr)"
fi

t "a language model, and more ranks than a step has pairs"
run 0 prefkit "$@" --output lm1 --objective lm --batch-pairs 2 --epochs 1 \
    --log lm1.jsonl
run 0 ranks 3 "$@" --output lm3 --objective lm --batch-pairs 2 --epochs 1 \
    --log lm3.jsonl
must same_curve lm1.jsonl lm3.jsonl

t "an error is told once, by all ranks' one voice"
run 4 ranks 2 train sample.db --dimension safety --base nowhere --output no
must test "$(grep -c '^prefkit: ' stderr)" -eq 1
absent no

t "ranks that have read different data, models or recipes are refused"
cp sample.db later.db
cp -r base other
printf 'later' | dd of=other/model.safetensors bs=1 conv=notrunc status=none \
    seek=$(($(wc -c <other/model.safetensors) - 100))
prefkit export -q sample.db | tail -n 5 |
    sed 's/"prompt":"/&later: /;s/"content":"/&later: /' >more.jsonl
run 0 prefkit import -q later.db more.jsonl
# beside OPTION...: rank 0 with the run's options, rank 1 with others
beside() {
    mpirun --allow-run-as-root --oversubscribe \
        -n 1 "$PREFKIT" train sample.db --quiet -t 1 --dimension safety \
        --base base --batch-pairs 16 --output no : -n 1 "$PREFKIT" train "$@"
}
run 3 beside later.db --quiet -t 1 --dimension safety --base base \
    --batch-pairs 16 --output no
stderr_has "prefkit: train: later.db: rank 1 has read other data than rank 0"
run 3 beside sample.db --quiet -t 1 --dimension safety --base other \
    --batch-pairs 16 --output no
stderr_has "prefkit: train: other: rank 1 has read another model"
run 3 beside sample.db --quiet -t 1 --dimension safety --base base \
    --batch-pairs 16 --output no --seed 2
stderr_has "prefkit: train: rank 1 has another recipe"
absent no no.state

t "one rank killed: the run ends, and is gone on with to the same bytes"
run 0 ranks 2 "$@" --epochs 12 --output whole --log whole.jsonl \
    --checkpoint-every 10
mpirun --allow-run-as-root --oversubscribe -n 2 "$PREFKIT" "$@" --epochs 12 \
    --output part --log part.jsonl --save-every 4 --checkpoint-every 10 \
    >/dev/null 2>&1 &
pid=$!
while kill -0 $pid 2>/dev/null &&
    [ "$(cat part.jsonl 2>/dev/null | wc -l)" -lt 30 ]; do
    sleep 0.01
done
rank=$(pgrep -P $pid prefkit | tail -n 1)
if [ -z "$rank" ] || [ -e part ]; then
    wait $pid
    skip "the run was over before the kill came"
else
    kill -s KILL "$rank"
    must timeout 60 tail --pid=$pid -f /dev/null
    wait $pid && fail "the run ended as if nothing had been"
    must test -s part.state/state
    absent part
    run 0 ranks 2 "$@" --epochs 12 --output part --log part.jsonl \
        --save-every 4 --resume --checkpoint-every 10
    must cmp whole/model.safetensors part/model.safetensors
    must test -s part.checkpoints/step-000010/model.safetensors
    must diff -r whole.checkpoints part.checkpoints
    must test "$(wc -l <part.jsonl)" -eq "$(wc -l <whole.jsonl)"
    absent part.state
fi

end_test
