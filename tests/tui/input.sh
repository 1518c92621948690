# shellcheck shell=sh source=tests/cli/lib.sh
# Nothing that a terminal sends is a judgment, but the keys of one: sequences
# that it does not describe, others' answers, pastes with anything in them.
. "$REPO/tests/cli/lib.sh"
# shellcheck source=tests/tui/lib.sh
. "$REPO/tests/tui/lib.sh"

# The program that the shell on the screen runs.
child() {
    cat /proc/"$(tm display -p '#{pane_pid}')"/task/*/children
}

# Whatever came before has been acted upon, and nothing is chosen.
nothing_said() {
    keys '?'
    wait_for "Keys"
    keys Escape
    wait_for "? help"
    must test "$(capture | grep -c "is .*better")" -eq 0
    must test "$(capture | grep -c " 0 judged")" -eq 1
}

pairs_store s.db
for kind in xterm-256color screen linux vt220; do
    TERM_INSIDE=$kind
    open_screen 100 30 s.db --dimension helpfulness --order oldest
    wait_for "0 judged"

    t "keys that the terminal does not describe, as $kind"
    raw '\033[1~\033[4~\033[7~\033[2~\033[15~\033[1;5C\033[27;2;13~\033[13;2u'
    nothing_said

    t "the mouse, and answers to others' questions, as $kind"
    raw '\033[M 01\033[<0;10;3M\033]11;rgb:1e1e/1e1e/1e1e\007\033[?64;1;9c'
    raw '\033P1$r0 q\033\\\033[I'
    nothing_said

    t "Alt and a key is none where a line is written, as $kind"
    keys f
    wait_for "Flags:"
    keys -l "ab"
    raw '\033f\033b\033\177'
    keys -l "c"
    wait_for "Flags: abc"
    keys Escape
    wait_for "? help"
    nothing_said

    t "Esc, a choice and Enter in one go are all three, as $kind"
    keys 0
    wait_for "right is significantly"
    raw '\0332'
    wait_for "left is better. Enter"
    keys Escape
    wait_for "? help"
    nothing_said
    close_screen
done
TERM_INSIDE=screen

t "Home and End as most terminals send them"
open_screen 60 14 s.db --dimension helpfulness --order oldest
wait_for "0 judged"
capture | sed '$d' >before
raw '\033[4~'
raw '\033[1~'
nothing_said
must test "$(capture | sed '$d' | cmp - before)" = ""

t "a pasted note is a note, whatever is in it"
close_screen
open_screen 100 30 s.db --dimension helpfulness --order oldest
wait_for "0 judged"
keys e
wait_for "Note:"
paste 'red: \033[31m1\033 1\r0\r\033\033[A9\r2\r'
wait_for "Note: red: 1 1 0 9 2"
keys Enter
wait_for "note: red: 1 1 0 9 2"
nothing_said

t "a paste that a line has no room for says so"
keys f
wait_for "Flags:"
paste "$(head -c 5000 /dev/zero | tr '\000' x)"
wait_for "no room"
keys Escape
wait_for "? help"
nothing_said

t "a paste is no keys where keys are"
paste '1\r2\rq\033[1~0\r'
wait_for "pasted text is not taken for keys"
nothing_said

t "a paste does not take up an earlier verdict again"
keys 1
wait_for "significantly better. Enter"
keys Enter
wait_for "1 judged"
keys u
wait_for "Your verdicts"
paste '\r0\r'
keys Escape
wait_for "1 judged"
must test "$(capture | grep -c "to revise")" -eq 0
must test "$(judged s.db)" -eq 1

t "a paste in the help, and the one that ends it"
keys '?'
wait_for "Keys"
paste 'q1\r\033'
raw '\033'
wait_for "? help"
must test "$(capture | grep -c "is .*better")" -eq 0
must test "$(judged s.db)" -eq 1
close_screen

t "a pasted note of several lines, line by line"
pairs_store plain.db
open_screen 100 30 plain.db --dimension helpfulness --order oldest --plain
wait_for "verdict>"
raw 'e one\n1\n\n2\n\n'
wait_for "only the first line is taken"
keys e Space -l "two"
keys Enter
keys q Enter
wait_end
must test "$(judged plain.db)" -eq 0
close_screen

t "a paste after ^Z and fg is a paste"
pairs_store stopped.db
shell_screen 100 30
keys -l "'$PREFKIT' annotate stopped.db --dimension helpfulness --order oldest \
--annotator ana"
keys Enter
wait_for "0 judged"
for stop in C-z STOP; do
    case $stop in
    STOP) kill -STOP "$(child)" ;;
    *) keys "$stop" ;;
    esac
    wait_for "Stopped"
    keys -l "clear; fg"
    keys Enter
    wait_gone "Stopped"
    wait_for "? help"
    paste '1\r2\r'
    wait_for "pasted text is not taken for keys"
    nothing_said
done

t "a size that changed while it was stopped"
keys C-z
wait_for "Stopped"
resize 70 20
keys -l "clear; fg"
keys Enter
wait_gone "Stopped"
wait_for "0 judged"
must test "$(capture | wc -l)" -eq 20
must test "$(capture | head -n 1 | grep -c '0 judged')" -eq 1
close_screen
end_test
