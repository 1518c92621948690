# shellcheck shell=sh source=tests/cli/lib.sh
# Names and texts from a file that would speak to the terminal.
. "$REPO/tests/cli/lib.sh"

esc='\u001b]0;owned\u0007\u001b[31m'
row() {
    printf '{"messages":[{"role":"user","content":"q%s"}],"source":"s%s","batch":"b%s",' "$1" "$esc" "$1$esc"
    printf '"a":{"content":"x\\u061cy %s","model":"m%s"},"b":{"content":"y %s","model":"n%s"},' "$1" "$esc" "$1" "$esc"
    printf '"judgments":[{"dimension":"safety","choice":"a","strength":1,"annotator":"ana%s","created":"2026-01-01T00:00:00Z"},' "$esc"
    printf '{"dimension":"safety","choice":"b","strength":2,"annotator":"%s","created":"2026-01-01T00:00:00Z"}]}\n' \
        "你好吗你好吗你好吗你好吗你好吗你好吗$esc"
}

# tame STATUS COMMAND...: no control character but newlines comes out, and all
# that does is UTF-8.
tame() {
    run "$@"
    cat stdout stderr >both
    LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" both &&
        fail "a control character comes out: $*"
    iconv -f UTF-8 -t UTF-8 <both >/dev/null 2>&1 || fail "not UTF-8: $*"
}

row 1 >rows.jsonl
row 2 >>rows.jsonl
row 3 >other.jsonl
run 0 prefkit init store.db
run 0 prefkit init other.db

t "names reach the terminal as marks"
tame 0 prefkit import store.db rows.jsonl
tame 0 prefkit import other.db other.jsonl --source "$(printf 'a\033[31m')"
tame 0 prefkit stats store.db --models
stdout_has '^s<ESC>\]0;owned<BEL>\.\.\. '
tame 0 prefkit agreement store.db
stdout_has '你好吗你好吗你好吗你\.\.\. '
tame 0 prefkit batch store.db
stdout_has '^b1<ESC>'
tame 0 prefkit merge store.db other.db
tame 0 prefkit check store.db
tame 0 prefkit search store.db y
stdout_has '(s<ESC>'
tame 0 prefkit campaign store.db "$(printf 'c\033[31m')" --dimension safety --fill --gold "$(printf 'ana\033[31m')"
tame 0 prefkit campaign store.db
stdout_has '^campaign c<ESC>'
tame 2 prefkit campaign store.db "$(printf 'd\033[31m')" --print-guideline 1

t "bidi controls in a text are marked"
tame 0 prefkit show store.db 1
stdout_has 'x<ALM>y'

t "a bad row's words reach the terminal as marks"
echo '{"messages":[{"role":"owl\u001b[31m","content":"q"}],"a":"x","b":"y"}' >bad.jsonl
tame 3 prefkit import store.db bad.jsonl --format prefkit
tame 3 prefkit import store.db bad.jsonl --format prefkit --skip-bad
