# shellcheck shell=sh source=tests/cli/lib.sh
# What `train` refuses, and what it says before its first step.
. "$REPO/tests/cli/lib.sh"

sample_store || exit 1
small_base || exit 1

# start DIR [OPTION...]
start() {
    dir=$1
    shift
    prefkit train sample.db -t 1 --dimension safety --base base \
        --output "$dir" --batch-pairs 64 "$@"
}

t "an output in the place of what is read is refused, and nothing is lost"
cp sample.db before.db
ln -s sample.db link.db
ln sample.db hard.db
for name in sample.db ./sample.db link.db hard.db sample.db-wal; do
    refused 2 "--log: '$name' is .*the store" start out --log "$name"
    refused 2 "--curve: '$name' is .*the store" start out --curve "$name"
    refused 2 "--output: '$name' is .*the store" \
        prefkit export sample.db --output "$name"
    refused 2 "--html: '$name' is .*the store" \
        prefkit eval sample.db --rm m=base --html "$name"
    refused 2 "--rejects: '$name' is .*the store" prefkit import sample.db \
        "$SAMPLE/comparisons.jsonl" --skip-bad --rejects "$name"
done
refused 2 "in the base's folder" start out --log base/config.json
refused 2 "in the base's folder" start out --curve base/curve.svg
refused 2 "both 'one'" start out --log one --curve ./one
refused 2 "where the model goes" start out --log out
run 2 prefkit score --rm m=base --store sample.db --output sample.db
must cmp before.db sample.db
absent out one out.state

t "a log that has no place is refused before the data are read"
refused 4 "nodir/x.jsonl" start out --log nodir/x.jsonl
run 2 start out --log -
run 2 start out --curve -
absent out

t "one run at a time into one output"
(
    exec "$PREFKIT" train sample.db -t 1 --dimension safety --base base \
        --output out --batch-pairs 64 --epochs 4000 --save-every 0 \
        --log out.jsonl
) >/dev/null 2>&1 &
pid=$!
must soon test -s out.jsonl
refused 2 "another run is training into 'out'" start out
refused 2 "another run is training into 'out/'" start out/ --resume
kill -s KILL $pid
wait $pid 2>/dev/null
must test -d out.state # killed before it had saved anything
run 0 start out
absent out.state
refused 2 "there already" start out
absent out.state

t "options and pools that would change nothing are refused"
run 2 start other --quiet --lora-alpha 8
stderr_has "lora-alpha needs --lora-rank"
run 2 start other --quiet --objective lm --margin small
stderr_has "margin is for reward models"
refused 2 "holds nothing of safety" start other --quiet --mix helpfulness=1
refused 3 "no safety pairs from source typo" start other --quiet \
    --mix safety=1,safety:typo=10%
absent other other.state

t "the mix, what is left out and a run of warm-up alone are told before it"
run 0 start mixed --mix safety=1,helpfulness=10% --batch-pairs 512 \
    --curve mixed.svg
stderr_has "mix: [0-9]* of [0-9]* safety, [0-9]* of [0-9]* helpfulness"
stderr_has "left out: .* ties"
stderr_has "1 step, and the rate rises over 5"
stderr_has "1 step of 512 pairs, .* 5 of warm-up"
must test "$(grep -c '<title>step 1: ' mixed.svg)" -eq 2 # loss and accuracy

t "the tokens told are no fewer than those computed, nor those of all paths"
for objective in reward lm; do
    run 0 start "$objective" --objective "$objective" --epochs 1 \
        --log "$objective.jsonl"
    must grep -q " at most [0-9]* of their [0-9]* tokens" stderr
    sed -n 's/.*at most \([0-9]*\) of their \([0-9]*\) .*/\1 \2/p' stderr >told
    sed 's/.*"tokens":\([0-9]*\),.*/\1/' "$objective.jsonl" |
        cat told - | awk '
            NR == 1 { most = $1; all = $2; next }
            { sum += $1 }
            END { exit !(sum > most / 2 && sum <= most && most < all) }' ||
        fail "$(cat told) tokens told of $objective"
done

end_test
