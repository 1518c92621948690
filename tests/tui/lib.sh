# shellcheck shell=sh
# What the screen scripts share, beside tests/cli/lib.sh: a terminal of a given
# size, in a tmux server of its own.
#
#     open_screen 80 24 store.db --dimension safety
#     wait_for "Left"
#     keys 2 Enter                 # as tmux names them
#     screen name                  # compare with tests/tui/screens/name
#
# UPDATE=1 writes the screens anew; read them before you commit them.

command -v tmux >/dev/null || {
    t "the screen"
    skip "no tmux"
    exit 0
}
TMUX_SOCKET=$PWD/tmux.sock

tm() {
    tmux -S "$TMUX_SOCKET" "$@"
}

# open_screen COLUMNS ROWS ANNOTATE-ARGUMENTS...
open_screen() {
    close_screen
    columns=$1
    rows=$2
    shift 2
    rm -f ended
    tm -f /dev/null new-session -d -x "$columns" -y "$rows" \
        "LC_ALL=C.UTF-8 TERM=${TERM_INSIDE-screen} \
         NO_COLOR=${NO_COLOR_INSIDE-1} sh -c 'echo \$\$ >pid; exec \"\$@\"' x \
         '$PREFKIT' annotate $* --annotator ana 2>screen-stderr
         echo \"status \$?\" >ended; sleep 60"
    tm set-option -g status off >/dev/null
    tm resize-window -x "$columns" -y "$rows" 2>/dev/null
}

# shell_screen COLUMNS ROWS: an interactive shell instead.
shell_screen() {
    close_screen
    tm -f /dev/null new-session -d -x "$1" -y "$2" \
        "LC_ALL=C.UTF-8 NO_COLOR=1 PS1='shell> ' bash --norc --noprofile -i"
    tm set-option -g status off >/dev/null
    tm resize-window -x "$1" -y "$2" 2>/dev/null
    wait_for "shell>"
}

close_screen() {
    tm kill-server 2>/dev/null
    rm -f "$TMUX_SOCKET" before-input
}

capture() {
    tm capture-pane -p
}
shows() {
    capture 2>/dev/null | grep -q -e "$1"
}
hides() {
    ! shows "$1"
}

# wait_for PATTERN: until the screen shows it; a failure after a while, and
# where it was there before the last input already: that waits for nothing.
wait_for() {
    if [ -s before-input ] && grep -q -e "$1" before-input; then
        fail "the screen showed '$1' before the input"
        cat before-input
        return 1
    fi
    soon shows "$1" && return
    fail "the screen never showed '$1'"
    capture
    return 1
}

# wait_gone PATTERN: until the screen shows it no more.
wait_gone() {
    rm -f before-input
    soon hides "$1" && return
    fail "the screen still shows '$1'"
    capture
    return 1
}

# keys KEY...: as tmux names them, or -l TEXT.
keys() {
    capture >before-input
    tm send-keys "$@"
}

# raw FORMAT: these bytes, at once, as a terminal sends them.
raw() {
    capture >before-input
    # shellcheck disable=SC2059
    printf "$1" | tm load-buffer - && tm paste-buffer -r
}

# paste FORMAT: the same, pasted if the program knows of pastes.
paste() {
    capture >before-input
    # shellcheck disable=SC2059
    printf "$1" | tm load-buffer - && tm paste-buffer -r -p
}

# resize COLUMNS ROWS: what is on the screen is drawn anew.
resize() {
    rm -f before-input
    tm resize-window -x "$1" -y "$2"
}

# wait_end: until the program has ended; its status is in ./ended.
wait_end() {
    soon test -s ended && return
    fail "the program did not end"
    return 1
}

screen() {
    golden=$REPO/tests/tui/screens/$1
    capture | sed 's/ *$//' >"now-$1"
    [ -n "${UPDATE-}" ] && cp "now-$1" "$golden"
    if ! cmp -s "$golden" "now-$1"; then
        fail "the screen '$1' differs"
        diff "$golden" "now-$1" | head -n 20
    fi
}

pairs_store() {
    prefkit init "$1" && prefkit import -q "$1" "$REPO/tests/tui/pairs.jsonl" \
        >/dev/null
}

# How many judgments there are, superseded ones too.
judged() {
    prefkit export -q "$1" | grep -o '"annotator": *"ana"' | wc -l
}
