#!/bin/sh
# The store's speed: bench_store.sh PREFKIT BENCH_STORE [N...]
# For each N: comparisons shaped as the paper's Table 6 are generated, imported,
# and read; before it the sqlite3 shell imports the same rows into one flat
# table. Times are wall clock and, in brackets, user and system CPU: on a busy
# machine only the latter say anything. Files go to build/bench: 7.7 kB for a
# comparison at most, so that 3000000 want 24 GB; importing again and searching
# are left out above a million.
set -eu
cd "$(dirname "$0")/.."
prefkit=$1 bench=$2
shift 2
[ $# -gt 0 ] || set -- 30000 300000
dir=build/bench
mkdir -p $dir
trap 'rm -f $dir/rows.jsonl $dir/flat.ascii $dir/store.db* $dir/flat.db*' EXIT

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

# The shell takes them from a file where there are few, as the store does; from
# many, which need the disk, straight from their maker on another core.
flat() {
    if [ "$1" -gt 1000000 ]; then
        from="|$bench flat $1 1"
    else
        from=$dir/flat.ascii
        $bench flat "$1" 1 >$from
    fi
    timed 'sqlite3 shell, one flat table' "$1" sqlite3 $dir/flat.db \
        'CREATE TABLE t (context, a, b, strength, annotator)' \
        '.mode ascii' ".import '$from' t"
    rm -f $dir/flat.ascii $dir/flat.db
}

for n in "$@"; do
    echo "== $n comparisons; load $(cut -d' ' -f1 /proc/loadavg)," \
        "$(nproc) cores"
    rm -f $dir/store.db* $dir/flat.db*
    flat "$n"
    $bench rows "$n" 1 >$dir/rows.jsonl
    sync $dir/rows.jsonl
    $prefkit init $dir/store.db
    timed import "$n" $prefkit import -q $dir/store.db $dir/rows.jsonl
    [ "$n" -gt 1000000 ] ||
        timed 'import again' "$n" $prefkit import -q $dir/store.db $dir/rows.jsonl
    rm $dir/rows.jsonl
    timed stats "$n" $prefkit stats $dir/store.db
    timed agreement "$n" $prefkit agreement $dir/store.db
    timed check "$n" $prefkit check $dir/store.db
    $bench read $dir/store.db
    if [ "$n" -le 1000000 ]; then
        timed 'first search (makes the index)' "$n" \
            $prefkit search -q $dir/store.db graho
        timed 'search' "$n" $prefkit search -q $dir/store.db graho
    fi
    echo "$(du -m $dir/store.db | cut -f1) MiB store"
done
