/* What prefkit train can be told, and its help; see option_keys.h. */
#include "rm/train/option_keys.h"

const struct argp_option rm_train_table[] = {
    {"dimension", OPT_DIMENSION, "helpfulness|safety", 0,
     "Which judgments to learn from (needed, unless a recipe says)", 1},
    {"base", OPT_BASE, "DIR", 0,
     "The model to start from (needed): a language model, whose head is "
     "replaced by a fresh one, or an earlier reward model",
     1},
    {"output", 'o', "DIR", 0, "Where the model goes (needed)", 1},
    {"objective", OPT_OBJECTIVE, "reward|lm", 0,
     "lm trains a language model on the chosen responses, with the loss on "
     "their tokens alone (default: reward)",
     1},
    {"source", OPT_SOURCE, "NAME", 0,
     "Only judgments from this source; may be given again", 1},
    {"mix", OPT_MIX, "POOL=PART,...", 0,
     "What to train on. A pool is a dimension, or DIMENSION:SOURCE; a part is "
     "0 to 1 of the pool or, with %, of the whole mix: "
     "safety=1,helpfulness=10% (default: all of --dimension)",
     1},
    {"judgments", OPT_JUDGMENTS, "each|latest|majority|soft", 0,
     "Several judgments of one comparison are each a pair; or one pair: the "
     "latest entered, what most say, or the share of votes as a soft label; "
     "a named annotator has one vote, the latest (default: each, our choice)",
     1},
    {"keep-preferred-unsafe", OPT_KEEP_UNSAFE, NULL, 0,
     "Keep safety judgments that prefer an unsafe response to a safe one; the "
     "paper leaves them out, and so do we",
     1},
    {"log", OPT_LOG, "FILE", 0,
     "One JSON object per step, written as it happens and kept if the run "
     "fails",
     1},
    {"curve", OPT_CURVE, "FILE", 0, "Loss and accuracy, drawn as SVG", 1},
    {"json", OPT_JSON, NULL, 0, "The summary as one JSON document", 1},
    {0, 0, 0, 0, "The recipe (defaults are the paper's, where it has one):", 2},
    {"recipe", OPT_RECIPE, "llama2-helpfulness|llama2-safety", 0,
     "All that the paper says of one of its two models; options given beside "
     "it "
     "win. The mix is its 50/50 or 90/10. Ours, where it is silent: margin "
     "small for helpfulness and none for safety, and --safety-weight 1",
     2},
    {"epochs", OPT_EPOCHS, "N", 0, "Default: 1; lm: 2", 2},
    {"lr", OPT_LR, "X", 0,
     "Largest learning rate (default: 1e-5, 5e-6 from 50e9 parameters on, "
     "which is our reading of \"70B\"; lm: 2e-5)",
     2},
    {"batch-pairs", OPT_BATCH, "N", 0,
     "Pairs per step (default: 512; lm: 64 responses)", 2},
    {"warmup", OPT_WARMUP, "X", 0,
     "Part of the steps over which the rate rises, at least 5 steps (default: "
     "0.03); then it falls to a tenth along a cosine. For lm the paper gives "
     "neither: both are ours",
     2},
    {"weight-decay", OPT_DECAY, "X", 0, "On matrices only (default: 0.1)", 2},
    {"clip", OPT_CLIP, "X", 0,
     "Largest norm of the gradient (default: 1; 0: any)", 2},
    {"beta1", OPT_BETA1, "X", 0, "AdamW's (default: 0.9)", 2},
    {"beta2", OPT_BETA2, "X", 0, "AdamW's (default: 0.95)", 2},
    {"eps", OPT_EPS, "X", 0, "AdamW's (default: 1e-5)", 2},
    {"seed", OPT_SEED, "N", 0,
     "Of a fresh head, the mix, and the order of the pairs (default: 1)", 2},
    {0, 0, 0, 0, "The loss of a reward model:", 3},
    {"margin", OPT_MARGIN, "none|small|large|A,B,C,D", 0,
     "By strength, as in the paper's Table 27: 1, 2/3, 1/3, 0 or 3, 2, 1, 0, "
     "or "
     "four numbers from significantly better down; a pair without a strength "
     "has none (default: none, our choice)",
     3},
    {"scale", OPT_SCALE, "none|strength|A,B,C,D", 0,
     "Scaled Bradley-Terry: factor of the ranking loss by strength: 3, 2, 1 "
     "and "
     "1/2, the last being ours, or four numbers; a pair without a strength "
     "has 1 (default: none)",
     3},
    {"safety-weight", OPT_SAFETY, "X", 0,
     "Weight of the safety auxiliary loss: cross entropy of sigma(score) "
     "against the labels safe and unsafe, the mean over both responses. The "
     "paper states neither form nor weight: both are ours (default: 0)",
     3},
    {"center-weight", OPT_CENTER, "X", 0,
     "Weight of (chosen + rejected)^2, which keeps scores near 0 (default: 0)",
     3},
    {"label-smoothing", OPT_SMOOTHING, "X", 0,
     "Share of a label given to the other response (default: 0)", 3},
    {0, 0, 0, 0, "Low-rank adapters instead of all parameters (LoRA):", 6},
    {"lora-rank", OPT_LORA_RANK, "N", 0,
     "Train adapters of this rank on a base that stays as it is, and the score "
     "head; the output is the merged model, and OUTPUT/adapter the adapters in "
     "PEFT's form. On a base in bf16 the log validates the adapters, the "
     "summary the merged model as it is written (default: 0, none)",
     6},
    {"lora-alpha", OPT_LORA_ALPHA, "X", 0,
     "Adapters count alpha / rank times (default: 16)", 6},
    {"lora-dropout", OPT_LORA_DROPOUT, "X", 0,
     "Share of an adapter's input dropped while training (default: 0)", 6},
    {"lora-targets", OPT_LORA_TARGETS, "NAME,...", 0,
     "Of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj "
     "(default: all)",
     6},
    {0, 0, 0, 0, "Validation, on the store's valid split:", 4},
    {"valid-every", OPT_VALID_EVERY, "N", 0,
     "Every N steps and after the last (default: only at the end)", 4},
    {"keep", OPT_KEEP, "last|best-loss|best-accuracy", 0,
     "Which validated weights to keep (default: last, as the paper has it)", 4},
    {"patience", OPT_PATIENCE, "N", 0,
     "Stop after N validations without improvement (default: never)", 4},
    {0, 0, 0, 0, "How it is computed:", 5},
    {"precision", OPT_PRECISION, "auto|fp32|bf16", 0,
     "What matrix products are computed in; weights, sums, gradients and "
     "moments "
     "are fp32 always. auto is bf16 where the base is stored so and the "
     "processor multiplies in it (default: auto)",
     5},
    {"max-tokens", OPT_MAX_TOKENS, "N", 0,
     "Drop the oldest exchanges of a dialogue longer than N tokens, the same "
     "of "
     "both responses (default: as many as the model takes)",
     5},
    {"micro-tokens", OPT_MICRO_TOKENS, "N", 0,
     "Tokens to compute at a time (default: 4096): fewer take less memory", 5},
    {"recompute", OPT_RECOMPUTE, NULL, 0,
     "Keep only what each layer takes in, and compute the layer again when its "
     "gradient is due: less memory, a third more work, the same bytes",
     5},
    {"save-every", OPT_SAVE_EVERY, "N", 0,
     "Steps between saves of the state in OUTPUT.state, from which --resume "
     "goes on (default: 50; 0: only when interrupted)",
     5},
    {"checkpoint-every", OPT_CHECKPOINT, "N", 0,
     "Every N steps and after the last, leave the model as it then is in "
     "OUTPUT.checkpoints/step-NNNNNN (with adapters, these alone); the last is "
     "OUTPUT, unless --keep says another (default: 0, none)",
     5},
    {"resume", OPT_RESUME, NULL, 0,
     "Go on from OUTPUT.state, if it is there: the end is the same to the "
     "byte. Store, base and recipe must be what they were; where others write "
     "to the store, train on a copy (`prefkit backup')",
     5},
    {0}};
