#!/bin/sh
# The store's speed: bench_store.sh PREFKIT BENCH_STORE [N...]
# For each N: comparisons shaped as the paper's Table 6 are generated, imported,
# and read; beside it the sqlite3 shell imports the same rows into one flat
# table. Times are wall clock and, in brackets, user and system CPU: on a busy
# machine only the latter say anything. Files go to build/bench.
set -eu
cd "$(dirname "$0")/.."
prefkit=$1 bench=$2
shift 2
[ $# -gt 0 ] || set -- 30000 300000
dir=build/bench
mkdir -p $dir
trap 'rm -f $dir/rows.jsonl $dir/flat.ascii $dir/store.db* $dir/flat.db' EXIT

# timed NAME ROWS COMMAND...: one line of results.
timed() {
    name=$1 rows=$2
    shift 2
    /usr/bin/time -o $dir/time -f '%e %U %S %M' "$@" >$dir/out
    awk -v name="$name" -v n="$rows" '{
        printf "%-36s %8.2f s (%.2f + %.2f CPU)  %7.0f rows/s  %6.0f per " \
            "CPU second  %4.0f MiB\n", name, $1, $2, $3, n / ($1 + 1e-9),
            n / ($2 + $3 + 1e-9), $4 / 1024 }' $dir/time
}

for n in "$@"; do
    echo "== $n comparisons; load $(cut -d' ' -f1 /proc/loadavg)," \
        "$(nproc) cores"
    rm -f $dir/store.db* $dir/flat.db
    $bench rows "$n" 1 >$dir/rows.jsonl
    $prefkit init $dir/store.db
    timed import "$n" $prefkit import -q $dir/store.db $dir/rows.jsonl
    timed 'import again' "$n" $prefkit import -q $dir/store.db $dir/rows.jsonl
    rm $dir/rows.jsonl
    $bench flat "$n" 1 >$dir/flat.ascii
    timed 'sqlite3 shell, one flat table' "$n" sqlite3 $dir/flat.db \
        'CREATE TABLE t (context, a, b, strength, annotator)' \
        '.mode ascii' ".import $dir/flat.ascii t"
    rm $dir/flat.ascii $dir/flat.db
    timed stats "$n" $prefkit stats $dir/store.db
    timed agreement "$n" $prefkit agreement $dir/store.db
    timed check "$n" $prefkit check $dir/store.db
    $bench read $dir/store.db
    timed 'first search (makes the index)' "$n" \
        $prefkit search -q $dir/store.db graho
    timed 'search' "$n" $prefkit search -q $dir/store.db graho
    echo "$(du -m $dir/store.db | cut -f1) MiB store"
done
