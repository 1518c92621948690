# shellcheck shell=sh source=tests/cli/lib.sh
# What a labeler sees: sizes, wide characters, hostile text, each step.
. "$REPO/tests/cli/lib.sh"
# shellcheck source=tests/tui/lib.sh
. "$REPO/tests/tui/lib.sh"

pairs_store s.db
for size in 120x40 80x24 50x20; do
    for source in wide hostile twins; do
        t "$source at $size"
        open_screen "${size%x*}" "${size#*x}" s.db --dimension safety \
            --source "$source"
        wait_for "^ safety"
        [ $size = 50x20 ] && keys Tab
        [ $size = 50x20 ] && wait_for ">Left"
        screen "$source-$size"
    done
done

t "a choice, the label, help, the differences"
open_screen 120 40 s.db --dimension safety --source twins
wait_for "^ safety"
keys D
wait_for "underlined"
keys 2
wait_for "Enter confirms"
screen choice
keys Enter
wait_for "Safe:"
screen label
keys Escape
wait_for "Enter confirms"
keys '?'
wait_for "Keys"
screen help
keys Escape

t "a window too small to read in says so, and comes back"
resize 39 11
wait_for "too small"
resize 80 24
wait_for "^ safety"

t "a pasted text is no keys"
keys Escape
wait_for "? help"
paste "9 0 q"
wait_for "pasted text"
must test "$(capture | grep -c "better")" -eq 1

t "quitting restores the terminal; the half-made verdict comes back"
keys 8
wait_for "right is slightly better"
keys q
wait_end
must grep -q "status 0" ended
open_screen 80 24 s.db --dimension safety --source twins
wait_for "right is slightly better"

t "SIGTERM ends it, in order"
kill -TERM "$(cat pid)"
wait_end
must grep -q "status 143" ended

t "40 columns: which are safe, the rest of a response, the statistics"
long=$(seq -s ' ' 120)
prefkit init long.db
prefkit import -q long.db - --format trl --dimension safety >/dev/null <<EOF
{"prompt": "Count.", "chosen": "$long", "rejected": "$long, and 121"}
EOF
open_screen 40 12 long.db --dimension safety
wait_for "^ safety"
keys Tab
wait_for ">Left  more below"
keys End
wait_for ">Left  more above ─"
keys 8
wait_for "right, slightly"
keys Enter
wait_for "Which are safe"
keys 9
wait_for "Esc goes back to the choice"
keys 4
wait_for "safe: left. Enter"
screen label-40x12
keys S
wait_for "per work hour"
screen statistics-40x12

close_screen
end_test
