#!/bin/sh
# How long a labeler waits: bench_annotate.sh PREFKIT BENCH_ANNOTATE
# BENCH_STORE [N]. A store of N comparisons (default a million) shaped as the
# paper's Table 6, and one of pairs whose responses have 2 MB each. Files go to
# build/bench; the large store stays there for the next time.
set -eu
cd "$(dirname "$0")/.."
prefkit=$1 bench=$2 rows=$3 n=${4:-1000000}
dir=build/bench
mkdir -p $dir
trap 'rm -f $dir/big.* $dir/labelers.db*' EXIT
echo "load $(cut -d' ' -f1 /proc/loadavg), $(nproc) cores"
if [ ! -f $dir/labelers-"$n".db ]; then
    rm -f $dir/labelers.db*
    $prefkit init $dir/labelers.db
    $rows rows "$n" 1 | $prefkit import -q $dir/labelers.db - >/dev/null
    mv $dir/labelers.db $dir/labelers-"$n".db
fi
echo "== $n comparisons"
$prefkit backup $dir/labelers-"$n".db $dir/labelers.db >/dev/null
sync # nobody's verdict waits for the copy
$bench run "$prefkit" $dir/labelers.db
echo "== responses of 2 MB"
$bench rows >$dir/big.jsonl
$prefkit init $dir/big.db
$prefkit import -q $dir/big.db $dir/big.jsonl >/dev/null
$bench run "$prefkit" $dir/big.db
