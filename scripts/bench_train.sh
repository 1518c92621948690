#!/bin/sh
# The trainer against this machine's limit: see tests/bench/bench_train.c.
#
#     scripts/bench_train.sh BENCH PREFKIT [110M|shared|1.1B|7B]...
#
# 1.1B takes 18 GiB of memory, and 7B writes a base of 13 GB (in $BENCH_DIR, or
# build/bench) and takes as much; without arguments neither is run.
set -eu
bench=$1
prefkit=$2
shift 2
[ $# -gt 0 ] || set -- 110M shared
for what in "$@"; do
    if [ "$what" = 7B ]; then
        base=${BENCH_DIR:-build/bench}/7B
        [ -e "$base" ] || "$prefkit" init-model "$base" --dtype bf16 \
            --tokenizer scripts/sample/tokenizer.model \
            --shape dim=4096,layers=32,heads=32,hidden=11008
        "$bench" lora "$base" 1
    elif [ "$what" = 1.1B ]; then
        "$bench" 1.1B 2
    else
        "$bench" "$what"
    fi
done
