#!/usr/bin/env node
// Make the tokenizer.json fixtures and their golden token ids.
//
// Needs Node and two packages of npm, put somewhere outside the repository:
// `tokenizers` (Hugging Face's library itself) and `@huggingface/jinja`. Run
// from the repository root:
//
//     NODE_PATH=DIR/node_modules node scripts/make_golden_json_tokens.mjs
//
// Writes, under tests/fixtures/:
//
//     json_tokens/llama3.json    bytes, Llama 3's split and special tokens
//     json_tokens/fallback.json  Llama 2's rules: byte fallback
//     json_tokens/unknown.json   the same without bytes: unknown characters
//     golden_json_tokens.jsonl   texts, ids and decoded text by that library
//     golden_json_chat.jsonl     dialogues, and ids of what Llama 3's own
//                                template makes of them
//
// Their merges are learned here from the text of our sample, in the plain way.

import fs from 'node:fs';
import { createRequire } from 'node:module';

const need = createRequire(process.env.NODE_PATH + '/');
const { Tokenizer } = need('tokenizers');
const VERSION = need('tokenizers/package.json').version;
const { Template } = need('@huggingface/jinja');
const OUT = 'tests/fixtures/';
const SPLIT = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" +
    "\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
// transformers' template for Llama 3, in its first published form.
const CHAT = "{% set loop_messages = messages %}{% for message in " +
    "loop_messages %}{% set content = '<|start_header_id|>' + message['role']" +
    " + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}" +
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}" +
    "{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}" +
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}";

// ---- The sample's text, and merges learned from it

const sample = fs.readFileSync('scripts/sample/comparisons.jsonl', 'utf8')
    .trim().split('\n').slice(0, 120).map(l => JSON.parse(l));
const strings = v => typeof v === 'string' ? [v] :
    v && typeof v === 'object' ? Object.values(v).flatMap(strings) : [];
const corpus = sample.flatMap(strings).filter(s => s.includes(' '));

// Words as arrays of symbols, with how often they occur.
function count(words) {
    const seen = new Map();
    for (const w of words) seen.set(w, (seen.get(w) ?? 0) + 1);
    return [...seen].map(([w, n]) => ({ sym: [...w], n }));
}

function learn(words, merges) {
    const out = [];
    while (out.length < merges) {
        const pairs = new Map();
        for (const { sym, n } of words)
            for (let i = 1; i < sym.length; i++) {
                const p = sym[i - 1] + '\u0000' + sym[i];
                pairs.set(p, (pairs.get(p) ?? 0) + n);
            }
        const best = [...pairs].sort((x, y) =>
            y[1] - x[1] || (x[0] < y[0] ? -1 : 1))[0][0];
        const [a, b] = best.split('\u0000');
        out.push([a, b]);
        for (const w of words)
            for (let i = 1; i < w.sym.length; i++)
                if (w.sym[i - 1] === a && w.sym[i] === b)
                    w.sym.splice(i - 1, 2, a + b);
    }
    return out;
}

const vocabulary = (first, merges) => Object.fromEntries(
    [...new Set([...first, ...merges.map(m => m.join(''))])]
        .map((v, i) => [v, i]));

// GPT-2's letters for the bytes (byte b at index b).
function alphabet() {
    const shown = b => (b > 32 && b < 127) || (b > 160 && b !== 173);
    let next = 256;
    return Array.from({ length: 256 },
        (_, b) => String.fromCodePoint(shown(b) ? b : next++));
}

const added = (names, at) => names.map((content, i) => ({
    id: at + i, content, single_word: false, lstrip: false, rstrip: false,
    normalized: false, special: true }));
const bpe = (vocab, merges, more) => ({
    type: 'BPE', dropout: null, unk_token: null,
    continuing_subword_prefix: null, end_of_word_suffix: null,
    fuse_unk: false, byte_fallback: false, ignore_merges: false, vocab,
    merges: merges.map(m => m.join(' ')), ...more });

function llama3() {
    const letters = alphabet();
    const word = /'(?:[sdmt]|ll|ve|re)| ?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+/giu;
    const words = corpus.flatMap(t => t.match(word) ?? []).map(w =>
        [...Buffer.from(w)].map(b => letters[b]).join(''));
    const merges = learn(count(words), 400);
    const vocab = vocabulary(letters, merges);
    // A word that no merges lead to: found only where it stands whole.
    vocab['\u0120Broadway'] = Object.keys(vocab).length;
    const level = { type: 'ByteLevel', add_prefix_space: false,
                    trim_offsets: true, use_regex: false };
    return {
        version: '1.0', truncation: null, padding: null,
        added_tokens: added(['<|begin_of_text|>', '<|end_of_text|>',
            '<|reserved_special_token_0|>', '<|start_header_id|>',
            '<|end_header_id|>', '<|eot_id|>'], Object.keys(vocab).length),
        normalizer: null,
        pre_tokenizer: { type: 'Sequence', pretokenizers: [
            { type: 'Split', pattern: { Regex: SPLIT }, behavior: 'Isolated',
              invert: false }, level] },
        post_processor: null,
        decoder: { type: 'ByteLevel', add_prefix_space: true,
                   trim_offsets: true, use_regex: true },
        model: bpe(vocab, merges, { ignore_merges: true }) };
}

function llama2(bytes) {
    const space = '\u2581';
    const words = corpus.flatMap(t => (' ' + t).match(/ ?[^ ]+/gu) ?? [])
        .map(w => w.replaceAll(' ', space));
    const merges = learn(count(words), 300);
    const single = [...new Set(corpus.join('') + space)]
        .filter(c => c !== ' ').sort();
    const names = ['<unk>', '<s>', '</s>'];
    const hex = Array.from({ length: 256 }, (_, b) =>
        `<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`);
    const vocab = vocabulary([...names, ...(bytes ? hex : []), ...single],
        merges);
    return {
        version: '1.0', truncation: null, padding: null,
        added_tokens: added(names, 0),
        normalizer: { type: 'Sequence', normalizers: [
            { type: 'Prepend', prepend: space },
            { type: 'Replace', pattern: { String: ' ' }, content: space }] },
        pre_tokenizer: null, post_processor: null,
        decoder: { type: 'Sequence', decoders: [
            { type: 'Replace', pattern: { String: space }, content: ' ' },
            { type: 'ByteFallback' }, { type: 'Fuse' },
            { type: 'Strip', content: ' ', start: 1, stop: 0 }] },
        model: bpe(vocab, merges,
            { unk_token: '<unk>', fuse_unk: true, byte_fallback: true }) };
}

// ---- Texts: ours, and what breaks tokenizers

let seed = 2307;
const random = n => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor(seed / 4294967296 * n);
};
const POOLS = [[0x20, 0x7e], [0x61, 0x7a], [0x9, 0xd], [0xa0, 0x24f],
    [0x300, 0x36f], [0x370, 0x5ff], [0x600, 0x6ff], [0x900, 0x97f],
    [0x2000, 0x206f], [0x2150, 0x218f], [0x3000, 0x30ff], [0x4e00, 0x9fff],
    [0xac00, 0xd7a3], [0xff00, 0xffef], [0x1f300, 0x1faff]];
const TRAPS = ["'s", "'S", "I'LL", "'\u017f", '1234567', '\r\n', '\n\n', ' \n ',
    '   ', '\t\t', '\u0085', '\u00a0', '\u180e', '\u200b', '\ufeff', '\u3000',
    '\u00bd', '\u2167', '\u0663', ' Broadway', 'Broadways', '<0x41>'];

function noise() {
    let t = '';
    for (let k = 1 + random(12); k > 0; k--) {
        const [a, b] = POOLS[random(POOLS.length)];
        t += random(3) === 0 ? TRAPS[random(TRAPS.length)] :
            String.fromCodePoint(a + random(b - a + 1), a + random(b - a + 1));
    }
    return t;
}

const texts = ['', ' ', '  ', 'a', ' a', 'a ', 'Hello, world!', ...TRAPS,
    ...corpus.slice(0, 40), ...Array.from({ length: 200 }, noise)];

async function golden(name, json, rows) {
    const file = `json_tokens/${name}.json`;
    fs.writeFileSync(OUT + file, JSON.stringify(json, null, 1) + '\n');
    const t = Tokenizer.fromFile(OUT + file);
    const unk = name === 'unknown';
    rows.push({ model: file, tail: '', about: `${name}, by tokenizers ${VERSION}` });
    for (const text of texts) {
        const ids = (await t.encode(text, null, { addSpecialTokens: false }))
            .getIds();
        const row = { ids, text };
        // Of unknown tokens each library says what it likes: not compared.
        const back = unk && ids.includes(0) ? null : await t.decode(ids, true);
        if (back !== null && back !== text)
            row.decoded = Buffer.from(back).toString('hex');
        if (back !== null) rows.push(row);
        else rows.push({ ...row, lossy: true });
    }
}

async function chats(rows) {
    const file = 'json_tokens/llama3.json';
    const t = Tokenizer.fromFile(OUT + file);
    const template = new Template(CHAT);
    const user = text => ({ role: 'user', content: text });
    const bot = text => ({ role: 'assistant', content: text });
    const sys = text => ({ role: 'system', content: text });
    rows.push({ model: file, tail: '', about: `llama3 chat, by tokenizers ${VERSION}` });
    const dialogues = [[user('\u4f60\u597d'), bot('\ud83d\udc4b\ud83c\udffd')]];
    for (let i = 0; i < 12; i += 4) {
        const [a, b, c, d] = corpus.slice(i, i + 4);
        dialogues.push([user(a)], [user(a), bot(b)],
            [sys(' be brief \n'), user(a), bot(b), user(c)],
            [sys('x'), user(a), bot(` ${b}\n\n`), user(c), bot(d)]);
    }
    for (const messages of dialogues) {
        const text = template.render({ messages, bos_token: '<|begin_of_text|>',
            add_generation_prompt: messages.at(-1).role === 'user' });
        const ids = (await t.encode(text, null, { addSpecialTokens: false }))
            .getIds();
        rows.push({ ids, messages });
    }
}

fs.mkdirSync(OUT + 'json_tokens', { recursive: true });
const write = (name, rows) => fs.writeFileSync(OUT + name,
    rows.map(r => JSON.stringify(r)).join('\n') + '\n');
const rows = [], dialogues = [];
await golden('llama3', llama3(), rows);
await golden('fallback', llama2(true), rows);
await golden('unknown', llama2(false), rows);
await chats(dialogues);
write('golden_json_tokens.jsonl', rows);
write('golden_json_chat.jsonl', dialogues);
