# shellcheck shell=sh source=tests/cli/lib.sh
# Terminals of other kinds, colours, signals, and being stopped.
. "$REPO/tests/cli/lib.sh"
# shellcheck source=tests/tui/lib.sh
. "$REPO/tests/tui/lib.sh"

pairs_store s.db
for kind in xterm xterm-256color tmux screen linux vt100 vt220 ansi; do
    t "as $kind"
    TERM_INSIDE=$kind
    open_screen 80 24 s.db --dimension safety --source twins
    wait_for "? help"
    keys 3
    wait_for "\[3 slightly\]"
    wait_for "left is slightly better. Enter"
    keys Escape
    wait_for "? help"
    keys q
    wait_end
    must grep -q "status 0" ended
done

for kind in dumb no-such-terminal; do
    t "as $kind: one is sent to --plain"
    TERM_INSIDE=$kind
    open_screen 80 24 s.db --dimension safety --source twins
    wait_end
    must grep -q "status 2" ended
    must grep -q -e "--plain" screen-stderr
done
TERM_INSIDE=screen

t "NO_COLOR is honoured; without it there are colours"
open_screen 80 24 s.db --dimension safety --source twins
wait_for "? help"
must test "$(tm capture-pane -p -e | grep -c '\[3[0-7]m')" -eq 0
NO_COLOR_INSIDE=
open_screen 80 24 s.db --dimension safety --source twins
wait_for "? help"
must test "$(tm capture-pane -p -e | grep -c '\[3[0-7]m')" -gt 0

t "a lost line (SIGHUP) keeps the half-made verdict"
keys 8
wait_for "right is slightly better"
kill -HUP "$(cat pid)"
wait_end
must grep -q "status 129" ended
open_screen 80 24 s.db --dimension safety --source twins
wait_for "right is slightly better"
close_screen

t "stopped with ^Z, and back"
shell_screen 80 24
keys -l "'$PREFKIT' annotate s.db --dimension safety --source twins \
--annotator ana"
keys Enter
wait_for "right is slightly better"
keys C-z
wait_for "Stopped"
keys -l fg
keys Enter
wait_for "right is slightly better"
keys 2
wait_for "left is better. Enter"
keys q
wait_for "shell>"
close_screen
end_test
