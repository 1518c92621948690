# shellcheck shell=sh source=tests/cli/lib.sh
# Help, versions and wrong usage.
. "$REPO/tests/cli/lib.sh"

verbs=$(prefkit help | sed -n 's/^  \([a-z-]*\)  *.*/\1/p')

t "help names the verbs"
run 0 prefkit help
for verb in init import export stats agreement check init-model convert \
    tokenize generate train score best eval bench; do
    stdout_has "^  $verb "
done
must test ! -s stderr

t "--version"
run 0 prefkit --version
stdout_has "^prefkit [0-9]*\.[0-9]*\.[0-9]*$"

t "no verb: usage on standard error, status 2"
run 2 prefkit
stderr_has "^Usage"
must test ! -s stdout

t "a verb that is not one"
run 2 prefkit frobnicate
stderr_has "'frobnicate' is not a verb"

for verb in $verbs; do
    t "$verb --help: status 0, standard output, 80 columns"
    run 0 prefkit "$verb" --help
    stdout_has "^Usage: prefkit $verb"
    must test ! -s stderr
    awk 'length > 80 { exit 1 }' stdout || fail "a line beyond 80 columns"
    cp stdout asked
    run 0 prefkit help "$verb"
    must cmp asked stdout

    t "$verb: an unknown option, status 2, and where to look"
    run 2 prefkit "$verb" --no-such-option
    stderr_has "no-such-option"
    must test ! -s stdout
    stderr_has "--help"
    must test "$(wc -l <stderr)" -le 3
done

t "needed arguments that are missing"
for verb in init import stats check init-model convert tokenize generate \
    train score best eval; do
    run 2 prefkit $verb
done

t "bad values of options"
run 2 prefkit train x.db --dimension beauty --base b --output o
run 2 prefkit train x.db --dimension safety --base b --output o --lr nan
run 2 prefkit train x.db --dimension safety --base b --output o --lr 0
stderr_has "lr takes a number above 0, up to 1000, not '0'"
run 2 prefkit train x.db --dimension safety --base b --output o --epochs -1
run 2 prefkit init-model d --tokenizer t --shape dim=0,layers=1
run 2 prefkit score --rm nothing
run 2 prefkit stats --threads 0 x.db

t "the program runs on OpenBLAS's OpenMP build, where it is installed"
if ls -d /usr/lib/*/openblas-openmp >/dev/null 2>&1; then
    LD_DEBUG=libs prefkit bench --shape dim=32,layers=2,heads=2,hidden=64 \
        --rows 2 --tokens 20 >stdout 2>stderr
    stderr_has "calling init: .*/openblas-openmp/libopenblas"
else
    skip "not installed under that name"
fi

t "what only some verbs need is not loaded by the others"
run 0 prefkit init small.db
LD_DEBUG=libs prefkit stats small.db >stdout 2>stderr
stderr_has "calling init: .*libsqlite3"
if grep -q "lib\(openblas\|dnnl\|curl\|microhttpd\)" stderr; then
    fail "loaded: $(grep -o "lib\(openblas\|dnnl\|curl\|microhttpd\)[^ :]*" stderr | head -n 1)"
fi

t "bench gives its limits and what it reached, in text and as JSON"
run 0 prefkit bench --shape dim=32,layers=2,heads=2,hidden=64 --rows 2 \
    --tokens 20
stdout_has "^limits: fp32"
stdout_has "^dim=32"
run 0 prefkit bench --shape dim=32,layers=2,heads=2,hidden=64 --rows 2 \
    --tokens 20 --json --quiet
stdout_has '"percent_of_limit":[0-9]'
must test ! -s stderr

# UPDATE=1 writes it anew.
t "FORMATS.md is what import --formats prints"
run 0 prefkit import --formats
{
    printf '# Formats that import reads, and what becomes of their labels\n\n'
    # shellcheck disable=SC2016 # Markdown
    printf 'As `prefkit import --formats` prints it.\n\n```text\n'
    cat stdout
    # shellcheck disable=SC2016
    printf '```\n'
} >formats.md
[ -z "${UPDATE:-}" ] || cp formats.md "$REPO/FORMATS.md"
must cmp formats.md "$REPO/FORMATS.md"
