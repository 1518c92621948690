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
# The parts of a room, from the bottom up: each includes its room's door, its
# own headers and those of parts before it.
parts() {
    case $1 in
    infer) echo math text files forest generate verify bench ;;
    prefdb) echo store team import export stats ;;
    rm) echo data report score train serve ;;
    esac
}
# known ROOM PART: the parts that it may know; all of them, for a verb or the
# door (PART is empty).
known() {
    for part in $(parts "$1"); do
        echo "$part"
        [ "$part" = "$2" ] && return
    done
}
# allowed ROOM "PARTS" HEADER
allowed() {
    case $3 in
    common/*) return 0 ;;
    schemas/*.inc) [ "$1" = prefdb ]; return ;;
    "$1"/*/*.inc) return 0 ;;
    "$1"/*/*)
        theirs=${3#*/}
        case " $2 " in *" ${theirs%%/*} "*) return 0 ;; esac
        return 1
        ;;
    "$1"/*) return 0 ;;
    esac
    case " $(doors "$1") " in *" $3 "*) return 0 ;; esac
    return 1
}
for room in common infer prefdb rm annotate; do
    for file in "$room"/*.[ch] "$room"/*/*.[ch]; do
        [ -f "$file" ] || continue
        part=${file#*/}
        case $part in */*) part=${part%%/*} ;; *) part='' ;; esac
        parts=$(known "$room" "$part" | tr '\n' ' ')
        case "$part: $parts" in
        :* | *" $part "*) ;;
        *)
            echo "$file: $room has no such part" >&2
            bad=1
            ;;
        esac
        for inc in $(sed -n 's/^ *# *include "\([^"]*\)".*/\1/p' "$file"); do
            allowed "$room" "$parts" "$inc" && continue
            echo "$file: may not include \"$inc\"" >&2
            bad=1
        done
    done
done

# Every header compiles alone.
for h in common/*.h infer/*.h prefdb/*.h rm/*.h annotate/*.h \
    infer/*/*.h prefdb/*/*.h rm/*/*.h tests/*.h; do
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
if command -v shellcheck >/dev/null; then
    shellcheck -S warning -x .ci/run scripts/*.sh tests/cli/*.sh tests/tui/*.sh || bad=1
else
    echo "lint: shellcheck is not installed: not run" >&2
fi
exit $bad
