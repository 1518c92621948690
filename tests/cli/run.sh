#!/bin/sh
# Run every end-to-end script here on one program, each in an empty folder of
# its own, and count its tests.
#
#     tests/cli/run.sh build/release/prefkit [NAME...]
set -u
prog=${1:?usage: tests/cli/run.sh PROG [NAME...]}
shift
here=$(cd "$(dirname "$0")" && pwd)
PREFKIT=$(cd "$(dirname "$prog")" && pwd)/$(basename "$prog")
REPO=$(cd "$here/../.." && pwd)
DATA=$(cd "${PREFKIT_DATA:-$REPO/../shared/data}" 2>/dev/null && pwd) || DATA=""
[ -x "$PREFKIT" ] || {
    echo "run.sh: no program at $PREFKIT" >&2
    exit 2
}
unset OMP_NUM_THREADS
tmp=$(mktemp -d "${TMPDIR:-/tmp}/prefkit-cli-XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
RESULTS=$tmp/results
: >"$RESULTS"
export PREFKIT REPO DATA RESULTS LC_ALL=C.UTF-8

for script in "$here"/*.sh "$here"/../tui/*.sh; do
    name=$(basename "$script" .sh)
    case $name in run | lib) continue ;; esac
    case " $* " in "  " | *" $name "*) ;; *) continue ;; esac
    mkdir "$tmp/$name"
    (cd "$tmp/$name" && sh "$script" </dev/null)
    status=$?
    if [ $status -ne 0 ]; then
        echo "FAIL $name: the script itself ended with $status"
        echo failed >>"$RESULTS"
    fi
done

count() {
    grep -c "^$1\$" "$RESULTS"
}
printf 'end to end: %d passed, %d failed, %d skipped\n' \
    "$(count passed)" "$(count failed)" "$(count skipped)"
[ "$(count failed)" -eq 0 ] && [ "$(count passed)" -gt 0 ]
