#!/bin/sh
# The trainer against this machine's limits: see tests/bench/bench_train.c, which
# makes everything up in memory and can be run anywhere by itself.
#
#     scripts/bench_train.sh BENCH [110M|shared|1.1B|7B]...
#
# 1.1B takes 18 GiB of memory and 7B (adapters on a base in bf16) 15: without
# arguments neither is run.
set -eu
bench=$1
shift
[ $# -gt 0 ] || set -- 110M shared
for what in "$@"; do
    case $what in
    110M)
        "$bench" 110M 3 fp32
        "$bench" 110M 3 bf16
        ;;
    1.1B | 7B) "$bench" "$what" 2 ;;
    *) "$bench" "$what" ;;
    esac
done
