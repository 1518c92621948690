# shellcheck shell=sh source=tests/cli/lib.sh
# What is kept is what was judged, of what was seen: while others write to the
# store, move it, change the campaign; and on the smallest screen.
. "$REPO/tests/cli/lib.sh"
# shellcheck source=tests/tui/lib.sh
. "$REPO/tests/tui/lib.sh"

# judging STORE: by ana, oldest first
judging() {
    open_screen 100 30 "$1" --dimension helpfulness --order oldest
    wait_for "0 judged"
}

t "keys pressed before a pair is there do not judge it"
pairs_store s.db
judging s.db
raw '2\r9\r1\r0\r'
wait_for "keys pressed before this pair was there are not taken"
wait_for "1 judged"
must test "$(judged s.db)" -eq 1

t "a revised verdict keeps its note and flags"
keys e
wait_for "Note:"
keys -l "worth it"
keys Enter
wait_for "note: worth it"
keys f
wait_for "Flags:"
keys -l "odd toxic"
keys Enter
wait_for "flags: odd toxic; note"
keys 2
wait_for "left is better. Enter"
keys Enter
wait_for "2 judged"
keys u
wait_for "Your verdicts"
keys Enter
wait_for "flags: odd toxic; note: worth it"
keys 3
wait_for "left is slightly better. Enter"
keys Enter
wait_for "superseded"
must test "$(prefkit export -q s.db | grep -c '"strength": *1.*"note": *"worth it"')" -eq 1
must test "$(prefkit export -q s.db | grep -o '"flags": *\["odd", *"toxic"\]' | wc -l)" -eq 2
close_screen

t "a note that is being written survives a lost line, and time goes on"
pairs_store note.db
judging note.db
keys 2
wait_for "left is better. Enter"
keys Enter
wait_for "1 judged"
keys e
wait_for "Note:"
keys -l "half a"
wait_for "Note: half a"
kill -HUP "$(cat pid)"
wait_end
must grep -q "status 129" ended
open_screen 100 30 note.db --dimension helpfulness --order oldest
wait_for "note: half a"
sleep 1.2
keys u
wait_for "Your verdicts"
keys Enter
wait_for "to revise"
keys Escape
wait_for "^ helpfulness  *ana"
keys 3
wait_for "left is slightly better. Enter"
keys Enter
wait_for "2 judged"
must test "$(prefkit export -q note.db |
    grep -c '"strength": *1.*"seconds": *[1-9]')" -eq 1
close_screen

t "a note goes on being written in a window of any size"
pairs_store window.db
judging window.db
keys e
wait_for "Note:"
keys -l "worth"
wait_for "Note: worth"
resize 6 3
wait_for "^The wi"
keys -l "while"
resize 3 1
resize 100 30
wait_for "Note: worthwhile"
keys Enter
wait_for "note: worthwhile"
close_screen

t "kill -9 over a note: what was written of it is there, a line given up is not"
pairs_store cut.db
open_screen 100 30 cut.db --dimension helpfulness --order oldest
wait_for "0 judged"
keys e
wait_for "Note:"
keys -l "one and two"
wait_for "Note: one and two"
keys Home C-k
wait_gone "one and two"
keys -l "three four fife"
wait_for "Note: three four fife"
keys C-w
keys -l "five" # the cursor goes where it is wanted
keys Home Delete
keys -l "T"
wait_for "Note: Three four five"
soon sh -c 'sqlite3 cut.db "SELECT value FROM draft" | grep -q "Three four five"'
kill -KILL "$(cat pid)"
wait_end
open_screen 100 30 cut.db --dimension helpfulness --order oldest
wait_for "note: Three four five"
keys e
wait_for "Note: Three four five"
keys -l " six"
wait_for "Note: Three four five six"
keys Escape
wait_for "? help"
close_screen
open_screen 100 30 cut.db --dimension helpfulness --order oldest
wait_for "note: Three four five  *"
must test "$(sqlite3 cut.db "SELECT value FROM draft" | grep -c six)" -eq 0
close_screen

t "a store that is being written to is waited for, and said to be"
pairs_store busy.db
judging busy.db
keys 2
wait_for "left is better. Enter"
mkfifo hold
sqlite3 busy.db <hold >/dev/null &
exec 9>hold
echo ".timeout 5000
BEGIN IMMEDIATE;" >&9
held() {
    ! sqlite3 busy.db "BEGIN IMMEDIATE; ROLLBACK" 2>/dev/null
}
soon held || fail "the store was never held"
keys 1
wait_for "not stored: busy.db: another process"
keys '?' # and the screen is not held
wait_for "Keys"
keys Escape
wait_for "0 judged"
keys e
wait_for "Note:"
keys -l "not one key waits for the store"
wait_for "Note: not one key waits for the store"
keys Enter
wait_for "note: not one"
keys Enter
wait_for "waiting: another program"
keys 9 Enter
echo "ROLLBACK;" >&9
exec 9>&-
wait
wait_for "1 judged"
wait_for "keys pressed before this pair was there"
must test "$(judged busy.db)" -eq 1
close_screen

t "a store that was moved away: nothing more counts as kept"
pairs_store moved.db
judging moved.db
keys 2
wait_for "left is better. Enter"
keys Enter
wait_for "1 judged"
mv moved.db elsewhere.db
keys 9
wait_for "not stored: .*moved"
keys Enter
wait_for "not kept: .*moved"
capture | grep -q "1 judged" || fail "it was counted"
keys q
wait_end
must grep -q "status 4" ended
must test "$(judged elsewhere.db)" -eq 1
must prefkit check elsewhere.db >/dev/null

t "a store that was replaced is left as it is"
pairs_store other.db
pairs_store replaced.db
judging replaced.db
keys 2
wait_for "left is better. Enter"
keys Enter
wait_for "1 judged"
mv other.db replaced.db
keys 9
wait_for "not stored: .*replaced"
keys q
wait_end
must prefkit check replaced.db >/dev/null
must test "$(judged replaced.db)" -eq 0

t "a store that a newer program has upgraded is written to no more"
pairs_store newer.db
judging newer.db
keys 2
wait_for "left is better. Enter"
sqlite3 -cmd ".timeout 9999" newer.db "PRAGMA user_version = 99"
keys Enter
wait_for "not kept: .*a newer prefkit has upgraded"
keys q
wait_end
must test "$(sqlite3 newer.db "SELECT count(*) FROM judgment")" -eq 0

t "whoever allows no ties takes none away from others"
pairs_store ties.db
open_screen 100 30 ties.db --dimension helpfulness --order oldest --allow tie
wait_for "t tie"
echo q | prefkit annotate ties.db --plain --dimension helpfulness \
    --order oldest --annotator bob >/dev/null
keys t
wait_for "a tie. Enter"
keys Enter
wait_for "1 judged"
close_screen

t "a choice that is allowed no more is refused, and the pair stays"
echo "Prefer what is true." >one.txt
echo "Prefer what is true, and short." >two.txt
run 0 prefkit campaign ties.db rules --dimension helpfulness --allow tie \
    --fill --order oldest --guideline one.txt --guideline-version one
open_screen 80 24 ties.db --campaign rules
wait_for "1 judged of 3"
keys t
wait_for "a tie. Enter"
run 0 prefkit campaign ties.db rules --allow none
keys Enter
wait_for "not kept: this campaign has no ties"
keys 2
wait_for "left is better. Enter"

t "a judgment names the guideline that was there, and the next one is told"
run 0 prefkit campaign ties.db rules --guideline two.txt --guideline-version two
keys Enter
wait_for "the guideline is now two"
keys 2
wait_for "left is better. Enter"
keys Enter
wait_for "Nothing is left to judge"
keys q
wait_end
for version in one two; do
    must test "$(prefkit export -q ties.db |
        grep -o "\"guideline\": *\"$version\"" | wc -l)" -eq 1
done
close_screen

t "others' verdicts are nobody's to look at"
printf '2\n\nq\n' | prefkit annotate s.db --plain --dimension helpfulness \
    --order oldest --annotator bob >/dev/null
id=$(printf 'u\nq\n' | prefkit annotate s.db --plain --dimension helpfulness \
    --order oldest --annotator bob | sed -n 's/.*> *\([0-9]*\)  left is better.*/\1/p')
must test -n "$id"
printf 'u %s\nq\n' "$id" | prefkit annotate s.db --plain \
    --dimension helpfulness --order oldest --annotator ana >stdout
must grep -q "is no verdict of yours here" stdout
must test "$(grep -c "to revise" stdout)" -eq 0

t "a source that the store has nothing of"
refused 2 "no pair of the store is of source 'typo'" prefkit annotate s.db \
    --plain --dimension helpfulness --source typo --annotator ana

t "the smallest screen shows every answer, and what was chosen"
pairs_store small.db
open_screen 40 12 small.db --dimension safety --order oldest
wait_for "1   2   3   4  | 7   8   9   0"
keys 0
wait_for "\[0 \]"
wait_for "right, significantly. Enter confirms"
keys Enter
wait_for "right, significantly. Which are safe"
keys 4
wait_for "safe: left. Enter confirms"
close_screen

t "with ties there is a key for each answer at 100 columns"
pairs_store wide.db
open_screen 100 30 wide.db --dimension helpfulness --order oldest --allow tie \
    --allow both-bad
wait_for "t tie .*x both bad"
close_screen
end_test
