#!/usr/bin/python3
"""Golden numbers for tests/test_golden.c, from an independent Llama.

A plain PyTorch implementation in double precision of the architecture in
Touvron et al. (arXiv 2307.09288, 2.2) as Hugging Face lays it out: RMSNorm,
rotary embedding on rotated halves, grouped-query attention, SwiGLU, an
optionally tied head; the ranking loss with margin (3.2.2); AdamW. Weights are
random but fixed, of a scale at which attention is far from uniform.

    scripts/make_golden.py            write tests/fixtures/golden/
    scripts/make_golden.py --check    make them again elsewhere; the bytes must
                                      be the committed ones

Needs Debian's python3-torch and python3-numpy; the tests need neither.
"""
import argparse
import filecmp
import json
import math
import os
import struct
import sys
import tempfile

import numpy
import torch

GOLDEN = os.path.join(os.path.dirname(__file__), "..", "tests", "fixtures",
                      "golden")

REWARD = {
    "architectures": ["LlamaForSequenceClassification"],
    "model_type": "llama",
    "hidden_size": 32,
    "intermediate_size": 88,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "hidden_act": "silu",
    "max_position_embeddings": 256,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "rope_scaling": None,
    "attention_bias": False,
    "mlp_bias": False,
    "tie_word_embeddings": False,
    "vocab_size": 96,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "id2label": {"0": "LABEL_0"},
    "label2id": {"LABEL_0": 0},
    "problem_type": "regression",
    "torch_dtype": "float32",
    "use_cache": False,
}

# Tied, one key/value head, and heads that are not hidden_size / heads wide.
CAUSAL = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 24,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "num_key_value_heads": 1,
    "head_dim": 10,
    "hidden_act": "silu",
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-6,
    "rope_theta": 500000.0,
    "rope_scaling": None,
    "attention_bias": False,
    "mlp_bias": False,
    "tie_word_embeddings": True,
    "vocab_size": 50,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": None,
    "torch_dtype": "float32",
    "use_cache": True,
}

MARGINS = {"none": [0, 0, 0, 0],
           "small": [0, 1 / 3, 2 / 3, 1],
           "large": [0, 1, 2, 3]}  # by strength 0..3 (paper, Table 27)
ADAMW = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.95, "eps": 1e-5,
         "weight_decay": 0.1, "clip": 1.0}
STEPS = 10
PAIRS_PER_STEP = 3


def head_dim(c):
    return c.get("head_dim", c["hidden_size"] // c["num_attention_heads"])


def tensors(c):
    """(name, shape, scale) of every tensor in slab order; scale 0: a norm."""
    dim, ffn = c["hidden_size"], c["intermediate_size"]
    q = c["num_attention_heads"] * head_dim(c)
    kv = c["num_key_value_heads"] * head_dim(c)
    # A tied head over a strong embedding would only repeat its input.
    embed = 0.15 if c["tie_word_embeddings"] else 1.0
    out = [("model.embed_tokens.weight", (c["vocab_size"], dim), embed)]
    for i in range(c["num_hidden_layers"]):
        at = f"model.layers.{i}."
        out += [
            (at + "input_layernorm.weight", (dim,), 0),
            (at + "self_attn.q_proj.weight", (q, dim), 1.6 / math.sqrt(dim)),
            (at + "self_attn.k_proj.weight", (kv, dim), 1.6 / math.sqrt(dim)),
            (at + "self_attn.v_proj.weight", (kv, dim), 1.0 / math.sqrt(dim)),
            (at + "self_attn.o_proj.weight", (dim, q), 0.8 / math.sqrt(q)),
            (at + "post_attention_layernorm.weight", (dim,), 0),
            (at + "mlp.gate_proj.weight", (ffn, dim), 1.0 / math.sqrt(dim)),
            (at + "mlp.up_proj.weight", (ffn, dim), 1.0 / math.sqrt(dim)),
            (at + "mlp.down_proj.weight", (dim, ffn), 0.8 / math.sqrt(ffn)),
        ]
    out.append(("model.norm.weight", (dim,), 0))
    if c["architectures"][0].endswith("SequenceClassification"):
        out.append(("score.weight", (1, dim), 1.0 / math.sqrt(dim)))
    elif not c["tie_word_embeddings"]:
        out.append(("lm_head.weight", (c["vocab_size"], dim), embed))
    return out


def random_weights(c, seed):
    """Rounded to f32, which is what the file holds; as float64 leaves."""
    rng = numpy.random.RandomState(seed)  # its streams are frozen for good
    w = {}
    for name, shape, scale in tensors(c):
        x = rng.standard_normal(shape)
        x = x * scale if scale else 1.0 + 0.2 * x
        x = x.astype(numpy.float32).astype(numpy.float64)
        w[name] = torch.from_numpy(x).requires_grad_(True)
    return w


def rms_norm(x, weight, eps):
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * weight


def rotary(x, theta):
    """x (heads, n, d): Hugging Face's form, with rotated halves."""
    n, d = x.shape[-2:]
    freq = theta ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)
    angle = torch.outer(torch.arange(n, dtype=torch.float64), freq)
    angle = torch.cat([angle, angle], -1)
    half = torch.cat([-x[..., d // 2:], x[..., :d // 2]], -1)
    return x * torch.cos(angle) + half * torch.sin(angle)


def attention(c, w, at, x):
    n, d = x.shape[0], head_dim(c)

    def heads(name):
        y = x @ w[at + f"self_attn.{name}_proj.weight"].T
        return y.view(n, -1, d).transpose(0, 1)

    q, k, v = heads("q"), heads("k"), heads("v")
    q, k = rotary(q, c["rope_theta"]), rotary(k, c["rope_theta"])
    group = q.shape[0] // k.shape[0]
    k, v = k.repeat_interleave(group, 0), v.repeat_interleave(group, 0)
    s = q @ k.transpose(1, 2) / math.sqrt(d)
    future = torch.ones(n, n, dtype=torch.bool).triu(1)
    p = torch.softmax(s.masked_fill(future, -math.inf), -1)
    y = (p @ v).transpose(0, 1).reshape(n, -1)
    return y @ w[at + "self_attn.o_proj.weight"].T


def forward(c, w, ids):
    """The final norm's output at every token: (n, hidden_size)."""
    eps = c["rms_norm_eps"]
    x = w["model.embed_tokens.weight"][torch.tensor(ids)]
    for i in range(c["num_hidden_layers"]):
        at = f"model.layers.{i}."
        x = x + attention(c, w, at, rms_norm(
            x, w[at + "input_layernorm.weight"], eps))
        h = rms_norm(x, w[at + "post_attention_layernorm.weight"], eps)
        gate = h @ w[at + "mlp.gate_proj.weight"].T
        up = h @ w[at + "mlp.up_proj.weight"].T
        x = x + (gate * torch.sigmoid(gate) * up) @ w[
            at + "mlp.down_proj.weight"].T
    return rms_norm(x, w["model.norm.weight"], eps)


def score(c, w, ids):
    return (forward(c, w, ids)[-1] @ w["score.weight"][0])


def ranking_losses(c, w, paths, pairs, margin):
    return [torch.nn.functional.softplus(
        -(score(c, w, paths[p["chosen"]]) - score(c, w, paths[p["rejected"]])
          - MARGINS[margin][p["strength"]])) for p in pairs]


def write_safetensors(path, values):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, v in values.items():
        raw = v.detach().numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(v.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        f.write(json.dumps(value, indent=1) + "\n")


def write_model(folder, config, w):
    os.makedirs(folder, exist_ok=True)
    write_json(os.path.join(folder, "config.json"), config)
    write_safetensors(os.path.join(folder, "model.safetensors"), w)


def digits(x):
    """12 significant digits: more than f32 can be asked for, fewer than would
    show how a machine orders its sums."""
    if isinstance(x, (list, tuple)):
        return [digits(y) for y in x]
    return float(f"{float(x):.12g}")


def reward_paths():
    """Paths and pairs that share prompts, answers' beginnings and nothing."""
    rng = numpy.random.RandomState(11)

    def some(n):
        return [int(x) for x in rng.randint(3, 96, n)]

    p1, p2, start = [1] + some(11), [1] + some(59), some(4)
    paths = [
        p1 + some(5) + [2],          # 0, 1: one prompt
        p1 + some(9) + [2],
        p1 + start + some(3) + [2],  # 2, 3: answers that begin alike
        p1 + start + some(6) + [2],
        p2 + some(40) + [2],         # 4, 5: long
        p2 + some(34) + [2],
        [1],                         # 6, 7: one the beginning of the other
        p1[:3],
        [5] + some(7) + [2],         # 8, 9: nothing shared
        [6] + some(2) + [2],
        [2],                         # 10: a single token, in no pair
        p1 + some(1),                # 11: cut off, in no pair
    ]
    pairs = [{"chosen": a, "rejected": b, "strength": s} for a, b, s in
             [(0, 1, 3), (3, 2, 1), (4, 5, 2), (6, 7, 0), (9, 8, 3)]]
    return paths, pairs


def batch(step, n):
    return [(2 * step + j) % n for j in range(PAIRS_PER_STEP)]


def train(c, w, paths, pairs):
    """Ten AdamW steps by torch's own optimizer; every matrix decays, the
    embedding and the score head among them, and no norm does."""
    a = ADAMW
    groups = [{"params": [x for x in w.values() if x.dim() == 2],
               "weight_decay": a["weight_decay"]},
              {"params": [x for x in w.values() if x.dim() == 1],
               "weight_decay": 0.0}]
    adamw = torch.optim.AdamW(groups, lr=a["lr"], eps=a["eps"],
                              betas=(a["beta1"], a["beta2"]))
    log = []
    for step in range(STEPS):
        chosen = batch(step, len(pairs))
        adamw.zero_grad()
        loss = sum(ranking_losses(c, w, paths, [pairs[i] for i in chosen],
                                  "large")) / len(chosen)
        loss.backward()
        norm = math.sqrt(sum(float((x.grad ** 2).sum()) for x in w.values()))
        for x in w.values():
            x.grad *= min(1.0, a["clip"] / norm)
        adamw.step()
        log.append({"pairs": chosen, "loss": digits(loss),
                    "grad_norm": digits(norm)})
    return log


def make_reward(folder):
    c, (paths, pairs) = REWARD, reward_paths()
    w = random_weights(c, 1)
    write_model(os.path.join(folder, "reward"), c, w)
    out = {"paths": paths,
           "scores": digits([score(c, w, p) for p in paths]),
           "pairs": pairs, "margins": digits_of(MARGINS)}
    for margin in MARGINS:
        losses = ranking_losses(c, w, paths, pairs, margin)
        out["losses_" + margin] = digits(losses)
    loss = sum(ranking_losses(c, w, paths, pairs, "small")) / len(pairs)
    loss.backward()
    out["gradient_of"] = "the mean of losses_small"
    write_safetensors(os.path.join(folder, "gradient.safetensors"),
                      {name: x.grad for name, x in w.items()})
    out["adamw"] = ADAMW
    out["steps_margin"] = "large"
    out["steps"] = train(c, w, paths, pairs)
    write_safetensors(os.path.join(folder, "steps.safetensors"), w)
    return out


def digits_of(table):
    return {k: digits(v) for k, v in table.items()}


def greedy(c, w, ids, n):
    out = []
    with torch.no_grad():
        for _ in range(n):
            logits = (forward(c, w, ids + out)[-1]
                      @ w["model.embed_tokens.weight"].T)
            best = torch.topk(logits, 2)
            if float(best.values[0] - best.values[1]) < 1e-3:
                sys.exit("a near tie: choose another seed")
            out.append(int(best.indices[0]))
    return out


def make_causal(folder):
    c = CAUSAL
    w = random_weights(c, 3)
    write_model(os.path.join(folder, "causal"), c, w)
    rng = numpy.random.RandomState(12)
    out = []
    for n in (1, 2, 9, 30):
        ids = [1] + [int(x) for x in rng.randint(3, 50, n - 1)]
        logits = (forward(c, w, ids)[-1] @ w["model.embed_tokens.weight"].T)
        out.append({"path": ids, "logits": digits(logits.tolist()),
                    "greedy": greedy(c, w, ids, 20)})
    return out


def make(folder):
    os.makedirs(folder, exist_ok=True)
    torch.set_num_threads(1)
    write_json(os.path.join(folder, "golden.json"), {
        "made_by": "scripts/make_golden.py",
        "versions": {"python": sys.version.split()[0],
                     "torch": torch.__version__,
                     "numpy": numpy.__version__},
        "precision": "float64",
        "reward": make_reward(folder),
        "causal": make_causal(folder),
    })


def check():
    with tempfile.TemporaryDirectory() as folder:
        make(folder)
        names = [os.path.relpath(os.path.join(d, f), folder)
                 for d, _, files in os.walk(folder) for f in files]
        _, other, missing = filecmp.cmpfiles(folder, GOLDEN, names,
                                             shallow=False)
    for name in other + missing:
        print(f"make_golden: {name} is not what is made now", file=sys.stderr)
    return 1 if other or missing else 0


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("--check", action="store_true",
                   help="compare with the committed files instead of writing")
    if p.parse_args().check:
        return check()
    make(GOLDEN)
    return 0


if __name__ == "__main__":
    sys.exit(main())
