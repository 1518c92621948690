#!/bin/sh
# What small reward models learn from public data, laid out as the Llama 2
# paper's Tables 28 (margins, by strength) and 29 (the safety auxiliary loss).
# Models of two million parameters, from random weights. Each seed deals the
# prompts anew (60% train, 20% valid, 20% test); for each deal the setting is the
# one that does best on its valid split, and the test split is looked at once, by
# the model of that setting.
#
#     sh scripts/tables.sh PREFKIT OUTPUT-DIR
#
# PREFKIT_DATA is the folder with hh-rlhf-harmless, pku-saferlhf-safety,
# tulu-human-eval and llama2-tokenizer; RUNS the seeds (default: 1 2 3).
set -eu
prefkit=$(realpath "${1:?usage: sh scripts/tables.sh PREFKIT OUTPUT-DIR}")
out=${2:?usage: sh scripts/tables.sh PREFKIT OUTPUT-DIR}
data=$(realpath "${PREFKIT_DATA:-$(dirname "$0")/../../shared/data}")
here=$(cd "$(dirname "$0")" && pwd)
runs=${RUNS:-1 2 3}
safety_settings="1:1e-3:all 2:3e-4:all 2:1e-3:all"
tulu_settings="1:3e-4:all 1:1e-3:all 2:3e-4:all"
mkdir -p "$out"
cd "$out"

# PKU's rows here have lost their labels, but not what they say: exactly one
# response is safe, and it is the chosen one. Even rows have it first.
pku_rows() {
    gzip -dc "$data/pku-saferlhf-safety/pairs.jsonl.gz" | python3 -c '
import json, sys
for i, line in enumerate(sys.stdin):
    row = json.loads(line)
    safe = i % 2
    pair = [row["rejected"], row["rejected"]]
    pair[safe] = row["chosen"]
    print(json.dumps({"prompt": row["prompt"], "response_0": pair[0],
                      "response_1": pair[1], "is_response_0_safe": safe == 0,
                      "is_response_1_safe": safe == 1,
                      "safer_response_id": safe}))'
}

# learn MODEL STORE SETTING OPTION...: train, unless it is there. A setting is
# LAYERS:RATE:SOURCE (all: of any source).
learn() {
    model=$1
    db=$2
    rest=${3#*:}
    layers=${3%%:*}
    source=${rest#*:}
    shift 3
    [ -e "$model.done" ] && return
    [ "$source" = all ] || set -- --source "$source" "$@"
    dimension=safety
    batch=32
    case $db in tulu*) dimension=helpfulness batch=16 ;; esac
    rm -rf "$model"
    "$prefkit" train "$db.db" --quiet --dimension $dimension \
        --base "base$layers" --output "$model" --seed "${db##*-}" \
        --epochs 6 --lr "${rest%%:*}" --batch-pairs $batch --max-tokens 512 \
        --keep best-loss --valid-every $((batch / 4)) --patience 6 \
        "$@" >"$model.txt"
    : >"$model.done"
}

# judge MODEL STORE SPLIT: the report MODEL.SPLIT.json
judge() {
    [ -s "$1.$3.json" ] && return
    "$prefkit" eval "$2.db" --quiet --rm "m=$1" --split "$3" --json >"$1.tmp"
    mv "$1.tmp" "$1.$3.json"
}

# choose TASK STORE SOURCE SETTING...: of each deal, $TASK-SEED.setting
choose() {
    task=$1
    store=$2
    of=$3
    shift 3
    for seed in $runs; do
        tried=""
        for setting in "$@"; do
            name=$store-$setting-$seed
            learn "$name" "$store-$seed" "$setting"
            judge "$name" "$store-$seed" valid
            tried="$tried $setting=$name.valid.json"
        done
        # shellcheck disable=SC2086 # several reports
        python3 "$here/tables.py" best "$of" $tried >"$task-$seed.setting"
        echo "$task, deal $seed: $(cat "$task-$seed.setting")" >&2
    done
}

# try NAME TASK STORE OPTION...: with each deal's setting; $reports lists them
try() {
    name=$1
    task=$2
    store=$3
    shift 3
    reports=""
    for seed in $runs; do
        setting=$(cat "$task-$seed.setting")
        made=$store-$setting-$seed # without options it is there
        [ $# -eq 0 ] || made=$name-$seed
        learn "$made" "$store-$seed" "$setting" "$@"
        judge "$made" "$store-$seed" test
        reports=$reports${reports:+,}$made.test.json
    done
}

if [ ! -e dealt ]; then
    rm -f ./*.db
    "$prefkit" init safety.db
    "$prefkit" import --quiet safety.db --source hh --dimension safety \
        --skip-bad "$data/hh-rlhf-harmless/pairs.jsonl.gz" >import.txt
    pku_rows >pku.jsonl
    "$prefkit" import --quiet safety.db --source pku pku.jsonl >>import.txt
    "$prefkit" init tulu.db
    "$prefkit" import --quiet tulu.db --source tulu --skip-bad \
        --dimension helpfulness "$data/tulu-human-eval/judgements.jsonl.gz" \
        >>import.txt
    for store in safety tulu; do
        for seed in $runs; do
            "$prefkit" backup --quiet $store.db "$store-$seed.db" >>split.txt
            "$prefkit" split --quiet --shares 60/20/20 --seed "$seed" \
                "$store-$seed.db" >>split.txt
        done
    done
    for layers in 1 2; do
        rm -rf base$layers
        "$prefkit" init-model base$layers --quiet \
            --tokenizer "$data/llama2-tokenizer/tokenizer.model" \
            --shape dim=64,layers=$layers,heads=4,hidden=128
    done
    : >dealt
fi

# shellcheck disable=SC2086 # several settings
choose hh safety hh $safety_settings
try hh hh safety
hh=$reports
# shellcheck disable=SC2086
choose pku safety pku $safety_settings
try pku pku safety
pku=$reports
# shellcheck disable=SC2086
choose tulu tulu tulu $tulu_settings
try tulu-none tulu tulu
tulu_none=$reports
for margin in small large; do
    try "tulu-$margin" tulu tulu --margin $margin
    eval "tulu_$margin=\$reports"
done
try aux pku safety --safety-weight 1
aux=$reports

echo "HH harmless, and PKU safety:"
python3 "$here/tables.py" hh "model=$hh"
python3 "$here/tables.py" pku "model=$pku"
echo "Safety auxiliary loss, on PKU (the paper's Table 29):"
python3 "$here/tables.py" safety "baseline=$pku" "auxiliary=$aux"
echo "Margin, on Tulu's strengths (the paper's Table 28):"
# shellcheck disable=SC2154 # set through eval above
python3 "$here/tables.py" strengths "none=$tulu_none" "small=$tulu_small" \
    "large=$tulu_large"
