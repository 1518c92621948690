# shellcheck shell=sh source=tests/cli/lib.sh
# Hostile and broken model files, and models that do not fit what is asked.
. "$REPO/tests/cli/lib.sh"

small_base
sample_store
train_small safety rm || exit 1
printf '{"prompt": "hello", "response": "hi"}\n' >row.jsonl

# broken: a fresh copy of the reward model, to be damaged
broken() {
    rm -rf bad
    cp -r rm bad
}

# unusable PATTERN: every verb that opens bad/ refuses it
unusable() {
    rm -rf out.jsonl new
    refused 3 "$1" prefkit score --rm x=bad --input row.jsonl --output out.jsonl
    refused 3 "$1" prefkit eval sample.db --rm x=bad --quiet
    refused 3 "$1" prefkit train sample.db --quiet --dimension safety \
        --base bad --output new
    absent out.jsonl new
}

# config KEY VALUE: bad/ has this in its config.json, and nothing else changed
config() {
    sed "s/\"$1\":[[:space:]]*[^,]*/\"$1\": $2/" rm/config.json >bad/config.json
    cmp -s rm/config.json bad/config.json && fail "no change: $1"
}

# poke FILE OFFSET BYTES (octal escapes for printf)
poke() {
    # shellcheck disable=SC2059
    printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

size=$(wc -c <rm/model.safetensors)

t "the model as it was made is fine"
run 0 prefkit score --rm x=rm --input row.jsonl

t "weights cut off"
for keep in 0 7 8 100 $((size - 1)); do
    broken
    head -c "$keep" rm/model.safetensors >bad/model.safetensors
    unusable "model.safetensors"
done

t "a header that claims more than there is"
broken
poke bad/model.safetensors 0 '\377\377\377\377\377\377\377\177'
unusable "model.safetensors"

t "a header that is not JSON"
broken
poke bad/model.safetensors 8 '######'
unusable "model.safetensors"

t "NaN and infinite weights"
for bits in '\000\000\300\177' '\000\000\200\377'; do
    broken
    poke bad/model.safetensors $((size - 4)) "$bits"
    unusable "NaN\|nan\|finite"
done

t "weights of another shape than the config says"
broken
config hidden_size 32
unusable "hidden_size\|shape\|tensor"

t "a config of fewer layers than the weights have"
broken
config num_hidden_layers 1
unusable "model.layers.1.*has no place"

t "a config that mistypes, lacks or overstates things"
broken
for edit in 'num_hidden_layers="two"' num_hidden_layers=2000000000 \
    num_hidden_layers=3 num_hidden_layers=1.5 vocab_size=-5 \
    num_attention_heads=3 num_key_value_heads=0 hidden_size=null \
    'rms_norm_eps="x"' rope_theta=-1 'model_type="gpt2"'; do
    config "${edit%%=*}" "${edit#*=}"
    unusable ""
done
for text in '' '[]' '{"model_type": "llama"' '{}'; do
    printf '%s' "$text" >bad/config.json
    unusable "config.json"
done

t "pad and end-of-sequence the same token"
broken
config pad_token_id 2
unusable "pad_token_id"
unusable "read-out"
# Nor where the tokenizer alone says so.
for eos in null 5; do
    sed "s/\"eos_token_id\":[[:space:]]*[^,]*/\"eos_token_id\": $eos/
        s/\"pad_token_id\":[[:space:]]*[^,]*/\"pad_token_id\": 2/" \
        rm/config.json >bad/config.json
    unusable "pad_token_id"
done
config pad_token_id 2

t "--read-out says which token is meant"
run 0 prefkit score --rm x=rm --input row.jsonl
cp stdout as_trained
run 0 prefkit score --rm x=bad --input row.jsonl --read-out eos
must cmp stdout as_trained
run 0 prefkit score --rm x=bad --input row.jsonl --read-out before-eos
must sh -c '! cmp -s stdout as_trained'
run 0 prefkit eval sample.db --rm x=bad --read-out eos --quiet
run 2 prefkit score --rm x=bad --input row.jsonl --read-out last
stderr_has "eos or before-eos"

t "a chat template of another kind"
broken
sed 's/"chat_template":.*/"chat_template": "{{ messages }}"/' \
    rm/tokenizer_config.json >bad/tokenizer_config.json
printf '{"text": "<s>[INST] hello [/INST] hi </s>"}\n' >text.jsonl
run 0 prefkit score --rm x=bad --input text.jsonl
stderr_has "bad: the model's chat template is neither"
run 3 prefkit score --quiet --rm x=bad --input row.jsonl
must grep -q '"error":"the model.s chat template is neither' stdout
refused 3 "bad: the model's chat template" prefkit score --rm x=bad --store sample.db
refused 3 "bad: the model's chat template" prefkit eval sample.db --rm x=bad --quiet
refused 3 "bad: the model's chat template" prefkit train sample.db --quiet \
    --dimension safety --base bad --output new
absent new

t "a tokenizer cut off"
broken
head -c 3000 rm/tokenizer.model >bad/tokenizer.model
unusable "tokenizer"
refused 3 "" prefkit tokenize --model bad/tokenizer.model --input row.jsonl
refused 3 "" prefkit init-model new --tokenizer bad/tokenizer.model \
    --shape dim=16,layers=1,heads=4,kv_heads=2,hidden=32
absent new

t "files that are missing"
for file in config.json model.safetensors tokenizer.model; do
    broken
    rm bad/$file
    # Without a tokenizer a model still scores ready-made ids, but no text.
    status=4
    [ $file = tokenizer.model ] && status=3
    run $status prefkit score --quiet --rm x=bad --strict --input row.jsonl
    must test "$(wc -l <stderr)" -eq 1
    stderr_has "$file"
done

t "a language model is not a reward model"
refused 3 "base" prefkit score --rm x=base --input row.jsonl
refused 3 "base" prefkit eval sample.db --rm x=base --quiet

rm -rf out.jsonl new
t "a dimension without judgments"
prefkit export -q sample.db --dimension helpfulness --source everyday |
    sed 's/"dimension": *"safety"/"dimension":"helpfulness"/g; s/"label": *"[a-z_]*", *//g' >h.jsonl
prefkit init h.db && prefkit import -q h.db h.jsonl >/dev/null
refused 3 "no safety judgments" prefkit train h.db --quiet \
    --dimension safety --base base --output new
absent new

t "a split without judgments"
run 3 prefkit eval sample.db --rm x=rm --split valid --quiet
must test "$(wc -l <stderr)" -eq 1

t "--strict, rows that cannot be scored: line, status 3, no output file"
for row in '{' '{"prompt": "hello"}' '{"prompt": 3, "response": "x"}' \
    '{"messages": []}' '{"messages": [{"role": "user", "content": "x"}]}' \
    '{"token_ids": [1, 99999]}' '{"token_ids": [1.5]}' '{"token_ids": []}'; do
    printf '%s\n%s\n' "$(cat row.jsonl)" "$row" >rows.jsonl
    refused 3 "rows.jsonl:2: " prefkit score --rm x=rm --quiet \
        --strict --input rows.jsonl --output out.jsonl
    absent out.jsonl
done

t "training that cannot write leaves nothing"
(
    trap '' XFSZ
    ulimit -f 8
    train_small safety new 2>stderr
) || status=$?
must test "${status-0}" -eq 4
absent new

end_test
