# shellcheck shell=sh source=tests/cli/lib.sh
# What a training run that fails leaves behind, and says that it leaves.
. "$REPO/tests/cli/lib.sh"

sample_store || exit 1
small_base || exit 1

# start DIR [OPTION...]: a run of 108 small steps
start() {
    dir=$1
    shift
    prefkit train sample.db --quiet -t 1 --dimension safety --base base \
        --output "$dir" --epochs 6 --lr 1e-2 --batch-pairs 16 \
        --micro-tokens 512 "$@"
}

# until_there FILE PID: wait until the file is there, or the run is over
until_there() {
    while kill -0 "$2" 2>/dev/null && [ ! -s "$1" ]; do
        sleep 0.01
    done
}

run 0 start whole --log whole.jsonl

t "a log that cannot be written: the step is saved, and the run goes on"
refused 4 "No space left.*; 1 of 108 steps are in log.state, and the same \
command with --resume goes on from there" start log --log /dev/full
absent log
run 0 start log --log log.jsonl --resume
must cmp whole/model.safetensors log/model.safetensors
must cmp whole/prefkit.json log/prefkit.json
sed 's/,"seconds":[^,}]*//' whole.jsonl >one.log
sed 's/,"seconds":[^,}]*//' log.jsonl >two.log
must cmp one.log two.log
absent log.state

t "a curve that has no place is refused before the first step"
refused 4 "nodir/x.svg" start curve --curve nodir/x.svg
absent curve curve.state

t "an output that someone makes meanwhile: nothing is lost"
start taken --save-every 0 --log taken.jsonl >stdout 2>stderr &
pid=$!
until_there taken.jsonl $pid
mkdir taken 2>/dev/null && touch taken/mine
wait $pid
status=$?
if [ $status -eq 0 ]; then
    skip "the run was over before"
else
    must test $status -eq 2
    stderr_has "there already.*108 of 108 steps are in taken.state.*--resume"
    must test "$(ls taken)" = mine
    rm -r taken
    run 0 start taken --save-every 0 --resume
    must cmp whole/model.safetensors taken/model.safetensors
    absent taken.state
fi

t "a full disk: named, with what was saved before; gone on with where there is room"
mkdir disk
if ! mount -t tmpfs -o size=1m tmpfs disk 2>/dev/null; then
    skip "no disk to fill"
else
    start disk/out --save-every 3 >stdout 2>stderr &
    pid=$!
    until_there disk/out.state/state $pid
    cat /dev/zero >disk/fill 2>/dev/null
    wait $pid
    status=$?
    if [ $status -eq 0 ]; then
        skip "the run was over before"
    else
        must test $status -eq 4
        must test "$(wc -l <stderr)" -eq 1
        stderr_has "disk/out.*No space left.*; [0-9]* of 108 steps are in \
disk/out.state, and the same command with --resume"
        rm disk/fill
        run 0 start disk/out --save-every 3 --resume
        must cmp whole/model.safetensors disk/out/model.safetensors
        absent disk/out.state
    fi
    cat /dev/zero >disk/fill 2>/dev/null
    run 4 start disk/none --save-every 3
    stderr_has "disk/none.state/state.*No space left"
    absent disk/none disk/none.state
    umount disk
fi
