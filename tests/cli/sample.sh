# shellcheck shell=sh source=tests/cli/lib.sh
# The whole path, on the sample comparisons.
. "$REPO/tests/cli/lib.sh"

t "init makes a store, once"
run 0 prefkit init sample.db
refused 2 "there already" prefkit init sample.db

t "import takes every row"
run 0 prefkit import sample.db "$SAMPLE/comparisons.jsonl" --json
rows=$(wc -l <"$SAMPLE/comparisons.jsonl")
stdout_has "\"rows\":[[:space:]]*$rows,"

t "importing again changes nothing"
prefkit export -q sample.db >before.jsonl
run 0 prefkit import sample.db "$SAMPLE/comparisons.jsonl"
prefkit export -q sample.db >after.jsonl
must cmp before.jsonl after.jsonl

t "every judgment is in a line of what an export of pairs says"
for policy in majority latest all soft; do
    run 0 prefkit export sample.db --format trl --dimension helpfulness \
        --judgments $policy --equal-after 40 --strength-0 drop --output pairs.jsonl
    must test "$(sed -n 's/.* rows of \([0-9]*\) judgments/\1/p' stderr)" -eq \
        "$(awk '{ sum += $3 } END { print sum }' stderr)"
done

t "check finds nothing wrong"
run 0 prefkit check sample.db

t "stats tells sources, strengths and labels"
run 0 prefkit stats sample.db
for word in everyday dialogues hazards "strength significantly better" \
    "label preferred_unsafe" "choice tie"; do
    stdout_has "$word"
done
run 0 prefkit stats sample.db --json
stdout_has '^{'

t "export, gzip, import: the same store again"
gzip -n <before.jsonl >again.jsonl.gz
run 0 prefkit init again.db
run 0 prefkit import again.db again.jsonl.gz
prefkit export -q again.db >again.jsonl
must cmp before.jsonl again.jsonl

t "export for other trainers says what it leaves out"
run 0 prefkit export sample.db --dimension helpfulness --format trl \
    --strength-0 drop --equal-after 20 --output pairs.jsonl
for words in "531 rows of 743 judgments" "9 judgments left out for the" \
    "2 comparisons: ties, left out" \
    "6 comparisons: without a majority, left out" \
    "41 comparisons: of strength 0" \
    "2 comparisons: the same after --equal-after"; do
    stderr_has "$words"
done

t "pairs that are equal after so many characters or tokens"
run 0 prefkit init equal.db
same='the cat sat on the mat and looked at the '
printf '{"messages":[{"role":"user","content":"q"}],"a":"%sdog","b":"%sbird","judgments":[{"dimension":"helpfulness","choice":"a"}]}\n' \
    "$same" "$same" >equal.jsonl
run 0 prefkit import equal.db equal.jsonl
tokens=$(printf '{"text":"%sdog"}\n{"text":"%sbird"}\n' "$same" "$same" |
    prefkit tokenize -q --model "$SAMPLE/tokenizer.model" |
    sed 's/.*"token_ids":\[\([^]]*\)\].*/\1/; s/ //g' |
    awk -F, 'NR == 1 { n = split($0, a, ",") }
        NR == 2 { for (i = 1; i <= n && a[i] == $i; i++); print i - 1 }')
# equal N ROWS [OPTION...]: so many are left.
equal() {
    n=$1 rows=$2
    shift 2
    run 0 prefkit export equal.db -d helpfulness -f trl --equal-after "$n" "$@"
    [ "$(wc -l <stdout)" -eq "$rows" ] || fail "--equal-after $n $*: not $rows"
}
equal ${#same} 0
stderr_has "1 comparisons: the same after --equal-after (characters)"
equal $((${#same} + 1)) 1
equal "$tokens" 0 --tokenizer "$SAMPLE/tokenizer.model"
stderr_has "1 comparisons: the same after --equal-after (tokens)"
equal $((tokens + 1)) 1 --tokenizer "$SAMPLE/tokenizer.model"
run 2 prefkit export equal.db -f trl --tokenizer "$SAMPLE/tokenizer.model"
run 4 prefkit export equal.db -d helpfulness -f trl --equal-after 3 --tokenizer none

t "standard input is a file like another"
run 0 prefkit init stdin.db
prefkit import stdin.db - --source sample <"$SAMPLE/comparisons.jsonl" \
    >stdout 2>stderr || fail "import - failed: $(cat stderr)"
prefkit export -q stdin.db >stdin.jsonl
must cmp before.jsonl stdin.jsonl

t "tokenize and back"
printf '{"text": "Où est la gare ? 駅 🙂\\n  two  spaces"}\n' >text.jsonl
run 0 prefkit tokenize --model "$SAMPLE/tokenizer.model" --input text.jsonl \
    --output ids.jsonl
run 0 prefkit tokenize --model "$SAMPLE/tokenizer.model" --decode \
    --input ids.jsonl
stdout_has '"decoded":"Où est'
sed 's/"text": *"[^"]*", *//' ids.jsonl >bare.jsonl
run 0 prefkit tokenize --model "$SAMPLE/tokenizer.model" --decode \
    --input bare.jsonl
stdout_has '"text":"Où est la gare ? 駅 🙂\\n  two  spaces'

t "init-model writes a model directory"
run 0 small_base
for file in config.json model.safetensors tokenizer.model; do
    must test -s base/$file
done

t "train writes a reward model and one log line per step"
run 0 prefkit train sample.db --dimension safety --base base --output safety \
    --epochs 1 --lr 1e-2 --batch-pairs 32 --log safety.jsonl
must grep -q LlamaForSequenceClassification safety/config.json
must test "$(wc -l <safety.jsonl)" -ge 8
for key in step loss accuracy lr grad_norm pairs tokens seconds; do
    must grep -q "\"$key\"" safety.jsonl
done

t "the same seed gives the same bytes"
run 0 train_small safety one
run 0 train_small safety two
must cmp one/model.safetensors two/model.safetensors

t "score gives every row back, with its scores"
run 0 train_small helpfulness helpfulness
run 0 prefkit score --rm helpful=helpfulness --rm safe=safety \
    --input "$SAMPLE/generations.jsonl" --output scored.jsonl
must test "$(wc -l <scored.jsonl)" -eq "$(wc -l <"$SAMPLE/generations.jsonl")"
must test "$(grep -c '"helpful":.*"safe":' scored.jsonl)" -eq \
    "$(wc -l <scored.jsonl)"

t "score through pipes and gzip, the same"
gzip <"$SAMPLE/generations.jsonl" | prefkit score --rm helpful=helpfulness \
    --rm safe=safety --quiet >piped.jsonl
must cmp scored.jsonl piped.jsonl

t "eval reports both dimensions, as text and as JSON"
run 0 prefkit eval sample.db --rm safe=safety
stdout_has "interval"
stdout_has "longer"
run 0 prefkit eval sample.db --rm safe=safety --json
stdout_has '"helpfulness"'
stdout_has '"preferred_safe"'

t "generate samples what was asked for, the same for the same seed"
printf '{"prompt": "How do I make pancakes?"}\n' >ask.jsonl
for file in g1 g2; do
    run 0 prefkit generate --model base --samples 2 --max-tokens 8 --seed 7 \
        --input ask.jsonl --output $file.jsonl
done
must cmp g1.jsonl g2.jsonl
must grep -q '"responses"' g1.jsonl

end_test
