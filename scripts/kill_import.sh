#!/bin/sh
# An import killed at any moment: kill_import.sh PREFKIT BENCH_STORE [TIMES]
# Each time the store must open and pass `check`; in the end importing again
# completes it, and it holds what an import that was not killed does.
set -eu
cd "$(dirname "$0")/.."
prefkit=$1 bench=$2 times=${3:-20}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
$bench rows 3000 1 >"$dir/rows.jsonl"
$prefkit init "$dir/whole.db"
$prefkit import -q "$dir/whole.db" "$dir/rows.jsonl" >/dev/null
want=$($prefkit check "$dir/whole.db" | grep fingerprint)
$prefkit init "$dir/x.db"
i=0
killed=0
while [ $i -lt "$times" ]; do
    i=$((i + 1))
    $prefkit import -q "$dir/x.db" "$dir/rows.jsonl" >/dev/null 2>&1 &
    sleep "0.$(printf '%03d' $((i * 37 % 400)))"
    kill -9 $! 2>/dev/null && killed=$((killed + 1))
    wait $! 2>/dev/null || :
    $prefkit check "$dir/x.db" >"$dir/check" || {
        cat "$dir/check"
        exit 1
    }
    case $(grep fingerprint "$dir/check") in
    "$want") # complete: begin anew
        rm -f "$dir"/x.db*
        $prefkit init "$dir/x.db"
        ;;
    esac
done
$prefkit import -q "$dir/x.db" "$dir/rows.jsonl" >/dev/null
got=$($prefkit check "$dir/x.db" | grep fingerprint)
[ "$got" = "$want" ] || {
    echo "the store is not what an import that is not killed makes" >&2
    exit 1
}
echo "$times imports, $killed of them killed: each store passed check"
