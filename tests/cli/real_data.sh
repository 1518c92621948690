# shellcheck shell=sh source=tests/cli/lib.sh
# Public data, whole, where it is on this machine ($PREFKIT_DATA).
. "$REPO/tests/cli/lib.sh"

# import_whole FILE ROWS OPTION...: each row is a comparison or a counted reason
import_whole() {
    file=$1
    rows=$2
    shift 2
    run 0 prefkit import real.db "$file" --json --skip-bad \
        --rejects rejects.jsonl "$@"
    stdout_has "\"rows\":[[:space:]]*$rows,"
}

t "HH-RLHF harmless, whole"
hh=$DATA/hh-rlhf-harmless/pairs.jsonl.gz
prefkit init real.db
if [ -f "$hh" ]; then
    import_whole "$hh" 1389 --source hh --dimension safety
    must test "$(wc -l <rejects.jsonl)" -eq 5
    must test "$(grep -c 'part before the last answer' rejects.jsonl)" -eq 5
else
    skip "the data is not here"
fi

t "PKU-SafeRLHF, whole, repeats and contradictions counted"
pku=$DATA/pku-saferlhf-safety/pairs.jsonl.gz
if [ -f "$pku" ]; then
    import_whole "$pku" 3062 --source pku --dimension safety
    stdout_has '"repeats":[[:space:]]*937,'
    stdout_has '"contradictory":[[:space:]]*87,'
else
    skip "the data is not here"
fi

t "the store they are in is sound"
run 0 prefkit check real.db

t "stories260K continues the text that llama2.c documents"
stories=$DATA/weights-stories260K
if [ -f "$stories/stories260K.bin" ]; then
    run 0 prefkit convert "$stories/stories260K.bin" stories \
        --tokenizer "$stories/tok512.bin"
    printf '{"text": ""}\n' >start.jsonl
    run 0 prefkit generate --model stories --temperature 0 --max-tokens 40 \
        --input start.jsonl
    stdout_has "Once upon a time, there was a little girl named Lily"
else
    skip "the weights are not here"
fi

t "TinyStories-656K goes on as ever, beside another text too"
tiny=$DATA/weights-tinystories-656K
if [ -f "$tiny/model.safetensors" ]; then
    printf '{"text": "Once upon a time"}\n{"text": "One day, Lily"}\n' >two.jsonl
    run 0 prefkit generate --model "$tiny" --temperature 0 --max-tokens 40 \
        --input two.jsonl
    stdout_has "a little girl named Lily lived in a small house with her mom"
    stdout_has "'s mom said, .*Lily, we need to go to the park"
else
    skip "the weights are not here"
fi

end_test
