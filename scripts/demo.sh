#!/bin/sh
# The whole path on the sample that comes with prefkit: a store, a small base
# model, two reward models, scores, and an accuracy report. About a minute on two
# cores, once the packages are there; everything it makes is in ./demo.
#
#     sh scripts/demo.sh
set -eu
cd "$(dirname "$0")/.."
sample=scripts/sample

say() {
    printf '\n%s\n' "$*"
}

# Show a command as one would type it, then run it.
run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

say "== 1. The program, built from source"
sh scripts/deps.sh build
run make -s -j"$(nproc)"
PATH=$PWD/build/release:$PATH
# shellcheck disable=SC2016 # shown as it is to be typed
printf '\n$ PATH=$PWD/build/release:$PATH\n'

# Only a folder that an earlier demo made is ever removed.
if [ -e demo ] && [ ! -e demo/.made-by-demo.sh ]; then
    echo "demo.sh: ./demo is there and not mine; move it away, please" >&2
    exit 1
fi
rm -rf demo
mkdir demo
: >demo/.made-by-demo.sh

say "== 2. A store, filled from a file of comparisons"
run prefkit init demo/prefs.db
run prefkit import demo/prefs.db $sample/comparisons.jsonl
run prefkit check demo/prefs.db
run prefkit stats demo/prefs.db

say "== 3. A small language model to start from"
run prefkit init-model demo/random --tokenizer $sample/tokenizer.model \
    --shape dim=64,layers=2,heads=4,kv_heads=2,hidden=176
run prefkit train demo/prefs.db --objective lm --dimension helpfulness \
    --base demo/random --output demo/base --epochs 1 --lr 2e-3 --batch-pairs 16

say "== 4. Two reward models, one for each dimension"
for dimension in helpfulness safety; do
    run prefkit train demo/prefs.db --dimension $dimension --base demo/base \
        --output demo/$dimension --epochs 3 --lr 2e-3 --batch-pairs 16 \
        --log demo/$dimension.jsonl
done

say "== 5. Scores for a batch of generations"
run prefkit score --rm helpfulness=demo/helpfulness --rm safety=demo/safety \
    --input $sample/generations.jsonl --output demo/scored.jsonl
run head -n 1 demo/scored.jsonl

say "== 6. How often they are right, on prompts they were not trained on"
run prefkit eval demo/prefs.db --rm helpfulness=demo/helpfulness \
    --rm safety=demo/safety --html demo/report.html

cat <<'END'

Done; all of it is in ./demo; demo/report.html is the report for a browser.
"helpfulness on helpfulness" and "safety on safety" are each model at its own
work: half would be chance, and "longer %" is what choosing the longer answer
gets. The same with your own data:

  PATH=$PWD/build/release:$PATH
  prefkit init my.db
  prefkit import my.db my-comparisons.jsonl     # forms: prefkit import --formats
  prefkit check my.db
  prefkit train my.db --dimension helpfulness --base MODEL-DIR --output my-rm
  prefkit score --rm mine=my-rm --input my-generations.jsonl --output scored.jsonl
  prefkit eval my.db --rm mine=my-rm

MODEL-DIR is a Llama model in Hugging Face form: config.json, model.safetensors,
tokenizer.model. What train does without further options is the paper's recipe
for a pretrained one; the rates used above suit a small model from nothing.
END
