# shellcheck shell=sh source=tests/cli/lib.sh
# Bad comparisons and bad stores: one line, the right status, nothing half done.
. "$REPO/tests/cli/lib.sh"

good='{"messages":[{"role":"user","content":"q"}],"a":"x","b":"y","judgments":[{"dimension":"safety","choice":"a"}]}'

# bad_row PATTERN ROW: after a good row, it stops the import at line 2.
bad_row() {
    printf '%s\n%s\n' "$good" "$2" >rows.jsonl
    refused 3 "rows.jsonl:2: .*$1" \
        prefkit import store.db rows.jsonl --format prefkit
}

run 0 prefkit init store.db
prefkit export -q store.db >empty

t "rows that are not comparisons"
bad_row "" '{"messages": [{"role": "user", "content"'
bad_row "" '[]'
bad_row "" '"text"'
bad_row "messages" '{"a": "x", "b": "y"}'
bad_row "messages" '{"messages": 3, "a": "x", "b": "y"}'
bad_row "prompt" '{"messages": [], "a": "x", "b": "y"}'
bad_row "role" '{"messages": [{"role": "owl", "content": "q"}], "a": "x", "b": "y"}'
bad_row '"b"' '{"messages": [{"role": "user", "content": "q"}], "a": "x"}'
bad_row "" '{"messages": [{"role": "user", "content": "q"}], "a": 1, "b": "y"}'

t "judgments that are not ones"
for judgment in '3' '{"dimension":"beauty","choice":"a"}' \
    '{"dimension":"safety","choice":"c"}' \
    '{"dimension":"safety","choice":"a","strength":4}' \
    '{"dimension":"safety","choice":"tie","strength":1}' \
    '{"dimension":"safety","choice":"a","seconds":"fast"}' \
    '{"dimension":"safety","choice":"a","colour":"red"}'; do
    bad_row "" '{"messages":[{"role":"user","content":"q"}],"a":"x","b":"y","judgments":['"$judgment"']}'
done

t "nothing of a refused file is in the store"
prefkit export -q store.db >now
must cmp empty now

t "of several files, those before the bad one are taken, and it is said"
printf '%s\n' "$good" >fine.jsonl
prefkit init several.db
run 3 prefkit import several.db fine.jsonl rows.jsonl --format prefkit
stderr_has "rows.jsonl:2: .*; taken before: 1 file$"
must test "$(prefkit export -q several.db | wc -l)" -eq 1

t "--skip-bad takes the rest and keeps the bad rows with their reasons"
run 0 prefkit import store.db rows.jsonl --format prefkit --skip-bad \
    --rejects rejects.jsonl
must test "$(prefkit export -q store.db | wc -l)" -eq 1
must test "$(wc -l <rejects.jsonl)" -eq 1
must grep -q '"line": *2' rejects.jsonl
must grep -q '"reason"' rejects.jsonl

t "a prompt in two splits is told of"
prefkit init leak.db
run 0 prefkit import leak.db fine.jsonl --split train
must test "$(grep -c split stdout)" -eq 0
sed 's/"y"/"z"/' fine.jsonl >other.jsonl
run 0 prefkit import leak.db other.jsonl --split test
stdout_has "       1  root prompts are in more than one split"
run 0 prefkit import leak.db other.jsonl --split test --json
stdout_has '"leaks":[[:space:]]*1,'

t "two files of one name are told to be one source"
mkdir helpful harmless
cp fine.jsonl helpful/train.jsonl
cp other.jsonl harmless/train.jsonl
prefkit init named.db
run 0 prefkit import named.db helpful/train.jsonl
must test "$(grep -c -e --source stdout)" -eq 0
run 0 prefkit import named.db harmless/train.jsonl --dry-run --json
stdout_has '"source_shared_with":[[:space:]]*"helpful/train.jsonl"'
run 0 prefkit import named.db harmless/train.jsonl --dry-run --source other
must test "$(grep -c -e --source stdout)" -eq 0
run 0 prefkit import named.db harmless/train.jsonl
stdout_has "source train holds rows of helpful/train.jsonl too; --source keeps them apart"

t "a line that is too long is a bad row, of which no text is kept"
{
    printf '%s\n' "$good"
    printf '{"messages":[{"role":"user","content":"'
    head -c 70000000 /dev/zero | tr '\0' x
    printf '"}],"a":"x","b":"y"}\n%s\n' "$good" | sed 's/"q"/"r"/'
} | gzip -1 >long.jsonl.gz
refused 3 "long.jsonl.gz:2: the line is longer than 64 MiB; --skip-bad" \
    prefkit import store.db long.jsonl.gz --format prefkit
prefkit init long.db
run 0 prefkit import long.db long.jsonl.gz --skip-bad --rejects rejects.jsonl
stdout_has "1  the line is longer than 64 MiB: line 2$"
must test "$(prefkit export -q long.db | wc -l)" -eq 2
must test "$(wc -c <rejects.jsonl)" -lt 200
must grep -q '"line":2,"reason":"the line is longer than 64 MiB"}$' rejects.jsonl
gzip -dc long.jsonl.gz | sed -n '2,$p' >first.jsonl
run 0 prefkit import long.db first.jsonl --skip-bad
stdout_has "1  the line is longer than 64 MiB: line 1$"

t "a JSON list may be one line of any length, its elements may not"
awk 'BEGIN { x = "0123456789"; for (i = 0; i < 13; i++) x = x x; printf "["
    for (i = 0; i < 900; i++)
        printf "%s{\"prompt\":\"%d\",\"chosen\":\"%s\",\"rejected\":\"no\"}",
            i ? "," : "", i, x
    print "]" }' >list.json
run 0 prefkit import store.db list.json --dimension helpfulness --dry-run
stdout_has "900  new comparisons"
tr -d , <list.json >element.json
refused 3 "element.json:1: an element of the list is longer than 64 MiB" \
    prefkit import store.db element.json --dimension helpfulness
rm list.json element.json

t "a CSV file of old line ends is no header without rows"
printf 'prompt,chosen,rejected\rq,x,y\r' >old.csv
refused 3 "old.csv:1: the header: it holds carriage returns" \
    prefkit import store.db old.csv --dimension helpfulness
tr '\r' '\n' <old.csv >new.csv
run 0 prefkit import store.db new.csv --dimension helpfulness --dry-run
stdout_has "1  new comparisons"

t "files that are not there, or cut off"
refused 4 "nowhere.jsonl" prefkit import store.db nowhere.jsonl
gzip -n <"$SAMPLE/comparisons.jsonl" | head -c 5000 >short.jsonl.gz
run 3 prefkit import store.db short.jsonl.gz
must test "$(prefkit export -q store.db | wc -l)" -eq 1

t "what is not a store"
echo text >text.db
refused 3 "not a prefkit store" prefkit stats text.db
must test "$(cat text.db)" = text
refused 4 "nowhere.db" prefkit stats nowhere.db
absent nowhere.db

if command -v sqlite3 >/dev/null; then
    t "a store from the future"
    cp store.db future.db
    sqlite3 future.db 'PRAGMA user_version = 99'
    for verb in stats check export; do
        refused 3 "newer" prefkit $verb future.db
    done

    t "another program's database"
    sqlite3 other.db 'CREATE TABLE x (y)'
    refused 3 "not a prefkit store" prefkit stats other.db
    refused 3 "not a prefkit store" prefkit import other.db rows.jsonl

    t "check finds a text that was changed"
    cp store.db changed.db
    sqlite3 changed.db "UPDATE turn SET content = 'other' WHERE id = 1"
    run 1 prefkit check changed.db
fi

t "a full disk: standard output"
if [ -c /dev/full ]; then
    prefkit export -q store.db >/dev/full 2>stderr
    must test $? -eq 4
    must test "$(wc -l <stderr)" -eq 1
else
    skip "no /dev/full"
fi

t "a full disk: an output file is whole or not there"
prefkit init big.db && prefkit import -q big.db "$SAMPLE/comparisons.jsonl" \
    >/dev/null
(
    trap '' XFSZ
    ulimit -f 100
    prefkit export -q big.db --output out.jsonl 2>stderr
) || status=$?
must test "${status-0}" -eq 4
absent out.jsonl

t "a full disk: the store is as it was"
prefkit init full.db
prefkit export -q full.db >before
(
    trap '' XFSZ
    ulimit -f 400
    prefkit import full.db "$SAMPLE/comparisons.jsonl" >stdout 2>stderr
) || status=$?
must test "${status-0}" -eq 4
prefkit export -q full.db >after
must cmp before after
run 0 prefkit check full.db

t "a store where rows are read, and a row where there is a way around"
sample_store
small_base
train_small safety safe
refused 3 "sample.db is an SQLite database" prefkit import sample.db sample.db
refused 3 "sample.db is an SQLite database" \
    prefkit score --quiet --rm m=safe --input sample.db
refused 3 "sample.db is an SQLite database" \
    prefkit tokenize --model base --input sample.db
printf '{"prompt": "a", "chosen": "x", "rejected": "x"}\n' >equal.jsonl
refused 3 "equal.jsonl:1: the two responses are the same; --skip-bad goes on" \
    prefkit import sample.db equal.jsonl --dimension safety
run 3 prefkit import sample.db equal.jsonl --dimension safety --skip-bad
stdout_has "1  bad rows, not taken"
stderr_has "equal.jsonl: every row is bad, none was taken"

t "a number is a name, digit for digit"
prefkit init numbers.db
for judge in 76561198000000001 76561198000000003; do
    head -n 1 "$REPO/tests/fixtures/formats/arena-33k.jsonl" |
        sed "s/\"arena_user_1\"/$judge/"
done >numbers.jsonl
run 0 prefkit import numbers.db numbers.jsonl --dimension helpfulness
for judge in 76561198000000001 76561198000000003; do
    must test "$(prefkit export -q numbers.db | grep -c "\"annotator\":\"$judge\"")" -eq 1
done

end_test
