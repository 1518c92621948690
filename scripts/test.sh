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
sh scripts/deps.sh page || echo "no browser: the report's page is not looked at"
stage "build" make -j"$jobs" all suites
[ -z "$failed" ] || exit 1
stage "Check suites" make check
stage "end to end" make check-cli
if sh scripts/deps.sh mpi; then
    stage "build for MPI" make -j"$jobs" MPI=1 all
    stage "training by several ranks" tests/cli/run.sh build/release-mpi/prefkit mpi
else
    echo "no MPI: training by several ranks is not tried"
fi
stage "lint" make lint
stage "build for ASan and UBSan" make -j"$jobs" MODE=asan suites
stage "Check suites under ASan and UBSan" make asan

echo
if [ -n "$failed" ]; then
    echo "FAILED: ${failed#, }"
    exit 1
fi
echo "Everything passed."
