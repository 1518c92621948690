#!/bin/sh
# Install what the tests need, build, and run every check there is. Any
# failure fails it; a stage that failed does not stop the ones after it.
#
#     sh scripts/test.sh
set -u
cd "$(dirname "$0")/.." || exit 1
jobs=$(nproc)
failed=""

stage() {
    name=$1
    shift
    printf '\n== %s\n' "$name"
    "$@" </dev/null || failed="$failed, $name"
}

printf '== packages\n'
sh scripts/deps.sh test && sh scripts/deps.sh lint || exit 1
stage "build" make -j"$jobs"
[ -z "$failed" ] || exit 1
stage "tests" make -j"$jobs" test
stage "lint" make lint
stage "tests under ASan and UBSan" make -j"$jobs" asan

echo
if [ -n "$failed" ]; then
    echo "FAILED: ${failed#, }"
    exit 1
fi
echo "Everything passed."
