# shellcheck shell=sh source=tests/cli/lib.sh
# Adapters: trained, stopped and gone on with, scored as they are and merged.
. "$REPO/tests/cli/lib.sh"

sample_store || exit 1
small_base || exit 1
"$PREFKIT" init-model half --quiet --tokenizer "$SAMPLE/tokenizer.model" \
    --dtype bf16 --shape dim=16,layers=2,heads=4,kv_heads=2,hidden=32

# adapt DIR BASE OPTION...
adapt() {
    dir=$1
    base=$2
    shift 2
    prefkit train sample.db --quiet -t 1 --dimension safety --base "$base" \
        --output "$dir" --epochs 6 --lr 1e-2 --batch-pairs 16 \
        --micro-tokens 512 --log "$dir.jsonl" --lora-rank 4 --lora-alpha 8 \
        --lora-dropout 0.1 "$@"
}

# same_scores A B DIFFERENCE
same_scores() {
    prefkit score --quiet --rm "m=$1" --input "$SAMPLE/generations.jsonl" \
        --output a.jsonl && prefkit score --quiet --rm "m=$2" \
        --input "$SAMPLE/generations.jsonl" --output b.jsonl || return 1
    # Numbers of both, side by side.
    for f in a b; do
        sed 's/.*"scores":{"m":\[*\([^]}]*\)\]*}.*/\1/' $f.jsonl | tr , '\n' >$f.num
    done
    paste -d ' ' a.num b.num | awk -v most="$3" '
        { d = $1 - $2; if (d < 0) d = -d; if (!(d <= most)) bad = 1 }
        $1 != first { some = 1 } NR == 1 { first = $1 }
        END { exit bad || !some || NR < 10 }'
}

t "adapters in PEFT's form score as the merged model beside them"
run 0 adapt whole base
must test -s whole/model.safetensors
must test -s whole/adapter/adapter_model.safetensors
must grep -q '"peft_type":.*"LORA"' whole/adapter/adapter_config.json
must grep -q '"lora":' whole/prefkit.json
must same_scores whole whole/adapter 1e-5
must grep -q '"loss":0.[1-5]' whole.jsonl

t "a directory of adapters is verified as it is scored"
run 0 prefkit verify whole/adapter
must grep -q "whole/adapter: a reward model" stdout
must grep -q "remark: adapters: on the base .*/base$" stdout
must grep -q "told num_labels=1 and pad_token_id=0" stdout
must grep -q "nothing found" stdout

t "from any folder, and a base that lies beside the adapters before another"
mkdir -p elsewhere/base moved
run 0 sh -c "cd elsewhere && '$PREFKIT' verify ../whole/adapter"
cp -r whole/adapter moved/adapter
cp -r base moved/base
sed -i 's|"base_model_name_or_path":.*"|"base_model_name_or_path": "../base"|' \
    moved/adapter/adapter_config.json
run 0 sh -c "cd elsewhere && '$PREFKIT' verify ../moved/adapter"
must grep -q "on the base ../moved/adapter/../base$" stdout
must same_scores whole/adapter moved/adapter 0
sed -i 's|"\.\./base"|"base"|' moved/adapter/adapter_config.json
must same_scores whole/adapter moved/adapter 0
refused 4 "moved/adapter: .*base/config.json" \
    sh -c "cd elsewhere && exec '$PREFKIT' verify ../moved/adapter"

t "on another base of the same shape it is refused, not scored wrongly"
"$PREFKIT" init-model moved/other --quiet --seed 5 --tokenizer \
    "$SAMPLE/tokenizer.model" --shape dim=16,layers=2,heads=4,kv_heads=2,hidden=32
rm -r moved/base
mv moved/other moved/base
sed -i 's|"base_model_name_or_path":.*"|"base_model_name_or_path": "../base"|' \
    moved/adapter/adapter_config.json
for verb in "score --rm m=moved/adapter --input $SAMPLE/generations.jsonl --output no.jsonl" \
    "eval sample.db --rm m=moved/adapter --split train --dimension safety"; do
    # shellcheck disable=SC2086 # words
    refused 3 "moved/adapter: its base .*/base is not the one .* trained on" \
        prefkit $verb
done
must test ! -e no.jsonl
run 1 prefkit verify moved/adapter
must grep -q "its base .*/base is not the one that it was trained on" stdout
run 0 prefkit verify moved/base
# Adapters of PEFT's own say no fingerprint.
rm moved/adapter/prefkit.json
run 0 prefkit verify moved/adapter
printf '{"base": {"fingerprint": 1}}' >moved/adapter/prefkit.json
run 1 prefkit verify moved/adapter
must grep -q '"fingerprint" is not' stdout

t "on a base in bf16, which is mapped as it lies; merged in bf16 again"
run 0 adapt halved half
must grep -q 'bfloat16' halved/config.json
must same_scores halved halved/adapter 0.1

t "merged in bf16: the accuracy that is told is that of what is written"
prefkit export -q sample.db --dimension safety | head -n 90 |
    sed 's/"split":"[a-z]*"/"split":"valid"/' >valid.jsonl
prefkit init -q valid.db
run 0 prefkit import -q valid.db valid.jsonl "$SAMPLE/comparisons.jsonl"
run 0 prefkit train valid.db --quiet -t 1 --dimension safety --base half \
    --output told --lr 1e-2 --epochs 6 --batch-pairs 16 --lora-rank 4 \
    --keep-preferred-unsafe
# first_loss FILE: the first log loss after "validation", or that there is
first_loss() {
    sed -n '/"validation"/,$p' "$1" | grep -m 1 '"log_loss"' | tr -dc 0-9.
}
for model in told told/adapter; do
    run 0 prefkit eval valid.db --quiet --rm "m=$model" --split valid \
        --dimension safety --json
    must test "$(first_loss $model/prefkit.json)" = \
        "$(grep -m 1 '"log_loss"' stdout | tr -dc 0-9.)"
done
must test "$(first_loss told/prefkit.json)" != \
    "$(first_loss told/adapter/prefkit.json)"

t "twice the same bytes; computed again the same bytes"
run 0 adapt again base --recompute
must cmp whole/model.safetensors again/model.safetensors
must cmp whole/adapter/adapter_model.safetensors \
    again/adapter/adapter_model.safetensors

t "killed and gone on with: the same bytes"
(
    exec "$PREFKIT" train sample.db --quiet -t 1 --dimension safety --base base \
        --output part --epochs 6 --lr 1e-2 --batch-pairs 16 \
        --micro-tokens 512 --log part.jsonl --lora-rank 4 --lora-alpha 8 \
        --lora-dropout 0.1 --save-every 3
) >/dev/null 2>&1 &
pid=$!
while kill -0 $pid 2>/dev/null &&
    [ "$(cat part.jsonl 2>/dev/null | wc -l)" -lt 8 ]; do
    sleep 0.01
done
kill -s KILL $pid 2>/dev/null
wait $pid 2>/dev/null
if [ -e part ]; then
    skip "the run was over before the signal came"
else
    refused 3 "recipe.lora.rank" adapt part base --resume --lora-rank 2
    run 0 adapt part base --resume --save-every 3
    must cmp whole/model.safetensors part/model.safetensors
    must cmp whole/adapter/adapter_model.safetensors \
        part/adapter/adapter_model.safetensors
fi

t "some matrices, a language model, and what is refused"
run 0 adapt some base --lora-targets q_proj,v_proj
must grep -q '"q_proj"' some/adapter/adapter_config.json
run 0 adapt lm base --objective lm
must grep -q '"CAUSAL_LM"' lm/adapter/adapter_config.json
refused 3 "adapters already" adapt twice whole/adapter
run 2 adapt bad base --lora-targets q_proj,nothing
cp -r whole/adapter orphan
sed -i 's/"base_model_name_or_path":.*\/base"/"base_model_name_or_path": "gone"/' \
    orphan/adapter_config.json
refused 4 "orphan: .*gone" prefkit score --rm m=orphan \
    --input "$SAMPLE/generations.jsonl" --output no.jsonl

end_test
