#!/bin/sh
# A model larger than memory is read layer by layer: how much of the speed in
# memory that keeps (tests/bench/bench_stream.c), on a random model made for it.
#
#     scripts/bench_stream.sh PREFKIT BENCH [SHAPE [TOKENS]]
set -eu
prefkit=$1
bench=$2
here=$(dirname "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$prefkit" init-model "$dir/model" --shape "${3:-110M}" \
    --tokenizer "$here/sample/tokenizer.model" --quiet
"$bench" "$dir/model" "${4:-4096}"
