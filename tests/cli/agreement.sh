# shellcheck shell=sh source=tests/cli/lib.sh
# agreement and stats, as a user meets them.
. "$REPO/tests/cli/lib.sh"

cat >rows.jsonl <<'END'
{"messages":[{"role":"user","content":"1"}],"a":{"content":"x","model":"m1"},"b":{"content":"yy","model":"m2"},"batch":"week 2","judgments":[{"choice":"a","strength":3,"annotator":"p","created":"2026-01-01"},{"choice":"a","strength":2,"annotator":"q","created":"2026-01-02"}]}
{"messages":[{"role":"user","content":"2"}],"a":{"content":"x","model":"m1"},"b":{"content":"yy","model":"m2"},"batch":"week 10","judgments":[{"choice":"b","strength":1,"annotator":"p","created":"2026-02-01"},{"choice":"tie","annotator":"q","created":"2026-02-02"}]}
END
prefkit init s.db
prefkit import s.db rows.jsonl --source here --dimension helpfulness >/dev/null 2>&1

t "agreement tells the coefficients"
run 0 prefkit agreement s.db
stdout_has "Krippendorff's alpha, ordinal"
stdout_has "percent agreement  *0.500"
stdout_has "Conger's kappa, quadratic weights"
stdout_has "if it were chance .* z -*[0-9.]*, p [0-9.]*"
awk 'length > 100 { exit 1 }' stdout || fail "a line beyond 100 columns"

t "agreement --json"
run 0 prefkit agreement s.db --json --gold p
stdout_has '"schema":[[:space:]]*"prefkit-agreement-report-1"'
stdout_has '"gold_right"'
stdout_has '"conger"'
stdout_has '"se_null"'

t "agreement of nobody's judgments is an empty report"
run 0 prefkit agreement s.db --dimension safety
stdout_has "no judgments"

t "agreement: a source or a gold annotator that is not there"
run 2 prefkit agreement s.db --source elsewhere
stderr_has "no judgments of source 'elsewhere'"
run 2 prefkit agreement s.db --gold nobody
stderr_has "no judgments by annotator 'nobody'"

t "stats tells batches in order, time and models"
run 0 prefkit stats s.db --models --resamples 100
stdout_has "week 10"
stdout_has "Bradley-Terry over 4 judgments"
awk 'length > 100 { exit 1 }' stdout || fail "a line beyond 100 columns"
must test "$(grep -n 'week 2' stdout | cut -d: -f1)" -lt \
    "$(grep -n 'week 10' stdout | cut -d: -f1)"

t "stats: the same seed gives the same intervals"
cp stdout first
run 0 prefkit stats s.db --models --resamples 100
must cmp first stdout

t "stats --json --models=SOURCE"
run 0 prefkit stats s.db --json --models=here
stdout_has '"schema":[[:space:]]*"prefkit-stats-1"'
stdout_has '"elo"'
