# shellcheck shell=sh source=tests/cli/lib.sh
# Generation over JSON lines: the same rows with any batch, bad rows in their
# place, killed runs, and the way on to score and best.
. "$REPO/tests/cli/lib.sh"

small_base || exit 1
i=0
while [ $i -lt 40 ]; do
    i=$((i + 1))
    printf '{"id":%d,"prompt":"How do I boil %d eggs, please?"}\n' $i $i
done >ask.jsonl

# sample OUTPUT [OPTION...]
sample() {
    out=$1
    shift
    prefkit generate --quiet --model base -k 3 -n 12 --seed 5 --top-k 50 \
        --top-p 0.95 --repetition-penalty 1.1 --stop '. ' --input ask.jsonl \
        --output "$out" "$@"
}

t "the same rows with any batch, any number of threads, in little memory"
run 0 sample whole.jsonl
must test "$(wc -l <whole.jsonl)" -eq 40
run 0 sample one.jsonl --batch 1 -t 1
must cmp whole.jsonl one.jsonl
run 0 sample seven.jsonl --batch 7 --kv-budget 1
must cmp whole.jsonl seven.jsonl
run 0 sample zipped.jsonl.gz --batch 100
gunzip <zipped.jsonl.gz | cmp - whole.jsonl || fail "gzip has other rows"

t "a row says what it was made with"
head -n 1 whole.jsonl >stdout
for part in '"id":1,' '"responses":\["' '"cut":\[' '"fingerprint":"[0-9a-f]*"' \
    '"model":"base"' '"temperature":1,' '"top_p":0.95,' '"top_k":50,' \
    '"repetition_penalty":1.1,' '"max_tokens":12,' '"seed":5,' \
    '"stop":\["\. "\]' '"row":1,' '"finish":\["'; do
    stdout_has "$part"
done

t "another seed, another text; without temperature the same for all"
run 0 sample other.jsonl --seed 6
must test "$(cmp -s whole.jsonl other.jsonl; echo $?)" -eq 1
run 0 sample cold5.jsonl --temperature 0
run 0 sample cold6.jsonl --temperature 0 --seed 6
sed 's/"seed":[56]/"seed":0/' cold5.jsonl >c5
sed 's/"seed":[56]/"seed":0/' cold6.jsonl >c6
must cmp c5 c6

t "a dialogue that is written out is the dialogue"
cat >written.jsonl <<'END'
{"prompt":"What is a pot?"}
{"text":"<s>[INST] What is a pot? [/INST]"}
{"text":"[INST] What is a pot? [/INST]"}
END
run 0 prefkit generate --quiet --model base -n 12 --temperature 0 \
    --input written.jsonl --output written.out
# A text that is continued keeps the space before its next word.
sed 's/.*"responses":\[" *\([^]]*\)\].*/\1/' written.out | sort -u >said
must test "$(wc -l <said)" -eq 1

t "bad rows come out in their place; --strict stops at the first"
long=$(awk 'BEGIN { while (i++ < 9000) printf "x y " }')
cat >bad.jsonl <<END
{"prompt":"fine"}
not JSON
[1]
{"prompt":3}
{"prompt":"a","text":"b"}
{"prompt":[]}
{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}
{"prompt":"[INST] no"}
{"prompt":"a","responses":["b"]}
{"prompt":"a","error":"b"}
{"text":"$long"}
{"prompt":"$long"}
{"prompt":"fine","error2":1}
END
run 3 prefkit generate --model base -n 4 --input bad.jsonl --output bad.out
must test "$(wc -l <bad.out)" -eq 13
must test "$(grep -c '"error":"' bad.out)" -eq 11
must test "$(grep -c '"responses":\["' bad.out)" -ge 2
stderr_has "11 rows could not be answered, the first in line 2"
refused 3 "bad.jsonl:2: " prefkit generate -q --model base -n 4 --strict \
    --input bad.jsonl --output strict.out
absent strict.out strict.out.partial strict.out.journal

t "a reason that cuts a character of the row is text all the same"
printf '{"messages":[{"role":"%039dé","content":"x"}]}\n' 0 >role.jsonl
run 3 prefkit generate -q --model base --input role.jsonl --output role.out
must iconv -f UTF-8 -t UTF-8 -o same.out role.out

t "a line that is too long for a row is a bad row, also to --resume"
# wide OUTPUT [OPTION...]
wide() {
    out=$1
    shift
    prefkit generate --quiet --model base -n 5 --batch 1 --output "$out" "$@"
}
{
    echo '{"prompt":"a"}'
    head -c 68000000 /dev/zero | tr '\0' x
    echo
    head -n 9 ask.jsonl
    printf '%200000s\n' '' # no row; what is torn off lies behind it
} | gzip >wide.jsonl.gz
run 3 wide wide.out --input wide.jsonl.gz
must test "$(wc -l <wide.out)" -eq 11
must test "$(sed -n 2p wide.out)" = \
    '{"error":"the line is longer than 64 MiB","line":2}'
head -c -8 wide.jsonl.gz >torn.gz
run 3 wide torn.out --input torn.gz
stderr_has "torn.gz: damaged or cut-off gzip data"
must test "$(wc -l <torn.out.partial)" -gt 2
cp -R base other
other_tokenizer other
refused 2 "other models or options" wide torn.out --input wide.jsonl.gz \
    --resume --model other
run 3 wide torn.out --input wide.jsonl.gz --resume
must cmp torn.out wide.out
refused 3 "wide.jsonl.gz:2: the line is longer than 64 MiB" \
    wide strict.out --input wide.jsonl.gz --strict

t "a killed run goes on, and ends in the same bytes"
(
    exec "$PREFKIT" generate --quiet --model base -k 3 -n 200 --seed 5 \
        --top-k 50 --top-p 0.95 --repetition-penalty 1.1 --stop '. ' \
        --input ask.jsonl --output killed.jsonl -t 1 --batch 2
) >/dev/null 2>&1 &
pid=$!
sleep 0.3
kill -s KILL $pid 2>/dev/null
wait $pid 2>/dev/null
if [ -e killed.jsonl.journal ] && [ -s killed.jsonl.partial ]; then
    refused 2 "another\|other models or options" sample killed.jsonl -n 199 \
        --resume
fi
run 0 sample killed.jsonl -n 200 --resume
run 0 sample long.jsonl -n 200
must cmp long.jsonl killed.jsonl
absent killed.jsonl.partial killed.jsonl.journal

t "an interrupted run leaves what is whole for --resume"
(
    trap - INT
    exec "$PREFKIT" generate --quiet --model base -k 50 -n 250 --batch 1 -t 1 \
        --input ask.jsonl --output stopped.jsonl 2>/dev/null
) &
pid=$!
while kill -0 $pid 2>/dev/null && [ ! -s stopped.jsonl.partial ]; do
    sleep 0.05
    kill -s INT $pid 2>/dev/null
done
wait $pid 2>/dev/null
must test ! -e stopped.jsonl

t "responses are scored, the best kept, and pairs imported"
run 0 sample_store
run 0 train_small helpfulness help
run 0 prefkit score --quiet --rm help=help --input whole.jsonl \
    --output scored.jsonl
must test "$(grep -c '"scores":{"help":\[' scored.jsonl)" -eq 40
run 0 prefkit best --by help --pairs --input scored.jsonl --output pairs.jsonl
run 0 prefkit import sample.db pairs.jsonl --format trl --source round1 \
    --dimension helpfulness

t "a reward model generates nothing; impossible requests are usage"
refused 3 "no language to generate" prefkit generate -q --model help \
    --input ask.jsonl
run 2 prefkit generate --model base --top-p 0
run 2 prefkit generate --model base --stop ''
run 2 prefkit generate --model base --resume

end_test
