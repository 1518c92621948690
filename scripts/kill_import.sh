#!/bin/sh
# An import killed (-9) at random moments: kill_import.sh PREFKIT [TIMES [ROWS]]
# Every other kill falls into the last third of the time that an import takes,
# where the transaction is committed and the log written back. Each time the
# store must open, pass `check`, and hold all of the file or nothing of it; then
# importing again completes it, and it holds what an import that was not killed
# does.
set -eu
prefkit=$1 times=${2:-200} rows=${3:-3000}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

awk -v n="$rows" 'BEGIN {
    for (i = 0; i < 12; i++) text = text "a text that is as long as answers are, "
    for (i = 0; i < n; i++)
        printf "{\"messages\":[{\"role\":\"user\",\"content\":\"question %d\"}]," \
            "\"a\":\"%s%d\",\"b\":\"%sno %d\",\"source\":\"s\",\"judgments\":[" \
            "{\"dimension\":\"safety\",\"choice\":\"a\",\"annotator\":\"w%d\"}]}\n",
            i, text, i, text, i, i % 7
}' >"$dir/rows.jsonl"

now() {
    date +%s%N
}
import() {
    $prefkit import -q "$dir/x.db" "$dir/rows.jsonl" >/dev/null 2>&1
}
anew() {
    rm -f "$dir"/x.db*
    $prefkit init "$dir/x.db"
}
# The store passes check; prints its fingerprint.
checked() {
    $prefkit check "$dir/x.db" >"$dir/check" || {
        cat "$dir/check" >&2
        exit 1
    }
    grep fingerprint "$dir/check"
}

anew
empty=$(checked)
start=$(now)
import
took=$(($(now) - start))
whole=$(checked)

# When to kill, in seconds.
awk -v n="$times" -v took=$took 'BEGIN {
    srand(1)
    for (i = 0; i < n; i++) {
        at = i % 2 ? 0.67 + 0.4 * rand() : rand()
        printf "%.4f\n", at * took / 1e9
    }
}' >"$dir/when"

before=0 after=0 late=0
anew
while read -r when; do
    $prefkit import -q "$dir/x.db" "$dir/rows.jsonl" >/dev/null 2>&1 &
    pid=$!
    sleep "$when"
    kill -9 $pid 2>/dev/null && alive=1 || alive=0
    wait $pid 2>/dev/null || :
    got=$(checked)
    case $got in
    "$whole")
        if [ "$alive" -eq 1 ]; then after=$((after + 1)); else late=$((late + 1)); fi
        import
        [ "$(checked)" = "$whole" ] || {
            echo "importing again changed a store that was whole" >&2
            exit 1
        }
        anew
        ;;
    "$empty") before=$((before + 1)) ;;
    *)
        echo "the store holds part of the file" >&2
        exit 1
        ;;
    esac
done <"$dir/when"
import
[ "$(checked)" = "$whole" ] || {
    echo "importing again does not complete the store" >&2
    exit 1
}
echo "$times imports: killed before the commit $before, after it $after; not in time $late"
