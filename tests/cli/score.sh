#!/bin/sh
# shellcheck shell=sh source=tests/cli/lib.sh
# Batch scoring: bad rows, resuming after kill -9, shards, two models as one
# reward, the store, the best of K.
. "$REPO/tests/cli/lib.sh"

sample_store
small_base
train_small helpfulness help
train_small safety safe

# Rows of every kind, with bad ones and a blank line among them; enough for
# three shards.
{
    cat "$SAMPLE/generations.jsonl"
    i=0
    while [ $i -lt 20 ]; do
        printf '{"prompt": "q%s"}\n\nnot JSON %s\n' $i $i
        seq "$i" 20 620 | sed 's/.*/{"prompt": "&?", "response": "& is it."}/'
        i=$((i + 1))
    done
} >rows.jsonl
n=$(grep -c . rows.jsonl)
score() {
    prefkit score --rm help=help --rm safe=safe --forest-tokens 2000 --threads 1 "$@"
}

t "a bad row comes out in its place, and the status is 3"
run 3 score --input rows.jsonl --output all.jsonl
stderr_has "first of 40 rows"
stderr_has "[0-9]% of the time in the models"
must test "$(wc -l <all.jsonl)" -eq "$n"
must test "$(grep -c '"error":' all.jsonl)" -eq 40
must test "$(grep -c '"scores":' all.jsonl)" -eq $((n - 40))
line=$(grep -n '^not JSON 0' rows.jsonl | cut -d : -f 1)
must grep -q "^{\"error\":\".*\",\"line\":$line}\$" all.jsonl
must grep -q '^{"prompt": "q0","error":".*response.*"}$' all.jsonl

t "--verbose tells what memory is planned, and was used"
run 3 score --input rows.jsonl --output all.jsonl --verbose
stderr_has "help: planned for forests of up to 4000 tokens, .* MiB: activations "
stderr_has "safe: planned for forests of up to 4000 tokens, .* MiB: activations "
stderr_has "memory: [0-9.]* MiB at most"

t "the same bytes whatever stands beside a row"
run 0 prefkit score --rm help=help -i "$SAMPLE/generations.jsonl" -o forth.jsonl
tac "$SAMPLE/generations.jsonl" >back.jsonl
for tokens in 300 1100 20000; do
    run 0 prefkit score --rm help=help --forest-tokens $tokens -i back.jsonl -o scored.jsonl
    tac scored.jsonl >again.jsonl
    must cmp forth.jsonl again.jsonl
done

t "--strict stops at it, and leaves nothing"
head -n 3 rows.jsonl >few.jsonl
printf '{"prompt": 7}\n' >>few.jsonl
refused 3 "few.jsonl:4: " score --quiet --strict -i few.jsonl -o strict.jsonl
absent strict.jsonl strict.jsonl.partial strict.jsonl.journal

t "a line that is too long for a row is a bad row"
printf '{"prompt": "Hi", "response": "Hello."}\n' >one.jsonl
{
    cat one.jsonl
    head -c 68000000 /dev/zero | tr '\0' x
    echo
    cat one.jsonl
} | run 3 prefkit score --rm help=help --quiet --output long.jsonl
must test "$(wc -l <long.jsonl)" -eq 3
must test "$(sed -n 2p long.jsonl)" = \
    '{"error":"the line is longer than 64 MiB","line":2}'

t "too few addresses are refused, not waited for, wherever they end"
for k in 100000 250000 350000 450000 550000; do
    (
        # shellcheck disable=SC3045 # not in POSIX, but in dash and bash
        ulimit -v $k
        OMP_NUM_THREADS=2 timeout 60 "$PREFKIT" score --rm help=help --quiet \
            --input one.jsonl >stdout 2>stderr
    )
    case $? in
    0) must test -s stdout ;;
    5) must test "$(wc -l <stderr)" -eq 1 ;;
    *) fail "status $? with ulimit -v $k" ;;
    esac
done

t "killed at any point and resumed: the same bytes"
run 3 score -i rows.jsonl -o all.jsonl.gz
for out in killed.jsonl killed.jsonl.gz; do
    for blocks in 60 110; do
        # SIGXFSZ kills it in the middle of a write, as nothing else does at a
        # place that can be chosen.
        [ $out = killed.jsonl.gz ] && blocks=$((blocks / 5))
        rm -f killed.jsonl*
        (
            ulimit -f $blocks
            exec "$PREFKIT" score --rm help=help --rm safe=safe --quiet --threads 1 \
                --forest-tokens 2000 --input rows.jsonl --output $out
        ) >stdout 2>stderr
        must test $? -gt 128
        must test ! -e $out -a -s $out.partial
        refused 2 "of an unfinished run: --resume" score --quiet --threads 1 \
            -i rows.jsonl -o $out
        # What was half written to the journal when the power went.
        printf '{"output_by' >>$out.journal
        run 3 score --input rows.jsonl --output $out --resume
        stderr_has "rows of rows.jsonl are done already"
        must cmp $out all.${out#killed.}
        absent $out.partial $out.journal
    done
done

t "interrupted while it waits for more of a compressed pipe"
mkfifo pipe.gz
(
    trap - INT
    exec "$PREFKIT" score --quiet --rm help=help --rm safe=safe -i pipe.gz \
        -o piped.jsonl 2>/dev/null
) &
pid=$!
exec 9>pipe.gz
gzip -c rows.jsonl >&9
sleep 0.5
kill -s INT $pid
i=0
while kill -0 $pid 2>/dev/null && [ $i -lt 400 ]; do
    sleep 0.05
    i=$((i + 1))
done
must test $i -lt 400
exec 9>&-
wait $pid
must test $? -eq 130
rm -f piped.jsonl.partial piped.jsonl.journal pipe.gz

t "killed again and again"
rm -f killed.jsonl*
windows() {
    cat killed.jsonl.journal 2>/dev/null | wc -l
}
status=137
runs=0
while [ $status -eq 137 ] && [ $runs -lt 100 ]; do
    before=$(windows)
    "$PREFKIT" score --rm help=help --rm safe=safe --forest-tokens 2000 \
        --quiet -i rows.jsonl -o killed.jsonl --resume 2>/dev/null &
    pid=$!
    # Until it has got on by some windows, or has ended.
    while kill -0 $pid 2>/dev/null && [ "$(windows)" -lt $((before + 5)) ]; do
        sleep 0.01
    done
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    status=$?
    runs=$((runs + 1))
done
must test $status -eq 3
must cmp killed.jsonl all.jsonl

t "--resume only of the same run over the same rows"
head -n 300 rows.jsonl >part.jsonl
(
    ulimit -f 60
    exec "$PREFKIT" score --rm help=help --rm safe=safe --quiet --threads 1 \
        --forest-tokens 2000 -i part.jsonl -o held.jsonl
) >stdout 2>stderr
exec 9<>held.jsonl.partial
flock 9
refused 2 "another run is writing" score --quiet -i part.jsonl \
    -o held.jsonl --resume
exec 9>&-
refused 2 "other models or options" prefkit score --rm help=help --quiet --threads 1 \
    -i part.jsonl -o held.jsonl --resume
mkdir other
cp -r help other/help
other_tokenizer other/help
refused 2 "other models or options" prefkit score --rm help=other/help \
    --rm safe=safe --forest-tokens 2000 --threads 1 --quiet -i part.jsonl \
    -o held.jsonl --resume
run 1 prefkit verify other/help
must grep -q "tokenizer: not the one it was trained with" stdout
printf '{"tokenizer": 1}' >other/help/prefkit.json
run 1 prefkit verify other/help
must grep -q 'prefkit.json: .*"tokenizer" is not' stdout
run 0 prefkit verify help
sed '2s/prompt/Prompt/' part.jsonl >changed.jsonl
refused 3 "are not those" score --quiet -i changed.jsonl -o held.jsonl --resume
run 3 score -i part.jsonl -o held.jsonl --resume
head -n "$(grep -c . part.jsonl)" all.jsonl >want.jsonl
must cmp held.jsonl want.jsonl

t "a finished run is not gone on with, and that is said"
cp held.jsonl before.jsonl
run 3 score -i part.jsonl -o held.jsonl --resume
stderr_has "computing it anew"
must cmp held.jsonl before.jsonl

t "shards, put together, are the whole"
for i in 1 2 3; do
    # Bad rows are dealt to all of them.
    run 3 score --shard $i/3 -i rows.jsonl -o part$i.jsonl.gz
done
run 3 prefkit score --join part3.jsonl.gz part1.jsonl.gz part2.jsonl.gz \
    -o joined.jsonl
stderr_has "joined.jsonl:[0-9]*: the first of"
must cmp joined.jsonl all.jsonl

t "gaps and overlaps are found"
refused 3 "of the 3 shards these are missing: 3" prefkit score -q --join part1.jsonl.gz \
    part2.jsonl.gz -o bad.jsonl
refused 3 "are both shard 1 of 3" prefkit score -q --join part1.jsonl.gz \
    part2.jsonl.gz part1.jsonl.gz -o bad.jsonl
zcat part3.jsonl.gz | sed '5d' >short.jsonl
refused 3 "rows, where shard 3 of 3 has" prefkit score -q --join \
    part1.jsonl.gz part2.jsonl.gz short.jsonl -o bad.jsonl
zcat part3.jsonl.gz | sed '$d' >cut.jsonl
refused 3 "without its last line" prefkit score -q --join part1.jsonl.gz \
    part2.jsonl.gz cut.jsonl -o bad.jsonl
prefkit score --rm help=help --rm safe=help --shard 3/3 -q -i rows.jsonl \
    -o other3.jsonl 2>/dev/null
refused 3 "different models or options" prefkit score -q --join \
    part1.jsonl.gz part2.jsonl.gz other3.jsonl -o bad.jsonl
refused 3 "not a shard" prefkit score -q --join all.jsonl -o bad.jsonl
absent bad.jsonl

t "the same weights with another tokenizer, or another length, are another model"
# third DIR: the third shard, by that model
third() {
    prefkit score --rm help="$1" --rm safe=safe --forest-tokens 2000 \
        --shard 3/3 --quiet -i rows.jsonl -o third.jsonl
}
cp -R help shorter
sed 's/\("max_position_embeddings": *\)[0-9]*/\1300/' help/config.json \
    >shorter/config.json
cp -R help same
for dir in other/help shorter; do
    run 3 third $dir
    refused 3 "different models or options" prefkit score -q --join \
        part1.jsonl.gz part2.jsonl.gz third.jsonl -o bad.jsonl
done
run 3 third same
run 3 prefkit score -q --join part1.jsonl.gz part2.jsonl.gz third.jsonl \
    -o good.jsonl
must cmp good.jsonl all.jsonl

t "two rewards as one, in this run or later"
sed 's/^{"prompt": "\(H[^"]*\)"/{"safety_prompt": true, "prompt": "\1"/' \
    "$SAMPLE/generations.jsonl" >tagged.jsonl
run 0 score -i tagged.jsonl -o once.jsonl --combine helpfulness=help,safety=safe
must test "$(grep -c '"combined":' once.jsonl)" -eq "$(wc -l <tagged.jsonl)"
must grep -q '"combined_from":\["safety"' once.jsonl
must grep -q '"combined_from":.*"helpfulness"' once.jsonl
run 0 score -i tagged.jsonl -o apart.jsonl
run 0 prefkit score -i apart.jsonl -o later.jsonl \
    --combine safety=safe,helpfulness=help
must cmp once.jsonl later.jsonl
run 3 prefkit score -i tagged.jsonl --combine helpfulness=help,safety=safe
stdout_has '"error":"response 1: ..scores.. has no number for ..help..'

t "whitening: its statistics are saved, and used again"
run 0 prefkit score -i apart.jsonl -o logit.jsonl --combine-as logit \
    --combine helpfulness=help,safety=safe --whitening-save white.json
must grep -q '"prefkit:whitening:1"' white.json
run 0 prefkit score -i apart.jsonl -o white.jsonl --combine-as white \
    --combine helpfulness=help,safety=safe --whitening white.json
head -n 1 white.jsonl >want.jsonl
head -n 1 tagged.jsonl >first.jsonl
run 0 score -i first.jsonl -o got.jsonl --combine-as white \
    --combine helpfulness=help,safety=safe --whitening white.json
must cmp got.jsonl want.jsonl
refused 3 "statistics of another" score -q -i first.jsonl --combine-as white \
    --combine helpfulness=safe,safety=help --whitening white.json
refused 3 "threshold" score -q -i first.jsonl --combine-as white \
    --combine-threshold 0.5 --combine helpfulness=help,safety=safe \
    --whitening white.json

t "a store's responses get their scores, once"
run 0 prefkit score --store sample.db --rm help=help --rm safe=safe
must test "$(sqlite3 sample.db 'SELECT count(*) FROM score')" -eq \
    $((2 * $(sqlite3 sample.db 'SELECT count(*) FROM response')))
cp sample.db before.db
run 0 prefkit score --store sample.db --rm help=help --rm safe=safe
stderr_has "no response is without scores.*--rescore"
stderr_has "0 responses scored"
run 2 score -i rows.jsonl --rescore
stderr_has "rescore is of a --store"
sqlite3 sample.db 'UPDATE score SET value = 100 WHERE name = "help"'
run 0 prefkit score --store sample.db --rm help=help --rescore
must test "$(sqlite3 sample.db 'SELECT max(value) < 100 FROM score')" -eq 1
# The same weights, but texts become other tokens: another model.
run 0 prefkit score --store sample.db --rm help=other/help
must test "$(sqlite3 sample.db 'SELECT count(DISTINCT model) FROM score
    WHERE name = "help"')" -eq 2
run 0 prefkit show sample.db 1
must test "$(grep -c 'score of a by help: .*model [0-9a-f]\{64\}' stdout)" -eq 2
run 0 prefkit show sample.db 1 --json
run 0 prefkit check sample.db

t "the best of K, over rounds"
run 0 prefkit best --by help -i apart.jsonl -o best1.jsonl --keep kept.jsonl
must cmp best1.jsonl kept.jsonl
must test "$(wc -l <best1.jsonl)" -le "$(wc -l <apart.jsonl)"
run 0 prefkit best --by help -i apart.jsonl -o best2.jsonl --keep kept.jsonl
stderr_has "of the best are of earlier rounds"
must cmp best1.jsonl best2.jsonl
refused 3 "apart.jsonl:1: .*no number for .other" prefkit best --by other -q \
    -i apart.jsonl -o bad.jsonl
absent bad.jsonl

t "best rows are scored again, best and worst are imported"
run 0 score -i best1.jsonl -o again.jsonl
run 0 prefkit best --by help -i apart.jsonl -o pairs.jsonl --pairs
run 0 prefkit init pairs.db
run 0 prefkit import pairs.db pairs.jsonl --format trl --source best \
    --dimension helpfulness --json
stdout_has "\"rows\":[[:space:]]*$(wc -l <pairs.jsonl),"

t "how a response was made goes with it, from generate into the store"
printf '{"messages":[{"role":"user","content":"Hello?"}]}\n{"prompt":"And?"}\n' >ask.jsonl
run 0 prefkit generate --quiet --model base --samples 4 --max-tokens 8 --seed 5 \
    --temperature 0.75 -i ask.jsonl -o said.jsonl
run 0 prefkit score --quiet --rm help=help -i said.jsonl -o said.scored.jsonl
run 0 prefkit best --quiet --by help -i said.scored.jsonl --pairs -o said.pairs.jsonl
must test "$(grep -c '"chosen_generation":{"model":"base"' said.pairs.jsonl)" -eq 2
run 0 prefkit init said.db
run 0 prefkit import said.db said.pairs.jsonl --source r1 --dimension helpfulness
must test "$(sqlite3 said.db "SELECT count(*) FROM response WHERE model = 'base'
    AND temperature = 0.75 AND seed = 5")" -eq 4

t "maximum and median by number of samples"
run 0 prefkit best --by help -i apart.jsonl --curve
stdout_has "maximum"
run 0 prefkit best --by help -i apart.jsonl --curve --json
stdout_has '"prefkit:best-curve:1"'

t "RewardBench's rows get its own numbers"
run 0 prefkit init bench.db
run 0 prefkit import bench.db --quiet --skip-bad --rejects rejects \
    "$REPO/tests/fixtures/formats/rewardbench.jsonl" \
    "$REPO/tests/fixtures/formats/rewardbench2.jsonl"
run 0 prefkit eval bench.db --rm help=help --full
stdout_has '^    Chat  *2 '
stdout_has '^  RewardBench 2  *2 '
stdout_has '^      Ties  *1 '
run 0 prefkit eval bench.db --rm help=help --json
must grep -q '"bench_score"' stdout

t "ratings of single responses are set against their scores"
run 0 prefkit init rated.db
run 0 prefkit import rated.db --quiet --split test --skip-bad --rejects rejects \
    "$REPO/tests/fixtures/formats/helpsteer2-ratings.jsonl" \
    "$REPO/tests/fixtures/formats/ultrafeedback.jsonl"
run 0 prefkit eval rated.db --rm help=help --rm safe=safe --full
stdout_has '^Rated for helpfulness, 0 to 4: [0-9]* responses'
stdout_has '^Rated for helpfulness, 1 to 5: [0-9]* responses'
stdout_has 'rank correlation'
run 0 prefkit eval rated.db --rm help=help
must sh -c '! grep -q "^Rated for" stdout'

end_test
