# shellcheck shell=sh source=tests/cli/lib.sh
# Scores by this processor's ways of computing them: OpenBLAS's kernels against
# one another, bf16 against fp32.
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

# The kernels that this processor can run.
kernels() {
    for flag in avx2:Haswell avx512bw:SkylakeX avx512_bf16:Cooperlake; do
        grep -qw "${flag%:*}" /proc/cpuinfo && echo "${flag#*:}"
    done
}
# mean_difference FILE FILE: of the scores in two outputs, as a part of their sd
mean_difference() {
    paste "$1" "$2" | sed 's/[^\t]*"safe":\([-0-9.e]*\)[^\t]*/\1/g' | awk '
        { d = $1 - $2; off += d < 0 ? -d : d; sum += $1; square += $1 * $1 }
        END { print off / NR / sqrt(square / NR - (sum / NR) ^ 2) }'
}
t "any kernels: the same score to rounding, the same bits in any batch"
if [ -z "$(kernels)" ]; then
    skip "none to choose from"
else
    prefkit export sample.db --format trl --dimension safety --quiet |
        sed -n 's/"chosen":[^"]*"role":"assistant","content":\("[^"\]*"\).*/"response":\1}/p' \
            >rows.jsonl
    must test "$(wc -l <rows.jsonl)" -gt 100
    run 0 prefkit score --rm safe=safe --precision fp32 --quiet \
        --input rows.jsonl --output own.jsonl
    for kernel in $(kernels); do
        run 0 env OPENBLAS_CORETYPE="$kernel" "$PREFKIT" verify safe \
            --precision fp32
        stderr_has "($kernel kernels, as OPENBLAS_CORETYPE asks)"
        run 0 env OPENBLAS_CORETYPE="$kernel" "$PREFKIT" score --quiet \
            --rm safe=safe --precision fp32 --input rows.jsonl \
            --output "$kernel.jsonl"
        off=$(mean_difference own.jsonl "$kernel.jsonl")
        must awk -v off="$off" 'BEGIN { exit !(off >= 0 && off < 1e-5) }'
    done
fi

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
