#!/usr/bin/python3
"""Make the tokenizer fixtures and golden token ids of tests/.

Needs Debian's python3-sentencepiece; run from the repository root:

    scripts/make_golden_tokens.py [LLAMA2_TOKENIZER_MODEL]

Writes, under tests/fixtures/:

    tokenizer/tokenizer.model   a small model trained as Llama 2's was: BPE,
                                byte fallback, digits split, no normalization
    plain.model                 one without byte fallback, which removes extra
                                white space
    golden_tokens.jsonl         texts and ids by SentencePiece itself, for both
                                and for variants of them
    golden_chat.jsonl           dialogues and ids, for the first
    golden_tokens_llama2.jsonl  the same for Llama 2's tokenizer, when its path
    golden_chat_llama2.jsonl    is given: our texts, its ids, not the model

A row {"model", "tail", "about"} says which model the rows after it are for;
"tail" is hexadecimal protobuf appended to the file, which adds pieces or
overrides options. A golden row has "ids", and what they encode: "text", "hex"
(bytes that are no JSON string) or "messages"; "decoded" (hexadecimal) is there
where decoding gives something else. Dialogues are encoded as the reference code
of Llama 2 does (llama/generation.py, chat_completion).
"""

import io
import json
import os
import random
import struct
import sys
import tempfile

import sentencepiece

OUT = "tests/fixtures"
SPACE = "\u2581"

PLACES = ["kitchen", "garden", "library", "harbour", "station", "workshop"]
PEOPLE = ["Anna", "Tom", "the baker", "my neighbour", "a student", "Dr. Lee"]
THINGS = ["kettle", "bicycle", "letter", "lantern", "map", "clock", "ladder"]
WORDS = ["carefully", "quietly", "at once", "before noon", "in the evening"]
FRAMES = [
    "How do I repair a {t} in the {p}?",
    "{n} took the {t} to the {p} {w}.",
    "Could you explain what the {t} is for?",
    "Sure! Here is what {n} should do {w}: check the {t}, then the {p}.",
    "I'm sorry, but I can't help with that. Let's talk about the {p}.",
    "It was {d} when {n} left the {p}; the {t} cost ${d}.50.",
    "First, open the {p}. Second, move the {t} {w}.",
    "def {t}(x):\n    return x + {d}  # {n}\n",
    "Où est le {t} ? Das {t} ist schön, и это «{p}».",
]


def corpus(lines=400):
    """Some ten thousand words of harmless text, the same every time."""
    rng = random.Random(2307)
    for _ in range(lines):
        yield rng.choice(FRAMES).format(
            t=rng.choice(THINGS), p=rng.choice(PLACES), n=rng.choice(PEOPLE),
            w=rng.choice(WORDS), d=rng.randrange(1000))


def train(path, **options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()), model_writer=model, model_type="bpe",
        normalization_rule_name="identity", character_coverage=1.0,
        num_threads=1, minloglevel=2, **options)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(model.getvalue())


# ---- Protobuf, as much as variants need -------------------------------------

def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def field(number, value):
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3) + varint(value)


NORMAL, USER_DEFINED, UNUSED = 1, 4, 5


def piece(text, score, kind):
    return field(1, field(1, text.encode()) + field(2, score) + field(3, kind))


def normalizer(number, value):
    return field(3, field(number, value))


VARIANTS = {
    "": b"",
    "no dummy prefix": normalizer(3, 0),
    "extra white space removed": normalizer(4, 1),
    "user-defined": b"".join(
        piece(t, 0.0, USER_DEFINED)
        for t in ["<mask>", "<mask>s", "kettleful", SPACE * 3, "\U0001F600x"]),
    "user-defined, inner space": piece(
        "in" + SPACE + "the" + SPACE + "gar", 0.0, USER_DEFINED),
    "inner space": piece("s" + SPACE + "t", 1.0, NORMAL)
    + piece("e" + SPACE, 1.0, NORMAL),
    "unused": piece("the" + "re", 1.0, UNUSED)
    + piece("kett" + "le", 2.0, UNUSED) + piece("oo", 3.0, UNUSED),
    "equal scores": piece("abab", 1.0, NORMAL) + piece("ab", 1.0, NORMAL)
    + piece("ba", 1.0, NORMAL) + piece("aba", 1.0, NORMAL),
    "unknown is empty": field(2, field(44, b"")),
}

TEXTS = [
    "", " ", "  ", "a", " a", "a ", "Hello, world!", "  two  spaces  ",
    "\n", "\n\n\t x\r\n", "The kettle is in the garden. There, the kettleful!",
    "12345 + 67.8 = 12412.8", "abababab bababa aba", "oooo book looooong",
    "<s></s><unk><0x41>", "[INST] <mask>s <mask> [/INST]", SPACE + "x" + SPACE,
    "a" + SPACE + " " + SPACE + "b" + SPACE, "h\u00e9llo \u0438\u0437 \u4e2d\u6587\u3042",
    "\U0001F468\u200d\U0001F469\u200d\U0001F467 \U0001F600x\U0001F600",
    "e\u0301 \u00a0 \u3000 \ufeff \ufffd \U0010FFFF", "x" * 70, "ab" * 40,
    " " * 70 + "x" + " " * 7, "the " * 9, "kettle" * 13, "\u4e2d" * 70,
    "if (x < 10) {\n\treturn a[i] * 0x1F; /* s\t */\n}\n",
    b"\0", b"a\0b\0\0c", b"\xff", b"abc\xc3", b"\xc3(\xe2\x82 \xed\xa0\x80",
    b"\xf0\x9f\x98 \xf4\x90\x80\x80 \xc0\x80 \xe2\x96", b"\x80" * 5,
]

DECODES = [[], [1], [1, 2], [0], [3], [0, 0], [1, 259, 259, 2], [259, 300],
           [35 + 3, 0xE4 + 3, 0xB8 + 3, 0xAD + 3, 0xE4 + 3, 0xB8 + 3, 270],
           [1, 260, 0xFF + 3, 261, 2, 259], [0xC3 + 3, 0xC3 + 3, 0xA9 + 3]]

S, U, A = "system", "user", "assistant"
DIALOGUES = [
    [(U, "Hello")],
    [(U, "  Hello \n"), (A, "\t Hi! ")],
    [(S, "Be kind."), (U, " Where is the kettle? ")],
    [(S, " Be kind.\n"), (U, "Where?"), (A, "In the kitchen."), (U, "Why?")],
    [(U, "1"), (A, "2"), (U, "3"), (A, "4"), (U, "5"), (A, "6")],
    [(S, ""), (U, ""), (A, "")],
    [(S, "s"), (U, "\u3000\u2003 \u4f60\u597d\u00a0\x1f\x85"), (A, "\u200b\u2028x\u2029")],
    [(U, "a line\n\nanother "), (A, "\U0001F600 ")],
]


# ---- The reference ----------------------------------------------------------

def encode_chat(sp, dialogue, cut=False):
    """chat_completion of llama/generation.py; `cut` as infer.h has it."""
    if dialogue[0][0] == S:
        dialogue = [(U, "<<SYS>>\n" + dialogue[0][1] + "\n<</SYS>>\n\n"
                     + dialogue[1][1])] + dialogue[2:]
    ids = []
    for i in range(0, len(dialogue), 2):
        text = "[INST] " + dialogue[i][1].strip() + " [/INST]"
        ids.append(sp.bos_id())
        if i + 1 == len(dialogue):
            ids += sp.encode(text)
            continue
        text += " " + dialogue[i + 1][1].strip()
        if cut and i + 2 == len(dialogue):
            ids += sp.encode(text)
        else:
            ids += sp.encode(text + " ") + [sp.eos_id()]
    return ids


def load(path, tail):
    sp = sentencepiece.SentencePieceProcessor()
    with open(path, "rb") as f:
        sp.LoadFromSerializedProto(f.read() + tail)
    return sp


def write_text(row, text):
    """As text where our JSON reader takes it, else as hexadecimal bytes."""
    raw = text if isinstance(text, bytes) else text.encode()
    try:
        plain = b"\0" not in raw and raw.decode()
    except UnicodeDecodeError:
        plain = False
    if plain is False:
        row["hex"] = raw.hex()
    else:
        row["text"] = plain


def rows(name, path, variants):
    for about, tail in variants.items():
        sp = load(path, tail)
        yield {"model": name, "tail": tail.hex(), "about": about}
        for text in TEXTS:
            row = {"ids": sp.encode(text)}
            write_text(row, text)
            decoded = sp.decode(row["ids"])
            if decoded != row.get("text"):
                row["decoded"] = decoded.encode().hex()
            yield row
        for ids in DECODES:
            if all(i < sp.vocab_size() for i in ids):
                yield {"ids": ids, "decoded": sp.decode(ids).encode().hex()}


def chat_rows(name, path):
    sp = load(path, b"")
    yield {"model": name, "tail": "", "about": "dialogues"}
    for dialogue in DIALOGUES:
        for cut in [False, True] if dialogue[-1][0] == A else [False]:
            yield {"ids": encode_chat(sp, dialogue, cut), "cut": cut,
                   "messages": [{"role": r, "content": c} for r, c in dialogue]}


def write(path, every):
    with open(path, "w", encoding="utf-8") as f:
        for row in every:
            text = json.dumps(row, ensure_ascii=True, separators=(",", ":"))
            f.write(text + "\n")


def main():
    tiny, plain = "tokenizer/tokenizer.model", "plain.model"
    train(OUT + "/" + tiny, vocab_size=512, byte_fallback=True,
          split_digits=True, remove_extra_whitespaces=False,
          allow_whitespace_only_pieces=True)
    train(OUT + "/" + plain, vocab_size=160)
    write(OUT + "/golden_tokens.jsonl",
          [*rows(tiny, OUT + "/" + tiny, VARIANTS),
           *rows(plain, OUT + "/" + plain, VARIANTS)])
    write(OUT + "/golden_chat.jsonl", chat_rows(tiny, OUT + "/" + tiny))
    if len(sys.argv) > 1:
        write(OUT + "/golden_tokens_llama2.jsonl",
              rows("llama2", sys.argv[1], {"": b""}))
        write(OUT + "/golden_chat_llama2.jsonl", chat_rows("llama2", sys.argv[1]))


main()
