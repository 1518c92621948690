#!/bin/sh
# The house's rules, then the compiler, clang-format, clang-tidy and shellcheck.
# lint.sh BUILD: where the Makefile has put the headers that it makes.
set -eu
cd "$(dirname "$0")/.."
bad=0
build=$1

sh scripts/lint_house.sh || bad=1

# Every header compiles alone.
for h in common/*.h infer/*.h prefdb/*.h rm/*.h annotate/*.h \
    infer/*/*.h prefdb/*/*.h rm/*/*.h annotate/*/*.h tests/*.h; do
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
    unset MAKEFLAGS MFLAGS MAKELEVEL # jobs of its own
    make -s -k V=1 -j"$(nproc)" tidy || bad=1
else
    echo "lint: clang-tidy is not installed: not run" >&2
fi
# What a program that links the library sees carries its room's name.
for room in common infer prefdb rm annotate; do
    prefix=$room
    [ $room = common ] && prefix=pk
    for o in "$build/$room"/*.o "$build/$room"/*/*.o; do
        [ -f "$o" ] || continue
        nm -g --defined-only "$o" | awk -v p="${prefix}_" -v o="$o" '
            NF == 3 && index($3, p) != 1 { print o ": " $3 " lacks " p; bad = 1 }
            END { exit bad }' >&2 || bad=1
    done
done
if command -v shellcheck >/dev/null; then
    shellcheck -S warning -x .ci/run scripts/*.sh tests/cli/*.sh tests/tui/*.sh || bad=1
else
    echo "lint: shellcheck is not installed: not run" >&2
fi
exit $bad
