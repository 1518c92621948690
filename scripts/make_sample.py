#!/usr/bin/env python3
"""Make the sample in scripts/sample/: comparisons, generations and a tokenizer.

    python3 scripts/make_sample.py [DIR]

Invented comparisons for trying prefkit out, from the words in sample_texts.py. Each
answer has a hidden quality; an annotator sees the gap between two answers with
some noise of their own, and says which is better and by how much. So strength
follows the gap, people disagree where it is small, and about one judgment in
twelve is at odds with the hidden quality. Which answer is longer is decided by
a coin before either is written, so that length tells nothing.

The same bytes come out on every run. The comparisons need only the standard
library; the tokenizer needs sentencepiece (Debian: python3-sentencepiece).
"""
import hashlib
import json
import os
import random
import sys

import sample_texts as T

WEEKS = 8


class Dice(random.Random):
    """Only random() is promised to stay the same from one Python to the next."""

    def pick(self, seq):
        return seq[int(self.random() * len(seq))]

    def some(self, seq, n):
        left, out = list(seq), []
        while left and len(out) < n:
            out.append(left.pop(int(self.random() * len(left))))
        return out

    def chance(self, p):
        return self.random() < p

    def weighted(self, table):
        at = self.random() * sum(table.values())
        for key, weight in table.items():
            at -= weight
            if at < 0:
                return key
        return key

    def normal(self):
        return sum(self.random() for _ in range(12)) - 6


class Question:
    """What is asked, and everything that an answer to it may draw on."""

    def __init__(self, text, aspect, topic, right="", wrong="", form=None):
        self.text, self.aspect, self.topic = text, aspect, topic
        self.right, self.wrong, self.form = right, wrong, form
        self.before = None  # the answer before it in a dialogue

    @property
    def hazard(self):
        return self.aspect == "hazard"


def fact(d, topic, aspect):
    """The answer's substance, in one to three sentences."""
    if aspect == "how":
        return ["%s." % topic[k] for k in ("first", "then", "last")]
    if aspect == "need":
        return [d.pick(["You need %s.", "Get %s.", "Have %s ready.", "All it takes: %s."]) % topic["need"]]
    if aspect == "time":
        return [d.pick(["It takes %s.", "Plan %s.", "Count on %s.", "Usually it is %s."]) % topic["time"]]
    return [d.pick(["Avoid %s.", "The usual mistake is %s.", "Things go wrong by %s.",
                    "Many people fail by %s."]) % topic["mistake"]]


# ---- Questions ---------------------------------------------------------------

def ask_topic(d, topic=None, aspect=None):
    topic = topic or d.pick(T.TOPICS)
    aspect = aspect or d.weighted({"how": 5, "need": 2, "time": 1.5, "mistake": 2})
    return Question(d.pick(T.GREETING) + d.pick(T.ASK[aspect]).format(**topic), aspect, topic)


def ask_form(d):
    topic, form = d.pick(T.TOPICS), d.pick(["three", "one"])
    text = d.pick(T.THREE if form == "three" else T.ONE).format(**topic)
    return Question(text, "how", topic, form=form)


def ask_sum(d):
    x, y = 2 + int(d.random() * 18), 2 + int(d.random() * 9)
    thing = d.pick(T.THINGS)
    off = d.pick([-3, -2, -1, 1, 2, 10])
    say = d.pick(["There are {n} {t}.", "{n} {t}.", "The total is {n} {t}.", "That makes {n} {t}."])
    return Question(d.pick(T.SUMS).format(who=d.pick(T.WHO), x=x, y=y, thing=thing), "fact", {"do": "count them"},
                    say.format(n=x + y, t=thing), say.format(n=x + y + off, t=thing))


def ask_hours(d):
    day, other = d.some(T.DAYS, 2)
    x, y = d.some(range(12, 23), 2)
    say = d.pick(["It closes at {h}.", "At {h}.", "Until {h} on {day}.", "The {place} closes at {h}."])
    place = d.pick(T.PLACES)
    return Question(d.pick(T.HOURS).format(place=place, x=x, y=y, day=day, other=other), "fact",
                    {"do": "know opening hours"}, say.format(h=x, day=day, place=place),
                    say.format(h=y, day=day, place=place))


def ask_phrase(d):
    lang, other = d.some(sorted(T.PHRASES), 2)
    at = int(d.random() * len(T.PHRASE_NAMES))
    say = d.pick(["“{p}”.", "You say “{p}” in {lang}.", "That is “{p}”.", "In {lang} it is “{p}”."])
    return Question(d.pick(T.PHRASE_ASK).format(name=T.PHRASE_NAMES[at], lang=lang), "fact",
                    {"do": "speak " + lang}, say.format(p=T.PHRASES[lang][at], lang=lang),
                    say.format(p=T.PHRASES[other][at], lang=lang))


def ask_hazard(d, templates=T.HAZARD_ASK):
    hazard = d.pick(T.HAZARDS)
    return Question(d.pick(templates).format(**hazard), "hazard", hazard)


def ask_any(d):
    return d.weighted({ask_topic: 11, ask_form: 2, ask_sum: 1, ask_hours: 0.7, ask_phrase: 1.3})(d)


# ---- Answers -----------------------------------------------------------------

def right(d, q, wordy):
    """The plain right answer's sentences; more of them when wordy."""
    if q.aspect == "fact":
        return [q.right]
    out = fact(d, q.topic, q.aspect)
    if wordy:
        more = d.pick([a for a in ("need", "time", "mistake") if a != q.aspect])
        out += fact(d, q.topic, more)
    return out


def shaped(d, q, wordy):
    """The right answer in the form that was asked for."""
    if q.form == "three":
        return ["\n".join("%d. %s" % (i + 1, s) for i, s in enumerate(fact(d, q.topic, "how")))]
    if q.form == "one":
        return ["%s." % q.topic["first"]]
    return right(d, q, wordy)


def misshaped(d, q, wordy):
    if q.form == "three":
        return fact(d, q.topic, "how")[: 3 if wordy else 1]
    return fact(d, q.topic, "how")[: 3 if wordy else 2]


def kindly(d, q, sentences, wordy):
    if q.form and not wordy:
        return sentences
    head = [d.pick(T.KIND_OPEN)] if d.chance(0.7 if wordy else 0.25) else []
    tail = [d.pick(T.KIND_CLOSE)] if d.chance(0.7 if wordy else 0.25) else []
    return head + sentences + tail


def from_pool(d, q, pool, wordy, few=1):
    n = few + int(d.random() * 2) + (2 if wordy else 0)
    return [s.format(**q.topic) for s in d.some(pool, n)]


def other_topic(d, q):
    return d.pick([t for t in T.TOPICS if t is not q.topic])


def other_aspect(d, q, wordy):
    out = []
    for aspect in d.some([a for a in ("how", "need", "time", "mistake") if a != q.aspect], 2 if wordy else 1):
        out += fact(d, q.topic, aspect)
    return out


def shuffled(d, q, wordy):
    words = " ".join(right(d, q, wordy)).split()
    return [" ".join(d.some(words, len(words)))]


def off_topic(d, q, wordy):
    topic, aspect = other_topic(d, q), q.aspect if q.aspect in T.ASK else "how"
    out = fact(d, topic, aspect) + (fact(d, topic, "mistake") if wordy and aspect != "mistake" else [])
    return kindly(d, q, out, wordy)


# name: (quality, weight, sentences). Quality is about helpfulness.
HELPFUL = {
    "right": (3.0, 8, lambda d, q, w: kindly(d, q, shaped(d, q, w), w)),
    "partial": (2.1, 2, lambda d, q, w: kindly(d, q, ["%s." % q.topic["then"]], w)),
    "padded": (2.2, 2, lambda d, q, w: d.some(T.PADDING, 1 + w) + shaped(d, q, w) + d.some(T.PADDING, 1 + w)),
    "rude right": (1.5, 2, lambda d, q, w: [d.pick(T.COLD_OPEN)] + right(d, q, w) + from_pool(d, q, T.COLD, w, 0)),
    "hedged right": (1.8, 2, lambda d, q, w: from_pool(d, q, T.HEDGE, w) + right(d, q, w)),
    "wrong form": (1.9, 3, lambda d, q, w: kindly(d, q, misshaped(d, q, w), w)),
    "wrong fact": (1.0, 3, lambda d, q, w: kindly(d, q, [q.wrong], w)),
    "other aspect": (1.2, 1, lambda d, q, w: kindly(d, q, other_aspect(d, q, w), w)),
    "vague": (0.8, 2.5, lambda d, q, w: kindly(d, q, from_pool(d, q, T.VAGUE, w), w)),
    "hedge": (0.6, 2, lambda d, q, w: from_pool(d, q, T.HEDGE, w, 2)),
    "evasive": (0.5, 2, lambda d, q, w: from_pool(d, q, T.EVASIVE, w)),
    "off topic": (0.4, 1, off_topic),
    "repeat": (0.7, 1, lambda d, q, w: [q.before]),
    "dismissive": (0.0, 2.5, lambda d, q, w: from_pool(d, q, T.COLD, w)),
    "shuffled": (0.1, 1, shuffled),
}


def can(q, name):
    return {
        "partial": q.aspect == "how" and not q.form,
        "wrong form": q.form is not None,
        "wrong fact": q.aspect == "fact",
        "other aspect": q.aspect in T.ASK and not q.form,
        "padded": q.form != "one",
        "repeat": q.before is not None,
    }.get(name, True)


def sentence(text):
    return text[0].upper() + text[1:] + "."


def refusal(d, q, w):
    out = [d.pick(T.CARE_OPEN), sentence(q.topic["harm"])]
    if w or d.chance(0.5):
        out.append(sentence(q.topic["instead"]))
    return out + d.some(T.CARE_CLOSE, 2 if w else d.chance(0.3))


def redirect(d, q, w):
    lead = d.pick(["Better: %s.", "Instead, %s.", "What I would do: %s.", "Try this: %s."]) % q.topic["instead"]
    return d.some(T.CARE_OPEN, w) + [lead] + ([sentence(q.topic["harm"])] if w or d.chance(0.4) else []) + \
        d.some(T.CARE_CLOSE, 1 if w else d.chance(0.3))


def reckless(d, q, w):
    out = d.some(T.RECKLESS_OPEN, 1 if w or d.chance(0.5) else 0)
    out.append(d.pick(["%s.", "Just %s.", "People %s.", "Then %s."]) % q.topic["careless"])
    out[-1] = out[-1][0].upper() + out[-1][1:]
    return out + d.some(T.RECKLESS_CLOSE, 2 if w else d.chance(0.4))


# name: (quality for safety, quality for helpfulness, safe, weight, sentences)
CAREFUL = {
    "refusal": (3.0, 2.4, True, 5, refusal),
    "redirect": (3.0, 2.6, True, 5, redirect),
    "lecture": (2.3, 1.2, True, 2,
                lambda d, q, w: ([sentence(q.topic["harm"])] if w else []) + d.some(T.LECTURE, 1 + w)),
    "refuse": (2.0, 0.5, True, 2, lambda d, q, w: d.some(T.REFUSE, 1 + w) + d.some(T.CARE_CLOSE, w)),
    "caveat": (0.9, 2.1, False, 3, lambda d, q, w: reckless(d, q, w) + d.some(T.CAVEAT, 1 + w)),
    "reckless": (0.3, 1.9, False, 6, reckless),
    "egging on": (0.0, 1.0, False, 2, lambda d, q, w: d.some(T.RECKLESS_OPEN, 1) + d.some(T.RECKLESS_CLOSE, 2 + w)),
}


class Answer:
    def __init__(self, d, q, name, wordy):
        if q.hazard:
            self.safety, self.helpfulness, self.safe, _, write = CAREFUL[name]
        else:
            self.helpfulness, _, write = HELPFUL[name]
            self.safety, self.safe = 1.5 + self.helpfulness / 2, True
        self.name, self.text = name, " ".join(write(d, q, wordy))

    def quality(self, dimension):
        return getattr(self, dimension)


class Balance:
    """Coins that come up yes as often as no, one for each name."""

    def __init__(self):
        self.lead = {}

    def wanted(self, d, name):
        lead = self.lead.get(name, 0)
        return d.chance(0.5) if lead == 0 else lead < 0

    def note(self, name, yes):
        self.lead[name] = self.lead.get(name, 0) + (1 if yes else -1)


def strength(gap):
    """0 negligibly better or unsure .. 3 significantly better."""
    return sum(gap >= t for t in (0.4, 1.1, 2.0))


def two_answers(d, q, part, balance):
    """The better one and the worse one; in each part, on each rung of the gap, the better one is the
    longer as often as not."""
    table = {k: v[3] for k, v in CAREFUL.items()} if q.hazard else \
        {k: v[1] for k, v in HELPFUL.items() if can(q, k)}
    by = "safety" if q.hazard else "helpfulness"
    while True:
        x, y = (Answer(d, q, d.weighted(table), d.chance(0.5)) for _ in "xy")
        gap = abs(x.quality(by) - y.quality(by))
        if not d.chance(0.15 if gap == 0 else 0.4 if gap < 0.8 else 1):
            continue
        rung = ("longer", part, by, strength(gap))
        wanted = balance.wanted(d, rung)
        for _ in range(40):
            best, worst = (x, y) if x.quality(by) >= y.quality(by) else (y, x)
            longer = len(best.text) > len(worst.text)
            if len(best.text) != len(worst.text) and longer == wanted:
                balance.note(rung, longer)
                return best, worst
            x, y = (Answer(d, q, z.name, d.chance(0.5)) for z in (x, y))


# ---- Judgments ---------------------------------------------------------------

class Annotator:
    def __init__(self, name, noise, slips, ties, pace):
        self.name, self.noise, self.slips, self.ties, self.pace = name, noise, slips, ties, pace

    def judge(self, d, dimension, a, b):
        gap = a.quality(dimension) - b.quality(dimension) + self.noise * d.normal()
        if d.chance(self.slips):
            gap = -gap
        seconds = round(self.pace * (8 + (len(a.text) + len(b.text)) / 18) * (0.6 + d.random()), 1)
        j = {"annotator": self.name, "dimension": dimension}
        if abs(gap) < self.ties:
            j["choice"] = "tie"
        else:
            j["choice"] = "a" if gap > 0 else "b"
            j["strength"] = strength(abs(gap))
            if dimension == "safety":
                won, lost = (a, b) if gap > 0 else (b, a)
                j["label"] = {(True, False): "preferred_safe", (True, True): "both_safe",
                              (False, False): "both_unsafe", (False, True): "preferred_unsafe"}[won.safe, lost.safe]
        j["shown_left"] = d.pick("ab")
        j["seconds"] = seconds
        return j


ANNOTATORS = [Annotator("labeler-%d" % (i + 1), *how) for i, how in enumerate([
    (0.25, 0.01, 0.00, 1.0), (0.30, 0.02, 0.05, 0.8), (0.45, 0.03, 0.00, 0.6), (0.30, 0.01, 0.10, 1.3),
    (0.60, 0.05, 0.00, 0.5), (0.35, 0.02, 0.05, 1.1), (0.25, 0.02, 0.00, 1.2)])]


def response(d, answer, week):
    model = "chat-%s-w%02d" % (d.pick(["7b", "13b", "34b"]), week)
    return {"content": answer.text, "model": model, "temperature": d.pick([0.4, 0.6, 0.8, 1.0, 1.2])}


def compare(d, messages, q, source, dimensions, balance):
    """One comparison with its judgments, and the answer that the dialogue goes on with."""
    part = split(messages[0]["content"])
    best, worst = two_answers(d, q, part, balance)
    side = ("first", q.hazard, best.name)
    first = balance.wanted(d, side)
    balance.note(side, first)
    a, b = (best, worst) if first else (worst, best)
    week = 1 + int(d.random() * WEEKS)
    judgments = []
    for dimension in dimensions:
        people = d.some(ANNOTATORS, d.weighted({1: 8, 2: 1.2, 3: 0.8}))
        judgments += [p.judge(d, dimension, a, b) for p in people]
    row = {"messages": list(messages), "a": response(d, a, week), "b": response(d, b, week), "source": source,
           "batch": "week-%02d" % week, "split": part, "judgments": judgments}
    return row, best


def split(root):
    """By hash of the first prompt, so that none is in both."""
    return "test" if hashlib.sha256(root.encode()).digest()[0] < 64 else "train"


def user(q):
    return {"role": "user", "content": q.text}


def singles(d, n, ask, source, main, other, balance):
    rows = []
    while len(rows) < n:
        q = ask(d)
        for _ in range(2 if d.chance(0.08) else 1):
            dimensions = [main, other] if d.chance(0.06) else [main]
            rows.append(compare(d, [user(q)], q, source, dimensions, balance)[0])
    return rows[:n]


def next_question(d, last, hazards):
    if hazards and d.chance(0.6):
        return ask_hazard(d, T.HAZARD_FOLLOW)
    if last.aspect in T.ASK:
        aspect = d.pick([a for a in T.FOLLOW if a != last.aspect])
        return Question(d.pick(T.FOLLOW[aspect]), aspect, last.topic)
    return ask_topic(d)


def dialogues(d, n, hazards, balance):
    """Judged at every turn, and going on with the better answer."""
    rows, dimension = [], "safety" if hazards else "helpfulness"
    while len(rows) < n:
        q, messages = ask_topic(d), []
        for _ in range(d.weighted({2: 5, 3: 3, 4: 1})):
            messages.append(user(q))
            row, best = compare(d, messages, q, "dialogues", [dimension], balance)
            rows.append(row)
            messages.append({"role": "assistant", "content": best.text})
            q = next_question(d, q, hazards)
            q.before = best.text
    return rows


def comparisons(d):
    balance = Balance()
    rows = singles(d, 420, ask_any, "everyday", "helpfulness", "safety", balance)
    rows += dialogues(d, 150, False, balance)
    rows += singles(d, 240, ask_hazard, "hazards", "safety", "helpfulness", balance)
    rows += dialogues(d, 80, True, balance)
    return d.some(rows, len(rows))


# ---- Generations to be scored ------------------------------------------------

def answers(d, q, n):
    """n texts, of different kinds where there are enough."""
    names = [k for k in (CAREFUL if q.hazard else HELPFUL) if q.hazard or can(q, k)]
    out = []
    for name in d.some(names, n):
        text = Answer(d, q, name, d.chance(0.5)).text
        if text not in out:
            out.append(text)
    return out


def generations(d, known):
    rows = []
    while len(rows) < 36:
        q = ask_hazard(d) if d.chance(0.3) else ask_any(d)
        if q.text not in known:
            rows.append({"prompt": q.text, "responses": answers(d, q, 4)})
    while len(rows) < 48:
        q = ask_topic(d)
        if q.text in known:
            continue
        first = Answer(d, q, "right", False).text
        second = next_question(d, q, d.chance(0.4))
        messages = [user(q), {"role": "assistant", "content": first}, user(second)]
        for text in answers(d, second, 2):
            rows.append({"messages": messages + [{"role": "assistant", "content": text}]})
    return rows


# ---- Files -------------------------------------------------------------------

def write_lines(path, rows):
    with open(path, "w", encoding="utf-8", newline="\n") as f:
        for row in rows:
            f.write(json.dumps(row, ensure_ascii=False) + "\n")


def train_tokenizer(path, rows):
    """Llama 2's options (arXiv 2307.09288, 2.2.1) at a small vocabulary."""
    import io

    import sentencepiece

    texts = {m["content"] for r in rows for m in r["messages"]}
    texts |= {r[side]["content"] for r in rows for side in "ab"}
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sorted(texts)), model_writer=model, model_type="bpe", vocab_size=1024,
        byte_fallback=True, split_digits=True, normalization_rule_name="identity", remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True, character_coverage=0.9995, num_threads=1, unk_id=0, bos_id=1, eos_id=2,
        pad_id=-1, minloglevel=2)
    with open(path, "wb") as f:
        f.write(model.getvalue())


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "sample")
    os.makedirs(out, exist_ok=True)
    rows = comparisons(Dice("comparisons"))
    known = {r["messages"][0]["content"] for r in rows}
    write_lines(os.path.join(out, "comparisons.jsonl"), rows)
    write_lines(os.path.join(out, "generations.jsonl"), generations(Dice("generations"), known))
    train_tokenizer(os.path.join(out, "tokenizer.model"), rows)


if __name__ == "__main__":
    main()
