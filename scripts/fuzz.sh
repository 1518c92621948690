#!/bin/sh
# Build every fuzz target with clang and run each for some seconds on its seed
# corpus; 0 only runs the seeds. What a fuzzer finds stays in build/fuzz/.
#
#     scripts/fuzz.sh SECONDS [TARGET...]
set -eu
cd "$(dirname "$0")/.."
case ${1-} in
'' | *[!0-9]*)
    echo "usage: scripts/fuzz.sh SECONDS [TARGET...]" >&2
    exit 2
    ;;
esac
seconds=$1
shift
make MODE=fuzz CC=clang fuzzers
if [ $# -eq 0 ]; then
    for source in tests/fuzz/fuzz_*.c; do
        target=${source##*/fuzz_}
        set -- "$@" "${target%.c}"
    done
fi
bad=0
for target in "$@"; do
    found=build/fuzz/corpus/$target
    seeds=tests/fuzz/corpus/$target
    [ "$target" = tokenizer ] && seeds=tests/fixtures/tokenizer
    [ -d "$seeds" ] || seeds=
    mkdir -p "$found"
    if [ "$seconds" -gt 0 ]; then
        limit=-max_total_time=$seconds
    else
        limit=-runs=0
    fi
    echo "fuzz: $target" >&2
    # shellcheck disable=SC2086 # no seeds: no argument
    "build/fuzz/tests/fuzz/fuzz_$target" "$limit" -print_final_stats=1 \
        -rss_limit_mb=1024 -artifact_prefix="build/fuzz/$target-" \
        "$found" $seeds || bad=1
done
exit $bad
