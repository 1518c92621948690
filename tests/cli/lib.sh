# shellcheck shell=sh
# What the end-to-end scripts share. A script is a row of tests:
#
#     t "what is expected"
#     run 0 prefkit stats my.db       # the exit status, then the command
#     stdout_has "894"
#
# The first expectation that is not met fails its test; the rest of it runs on.
# run leaves standard output and standard error in ./stdout and ./stderr.

SAMPLE=$REPO/scripts/sample
TEST=""
BAD=0

prefkit() {
    "$PREFKIT" "$@"
}

end_test() {
    [ -z "$TEST" ] && return
    if [ $BAD -eq 0 ]; then echo passed; else echo failed; fi >>"$RESULTS"
    TEST=""
}
trap end_test EXIT

t() {
    end_test
    TEST=$1
    BAD=0
}

fail() {
    [ $BAD -eq 0 ] && echo "FAIL $(basename "$0" .sh): $TEST"
    echo "     $*"
    BAD=1
}

# The test cannot run here.
skip() {
    echo "skipped: $(basename "$0" .sh): $TEST: $1"
    echo skipped >>"$RESULTS"
    TEST=""
}

# run STATUS COMMAND...
run() {
    want=$1
    shift
    "$@" >stdout 2>stderr
    got=$?
    [ $got -eq "$want" ] && return
    fail "status $got, not $want: $*"
    sed 's/^/     | /' stderr | head -n 5
}

# soon COMMAND...: wait until it succeeds; false where it has not in a while
soon() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -gt 200 ] && return 1
        sleep 0.05
    done
}

# must COMMAND...: it succeeds
must() {
    "$@" || fail "not so: $*"
}

stdout_has() {
    grep -q -e "$1" stdout || fail "standard output lacks '$1'"
}

stderr_has() {
    grep -q -e "$1" stderr || fail "standard error lacks '$1': $(head -n 1 stderr)"
}

# talk COMMAND...: in the background; what is written to descriptor 3 is its
# input, and ./stdout grows as it prints.
talk() {
    rm -f talk-in talk-out
    mkfifo talk-in talk-out
    (
        trap '' XFSZ
        exec "$@" <talk-in >talk-out 2>stderr
    ) &
    talking=$!
    cat talk-out >stdout &
    heard=$!
    exec 3>talk-in
}

# says PATTERN: it prints that, now or soon
says() {
    soon grep -q -e "$1" stdout
    stdout_has "$1"
}

# The end of its input, and then of it: its status
hush() {
    exec 3>&-
    wait "$heard"
    wait "$talking"
}

# no_room PID, room PID: no file of its may grow, which is to the program what a
# full disk is; where it ignores SIGXFSZ.
no_room() {
    prlimit --pid "$1" --fsize=1:unlimited
}
room() {
    prlimit --pid "$1" --fsize=unlimited:unlimited
}

# refused STATUS PATTERN COMMAND...: exactly one line on standard error that
# names the program and the verb and matches; nothing on standard output.
refused() {
    want=$1
    pattern=$2
    shift 2
    run "$want" "$@"
    [ "$(wc -l <stderr)" -eq 1 ] || fail "not one line of error: $*"
    [ -s stdout ] && fail "standard output is not empty: $*"
    grep -q '^prefkit: [a-z-]*: ' stderr || fail "whose error? $(cat stderr)"
    stderr_has "$pattern"
}

# Nothing of these names, or of their temporary files, is there.
absent() {
    for path in "$@"; do
        for found in "$path" "$path".tmp.* "$(dirname "$path")"/.*.tmp.*; do
            [ -e "$found" ] && fail "left behind: $found"
        done
    done
}

# A model small enough to train in a second, and a store of the sample.
small_base() {
    prefkit init-model base --quiet --tokenizer "$SAMPLE/tokenizer.model" \
        --shape dim=16,layers=2,heads=4,kv_heads=2,hidden=32
}

# other_tokenizer DIR: "the" is two other letters' token in it from now on.
other_tokenizer() {
    LC_ALL=C sed 's/\(\xe2\x96\x81\)the/\1hte/' "$1/tokenizer.model" >"$1/changed"
    mv "$1/changed" "$1/tokenizer.model"
}

sample_store() {
    prefkit init sample.db && prefkit import --quiet sample.db \
        "$SAMPLE/comparisons.jsonl" >/dev/null
}

# train_small DIMENSION DIR
train_small() {
    prefkit train sample.db --quiet --dimension "$1" --base base --output "$2" \
        --source dialogues --lr 1e-2 --batch-pairs 64 >/dev/null 2>train.err || {
        status=$?
        cat train.err >&2
        return $status
    } # its warning, that all of it is warm-up, is no news
}

# A fake OpenAI-compatible endpoint (tests/fake_endpoint.h) for the rest of the
# script: its address is in $at, and $at/FAULT/v1 does what FAULT says.
start_endpoint() {
    "$(dirname "$PREFKIT")/tests/tui/fake_endpoint" >port &
    fake=$!
    trap 'kill $fake; end_test' EXIT
    soon test -s port
    export no_proxy='*'
    # shellcheck disable=SC2034 # for the script
    at=http://127.0.0.1:$(cat port)
}
