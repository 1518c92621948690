# shellcheck shell=sh source=tests/cli/lib.sh
# Scores in bf16 against scores in fp32.
. "$REPO/tests/cli/lib.sh"

t "where bf16 can't be had, fp32 is computed and said"
small_base
sample_store
train_small safety safe
printf '{"prompt": "Hi", "response": "Hello."}\n' >one.jsonl
run 0 env PREFKIT_TILES=0 DNNL_MAX_CPU_ISA=AVX2 "$PREFKIT" score --rm safe=safe \
    --precision bf16 --input one.jsonl --output fp32.jsonl
stderr_has "computing in fp32, not in bf16"
run 0 prefkit score --rm safe=safe --input one.jsonl --output auto.jsonl
must cmp -s fp32.jsonl auto.jsonl

t "a trained model's scores of 2,000 real dialogues"
hh=$DATA/hh-rlhf-harmless/pairs.jsonl.gz
pku=$DATA/pku-saferlhf-safety/pairs.jsonl.gz
tokenizer=$DATA/llama2-tokenizer/tokenizer.model
run 0 prefkit verify safe --precision bf16
if grep -q "not in bf16" stderr; then
    skip "no products in bf16 here"
elif [ ! -f "$hh" ] || [ ! -f "$pku" ] || [ ! -f "$tokenizer" ]; then
    skip "the data is not here"
else
    run 0 prefkit init real.db
    for file in "$hh" "$pku"; do
        run 0 prefkit import real.db "$file" --quiet --skip-bad \
            --dimension safety --source real
    done
    run 0 prefkit init-model wide --quiet --tokenizer "$tokenizer" \
        --shape dim=64,layers=2,heads=4,kv_heads=2,hidden=176
    run 0 prefkit train real.db --quiet --dimension safety --base wide \
        --output model --lr 1e-3 --batch-pairs 32
    for p in fp32 bf16; do
        run 0 prefkit backup real.db $p.db
        # 3: in six dialogues roles do not alternate.
        run 3 prefkit score --quiet --rm m=model --store $p.db --precision $p
    done
    sqlite3 fp32.db >said <<'SQL'
ATTACH 'bf16.db' AS h;
CREATE TEMP VIEW both AS SELECT s.response, s.value AS x, t.value AS y
    FROM main.score s JOIN h.score t USING (response);
CREATE TEMP VIEW pair AS
    SELECT (a.x - b.x) * (a.y - b.y) <= 0 AND NOT (a.x = b.x AND a.y = b.y)
        AS turned
    FROM comparison c JOIN both a ON a.response = c.a
        JOIN both b ON b.response = c.b LIMIT 2000;
SELECT printf('%d responses: mean difference %.4f%% of the standard deviation',
    count(*), 100 * avg(abs(x - y)) / sqrt(avg(x * x) - avg(x) * avg(x)))
    FROM both;
SELECT printf('%d dialogues: %.4f%% of pairs change order', count(*),
    100.0 * sum(turned) / count(*)) FROM pair;
SELECT 'within the bars' WHERE
    (SELECT avg(abs(x - y)) / sqrt(avg(x * x) - avg(x) * avg(x)) FROM both)
        < 0.005
    AND (SELECT 1.0 * sum(turned) / count(*) FROM pair) < 0.005
    AND (SELECT sum(x <> y) FROM both) > 0
    AND (SELECT count(*) FROM pair) = 2000;
SQL
    cat said
    must grep -q "within the bars" said
fi

end_test
