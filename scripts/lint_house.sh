#!/bin/sh
# The house's rules (HACKING.md), checked: who may include whom, a header's guard
# is its path, and a file that a comment names is there.
set -eu
cd "$(dirname "$0")/.."
bad=0

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
    annotate) echo text judge terminal source live screen plain ;;
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

# A header's guard is its path.
for h in $(git ls-files --cached --others --exclude-standard '*.h'); do
    guard=PREFKIT_$(echo "$h" | tr 'a-z/.' 'A-Z__')
    grep -q "^#ifndef $guard\$" "$h" && grep -q "^#define $guard\$" "$h" && continue
    echo "$h: its guard is not $guard" >&2
    bad=1
done

# Files of ours that comments and HACKING.md name: by their paths, or as
# "see NAME.h" from the folder they are in.
named() {
    git grep -noE '\b(common|infer|prefdb|rm|annotate|tests|scripts|schemas)/[a-z0-9_/]+\.(c|h|sh|py|sql|css|svg)\b' \
        -- '*.[ch]' '*.sh' HACKING.md | sed 's/:[0-9]*:/ /'
    git grep -noE '\bsee [a-z0-9_]+\.[ch]\b' -- '*.[ch]' |
        sed 's|^\([^:]*/\)\([^/:]*\):[0-9]*:see |\1\2 \1|'
}
named | sort -u | while read -r file name; do
    [ -f "$name" ] || echo "$file: there is no $name"
done | grep . >&2 && bad=1
exit $bad
