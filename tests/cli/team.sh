# shellcheck shell=sh source=tests/cli/lib.sh
# A team's stores: merged, dealt into batches and splits, searched, copied.
. "$REPO/tests/cli/lib.sh"

for who in ann bob all; do
    prefkit init $who.db
done
prefkit import -q ann.db "$SAMPLE/comparisons.jsonl" >/dev/null
i=0
while [ $i -lt 40 ]; do
    printf '{"messages":[{"role":"user","content":"Question %d?"}],' $i
    printf '"a":"Yes, %d.","b":"No."}\n' $i
    i=$((i + 1))
done >rows.jsonl
prefkit import -q bob.db rows.jsonl --source desk >/dev/null

count() {
    prefkit export -q "$1" | wc -l
}

t "two stores in one, as often as one likes"
run 0 prefkit merge all.db ann.db bob.db
must test "$(count all.db)" -eq $(($(count ann.db) + $(count bob.db)))
run 0 prefkit merge all.db bob.db ann.db
must test "$(grep -c '^ *0  new ' stdout)" -eq "$(grep -c '  new ' stdout)"
must test "$(grep -c '^ *0  conflicts' stdout)" -eq 2
run 0 prefkit check all.db

t "what cannot be merged is said, and the store stays"
before=$(count all.db)
refused 4 "cannot open 'none.db'" prefkit merge all.db none.db
refused 2 "is the store itself" prefkit merge all.db all.db
must test "$(count all.db)" -eq "$before"

t "batches: a dry run keeps nothing, what is free goes in, then nothing is left"
run 0 prefkit batch bob.db one --size 30 --test 5 --dry-run
stdout_has "nothing kept.*: 30 comparisons"
run 0 prefkit batch bob.db one --size 30 --test 5
stdout_has "^batch one: 30 comparisons, [5-9] of them held out"
run 0 prefkit batch bob.db two
stdout_has "^batch two: 10 comparisons"
run 0 prefkit batch bob.db three
stdout_has "^batch three: 0 comparisons"
stderr_has "no comparison is free"
run 0 prefkit batch bob.db
must test "$(grep -c '^one\|^two' stdout)" -eq 2
must test "$(grep -c three stdout)" -eq 0

t "a mistyped source is not an empty one"
for verb in "export all.db --source" "batch all.db four --source" \
    "split all.db --hold-out" "stats all.db --models=" "campaign all.db c \
    --dimension safety --source"; do
    # shellcheck disable=SC2086 # words
    set -- $verb
    case $verb in
    *=) refused 2 "there is no source 'typo'" prefkit "$1" "$2" "$3typo" ;;
    *) refused 2 "there is no source 'typo'" prefkit "$@" typo ;;
    esac
done

t "splits dealt anew hold what they are told to"
run 0 prefkit split all.db --shares 50/25/25
stdout_has "[0-9]* train, [0-9]* valid, [0-9]* test; [0-9]* comparisons moved"
must awk '{ n = $1 + $3 + $5
    exit !($1 > .4 * n && $1 < .6 * n && $3 > .15 * n && $5 > .15 * n) }' stdout
run 0 prefkit check all.db
run 2 prefkit split all.db --shares 80/10
stderr_has "three numbers"

t "found, shown, and not found"
run 0 prefkit search bob.db "Question 7"
stdout_has "user: \[*Question\]* \[*7\]*?"
number=$(sed -n '1s/^comparison \([0-9]*\) .*/\1/p' stdout)
run 0 prefkit show bob.db "$number"
stdout_has "Yes, 7\."
run 1 prefkit search bob.db nowhere
refused 2 "there is no comparison 99999" prefkit show bob.db 99999
run 0 prefkit show all.db j7
stdout_has "^judgment 7: "
refused 2 "there is no judgment 99999" prefkit show bob.db j99999
refused 2 "neither a row number" prefkit show bob.db j

t "a copy of a store in use is whole, and replaces nothing"
run 0 prefkit backup bob.db copy.db
run 0 prefkit check copy.db
must test "$(count copy.db)" -eq "$(count bob.db)"
refused 2 "is there already" prefkit backup ann.db copy.db
must test "$(count copy.db)" -eq "$(count bob.db)"
end_test
