#!/bin/sh
# The house's rules, checked: who may include whom, formatting, clang-tidy, and
# what shellcheck finds in the scripts. lint.sh BUILD: where the Makefile has put
# the headers that it makes.
set -eu
cd "$(dirname "$0")/.."
bad=0
build=$1

# Who may include whom (HACKING.md). A room includes common/ headers, its own,
# and the doors (room/room.h) of the rooms it may know.
doors() {
    case $1 in
    common | infer | prefdb) ;;
    rm | annotate) echo infer/infer.h prefdb/prefdb.h ;;
    esac
}
for room in common infer prefdb rm annotate; do
    for file in "$room"/*.[ch]; do
        [ -f "$file" ] || continue
        for inc in $(sed -n 's/^ *# *include "\([^"]*\)".*/\1/p' "$file"); do
            case $inc in
            "$room"/* | common/*) continue ;;
            schemas/*.inc) [ "$room" = prefdb ] && continue ;;
            esac
            case " $(doors "$room") " in *" $inc "*) continue ;; esac
            echo "$file: may not include \"$inc\"" >&2
            bad=1
        done
    done
done

# Every header compiles alone.
for h in common/*.h infer/*.h prefdb/*.h rm/*.h annotate/*.h tests/*.h; do
    [ -f "$h" ] || continue
    echo "#include \"$h\"" | gcc -std=c11 -D_GNU_SOURCE -I. -Wall -Wextra \
        -Werror -fopenmp -fsyntax-only -x c - || bad=1
done

# Every fuzz target compiles, which only make fuzz builds.
for target in tests/fuzz/fuzz_*.c; do
    # shellcheck disable=SC2046 # several options
    gcc -std=c11 -D_GNU_SOURCE -I. -I"$build" -Wall -Wextra -Werror -fopenmp \
        $(pkg-config --cflags sqlite3 libcjson) -fsyntax-only "$target" || bad=1
done

sources=$(git ls-files --cached --others --exclude-standard '*.c' '*.h')
if command -v clang-format >/dev/null; then
    clang-format --dry-run --Werror $sources || bad=1
else
    echo "lint: clang-format is not installed: formatting not checked" >&2
fi
if command -v clang-tidy >/dev/null; then
    # tests/ are left to the compiler: Check's macros trip half the checks.
    # shellcheck disable=SC2016 # "$@" is the inner shell's
    echo "$sources" | tr ' ' '\n' | grep '\.c$' | grep -v '^tests/' |
        xargs -P "$(nproc)" -n 8 sh -c 'clang-tidy --quiet "$@" -- -std=c11 \
            -D_GNU_SOURCE -I. -I'"$build"' -fopenmp \
            -I/usr/include/x86_64-linux-gnu/openblas-openmp 2>/dev/null' tidy ||
        bad=1
else
    echo "lint: clang-tidy is not installed: not run" >&2
fi
if command -v shellcheck >/dev/null; then
    shellcheck -S warning -x .ci/run scripts/*.sh tests/cli/*.sh tests/tui/*.sh || bad=1
else
    echo "lint: shellcheck is not installed: not run" >&2
fi
exit $bad
