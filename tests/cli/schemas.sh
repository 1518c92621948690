# shellcheck shell=sh source=tests/cli/lib.sh
# What is written is as the schemas in schemas/ say; those of serve, eval and
# train's summary are looked at in their Check suites.
. "$REPO/tests/cli/lib.sh"

# as SCHEMA FILE: each document in FILE is as schemas/SCHEMA says
as() {
    where=$PWD/$2
    (cd "$REPO" && "$(dirname "$PREFKIT")/tests/client/schema_check" \
        "schemas/$1" "$where") 2>why || fail "$(head -n 1 why)"
}

# prints SCHEMA STATUS COMMAND...: what it prints is so, and the schema is named
# in it
prints() {
    schema=$1
    shift
    run "$@"
    as "$schema" stdout
    stdout_has "\"schema\":[[:space:]]*\"prefkit-${schema%.schema.json}-1\""
}

prefkit init store.db
prefkit init empty.db
cat >rows.jsonl <<'EOF'
{"messages":[{"role":"user","content":"q"}],"a":{"content":"x","model":"m","temperature":0.7,"top_p":0.9,"seed":7,"cut":true,"extra":{"k":1}},"b":"y","source":"s","batch":"w","extra":{"k":[1]},"judgments":[{"dimension":"safety","choice":"a","strength":2,"label":"both_safe","annotator":"ann","note":"n","flags":["f"],"seconds":2,"shown_left":"b","created":"2026-01-01T00:00:00Z","guideline":"1"},{"dimension":"safety","choice":"tie","annotator":"bob"}]}
{"messages":3}
EOF

t "the schemas of the store's verbs"
prints import-report.schema.json 0 prefkit import store.db rows.jsonl --json \
    --skip-bad --rejects rejects.jsonl
as reject.schema.json rejects.jsonl
run 0 prefkit import store.db "$SAMPLE/comparisons.jsonl"
run 0 prefkit export store.db --output all.jsonl
as comparison.schema.json all.jsonl
prints stats.schema.json 0 prefkit stats store.db --json --models
prints stats.schema.json 0 prefkit stats store.db --json \
    --tokenizer "$SAMPLE/tokenizer.model"
stdout_has '"tokens":'
prints agreement-report.schema.json 0 prefkit agreement store.db --json
prints check.schema.json 0 prefkit check store.db --json
prints show.schema.json 0 prefkit show store.db 1 --json
prints show.schema.json 0 prefkit show store.db 200 --json
prints search.schema.json 0 prefkit search store.db tea --json
prints merge.schema.json 0 prefkit merge empty.db store.db --json
prints batch.schema.json 0 prefkit batch store.db --json
prints batch.schema.json 0 prefkit batch store.db new --json
prints split.schema.json 0 prefkit split store.db --json --dry-run
run 0 prefkit campaign store.db c --dimension safety --fill
prints campaigns.schema.json 0 prefkit campaign store.db c --json

t "what is found and ratings are in the schemas too"
sed -n 1p rows.jsonl >again.jsonl
run 0 prefkit import store.db again.jsonl --source other --split test
printf '%s\n' '{"messages":[{"role":"user","content":"q"}],"a":"x","b":"z","split":"train"}' \
    '{"messages":[{"role":"user","content":"q"}],"a":"x","b":"v","split":"test"}' >leak.jsonl
run 0 prefkit import store.db leak.jsonl
prints check.schema.json 1 prefkit check store.db --json
prints merge.schema.json 0 prefkit merge empty.db store.db --json
prefkit init rated.db
run 0 prefkit import rated.db --skip-bad \
    "$REPO/tests/fixtures/formats/helpsteer2-ratings.jsonl"
prints stats.schema.json 0 prefkit stats rated.db --json
prints show.schema.json 0 prefkit show rated.db 1 --json

t "the schemas of models, rows and scores"
small_base
run 0 prefkit train store.db --quiet --dimension safety --base base \
    --source dialogues --output help --lr 1e-2 --batch-pairs 128 --log log.jsonl
as train-log.schema.json log.jsonl
as provenance.schema.json help/prefkit.json
prints verify.schema.json 0 prefkit verify help --json
cat >ask.jsonl <<'EOF'
{"prompt":"What is tea?"}
{"messages":[{"role":"user","content":"q"}]}
EOF
as generate-input.schema.json ask.jsonl
run 0 prefkit generate --quiet --model base --max-tokens 4 --input ask.jsonl \
    --output made.jsonl
as generate-output.schema.json made.jsonl
cp "$SAMPLE/generations.jsonl" given.jsonl
as score-input.schema.json given.jsonl
as score-input.schema.json made.jsonl
run 0 prefkit score --quiet --rm help=help --rm safe=help --input given.jsonl \
    --output scored.jsonl --combine helpfulness=help,safety=safe \
    --whitening-save white.json
as score-output.schema.json scored.jsonl
as whitening.schema.json white.json
run 0 prefkit best --by help --input scored.jsonl --output best.jsonl
as best.schema.json best.jsonl
run 0 prefkit best --by help --input scored.jsonl --output curve.json \
    --curve --json
as best-curve.schema.json curve.json

t "a campaign tells of both models that it is ordered by"
run 0 prefkit train store.db --quiet --dimension safety --base base \
    --source dialogues --output safe --lr 1e-3 --batch-pairs 128
run 0 prefkit score --quiet --rm help=help --rm safe=safe --store store.db
run 0 prefkit campaign store.db d --dimension safety --order uncertain \
    --scored-by help,safe
stdout_has "filled uncertain by scores of help and safe$"
prints campaigns.schema.json 0 prefkit campaign store.db d --json
stdout_has '"against":[[:space:]]*"safe"'
prints show.schema.json 0 prefkit show store.db 1 --json

t "every schema is named by a test"
for schema in "$REPO"/schemas/*.schema.json; do
    name=$(basename "$schema")
    grep -qF "$name" "$REPO"/tests/*.c "$REPO"/tests/cli/*.sh ||
        fail "no test names $name"
done
