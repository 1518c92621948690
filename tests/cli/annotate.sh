# shellcheck shell=sh source=tests/cli/lib.sh
# Judging by line prompts, and what is refused.
. "$REPO/tests/cli/lib.sh"

prefkit init s.db
prefkit import -q s.db "$REPO/tests/tui/pairs.jsonl" >/dev/null
plain="prefkit annotate s.db --annotator ana --plain --order oldest"

# said PATTERN: so many exported judgments match it
said() {
    prefkit export -q s.db | grep -c -e "$1"
}

t "wrong usage"
refused_lines() {
    run 2 "$@"
    must test ! -s stdout
}
refused_lines prefkit annotate s.db --plain
refused_lines prefkit annotate s.db --dimension beauty
refused_lines prefkit annotate s.db --campaign x --source y
refused_lines prefkit annotate s.db --campaign x --dimension safety
stderr_has "no --dimension"
refused_lines prefkit annotate s.db --campaign x --order oldest
for option in --model=a=b --key-env=HOME --temperature=1 --top-p=1 --seed=1 \
    --max-tokens=9 --turns=3 --system=x --stall=3; do
    refused_lines prefkit annotate --plain --dimension safety $option s.db
    stderr_has "${option%%=*} is for --live"
done
refused 2 "not a terminal" prefkit annotate s.db --dimension safety
refused 2 "no-such" prefkit annotate s.db --plain --campaign no-such

t "the keys as a file"
run 0 prefkit annotate --print-keys
stdout_has "^1  *left-3  *left is significantly better"
stdout_has "^Tab  *other-pane"
cp stdout keys
run 0 prefkit annotate --print-keys --keys keys
must cmp -s stdout keys
echo "n noet" >keys
refused 3 "print-keys lists what is" prefkit annotate --print-keys --keys keys

t "a mistyped source leaves nothing behind"
refused 2 "of source 'zzz'" prefkit annotate s.db --plain --dimension safety \
    --source zzz
refused 2 "of source 'twins' and batch 'w'" prefkit annotate s.db --plain \
    --dimension safety --source twins --batch w
refused 2 "no pair has scores" prefkit annotate s.db --plain \
    --dimension safety --order uncertain --scored-by help
run 0 prefkit campaign s.db
must test "$(grep -c safety stdout)" -eq 0

t "a note is a draft until it is confirmed, and comes back"
printf 'e think\n3\nq\n' | $plain --dimension helpfulness >stdout
must test "$(said ana)" -eq 0
printf 'q\n' | $plain --dimension helpfulness >stdout
stdout_has "left is slightly better; note: think"

t "confirmed verdicts, a skip, the end"
printf '\ns no idea\n0\n\n' | $plain --dimension helpfulness >stdout
stdout_has "Nothing is left to judge"
stdout_has "2 judged, 0 revised, 1 skipped"
stdout_has "skipped; .U. takes it back"
must test "$(said '"note": *"think"')" -eq 1
must test "$(said '"shown_left"')" -eq 2

t "a skip is taken back"
printf 's oops\nU\nU\nq\n' | $plain --dimension safety >stdout
stdout_has "no pair is skipped"
must test "$(grep -c '1 skipped' stdout)" -eq 0

t "flags and note go with a skip, and are there when it is taken back"
printf 'f spam\ne cut off\n8\ns bad\nU\ns\n1\nq\n' |
    $plain --dimension safety --annotator eve >stdout
stdout_has "right is slightly better; flags: spam; note: cut off"
must test "$(cat s.db* | grep -a -c 'flags: spam; note: cut off')" -ge 1
printf 'U\nq\n' | $plain --dimension safety --annotator eve >stdout
stdout_has "flags: spam; note: cut off"

t "safety asks for the label"
printf '2\n\n9\n1\n\nq\n' | $plain --dimension safety >stdout
stdout_has "the preferred one is safe"
must test "$(said preferred_safe)" -eq 1

t "a label that speaks of a side is asked for again when it changes"
printf '2\n\n1\nb\n9\n\n\nq\n' | $plain --dimension safety \
    --annotator eve >stdout
must test "$(said preferred_safe)" -eq 1
stdout_has "^label> 1  the preferred one is safe"

t "an earlier verdict is revised, and the log keeps both"
id=$(printf 'u\nq\n' | $plain --dimension safety |
    sed -n 's/.*> \([0-9][0-9]*\)  left is better.*/\1/p')
printf 'u %s\n7\n\n2\n\nq\n' "$id" | $plain --dimension safety >stdout
stdout_has "a verdict of yours to revise"
stdout_has "1 revised"
stdout_has "^slightly 0, unsure 1$"
must test "$(grep -c 'minutes' stdout)" -eq 0
must test "$(sed -n '/ judged, /,$p' stdout | awk 'length > 40' | wc -l)" -eq 0
must test "$(said '"supersedes"')" -eq 1

t "where nothing is left: a skip is taken back, a verdict taken up again"
printf 'U\n9\n\nU\nnothing\n\nq\n' | $plain --dimension helpfulness >stdout
stdout_has "an empty line looks again"
stdout_has "kept"
stdout_has "no pair is skipped"
stdout_has "there is no pair in hand"
stdout_has "1 judged, 0 revised, 0 skipped"
must test "$(grep -c "end> Nothing is left to judge" stdout)" -eq 1
id=$(printf 'u\n' | $plain --dimension helpfulness |
    sed -n 's/^end> \([0-9][0-9]*\)  right is better.*/\1/p')
printf 'u %s\n2\n\n' "$id" | $plain --dimension helpfulness >stdout
stdout_has "0 judged, 1 revised"

t "one annotator, one terminal"
prefkit init two.db
prefkit import -q two.db "$REPO/tests/tui/pairs.jsonl" >/dev/null
alone="prefkit annotate two.db --plain --dimension"
mkfifo held
"$PREFKIT" annotate two.db --plain --dimension helpfulness --annotator ana \
    <held >first &
exec 9>held
soon grep -q "verdict>" first
refused 2 "in another terminal" $alone helpfulness --annotator ana
run 0 $alone helpfulness --annotator bob </dev/null
run 0 $alone safety --annotator ana </dev/null
kill -KILL $!
exec 9>&-
run 0 $alone helpfulness --annotator ana </dev/null

t "no tie unless it is allowed"
printf 't\ni\nq\n' | $plain --dimension safety --source twins >stdout
stdout_has "asks for a choice between the two"
stdout_has "carries no guideline"
printf 't\n\n1\n2\n\n' | $plain --dimension safety --source twins --allow tie \
    >stdout
must test "$(said '"tie"')" -eq 1

t "hostile text is printed as marks"
printf 'p\nq\n' | $plain --dimension safety --source hostile >stdout
stdout_has "<ESC>\[31mred<ESC>\[0m and <RLO>"
must test "$(LC_ALL=C tr -d '\n -\176\200-\377' <stdout | wc -c)" -eq 0

t "a store that cannot be written to: said, and nothing is lost"
before=$(said '"annotator": *"bo"')
talk "$PREFKIT" annotate s.db --annotator bo --plain --order oldest \
    --dimension helpfulness
says "RIGHT"
no_room "$talking"
printf '1\n' >&3
says "^not stored: s.db"
printf '\n' >&3
says "not kept: s.db.*; an empty line tries again"
printf 's why\n' >&3
says "> not skipped: s.db"
printf 'U\n' >&3
says "> not taken back: s.db"
room "$talking"
printf '\n' >&3
says "> kept"
printf 'q\n' >&3
must hush
must test "$(said '"annotator": *"bo"')" -eq $((before + 1))

t "an earlier verdict is looked at while the store cannot be written to"
id=$(sqlite3 s.db "SELECT max(id) FROM judgment WHERE annotator = 'bo'")
talk "$PREFKIT" annotate s.db --annotator bo --plain --order oldest \
    --dimension helpfulness
says "RIGHT"
no_room "$talking"
printf 'u %s\n' "$id" >&3
says "a verdict of yours to revise"
sleep 1.1 # within a second the lease is not changed by its renewal
printf 's\n' >&3
says "> back, nothing changed"
says "^No next pair: s.db"
printf '\n' >&3
says "end> No next pair: s.db"
room "$talking"
printf '\n9\n' >&3
says "> right is better"
printf 'q\n' >&3
must hush

t "a store that another program writes to is waited for, and said to be"
talk "$PREFKIT" annotate s.db --annotator eva --plain --order oldest \
    --dimension helpfulness
says "RIGHT"
mkfifo hold
sqlite3 s.db <hold >held &
holds=$!
exec 4>hold
echo "BEGIN IMMEDIATE; SELECT 'held';" >&4
soon grep -q held held
printf '1\n' >&3
says "waiting: another program is writing to the store"
echo "ROLLBACK;" >&4
exec 4>&-
wait "$holds"
printf '\n' >&3
says "> kept"
printf 'q\n' >&3
must hush

t "the store is sound after all that"
run 0 prefkit check s.db
end_test
