# shellcheck shell=sh source=tests/cli/lib.sh
# kill -9 while an import reads, writes, commits. scripts/kill_import.sh does the
# same 200 times.
. "$REPO/tests/cli/lib.sh"

t "an import that is killed leaves all of the file or nothing, and can be done again"
run 0 sh "$REPO/scripts/kill_import.sh" "$PREFKIT" 12 1000
stdout_has '^12 imports: killed before the commit [1-9]'
