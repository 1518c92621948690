# shellcheck shell=sh source=tests/cli/lib.sh
# Live dialogues: what a labeler sees and does, with a fake endpoint and with
# models of our own.
. "$REPO/tests/cli/lib.sh"
# shellcheck source=tests/tui/lib.sh
. "$REPO/tests/tui/lib.sh"

start_endpoint
trap 'kill $fake; close_screen; end_test' EXIT

# live COLUMNSxROWS STORE FAULT FAULT [OPTION...]: the sides are drawn alike.
live() {
    size=$1
    store=$2
    one=$3
    two=$4
    shift 4
    open_screen "${size%x*}" "${size#*x}" "$store" --live --seed 7 \
        --model "hidden-x=$at/$one/v1" --model "hidden-y=$at/$two/v1" "$@"
    wait_for "Your prompt\|Left"
}

# write TEXT: a prompt, and ask
write() {
    keys -l "$1"
    wait_for "$1"
    keys C-d
}

new_store() {
    rm -f "$1" "$1"-*
    prefkit init "$1"
}

# said PATTERN: so many comparisons of the exported store match it
said() {
    prefkit export -q s.db | grep -c -e "$1"
}

new_store s.db
for size in 120x40 80x24 50x20; do
    t "a prompt, its two responses, the next turn at $size"
    new_store s.db
    live $size s.db plain hostile --dimension safety
    keys -l "为什么天是蓝的?"
    keys Enter
    keys -l "Say it for a child 🙂, please, and not in too many words."
    wait_for "words"
    screen "live-prompt-$size"
    keys C-d
    wait_for "Left"
    wait_for "? help"
    [ $size = 50x20 ] || wait_for "red is$\|red is what"
    wait_for "owned"
    screen "live-pair-$size"
    keys 2
    wait_for "left is better. Enter"
    keys Enter
    wait_for "Safe:"
    keys 2
    wait_for "both are safe"
    keys Enter
    wait_for "turn 2 of 8  1 judged"
    screen "live-next-$size"
    keys Escape
    wait_for "w write"
    keys q
    wait_end
    must grep -q "status 0" ended
    must test "$(said '"label":"both_safe"')" -eq 1
done

t "no model is named on the screen, nor its key anywhere"
export PREFKIT_API_KEY=sk-not-to-be-seen
new_store s.db
live 120x40 s.db plain unknown --dimension helpfulness
write "Hello"
wait_for "broken"
wait_for "Sunlight has"
capture >seen
must grep -q "not found on \[server\]" seen
must test "$(grep -c 'hidden-\|127.0.0.1' seen)" -eq 0
keys 2
wait_for "better. Enter"
keys Enter
wait_for "cannot be judged"
must test "$(said '"judgments"')" -eq 0
keys q
wait_end
must test "$(cat s.db* | grep -c -a 'hidden-')" -ne 0
must test "$(cat s.db* | grep -c -a 'sk-not-to-be-seen')" -eq 0
unset PREFKIT_API_KEY

t "what fails is told in plain words, and can be asked again"
new_store s.db
live 120x40 s.db drop-once late-llama-old --dimension helpfulness
write "Hello"
wait_for "the connection was lost"
wait_for "slot gone"
screen live-broken
keys D
wait_for "differences can be marked when both are written"
keys Tab r
wait_for "what is left"
keys q
wait_end

t "a server that is busy is asked again by itself"
new_store s.db
live 80x24 s.db other busy --dimension helpfulness
write "Hello"
wait_for "asked again in"
wait_for "Because of scattering"
wait_for "red is what"
keys q
wait_end

t "judged before the end: both streams stop, and what is cut is marked"
new_store s.db
live 120x40 s.db endless other --dimension helpfulness
write "Hello"
wait_for "Because"
wait_for "writing"
wait_for "word 5"
keys Enter
wait_for "choose first"
wait_for "word 30"
wait_for "word 60"
shows "choose first" || fail "what was said went with the next word"
keys 1
wait_for "significantly better. Enter"
keys Enter
wait_for "1 judged"
must test "$(said '"cut":true')" -eq 1
must test "$(said '"stopped":true')" -eq 1
t "one is cut off, one is asked again, the other is thrown away with it"
write "More"
wait_for "word 5"
wait_for "word 20"
keys R
wait_gone "word 20"
wait_for "word 5"
keys c Tab c Tab BTab
wait_for ">Right"
wait_for "cut off before"
keys 0
wait_for "right is significantly"
keys Enter
wait_for "2 judged"
must test "$(said '"discarded":\[{"seed"')" -eq 1
t "an earlier verdict is revised in between"
keys -l "half a prompt"
wait_for "half a prompt"
keys Escape
wait_for "w write"
keys u
wait_for "Your verdicts"
keys Enter
wait_for "to revise"
keys 3
wait_for "slightly better. Enter"
keys Enter
wait_for "superseded"
wait_for "half a prompt"
must test "$(said '"supersedes"')" -eq 1
t "a new dialogue"
keys o
wait_for "new dialogue?"
keys y Enter
wait_for "turn 1 of 8"
keys Escape
wait_for "w write"
keys q
wait_end
must grep -q "status 0" ended
run 0 prefkit check s.db

t "resizing while both write"
close_screen
new_store r.db
live 120x40 r.db endless endless --dimension helpfulness
write "Hello"
wait_for "word 5"
resize 80 24
wait_for "^─ Right, writing"
resize 39 11
wait_for "too small"
resize 50 20
wait_for "^─.Left, writing"
keys Tab
wait_for "^─.Right, writing"
resize 40 12
wait_for "? help  c cut  r again"
keys w
wait_for "Throw both away? y or n: *$"
keys Escape
wait_for "? help  c cut  r again"
keys q
wait_end
must grep -q "status 0" ended

t "a prompt is taken back, but not by a slip"
live 80x24 s.db plain other --dimension helpfulness
wait_for "half a prompt"
keys C-u
write "Hello"
wait_for "Sunlight has"
wait_for "Because of"
keys w
wait_for "change the prompt?"
keys n Enter
wait_for "? help"
keys w
wait_for "change the prompt?"
keys y Enter
wait_for "Your prompt"
wait_for "^ Hello"
keys C-u
keys -l "half a prompt"
wait_for "half a prompt"
keys Escape
wait_for "w write"
keys q
wait_end

t "what was made live leaves the store and comes back"
prefkit export -q s.db >out.jsonl
prefkit init again.db
run 0 prefkit import -q again.db out.jsonl
prefkit export -q again.db >back.jsonl
must cmp -s out.jsonl back.jsonl

t "kill -9 while a prompt is written: it is there again"
live 80x24 s.db plain other --dimension helpfulness
wait_for "half a prompt"
keys -l ", and more"
wait_for "half a prompt, and more"
kill -KILL "$(cat pid)"
wait_end
live 80x24 s.db plain other --dimension helpfulness
wait_for "half a prompt, and more"
wait_for "where you were"

t "a full disk: what is not kept is said to be, and is tried again"
close_screen
new_store s.db
trap '' XFSZ
live 80x24 s.db plain other --dimension safety
write "Hello"
wait_for "Sunlight has"
wait_for "Because of"
keys 2
wait_for "left is better. Enter"
no_room "$(cat pid)"
keys Enter
wait_for "not stored: s.db"
keys 2
wait_for "\[2 both\]"
keys Enter
wait_for "not kept: s.db"
room "$(cat pid)"
keys Enter
wait_for "1 judged"
trap - XFSZ

t "kill -9 while one streams: the other, the choice and the note are there"
close_screen
new_store s.db
live 80x24 s.db other endless --dimension helpfulness
write "Hello"
wait_for "Because of scattering"
wait_for "word 3"
keys e
wait_for "Note:"
keys -l "look twice"
keys Enter
wait_for "note: look twice"
keys 8
wait_for "right is slightly better"
keys e
wait_for "Note: look twice"
keys -l " or thrice"
wait_for "Note: look twice or thrice"
soon sh -c 'sqlite3 s.db "SELECT value FROM draft" | grep -q "or thrice"'
kill -KILL "$(cat pid)"
wait_end
# A server that cannot answer now: what was whole is not asked for.
live 80x24 s.db down endless --dimension helpfulness
wait_for "Because of scattering"
wait_for "word 3"
wait_for "note: look twice or thrice"
wait_for "where you were"
wait_for "\[8 slightly\]"
keys Enter
wait_for "1 judged"
must test "$(said '"note":"look twice or thrice"')" -eq 1

t "kill -9 again and again: every confirmed verdict is there"
new_store s.db
for round in 1 2 3 4 5; do
    live 80x24 s.db plain other --dimension helpfulness
    [ $round -eq 1 ] || wait_for "begun $((round - 1))"
    keys -l " asked $round"
    wait_for "asked $round"
    keys C-d
    wait_for "^─.Left ─"
    wait_for "^─.Right ─"
    keys 2
    wait_for "left is better. Enter"
    keys Enter
    wait_for "  $round judged"
    keys -l "begun $round"
    wait_for "begun $round"
    kill -KILL "$(cat pid)"
    wait_end
done
must test "$(said '"judgments"')" -eq 5
must prefkit check s.db >/dev/null

t "the prompt in an editor of one's own"
close_screen
new_store s.db
printf '#!/bin/sh\nprintf "from outside\\n" >>"$1"\n' >my-editor
chmod +x my-editor
EDITOR=$PWD/my-editor VISUAL='' live 80x24 s.db plain other --dimension helpfulness
keys -l "written here, "
wait_for "written here,"
keys C-x
wait_for "written here, from outside"

t "what cannot be taken back from an editor is not lost"
printf '#!/bin/sh\nprintf "\\351\\n" >>"$1"\n' >my-editor
keys C-x
wait_for "not UTF-8; what was written is in"
kept=$(capture | sed -n 's/.*what was written is in \([^ ]*\).*/\1/p')
must test -s "$kept"
rm -rf "${kept%/*}"

t "a pasted prompt of several lines asks nothing by itself"
paste ' one\ntwo\004\n\tthree'
wait_for "outside one"
wait_for "^ two"
must test "$(capture | grep -c "Your prompt")" -eq 1

t "a paste beside the prompt is no keys"
keys Escape
wait_for "w write"
paste 'w\nq\033 \004\nq'
wait_for "pasted text is not taken for keys"
keys w
wait_for "\^D asks"
must test "$(capture | grep -c "three")" -eq 1
must test "$(said '"judgments"')" -eq 0

t "one model answers twice, at two temperatures"
close_screen
new_store s.db
open_screen 120 40 s.db --live --seed 3 --dimension helpfulness \
    --temperature 0.5,0.9 --model "m=$at/temperature/v1"
wait_for "Your prompt"
write "Hello"
wait_for "at 0.50"
wait_for "at 0.90"

t "models of our own"
close_screen
small_base
new_store s.db
open_screen 80 24 s.db --live --seed 3 --dimension helpfulness --max-tokens 30 \
    --model one=base --model two=base
wait_for "Your prompt"
write "Hello"
wait_for "^─.Left, cut"
wait_for "^─.Right, cut"
keys 9
wait_for "right is better"
keys Enter
wait_for "turn 2 of 8"
must test "$(said '"finish_reason":"length"')" -eq 1

t "SIGTERM ends it in order"
kill -TERM "$(cat pid)"
wait_end
must grep -q "status 143" ended
