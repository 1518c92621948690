# shellcheck shell=sh source=tests/cli/lib.sh
# The report as a page, in headless Chromium: light and dark, on a telephone and
# on a desk. $PAGES, if set, is a folder for the screenshots.
. "$REPO/tests/cli/lib.sh"

t "eval writes a page with a text beside it"
run 0 small_base
run 0 sample_store
# What strangers write: markup, one endless word, marks of direction, a source
# with a long name; judged by several, who do not agree.
word=$(printf '%0400d' 0 | tr 0 w)
source=$(printf '%060d' 0 | tr 0 s)
for i in 1 2 3 4; do
    printf '{"messages":[{"role":"user","content":"<script>document.body.remove()</script> %s %s"}],' \
        $i "$word"
    printf '"a":"</dd></dl><img src=x> %s","b":"\\u202e\\u001b[2J <b>bold %d","source":"%s","split":"test",' \
        "$word" $i "$source"
    printf '"judgments":[{"dimension":"safety","choice":"a","label":"both_unsafe","annotator":"x"},{"dimension":"safety","choice":"b","annotator":"y"}]}\n'
done >hostile.jsonl
run 0 prefkit import sample.db hostile.jsonl
run 0 prefkit import sample.db --split test --skip-bad --rejects rejects \
    "$REPO/tests/fixtures/formats/helpsteer2-ratings.jsonl"
run 0 prefkit import sample.db --skip-bad --rejects rejects \
    "$REPO/tests/fixtures/formats/rewardbench.jsonl" \
    "$REPO/tests/fixtures/formats/rewardbench2.jsonl"
run 0 train_small helpfulness helpful
run 0 train_small safety safe
# One that saw more, and what it was on its way: with the first they are Figure 6.
run 0 prefkit train sample.db --quiet --dimension helpfulness --base base \
    --output more --source everyday --lr 1e-2 --batch-pairs 64 \
    --checkpoint-every 2
# The columns of a table have names of any length.
more="more, of $(printf '%030d' 0 | tr 0 m)"
run 0 prefkit eval sample.db --rm helpful=helpful --rm safe=safe --run "$more=more" \
    --html page.html
stdout_has "helpful on safety"
for part in '<h3>RewardBench<' 'alpacaeval-easy<' '>RewardBench 2<' '<h3>Scaling<' \
    '<h2 id="ratings">' '<h3>Where sigma(r) says unsafe<' '<h3>By safety label<' \
    '>at random<' '>several, split<'; do
    must grep -qF -e "$part" page.html
done
must test "$(grep -c '<h3>Scaling<' page.html)" -eq 1
must grep -q 'class="band m2"' page.html
must grep -q "&lt;script&gt;" page.html
must sh -c '! grep -q "<script\|<img" page.html'

t "the page goes to standard output, alone"
run 0 prefkit eval sample.db --rm helpful=helpful --rm safe=safe --run "$more=more" --html -
must cmp stdout page.html
run 2 prefkit eval sample.db --rm x=safe --json --html -
stderr_has "would both"
absent ./-

t "the page is looked at"
if ! command -v chromium >/dev/null; then
    skip "chromium is not installed"
    end_test
    exit 0
fi

# The page itself allows no script; the copy that is looked at has one, and tells
# what it sees to the page around its frame (a window cannot be as narrow as a
# telephone).
cat >probe.js <<'END'
const bad = [], wide = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth > wide) bad.push("page overflows");
for (const e of document.querySelectorAll("body *")) {
    const box = e.getBoundingClientRect();
    if (box.right > wide + 1 && !e.closest(".scroll") && !e.closest("svg"))
        bad.push("overflow: " + e.tagName + "." + e.className);
}
const charts = document.querySelectorAll("svg.chart");
if (charts.length < 24) bad.push("only " + charts.length + " charts");
for (const c of charts) {
    const box = c.getBoundingClientRect();
    const marks = c.querySelectorAll("path.m, rect, circle, path.recall");
    if (box.width < 200 || box.height < 150 || marks.length === 0)
        bad.push("empty chart: " + c.getAttribute("aria-label"));
    for (const e of c.querySelectorAll("*"))
        for (const a of e.attributes)
            if (/nan|inf/i.test(a.value) && a.name !== "class")
                bad.push("not a number: " + a.value);
}
parent.postMessage("wide " + wide + ", " +
    getComputedStyle(document.body).backgroundColor + ", " +
    (bad.join("; ") || "all well"), "*");
END
{
    sed -e '/http-equiv/d' -e '/<\/body>/d' -e '/<\/html>/d' \
        -e 's/<details>/<details open>/' page.html
    printf '<script>\n'
    cat probe.js
    printf '</script>\n</body>\n</html>\n'
} >probe.html

cat >frame.html <<'END'
<!DOCTYPE html>
<meta charset="utf-8">
<style>:root { color-scheme: light dark; } iframe { border: 0; }</style>
<script>onmessage = m => { document.body.dataset.saw = m.data; };</script>
<body><iframe src="probe.html" width="WIDTH" height="2000"></iframe></body>
END

# look NAME WIDTH OPTION...
look() {
    name=$1
    width=$2
    shift 2
    sed "s/WIDTH/$width/" frame.html >frame-$width.html
    for out in --dump-dom --screenshot="$PWD/$name.png"; do
        file=page.html
        [ "$out" = --dump-dom ] && file=frame-$width.html
        timeout 120 chromium --headless --no-sandbox --disable-gpu \
            --no-first-run --disable-background-networking --hide-scrollbars \
            --user-data-dir="$PWD/profile" --virtual-time-budget=10000 --window-size="$width",2400 \
            "$@" "$out" "file://$PWD/$file" >"$name.dom" 2>chromium.err ||
            fail "chromium: $(tail -n 1 chromium.err)"
        [ "$out" = --dump-dom ] || continue
        saw=$(sed -n 's/.*data-saw="\([^"]*\)".*/\1/p' "$name.dom")
        case $saw in
        "wide $width, "*"all well") ;;
        *) fail "$name: $(echo "$saw" | cut -c 1-300)" ;;
        esac
    done
    [ "$(wc -c <"$name.png")" -gt 40000 ] || fail "$name.png: hardly anything"
    [ -z "${PAGES-}" ] || cp "$name.png" "$PAGES/"
}

t "it is printed, with all that is folded away on a screen"
timeout 120 chromium --headless --no-sandbox --disable-gpu --no-first-run \
    --disable-background-networking --user-data-dir="$PWD/profile" \
    --print-to-pdf="$PWD/page.pdf" "file://$PWD/page.html" >printed 2>chromium.err ||
    fail "chromium: $(tail -n 1 chromium.err)"
sheets=$(grep -a -c '/Type */Page$' page.pdf)
must test "$sheets" -ge 10
[ -z "${PAGES-}" ] || cp page.pdf "$PAGES/"

t "it fits its window and no chart is empty, light and dark, 400 and 1400 wide"
for width in 400 1400; do
    look light-$width $width
    light=$saw
    look dark-$width $width --force-dark-mode
    [ "$light" != "$saw" ] || fail "dark is as light as light"
done

end_test
