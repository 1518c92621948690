# shellcheck shell=sh source=tests/cli/lib.sh
# Live dialogues by line prompts, and what is refused.
. "$REPO/tests/cli/lib.sh"
start_endpoint

plain() {
    prefkit annotate s.db --plain --live --annotator ana --seed 7 "$@" >stdout
}
said() {
    prefkit export -q s.db | grep -c -e "$1"
}

t "wrong usage"
prefkit init s.db
wrong() {
    run 2 prefkit annotate s.db --plain --dimension safety "$@"
    must test ! -s stdout
}
wrong --live
wrong --model a=base
wrong --live --model a
wrong --live --model "a=$at/plain/v1" --order oldest
wrong --live --model a=x --model a=y
wrong --live --model "a=$at/plain/v1" --temperature 2..1
wrong --live --model "a=$at/plain/v1" --key-env b=HOME
wrong --live --model "a=$at/plain/v1" --key-env NOT_SET_ANYWHERE
wrong --live --model a=ftp://x/v1
wrong --live --model a=http://u:p@x/v1
wrong --live --model "a=$at/plain/v1" --system @no-such-file
run 4 prefkit annotate s.db --plain --live --dimension safety --model a=no-dir

t "a prompt of two lines, a verdict, the next turn, a new dialogue"
printf '%s\n' "Why is it blue?" "Say." "" 2 "" 1 "" "And?" "" 8 "" 2 "" :n \
    "Else?" :q | plain --dimension safety --model "x=$at/plain/v1" \
    --model "y=$at/other/v1"
stdout_has "an empty line asks both models, .:q. quits, .:?. helps"
stdout_has "=== safety, live$"
stdout_has "Sunlight has many colours"
stdout_has "Because of scattering"
stdout_has "2 judged, 0 revised"
must test "$(said '"Why is it blue?.nSay."')" -eq 2
must test "$(said preferred_safe)" -eq 1
t "the prompt so far is there again"
printf ':q\n' | plain --dimension safety --model "x=$at/plain/v1"
stdout_has "Else?"

t "an earlier verdict is revised in between"
id=$(printf ':u\n:q\n' | plain --dimension safety --model "x=$at/plain/v1" &&
    sed -n "s/^\(prompt> \)*\([0-9][0-9]*\)  left is better.*/\2/p" stdout)
printf ':u %s\n7\n\n2\n\n:q\n' "$id" |
    plain --dimension safety --model "x=$at/plain/v1"
stdout_has "1 revised"
must test "$(said '"supersedes"')" -eq 1

t "what is broken is not judged, and can be asked again"
printf '%s\n' ":c" Hello "" 1 "" "r l" c :c :q |
    plain --dimension helpfulness --model "x=$at/late-tgi/v1" \
        --model "y=$at/other/v1"
stdout_has "is broken and is not judged: slot gone"
stdout_has "cannot be judged"
stdout_has "0 judged\|responses thrown away"

t "the key goes to the model that it is named for, and nowhere else"
printf '%s\n' :c Hello "" :q | OUR_KEY=sk-123 plain --dimension helpfulness \
    --key-env x=OUR_KEY --model "x=$at/echo/v1" --model "y=$at/echo/v1"
must test "$(grep -c '^Bearer sk-123' stdout)" -eq 1
must test "$(grep -c '^no key' stdout)" -eq 1
printf '%s\n' c :c :q | plain --dimension helpfulness --model "x=$at/echo/v1" \
    --model "y=$at/echo/v1"

t "a key that no model is named for does not go over plain http to elsewhere"
away=$(echo "$at" | sed 's/127.0.0.1/127.1/') # not sure to be this machine
unnamed() {
    rm -f key.db
    prefkit init key.db
    printf '%s\n' Hello "" :q | PREFKIT_API_KEY=sk-123 prefkit annotate key.db \
        --plain --live --dimension helpfulness --model "x=$away/echo/v1" \
        --model "y=$at/echo/v1" "$@" >stdout 2>stderr
}
unnamed
must test "$(grep -c '^Bearer sk-123' stdout)" -eq 1
must test "$(grep -c '^no key$' stdout)" -eq 1
stderr_has "annotate: no key is sent to 127.1 over plain http; --key-env x="
unnamed --key-env x=PREFKIT_API_KEY
must test "$(grep -c '^Bearer sk-123' stdout)" -eq 2
stderr_has "the key of model 'x' goes to 127.1 over plain http"

t "hostile text is printed as marks"
printf '%s\n' Hello "" q | plain --dimension helpfulness \
    --model "x=$at/hostile/v1" --model "y=$at/down/v1"
stdout_has "<ESC>\]0;owned<BEL>"
stdout_has "no<ESC>\[31m upstream"
must test "$(LC_ALL=C tr -d '\n -\176\200-\377' <stdout | wc -c)" -eq 0

t "two labelers at one store: each has a dialogue of one's own"
rm -f s.db*
prefkit init s.db
models="--model x=$at/plain/v1 --model y=$at/other/v1"
(sleep 0.2; printf '%s\n' "From ana" "" 1 "" "ana again" :q) |
    prefkit annotate s.db --plain --live --dimension helpfulness $models \
        --annotator ana >ana &
printf '%s\n' "From bob" "" 0 "" "bob again" :q |
    prefkit annotate s.db --plain --live --dimension helpfulness $models \
        --annotator bob >bob
wait $!
must test "$(said '"content":"From ana".*"annotator":"ana"')" -eq 1
must test "$(said '"content":"From bob".*"annotator":"bob"')" -eq 1
echo :q | plain --dimension helpfulness --model "x=$at/plain/v1"
stdout_has "ana again"
must test "$(grep -c 'bob' stdout)" -eq 0

t "a campaign says how many turns a dialogue has, and how many verdicts"
rm -f s.db*
prefkit init s.db
prefkit campaign s.db week --dimension helpfulness --turns 1 --quota 2 \
    >/dev/null
work() {
    prefkit annotate s.db --plain --live --annotator ana --campaign week \
        --model "x=$at/plain/v1" --model "y=$at/other/v1" "$@" >stdout
}
printf '%s\n' One "" 1 "" :q | work --turns 3
stdout_has "the dialogue has its end"
printf '%s\n' Two "" 1 "" Three "" :q | work
stdout_has "kept; this campaign asks for no more of you"
stdout_has "1 judged"
must test "$(grep -c 'asks for no more of you' stdout)" -eq 2
must test "$(said '"judgments"')" -eq 2
echo :q | work
stdout_has "asks for no more of you"

t "a store that cannot be written to: said, and nothing is lost"
rm -f s.db*
prefkit init s.db
talk "$PREFKIT" annotate s.db --plain --live --dimension safety \
    --annotator ana --model "x=$at/plain/v1" --model "y=$at/other/v1"
printf '%s\n' One "" 1 "" 2 "" >&3
says "^label> kept"
id=$(sqlite3 s.db "SELECT max(id) FROM judgment")
printf '%s\n' Two "" >&3
says "LEFT"
soon sh -c 'test $(grep -c RIGHT stdout) -eq 2'
no_room "$talking"
printf '%s\n' 9 "" 3 "" >&3
says "^label> not kept: s.db.*; an empty line tries again"
printf 'b\nu %s\n8\n\n2\n\n' "$id" >&3
says "a verdict of yours to revise"
soon sh -c 'test $(grep -c "not kept: s.db" stdout) -eq 2'
must test "$(grep -c "not kept: s.db" stdout)" -eq 2
room "$talking"
printf '\n\n\n' >&3
says "> kept"
soon sh -c 'test $(grep -c "> kept" stdout) -eq 3'
printf ':q\n' >&3
must hush
must test "$(said '"supersedes"')" -eq 1
must test "$(said '"strength":2,"label":"both_unsafe"')" -eq 1
stdout_has "2 judged, 1 revised"

t "a system turn of a file, and a source"
printf 'Be kind.\n' >system
rm -f s.db*
prefkit init s.db
printf '%s\n' Hello "" 1 "" :q | plain --dimension helpfulness \
    --system @system --source pilot --batch w1 --model "x=$at/plain/v1" \
    --model "y=$at/other/v1" --temperature 0.6..0.9 --top-p 0.8,0.9
must test "$(said '"system","content":"Be kind."}.*"source":"pilot","batch":"w1"')" -eq 1
must test "$(said '"top_p":0.8,.*"top_p":0.9,\|"top_p":0.9,.*"top_p":0.8,')" -eq 1
run 0 prefkit check s.db
