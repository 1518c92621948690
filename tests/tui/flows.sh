# shellcheck shell=sh source=tests/cli/lib.sh
# Each thing a labeler does, at three sizes: names of models told, search,
# guideline, tie and both bad, label, note and flag, history, statistics.
. "$REPO/tests/cli/lib.sh"
# shellcheck source=tests/tui/lib.sh
. "$REPO/tests/tui/lib.sh"

echo "Prefer the answer that is true." >guideline.txt
prefkit init fresh.db
prefkit import -q fresh.db "$REPO/tests/tui/named.jsonl" >/dev/null
prefkit campaign fresh.db sky --dimension safety --allow tie --allow both-bad \
    --guideline guideline.txt --guideline-version 1 --order oldest >/dev/null \
    2>&1

# all but the last row, where a message was
body() {
    capture | sed '$d'
}
as_before() {
    body | cmp -s - before
}

for size in 120x40 80x24 50x20; do
    w=${size%x*} h=${size#*x}
    cp fresh.db s.db

    t "a response that names a model is told of, at $size"
    open_screen "$w" "$h" s.db --campaign sky
    wait_for "both responses name a model"
    screen "named-$size"

    t "search goes through the panes, at $size"
    [ $size = 50x20 ] && keys Tab
    wait_for ">Left"
    keys /
    wait_for "^ /"
    keys -l sky
    keys Enter
    wait_for "match 1 of 4"
    keys n
    wait_for "match 2 of 4"
    screen "search-$size"
    body >before
    resize 64 14
    wait_for "? help"
    resize "$w" "$h"
    soon as_before || fail "the place is lost"
    keys N
    wait_for "match 1 of 4"
    keys /
    wait_for "^ /"
    keys -l moon
    keys Enter
    wait_for "not found"

    t "the guideline is a key away, at $size"
    keys i
    wait_for "Esc goes back"
    screen "guideline-$size"
    keys Escape
    wait_for "judged"

    t "a note that is being written survives another size, at $size"
    keys e
    wait_for "Note:"
    keys -l "worth a look"
    wait_for "Note: worth a look"
    resize 39 11
    wait_for "too small"
    wait_for "^40 x 12 is the least\.$"
    resize "$w" "$h"
    wait_for "^ safety"
    wait_for "Note: worth a look"
    keys Enter
    wait_for "? help"
    keys f
    wait_for "Flags:"
    keys -l unclear
    keys Enter
    wait_for "flags: unclear; note: worth a look"

    t "a tie, both bad, and the label that fits, at $size"
    keys t
    wait_for "a tie. Enter"
    keys x
    wait_for "both are bad. Enter"
    keys Enter
    wait_for "Safe:"
    screen "both-bad-$size"
    keys 1
    wait_for "does not fit"
    keys 3
    wait_for "both are unsafe"
    keys Enter
    wait_for "1 judged of 2"

    t "history, statistics and help, at $size"
    keys u
    wait_for "1 of 1"
    screen "history-$size"
    keys Enter
    wait_for "to revise"
    wait_for "note: worth a look"
    keys Escape
    wait_for "^ safety  *ana"
    wait_for "back, nothing changed"
    keys S
    wait_for "per work hour"
    wait_for "1 of 2 judged"
    keys Escape
    wait_for "^ safety"
    keys '?'
    wait_for "Verdict"
    keys Escape
    wait_for "^ safety"
    keys q
    wait_end
    must grep -q "status 0" ended
    must grep -q '"note": *"worth a look"' <<EOF
$(prefkit export -q s.db)
EOF
done
close_screen
end_test
