#!/bin/sh
# What small reward models learn from public data, laid out as the Llama 2
# paper's Tables 28 (margins, by strength) and 29 (the safety auxiliary loss).
# Models of a million parameters, from random weights: about a quarter of an hour
# on two cores. Each run has its own deal of the prompts and its own seed.
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

# deal STORE SEED: a store of its own for each seed, from the whole one
deal() {
    [ -e "$1-$2.db" ] && return
    "$prefkit" backup --quiet "$1.db" "$1-$2.db" >split.txt
    "$prefkit" split --quiet --shares 70/10/20 --seed "$2" "$1-$2.db" >>split.txt
}

# try NAME STORE DIMENSION OPTION...: train and report, once a seed; $reports is
# the list of reports
try() {
    name=$1
    store=$2
    dimension=$3
    shift 3
    reports=""
    for seed in $runs; do
        model=$name-$seed
        reports=$reports${reports:+,}$model.json
        [ -s "$model.json" ] && continue
        deal "$store" "$seed"
        rm -rf "$model"
        "$prefkit" train "$store-$seed.db" --quiet --dimension "$dimension" \
            --base base --output "$model" --seed "$seed" --epochs 8 --lr 1e-3 \
            --max-tokens 512 --keep best-loss --patience 4 "$@" >"$model.txt"
        "$prefkit" eval "$store-$seed.db" --quiet --rm "m=$model" \
            --dimension "$dimension" --json >"$model.tmp"
        mv "$model.tmp" "$model.json"
    done
}

if [ ! -e tulu.db ]; then
    rm -f safety.db
    "$prefkit" init safety.db
    "$prefkit" import --quiet safety.db --source hh --dimension safety \
        --skip-bad "$data/hh-rlhf-harmless/pairs.jsonl.gz" >import.txt
    pku_rows >pku.jsonl
    "$prefkit" import --quiet safety.db --source pku pku.jsonl >>import.txt
    "$prefkit" init tulu.tmp.db
    "$prefkit" import --quiet tulu.tmp.db --source tulu --skip-bad \
        --dimension helpfulness "$data/tulu-human-eval/judgements.jsonl.gz" \
        >>import.txt
    mv tulu.tmp.db tulu.db
fi
[ -e base ] || "$prefkit" init-model base --quiet \
    --tokenizer "$data/llama2-tokenizer/tokenizer.model" \
    --shape dim=32,layers=1,heads=4,hidden=64

try safety safety safety --batch-pairs 32 --valid-every 40
safety=$reports
try aux safety safety --batch-pairs 32 --valid-every 40 --safety-weight 1
aux=$reports
for margin in none small large; do
    try "tulu-$margin" tulu helpfulness --batch-pairs 16 --valid-every 10 \
        --margin $margin
    eval "tulu_$margin=\$reports"
done

echo "HH harmless and PKU safety, one model:"
python3 "$here/tables.py" sources "safety=$safety"
echo "Safety auxiliary loss, on PKU (the paper's Table 29):"
python3 "$here/tables.py" safety "baseline=$safety" "auxiliary=$aux"
echo "Margin, on Tulu's strengths (the paper's Table 28):"
# shellcheck disable=SC2154 # set through eval above
python3 "$here/tables.py" strengths "none=$tulu_none" "small=$tulu_small" \
    "large=$tulu_large"
