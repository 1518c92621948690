# shellcheck shell=sh source=tests/cli/lib.sh
# Verdicts, notes, skips, revisions, and what a killed program has lost.
. "$REPO/tests/cli/lib.sh"
# shellcheck source=tests/tui/lib.sh
. "$REPO/tests/tui/lib.sh"

pairs_store s.db
t "judge, note, flag, skip, revise"
open_screen 100 30 s.db --dimension helpfulness --order oldest
wait_for "0 judged"
keys e
wait_for "Note:"
keys -l "worth a look"
keys Enter
wait_for "note: worth a look"
keys 1
wait_for "significantly better. Enter"
keys Enter
wait_for "1 judged"
keys s
wait_for "because"
keys -l "not my field"
keys Enter
wait_for "skipped; U takes it back"
keys U
wait_for "the pair that you skipped"
keys U
wait_for "no pair is skipped"
keys s
wait_for "because"
keys -l "not my field"
keys Enter
wait_for "skipped; U takes it back"
keys u
wait_for "Your verdicts"
keys Enter
wait_for "to revise"
keys 0
wait_for "right is significantly better. Enter"
keys Enter
wait_for "superseded"
keys 8
wait_for "right is slightly"
keys Enter
wait_for "Nothing is left to judge"
must test "$(judged s.db)" -eq 3 # the superseded one is exported too
must prefkit check s.db >/dev/null

t "where nothing is left: look again, take a skip back, revise"
keys Enter
wait_for "looked again"
keys U
wait_for "the pair that you skipped"
keys 9
wait_for "right is better. Enter"
keys Enter
wait_for "Nothing is left to judge"
keys U
wait_for "no pair is skipped"
keys u
wait_for "1 of 3"
keys Enter
wait_for "to revise"
keys 2
wait_for "left is better. Enter"
keys Enter
wait_for "kept: your earlier verdict is superseded"
keys u
wait_for "1 of 3"
keys Enter
wait_for "to revise"
keys Escape
wait_for "Nothing is left to judge"
keys q
wait_end
must grep -q "status 0" ended
must test "$(judged s.db)" -eq 5
close_screen

t "whoever comes back to a finished campaign may still revise"
open_screen 80 24 s.db --dimension helpfulness --order oldest
wait_for "Nothing is left to judge"
keys '?'
wait_for "Keys"
keys Escape
wait_for "Nothing is left to judge"
kill -TERM "$(cat pid)"
wait_end
must grep -q "status 143" ended
close_screen

t "kill -9 at any moment: every confirmed verdict is there"
sample_store
confirmed=0
for round in 1 2 3 4 5 6 7 8 9 10; do
    open_screen 80 24 sample.db --dimension helpfulness
    wait_for " $confirmed judged"
    n=$((round % 3 + 1))
    while [ $n -gt 0 ]; do
        keys 2
        wait_for "left is better. Enter"
        keys Enter
        confirmed=$((confirmed + 1))
        wait_for " $confirmed judged"
        n=$((n - 1))
    done
    keys 9 e
    kill -KILL "$(cat pid)"
    wait_end
done
must test "$(judged sample.db)" -eq $confirmed
must prefkit check sample.db >/dev/null
close_screen
end_test
