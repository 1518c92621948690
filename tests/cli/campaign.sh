# shellcheck shell=sh source=tests/cli/lib.sh
# Campaigns made, changed, filled, worked through and reported.
. "$REPO/tests/cli/lib.sh"

prefkit init s.db
i=0
while [ $i -lt 30 ]; do
    printf '{"messages":[{"role":"user","content":"Question %d?"}],' $i
    printf '"a":"Yes, %d.","b":"No.","source":"s%d"}\n' $i $((i % 2))
    i=$((i + 1))
done >rows.jsonl
prefkit import -q s.db rows.jsonl >/dev/null
echo "Be fair." >one.txt
echo "Be fair, and quick." >two.txt

# verdicts N: so many, as line prompts take them
verdicts() {
    i=0
    while [ $i -lt "$1" ]; do
        printf '2\n\n'
        i=$((i + 1))
    done
}

t "what is refused"
refused 2 "no campaign" prefkit campaign s.db week
refused 2 "no campaign" prefkit campaign s.db week --overlap 2
refused 2 "whose judgments" prefkit campaign s.db week --dimension safety \
    --gold-every 5
refused 2 "no pair has scores" prefkit campaign s.db doubt --dimension safety \
    --order uncertain --scored-by help
run 2 prefkit campaign s.db --overlap 2
run 2 prefkit campaign s.db week --order uncertain
run 2 prefkit campaign s.db week --dimension safety --guideline-version 1
refused 4 "nowhere" prefkit campaign s.db week --dimension safety \
    --guideline nowhere

t "made, filled, changed; every guideline is kept"
run 0 prefkit campaign s.db week --dimension helpfulness --guideline one.txt \
    --guideline-version 1 --order oldest --source s0
stdout_has "15, 0 of them done (1 annotator each), last filled oldest"
run 0 prefkit campaign s.db week --guideline two.txt --quota 40 --fill
stdout_has "tasks  *30"
stdout_has "at most 40 of each"
refused 2 "another text" prefkit campaign s.db week --guideline two.txt \
    --guideline-version 1
refused 2 "has tasks for helpfulness" prefkit campaign s.db week \
    --dimension safety
run 0 prefkit campaign s.db week --dimension helpfulness
refused 2 "there is no source 'zzz'" prefkit campaign s.db week --fill \
    --source zzz
refused 2 "there is no batch 'zzz'" prefkit campaign s.db week --fill \
    --batch zzz
run 0 prefkit campaign s.db week --fill --source s0
stderr_has "are tasks already"
run 0 prefkit campaign s.db week --print-guideline 1
must cmp -s stdout one.txt
refused 2 "no guideline '9'" prefkit campaign s.db week --print-guideline 9

t "gold by somebody who has judged nothing is told to be none"
run 0 prefkit campaign s.db week --gold laed --gold-every 4
stdout_has "gold  *one in 4, but laed has judged none yet"

t "gold and repeats come in unseen, and are counted"
verdicts 3 | prefkit annotate s.db --annotator lead --plain \
    --dimension helpfulness --order oldest --source s1 >/dev/null
run 0 prefkit campaign s.db week --gold lead --gold-every 4 --repeat-every 5 \
    --overlap 2
stdout_has "gold  *the 3 that lead has judged, one in 4"
verdicts 30 | prefkit annotate s.db --campaign week --annotator ann --plain \
    >ann.out
must test "$(grep -c -i -e gold -e repeat ann.out)" -eq 0
must test "$(grep -c "=== helpfulness, a pair$" ann.out)" -gt 5
must test "$(grep -c "pair [0-9]" ann.out)" -eq 0 # which a repeat had again
run 0 prefkit campaign s.db week --json
stdout_has '"annotator":.*"ann"'
stdout_has '"gold":.*3,'
must test "$(grep -c '"repeats":.*[1-9]' stdout)" -eq 1
run 0 prefkit agreement s.db --campaign week --gold lead
stdout_has "ann"
refused 2 "no campaign" prefkit agreement s.db --campaign none

t "the guideline of a judgment is told"
must test "$(prefkit export -q s.db | grep -c '"guideline"')" -gt 0

t "the quota ends it"
run 0 prefkit campaign s.db week --quota 31
verdicts 9 | prefkit annotate s.db --campaign week --annotator ann --plain \
    >stdout
stdout_has "as many as this campaign asks of each"
stdout_has "1 judged, 0 revised"

t "the list, and the store is sound"
run 0 prefkit campaign s.db
stdout_has "campaign week: helpfulness"
run 0 prefkit check s.db
end_test
