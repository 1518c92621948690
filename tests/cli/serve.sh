#!/bin/sh
# shellcheck shell=sh source=tests/cli/lib.sh
# The server: score's numbers whatever else is asked at the same time, refusals
# that say why, and an end that loses nothing. $SERVE_SECONDS, if set, is how
# long the many clients go on (60 for the full measure).
. "$REPO/tests/cli/lib.sh"
CLIENT=$(dirname "$PREFKIT")/tests/client/serve_client
[ -x "$CLIENT" ] || {
    t "the client is built"
    fail "no $CLIENT: make suites"
    end_test
    exit 0
}

sample_store
small_base
train_small helpfulness help
train_small safety safe

# serve OPTION...: in the background, on a port of its own, in $at; $server is
# its process, serve.err what it says.
serve() {
    : >serve.out
    "$PREFKIT" serve --rm help=help --rm safe=safe --listen 127.0.0.1:0 "$@" \
        >serve.out 2>serve.err &
    server=$!
    while kill -0 $server 2>/dev/null && ! grep -q listening serve.out; do
        sleep 0.02
    done
    at=$(sed -n 's,^listening on http://,,p' serve.out)
    [ -n "$at" ] || fail "the server does not listen: $(cat serve.err)"
}

# The server ends by itself, in good order.
ended() {
    wait $server
    got=$?
    [ $got -eq 0 ] || fail "the server ended with $got: $(tail -n 1 serve.err)"
}

stop() {
    kill -TERM $server
    ended
}

# ask METHOD PATH [HEADER]: standard input is the body; the reply's status is in
# $status, its body in ./stdout.
ask() {
    cat >body
    {
        printf '%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n' "$1" "$2"
        printf 'Content-Length: %d\r\n' "$(wc -c <body)"
        [ -z "${3-}" ] || printf '%s\r\n' "$3"
        printf '\r\n'
        cat body
    } | "$CLIENT" "$at" raw >reply
    status=$(sed -n '1s,HTTP/1.1 \([0-9]*\).*,\1,p' reply)
    sed '1,/^.$/d' reply >stdout
}

# asked STATUS PATTERN METHOD PATH [HEADER]
asked() {
    want=$1
    pattern=$2
    shift 2
    ask "$@"
    [ "$status" = "$want" ] || fail "status $status, not $want: $*"
    stdout_has "$pattern"
}

# Texts of all lengths, their chat formats written out, some of them cut off.
awk 'BEGIN {
    for (i = 0; i < 400; i++) {
        s = ""
        for (k = 0; k < 1 + i * i % 90; k++) s = s " word" (i * k) % 17
        printf "{\"text\":\"<s>[INST] question %d%s [/INST] answer %d", i % 40, \
            substr(s, 1, i % 5 * 30), i
        printf "%s%s\"}\n", s, i % 7 ? " </s>" : ""
    }
}' >texts.jsonl
run 0 prefkit score --quiet --rm help=help -i texts.jsonl -o want.jsonl

t "rows over HTTP are score's, byte for byte"
serve
{
    head -n 40 "$SAMPLE/generations.jsonl"
    printf 'not JSON\n\n{"prompt": "q"}\n{"prompt":"q","responses":["a","b [INST]"]}\n'
    head -n 20 texts.jsonl
    printf '{"token_ids":[1,5,6,2]}\n{"prompt":"q","responses":[]}'
} >rows.jsonl
run 3 prefkit score --quiet --rm help=help --rm safe=safe -i rows.jsonl -o scored.jsonl
ask POST /score <rows.jsonl
must cmp stdout scored.jsonl

t "what messages, texts and the report say is one number"
asked 200 '"rewards":\[' POST /get_reward <<'END'
{"query":["<s>[INST] q [/INST] a </s>"],"prompts":["q"],"labels":[null]}
END
one=$(sed 's/.*"rewards":\[\([^],]*\).*/\1/' stdout)
asked 200 "\"probs\":\[$one\]" POST /classify <<'END'
{"model":"help","messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}
END
asked 200 "\"data\":\[$one\]" POST /v1/pooling <<'END'
{"input":"[INST] q [/INST] a </s>"}
END
asked 200 "\"relevance_score\":$one" POST /v1/rerank <<'END'
{"query":"q","documents":["a"]}
END
asked 200 "\"score\":$one" POST /v1/score <<'END'
{"text_1":"q","text_2":["a"]}
END
printf '{"prompt":"q","response":"a"}\n' | prefkit score --quiet --rm help=help >by_score
must grep -q "\"help\":$one}" by_score

t "a text that cannot be scored leaves the others their numbers"
asked 200 "{\"rewards\":\[null,$one\].*\"errors\":\[{\"index\":0,\"error\":\"the text is empty\"}\]" \
    POST /get_reward <<'END'
{"query":["","<s>[INST] q [/INST] a </s>"]}
END
asked 200 '"cut":\[1\]' POST /get_reward <<'END'
{"query":["<s>[INST] q [/INST] a"]}
END

t "two models as one reward: what score --combine gives"
stop
run 0 prefkit score --quiet --rm help=help --rm safe=safe -i "$SAMPLE/generations.jsonl" \
    -o apart.jsonl
run 0 prefkit score --quiet -i apart.jsonl --combine helpfulness=help,safety=safe \
    --combine-as logit --whitening-save white.json -o /dev/null
serve --combine helpfulness=help,safety=safe --combine-as white --whitening white.json
sed 's/^{"prompt": "\(H[^"]*\)"/{"safety_prompt": true, "prompt": "\1"/' \
    "$SAMPLE/generations.jsonl" | head -n 60 >tagged.jsonl
run 0 prefkit score --quiet --rm help=help --rm safe=safe -i tagged.jsonl -o want.tagged.jsonl \
    --combine helpfulness=help,safety=safe --combine-as white --whitening white.json
ask POST /score <tagged.jsonl
must cmp stdout want.tagged.jsonl
must grep -q '"combined_from":\["safety"' stdout
must grep -q '"combined_from":.*"helpfulness"' stdout
asked 200 '"id":"combined"' GET /v1/models </dev/null
printf '{"prompt":"q","response":"a","safety_prompt":%s}\n' true false >both.jsonl
prefkit score --quiet --rm help=help --rm safe=safe -i both.jsonl \
    --combine helpfulness=help,safety=safe --combine-as white --whitening white.json |
    sed 's/.*"combined":\([^}]*\)}.*/\1/' >both.numbers
tagged=$(sed -n 1p both.numbers)
plain=$(sed -n 2p both.numbers)
must test "$tagged" != "$plain"
asked 200 "{\"rewards\":\[$tagged,$plain\]" POST '/get_reward?model=combined' <<'END'
{"query":["<s>[INST] q [/INST] a </s>","<s>[INST] q [/INST] a </s>"],"labels":[true,false]}
END
asked 200 "\"probs\":\[$tagged\]" POST /classify <<'END'
{"model":"combined","input":"<s>[INST] q [/INST] a </s>","safety_prompt":true}
END
asked 400 'whitened reward has no probability' POST /classify <<'END'
{"model":"combined","input":"a","use_activation":true}
END
stop
refused 2 "no --rm is called 'other'" prefkit serve --rm help=help --rm safe=safe --quiet \
    --listen 127.0.0.1:0 --combine helpfulness=help,safety=other
serve

t "refusals say why"
asked 400 'not valid JSON' POST /classify <<'END'
{"input":
END
asked 400 '"query\\" is not a list' POST /get_reward <<'END'
{"queries":["a"]}
END
asked 400 'truncate_prompt_tokens' POST /pooling <<'END'
{"input":"a","truncate_prompt_tokens":5}
END
asked 404 "model 'x' does not exist" POST /classify <<'END'
{"model":"x","input":"a"}
END
asked 404 'nothing at /nowhere' GET /nowhere </dev/null
asked 405 'takes POST' GET /score </dev/null
asked 405 'takes GET' POST /health </dev/null
asked 200 '"status":"ok"' GET /health </dev/null
asked 200 '"id":"safe"' GET /v1/models </dev/null
asked 200 '^prefkit_requests_total{path="/classify",status="404"} 1$' GET /metrics </dev/null

t "several requests in one breath are answered in turn"
{
    printf 'POST /get_reward HTTP/1.1\r\nHost: x\r\nContent-Length: 32\r\n\r\n{"query":["[INST] q [/INST] a"]}'
    printf 'GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
} | "$CLIENT" "$at" raw >reply
must test "$(grep -c '^HTTP/1.1 200' reply)" -eq 2
must test "$(grep -n rewards reply | cut -d : -f 1)" -lt "$(grep -n '"ok"' reply | cut -d : -f 1)"

t "a port that is taken is one line and status 4"
refused 4 "cannot listen on $at" prefkit serve --rm help=help --listen "$at"
stop

t "many clients, some of which walk away: no wrong, lost or crossed answer"
serve --forest-tokens 2000
# One that says half of something and then nothing.
mkfifo half
exec 8<>half
printf 'POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{' >half
"$CLIENT" "$at" raw <half >/dev/null 2>&1 8<&- &
run 0 "$CLIENT" "$at" load want.jsonl 64 1500 "${SERVE_SECONDS:-0}" 10
stdout_has '"ended":0,"wrong":0}'
must grep -qv '"killed":0,' stdout
answered=$(sed 's/.*"answered":\([0-9]*\).*/\1/' stdout)
must test "$answered" -gt 1000
asked 200 '^prefkit_queue_texts 0$' GET /metrics </dev/null
most=$(sed -n 's/^prefkit_forest_texts_max //p' stdout)
must test "$most" -gt 6
before=$(sed -n 's/^prefkit_request_seconds_count //p' stdout)

t "ended under load: what was accepted is answered, then status 0"
"$CLIENT" "$at" load want.jsonl 32 1000000 0 0 >loaded 2>load.err &
load=$!
count=$before
while [ "$count" -lt $((before + 60)) ] && kill -0 $load; do
    ask GET /metrics </dev/null
    count=$(sed -n 's/^prefkit_request_seconds_count //p' stdout)
    count=${count:-0}
done
stop
wait $load
must test $? -eq 0
must grep -q '"wrong":0}' loaded
answered=$(sed 's/.*"answered":\([0-9]*\).*/\1/' loaded)
must test "$answered" -gt 50
told=$(sed -n 's/.*serve: \([0-9]*\) requests with.*/\1/p' serve.err)
must test "$told" -eq $((before + answered))
exec 8>&-

t "a full queue is 503, and says when to come again"
serve --queue-texts 8 --forest-tokens 64
run 0 "$CLIENT" "$at" load want.jsonl 48 600 0 0
stdout_has '"ended":0,"wrong":0}'
must grep -qv '"busy":0,' stdout
asked 413 'more than the server takes at a time' POST /get_reward <<END
{"query":["a","a","a","a","a","a","a","a","a"]}
END
stop

t "a body too long is 413, told or not"
serve --max-body 1000
head -c 1001 /dev/zero | tr '\0' ' ' >long
asked 413 'at most 1000 bytes' POST /score <long
{
    printf 'POST /score HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n'
    printf '3e9\r\n'
    cat long
    printf '\r\n0\r\n\r\n'
} | "$CLIENT" "$at" raw >stdout
stdout_has '^HTTP/1.1 413'
stop

t "a token is needed where there is one"
PREFKIT_SERVE_TOKEN=open-sesame serve
asked 401 'bearer token' GET /metrics </dev/null
must grep -q '^WWW-Authenticate: Bearer' reply
asked 401 'bearer token' POST /score 'Authorization: Bearer open-sesam' <texts.jsonl
asked 401 'bearer token' POST /score 'Authorization: Bearer open-sesamee' <texts.jsonl
asked 200 '"ok"' GET /health </dev/null
ask POST /score 'Authorization: bearer open-sesame' <texts.jsonl
must test "$status" = 200
stop

t "nobody else is let in by default"
refused 2 "can be reached by others" prefkit serve --rm help=help --listen 0.0.0.0:0
refused 2 "takes HOST:PORT" prefkit serve --rm help=help --listen 127.0.0.1
refused 2 "takes HOST:PORT" prefkit serve --rm help=help --listen 127.0.0.1:99999
run 2 prefkit serve --listen 127.0.0.1:0
stderr_has "--rm NAME=DIR is needed"
refused 4 "nowhere" prefkit serve --rm help=nowhere --listen 127.0.0.1:0
end_test
