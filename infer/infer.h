/* infer: the shared Llama 2 core. Tokens and tensors; nothing here has heard of
 * a preference. The room's one door.
 *
 * Architecture: Touvron et al., "Llama 2: Open Foundation and Fine-Tuned Chat
 * Models" (arXiv 2307.09288), sections 2.2 and A.2.1: pre-norm RMSNorm, SwiGLU,
 * rotary embedding, grouped-query attention; in the file layout of Hugging
 * Face's LlamaForCausalLM and LlamaForSequenceClassification.
 *
 * Shapes are row-major and written (rows, columns), with the letters
 *
 *     N tokens in a forest   R read-outs          C model dim (hidden_size)
 *     H query heads          K key/value heads    D head dim
 *     F feed-forward dim     V vocabulary         L layers
 *
 * Threads: one OpenMP pool. A model and a tokenizer are read-only after they
 * are opened and may be shared by threads; everything else belongs to one. */
#ifndef PREFKIT_INFER_INFER_H
#define PREFKIT_INFER_INFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* Load OpenBLAS (the first product would do it else), and choose its kernels
 * for this processor where it does not know it and has fallen back to its
 * oldest. To be called before there is another thread, or anything is computed;
 * OPENBLAS_CORETYPE in the environment stands. PK_EIO: it is not installed. And
 * the kernels' name, as OpenBLAS has it. */
PK_NODISCARD int infer_blas_choose(struct pk_err *err);
const char *infer_blas_kernel(void);

/* ---- Shapes and tensors -------------------------------------------------- */

enum infer_head {
    INFER_HEAD_LM,   /* lm_head (V, C): LlamaForCausalLM */
    INFER_HEAD_SCORE /* score (1, C), no bias: LlamaForSequenceClassification */
};

/* What is done to the rotary frequencies of theta ("rope_scaling"). */
enum infer_rope_kind {
    INFER_ROPE_DEFAULT,
    INFER_ROPE_LINEAR,  /* all divided by the factor */
    INFER_ROPE_DYNAMIC, /* as DEFAULT up to max_positions, the most we run */
    INFER_ROPE_LLAMA3   /* the long waves divided, the short ones not */
};

struct infer_rope_scaling {
    enum infer_rope_kind kind;
    double factor, low, high; /* LLAMA3: low_ and high_freq_factor */
    size_t original;          /* LLAMA3: positions before scaling */
};

/* At which token of a closed response its score is read. The two differ only
 * for a model whose pad token is its end-of-sequence token: programs that look
 * for the last token that is no padding then read before the end. */
enum infer_read_out {
    INFER_READ_UNSAID,    /* at the end; a model that makes it doubtful is
                             refused */
    INFER_READ_EOS,       /* at the end-of-sequence token that closes it */
    INFER_READ_BEFORE_EOS /* at the last token that is not pad_token_id */
};

enum { INFER_MORE_EOS = 15 };

struct infer_config {
    size_t dim, layers, heads, kv_heads, head_dim, hidden, vocab;
    size_t max_positions; /* the longest path that may be run, in tokens */
    double norm_eps, rope_theta;
    struct infer_rope_scaling rope;
    int32_t bos, eos, pad;            /* -1: the config names none */
    int32_t more_eos[INFER_MORE_EOS]; /* other ids that end a generation */
    size_t n_more_eos;
    enum infer_head head;
    enum infer_read_out read_out; /* as it was opened; not in the file */
    bool tied;                    /* LM only: lm_head is the embedding */
};

/* Does this id end a generation? */
bool infer_config_ends(const struct infer_config *c, int32_t id);

/* How many of a path's n ids lead up to the one where its score is read, that
 * one included: n, or with INFER_READ_BEFORE_EOS what is left without the
 * trailing pad_token_id (at least 1). */
size_t infer_read_length(const struct infer_config *c, const int32_t *ids,
                         size_t n);

/* Make a language model's config that of a reward model for a tokenizer: one
 * score instead of the vocabulary, the token that closes an answer among the
 * ends, and a pad token that is none of these (infer_tokenizer_pad, unless the
 * config names one). */
struct infer_tokenizer;
void infer_config_to_score(struct infer_config *c,
                           const struct infer_tokenizer *t);

/* Every tensor of a layer, once: X(field, rows, columns, name in the file).
 * Weights are stored (out, in): y = x W^T. Names of dimensions are the fields
 * of struct infer_dims. */
#define INFER_LAYER_TENSORS(X)                                                 \
    X(attn_norm, one, c, "input_layernorm")                                    \
    X(wq, q, c, "self_attn.q_proj")                                            \
    X(wk, kv, c, "self_attn.k_proj")                                           \
    X(wv, kv, c, "self_attn.v_proj")                                           \
    X(wo, c, q, "self_attn.o_proj")                                            \
    X(ffn_norm, one, c, "post_attention_layernorm")                            \
    X(gate, f, c, "mlp.gate_proj")                                             \
    X(up, f, c, "mlp.up_proj")                                                 \
    X(down, c, f, "mlp.down_proj")

/* How a number is stored; F16 and OTHER occur in files alone. */
enum infer_dtype { INFER_F32, INFER_F16, INFER_BF16, INFER_OTHER };

/* A tensor where it lies, in memory that is somebody else's: a mapped file, or
 * a slab (struct infer_params). f32 or bf16 is set. Whatever has one row
 * (norms, the score head) is f32, and so is all that a slab holds. */
struct infer_adapter;
struct infer_matrix {
    float *f32;
    const uint16_t *bf16;
    size_t rows, cols;
    const struct infer_adapter *adapter; /* NULL: none */
};

/* A low-rank change of a matrix (LoRA: Hu et al., arXiv 2106.09685): it
 * multiplies as if it were W + scale B A, whose product is never made. */
struct infer_adapter {
    struct infer_matrix a, b; /* f32: (rank, columns of W), (rows of W, rank) */
    float scale;              /* alpha / rank */
    uint64_t stream;          /* of dropout: different for each */
};

/* What matrix products are computed in: f32, or bf16 operands with f32 sums and
 * results. Everything else (norms, softmax, rotary embedding, SwiGLU, the score
 * head, losses) is f32 always. AUTO is only ever asked for, never computed in:
 * bf16 where the weights are stored so and the processor is faster with it. */
enum infer_precision {
    INFER_PRECISION_FP32,
    INFER_PRECISION_BF16,
    INFER_PRECISION_AUTO
};

/* "auto", "fp32" or "bf16", and back. PK_EUSAGE. */
PK_NODISCARD int infer_precision_parse(enum infer_precision *out,
                                       const char *text, struct pk_err *err);
const char *infer_precision_name(enum infer_precision p);

/* Why products in bf16 can't be had here, in a few words; NULL: they can. */
const char *infer_bf16_missing(void);

/* What is computed in when `asked` is: fp32 where bf16 can't be had. */
enum infer_precision infer_precision_choose(enum infer_precision asked,
                                            bool stored_bf16);

/* One layer's tensors, and a model's. */
struct infer_layer {
#define INFER_FIELD(field, rows, cols, name) struct infer_matrix field;
    INFER_LAYER_TENSORS(INFER_FIELD)
#undef INFER_FIELD
};

struct infer_weights {
    struct infer_matrix embed; /* (V, C) */
    struct infer_layer *layer;
    struct infer_matrix norm; /* (1, C) */
    struct infer_matrix head; /* (V, C) or (1, C) by config.head; the embedding
                                 itself when tied */
    enum infer_precision precision; /* of products with them; not AUTO */
    struct infer_ahead *ahead;      /* reads them ahead; NULL: in memory */
};

/* Tensor number i in slab order (embedding, layers, final norm, head): what an
 * optimizer, a checkpoint or a test walks over. */
struct infer_tensor {
    char name[96]; /* as in the file: "model.layers.0.mlp.up_proj.weight" */
    size_t rows, cols;
    size_t offset; /* first element in a slab */
    bool decay;    /* a matrix, subject to weight decay; false for norms */
};

size_t infer_tensor_count(const struct infer_config *c);
void infer_tensor_at(const struct infer_config *c, size_t i,
                     struct infer_tensor *out);

/* Elements of all tensors. */
size_t infer_parameters(const struct infer_config *c);

/* Which matrices of each layer are adapted: bits in the order of
 * INFER_LAYER_TENSORS. "q_proj,v_proj", or "all" for the seven there are.
 * PK_EUSAGE. */
struct infer_lora {
    size_t rank; /* 0: no adapters */
    double alpha, dropout;
    unsigned targets;
};
enum { INFER_LORA_ALL = 0x1DE, INFER_LORA_TEXT = 80 };
PK_NODISCARD int infer_lora_targets(unsigned *out, const char *text,
                                    struct pk_err *err);
void infer_lora_targets_text(unsigned targets, char out[INFER_LORA_TEXT]);

/* Tensors in one writable f32 slab: parameters to train, or their gradients.
 * Either all of a model's, or adapters and the score head. */
struct infer_params {
    float *slab; /* n elements, 64-byte aligned */
    size_t n;
    struct infer_tensor *tensor; /* what is in the slab, in its order */
    size_t n_tensors;
    struct infer_weights w; /* points into the slab, and for what is not
                               trained to the base's (parameters) or nowhere
                               (gradients) */
    struct infer_lora lora; /* rank 0: all of a model's */
    struct infer_adapter *adapter;
};

/* All of a model's tensors, zeroed. Fails with PK_EMEM. */
PK_NODISCARD int infer_params_new(struct infer_params **out,
                                  const struct infer_config *c,
                                  struct pk_err *err);

/* The same tensors as p's, zeroed: for a gradient. */
PK_NODISCARD int infer_params_like(struct infer_params **out,
                                   const struct infer_config *c,
                                   const struct infer_params *p,
                                   struct pk_err *err);

/* Adapters on a model's weights, which are borrowed, and a score head where c
 * has one. As PEFT begins: A uniform in +-1/sqrt(columns), B zero; the head is
 * base's, or fresh as in infer_params_init. PK_EDATA when the base has adapters
 * already. */
PK_NODISCARD int infer_params_lora(struct infer_params **out,
                                   const struct infer_config *c,
                                   const struct infer_weights *base,
                                   const struct infer_config *base_c,
                                   const struct infer_lora *l, uint64_t seed,
                                   struct pk_err *err);

/* How many elements those are. */
size_t infer_lora_parameters(const struct infer_config *c,
                             const struct infer_lora *l);
void infer_params_free(struct infer_params *p);

/* Random weights, as transformers initialises them: N(0, 0.02) for matrices
 * and embeddings, 1 for norms; the score head N(0, 1/(C+1)) (Stiennon et al.,
 * arXiv 2009.01325). The same seed gives the same weights anywhere. */
void infer_params_init(struct infer_params *p, const struct infer_config *c,
                       uint64_t seed);

/* Copy a model's trunk (all but its head), widened; the head too where the
 * kinds agree, else it is left as it was. Trunk shapes must be equal. */
void infer_params_copy(struct infer_params *p, const struct infer_config *c,
                       const struct infer_weights *from,
                       const struct infer_config *from_c);

/* ---- Model directories --------------------------------------------------- */

struct infer_model;

/* Open a Hugging Face directory: config.json, model.safetensors or shards with
 * their index (F32, F16, BF16). F32 and BF16 tensors are used where they lie in
 * the mapped file; F16 and unaligned ones, and bf16 ones of one row, are
 * widened to f32. Products are in fp32. Errors: PK_EDATA for anything wrong in
 * the files (also NaN or infinite weights, and pad_token_id equal to
 * eos_token_id in a model with a score head), PK_EIO, PK_EMEM. */
PK_NODISCARD int infer_model_open(struct infer_model **out, const char *dir,
                                  struct pk_err *err);

/* The same, told more. Where scores are read: then pad_token_id may be equal to
 * eos_token_id ("eos" or "before-eos" is how an option spells it: 0, or
 * PK_EUSAGE). The precision asked for; infer_model_weights says which it came
 * to. A model of more than two thirds of memory is read from its files layer by
 * layer as passes go (infer/ahead.h). */
struct infer_open {
    enum infer_read_out read_out;
    enum infer_precision precision;
    bool stream; /* layer by layer, even if it would fit in memory */
};
PK_NODISCARD int infer_model_open_as(struct infer_model **out, const char *dir,
                                     const struct infer_open *how,
                                     struct pk_err *err);
PK_NODISCARD int infer_read_out_parse(enum infer_read_out *out,
                                      const char *text, struct pk_err *err);

void infer_model_close(struct infer_model *m);
const struct infer_config *infer_model_config(const struct infer_model *m);
const struct infer_weights *infer_model_weights(const struct infer_model *m);
const char *infer_model_dir(const struct infer_model *m);
/* Of its weights where they lie. */
size_t infer_model_bytes(const struct infer_model *m);

/* A note of what a model's products are computed in, or a warning where that is
 * not what was asked for. */
struct pk_cli;
void infer_say_precision(const struct pk_cli *cli, enum infer_precision asked,
                         const struct infer_model *m);

/* SHA-256 over config and all weights' values, however they are stored, as 64
 * hex digits and a NUL. */
PK_NODISCARD int infer_model_fingerprint(const struct infer_model *m,
                                         char out[65], struct pk_err *err);

/* Write config.json, model.safetensors (in F32, or rounded to BF16), and the
 * tokenizer files copied from `tokenizer_dir` (with the chat template and pad
 * token that a reward model must carry), into the existing directory `dir`.
 * PK_EDATA for a weight too large for BF16. */
PK_NODISCARD int infer_model_save(const char *dir, const struct infer_config *c,
                                  const struct infer_weights *w,
                                  enum infer_dtype dtype,
                                  const char *tokenizer_dir,
                                  struct pk_err *err);

/* Write adapters as PEFT does, on the base of that directory, with its
 * tokenizer files, into the existing directory `dir`. infer_model_open opens
 * such a directory as the base with its adapters; infer_model_save of p->w
 * writes the two merged. */
PK_NODISCARD int infer_lora_save(const char *dir, const struct infer_config *c,
                                 struct infer_params *p, const char *base,
                                 struct pk_err *err);

/* "f32" or "bf16", as an option spells it. PK_EUSAGE. */
PK_NODISCARD int infer_dtype_parse(enum infer_dtype *out, const char *text,
                                   struct pk_err *err);

/* ---- Tokenizer ----------------------------------------------------------- */

struct infer_ids {
    int32_t *id; /* owned; infer_ids_release */
    size_t len, cap;
};

PK_NODISCARD int infer_ids_add(struct infer_ids *ids, int32_t id,
                               struct pk_err *err);
void infer_ids_release(struct infer_ids *ids);

struct infer_tokenizer;

/* A SentencePiece BPE model (tokenizer.model), or a tokenizer.json of BPE with
 * bytes or byte fallback, or a directory that holds one (the first goes before
 * the second). In a directory, added_tokens.json adds tokens after the last
 * piece; beside a tokenizer.json, tokenizer_config.json names BOS and EOS. */
PK_NODISCARD int infer_tokenizer_open(struct infer_tokenizer **out,
                                      const char *path, struct pk_err *err);
void infer_tokenizer_close(struct infer_tokenizer *t);
/* Does a directory hold one, good or bad? */
bool infer_tokenizer_present(const char *dir);

/* Append the ids of len bytes of text: exactly SentencePiece's own, or those of
 * Hugging Face's tokenizers, whatever the bytes (also NUL and malformed UTF-8).
 * No BOS or EOS is added, and no special token is recognised in the text.
 * Thread-safe. */
PK_NODISCARD int infer_tokenizer_encode(const struct infer_tokenizer *t,
                                        const char *text, size_t len,
                                        struct infer_ids *out,
                                        struct pk_err *err);

/* The same for a text that has its chat format written around it, as programs
 * send each other dialogues: a special token that it spells out ("<s>"; the
 * longest of several) becomes that token, and every stretch between two of them
 * is encoded by itself. A dialogue as its template writes it gets the ids that
 * infer_chat_encode gives it. */
PK_NODISCARD int infer_tokenizer_encode_marked(const struct infer_tokenizer *t,
                                               const char *text, size_t len,
                                               struct infer_ids *out,
                                               struct pk_err *err);

/* Text of n ids, NUL-terminated, *len bytes; caller frees. Control and added
 * tokens give nothing; the first piece's leading space is dropped, and bytes
 * that make no UTF-8 are U+FFFD, as SentencePiece has it. PK_EDATA for an id
 * outside the vocabulary. */
PK_NODISCARD int infer_tokenizer_decode(const struct infer_tokenizer *t,
                                        const int32_t *ids, size_t n,
                                        char **text, size_t *len,
                                        struct pk_err *err);

/* The bytes that one id adds to running text, *len of them, not terminated;
 * borrowed from the tokenizer. Control and added tokens give none. NULL for an
 * id outside the vocabulary. */
const char *infer_tokenizer_piece(const struct infer_tokenizer *t, int32_t id,
                                  size_t *len);

/* A token's name, *len bytes without a NUL, as special_tokens_map.json spells
 * it ("<s>", "[PAD]"); NULL for an id outside the vocabulary. Borrowed from the
 * tokenizer. */
const char *infer_tokenizer_name(const struct infer_tokenizer *t, int32_t id,
                                 size_t *len);

size_t infer_tokenizer_vocab(const struct infer_tokenizer *t);
int32_t infer_tokenizer_bos(const struct infer_tokenizer *t); /* -1: none */
/* The token that closes an answer (in Llama 3's chat format, <|eot_id|>). */
int32_t infer_tokenizer_eos(const struct infer_tokenizer *t);
int32_t infer_tokenizer_unk(const struct infer_tokenizer *t);
/* A token to pad with, which no dialogue gives; -1: there is none. */
int32_t infer_tokenizer_pad(const struct infer_tokenizer *t);
/* "tokenizer.model" or "tokenizer.json". Static. */
const char *infer_tokenizer_file(const struct infer_tokenizer *t);

/* ---- Chat format --------------------------------------------------------- */

/* The formats there are. A tokenizer has Llama 3's when it has that format's
 * header tokens; else Llama 2's, unless its directory comes with a template
 * that is neither: then it has none, and infer_chat_encode says so. */
enum infer_chat_format {
    INFER_CHAT_NONE,
    INFER_CHAT_LLAMA2,
    INFER_CHAT_LLAMA3
};

enum infer_chat_format infer_tokenizer_chat(const struct infer_tokenizer *t);

/* "none", "llama2" or "llama3"; and the format as a Jinja template, for
 * tokenizer_config.json (NULL for none). Static. */
const char *infer_chat_name(enum infer_chat_format f);
const char *infer_chat_jinja(enum infer_chat_format f);

enum infer_role { INFER_SYSTEM, INFER_USER, INFER_ASSISTANT };

struct infer_message {
    enum infer_role role;
    const char *text;
    size_t len; /* bytes */
};

/* Messages in order; the array is owned, the texts are borrowed. Start from
 * {0}; set n = 0 to use it again. */
struct infer_dialogue {
    struct infer_message *msg;
    size_t n, cap;
};

PK_NODISCARD int infer_dialogue_add(struct infer_dialogue *d,
                                    enum infer_role role, const char *text,
                                    size_t len, struct pk_err *err);

/* Append a JSON array of {"role": "system|user|assistant", "content": "..."};
 * borrows the JSON's strings. PK_EDATA names the message that is wrong. */
struct cJSON;
PK_NODISCARD int infer_dialogue_read(struct infer_dialogue *d,
                                     const struct cJSON *array,
                                     struct pk_err *err);
void infer_dialogue_release(struct infer_dialogue *d);

/* What infer_chat_encode did. */
struct infer_chat {
    size_t dropped; /* oldest exchanges left out to fit */
    bool closed;    /* ends with the EOS that closes the last answer */
};

/* Append the ids of a dialogue in the tokenizer's chat format, as Meta's
 * reference code does: [system] user (assistant user)* [assistant]. Texts are
 * stripped of white space at both ends. Llama 2's (llama/generation.py):
 * each exchange tokenized by itself with its BOS and EOS, the system text in
 * the first user message. Llama 3's (llama3/llama/tokenizer.py): one BOS, each
 * message under its header and closed by <|eot_id|>.
 *
 * A dialogue that ends with an answer is closed by EOS (the read-out of a
 * reward) unless `cut` says that the answer was cut off before its end; then
 * there is neither EOS nor the space before it. One that ends with a user turn
 * is left open for generation.
 *
 * If it is longer than max_tokens (0: no limit), the oldest exchanges are
 * dropped, never part of the answer; the system text stays. PK_EDATA when the
 * tokenizer has no format, when the
 * last exchange alone does not fit, when roles do not alternate, or when a
 * text holds one of the format's own tags; then `out` is as it was. */
PK_NODISCARD int infer_chat_encode(const struct infer_tokenizer *t,
                                   const struct infer_message *msgs, size_t n,
                                   bool cut, size_t max_tokens,
                                   struct infer_ids *out,
                                   struct infer_chat *what, struct pk_err *err);

/* ---- The forest ---------------------------------------------------------- */

/* The only batch type: a trie over token ids. Each path added shares what it
 * can with the paths before it; a token's position is its depth, and it
 * attends to its ancestors and itself. No padding, no mask. */
struct infer_forest;

PK_NODISCARD int infer_forest_new(struct infer_forest **out,
                                  struct pk_err *err);
void infer_forest_free(struct infer_forest *f);
void infer_forest_clear(struct infer_forest *f);

/* Insert a path of n tokens, n >= 1. Its tokens `from`..n-1 become read-outs;
 * readout[i] is the index of token from + i among the forest's read-outs (a
 * token that is one already keeps its index). For a reward, from = n - 1. */
PK_NODISCARD int infer_forest_add(struct infer_forest *f, const int32_t *ids,
                                  size_t n, size_t from, size_t *readout,
                                  struct pk_err *err);

size_t infer_forest_tokens(const struct infer_forest *f);   /* N, unique */
size_t infer_forest_flat(const struct infer_forest *f);     /* sum of paths */
size_t infer_forest_readouts(const struct infer_forest *f); /* R */

/* ---- Forward and backward ------------------------------------------------ */

/* A forward's memory, used again and again: the next forward finds it there.
 * What it keeps of every layer for a backward; what it doesn't is one set of
 * arrays that all layers use in turn. */
enum infer_keep {
    INFER_KEEP_NOTHING, /* there will be no backward */
    INFER_KEEP_INPUTS,  /* each layer's alone, and backward computes the layer
                           again: a third more work, a fraction of the memory,
                           the same bits */
    INFER_KEEP_ALL
};
struct infer_tape;
PK_NODISCARD int infer_tape_new(struct infer_tape **out, enum infer_keep keep,
                                struct pk_err *err);
void infer_tape_free(struct infer_tape *t);

/* Dropout before the adapters of the forwards that follow, and their backwards
 * (0: none). What is dropped for a token depends on the seed and on the path to
 * it alone: not on what else is in the forest. */
void infer_tape_dropout(struct infer_tape *t, double p, uint64_t seed);

/* hidden (R, C) f32 = the final norm's output at each read-out: what a head is
 * applied to. In the last layer only read-outs are computed. `tape` NULL: as
 * with one that keeps nothing, whose memory is taken and given back. PK_EDATA
 * when an id is outside the vocabulary or a path is longer than max_positions;
 * PK_EMEM. */
PK_NODISCARD int infer_forward(const struct infer_config *c,
                               const struct infer_weights *w,
                               struct infer_forest *f, struct infer_tape *tape,
                               float *hidden, struct pk_err *err);

/* The exact adjoint of the forward that filled `tape`, with the same weights
 * and forest: adds to every trunk gradient there is in `g` (all but g->head),
 * given dhidden (R, C), the loss's gradient by `hidden`. */
PK_NODISCARD int infer_backward(const struct infer_config *c,
                                const struct infer_weights *w,
                                struct infer_forest *f, struct infer_tape *tape,
                                const float *dhidden, struct infer_weights *g,
                                struct pk_err *err);

/* The score head: out[r] = hidden[r] . head, for R rows, and its adjoint:
 * dhidden (R, C) = dout[r] * head, and dhead (1, C) += sum dout[r] hidden[r].
 * Sums in double. */
void infer_score(const struct infer_config *c, const struct infer_weights *w,
                 const float *hidden, size_t n, double *out);
void infer_score_backward(const struct infer_config *c,
                          const struct infer_weights *w, const float *hidden,
                          size_t n, const double *dout, float *dhidden,
                          struct infer_weights *g);

/* The language model's head under cross entropy. A target is a token that
 * should follow a read-out; a read-out where paths part has several. */
struct infer_target {
    size_t row; /* read-out */
    int32_t id;
    float weight;
};

struct infer_targets {
    const struct infer_target *target; /* in ascending order of rows */
    size_t n;
};

struct infer_lm_sum {
    double loss;    /* sum of weight * -log p(id), nats */
    uint64_t right; /* targets with the largest logit (the first of equals) */
};

struct infer_lm_grad {
    float *dhidden;          /* (R, C): overwritten */
    struct infer_weights *g; /* g->head += */
};

/* Loss over the targets of hidden (R, C), and its gradient unless `grad` is
 * NULL. Logits exist for a block of rows at a time (infer_lm_bytes). Sums in
 * double; the bits do not depend on the number of threads. PK_EDATA for a
 * target outside the vocabulary or out of order, PK_EMEM. */
PK_NODISCARD int
infer_lm_loss(const struct infer_config *c, const struct infer_weights *w,
              const float *hidden, size_t rows,
              const struct infer_targets *targets, struct infer_lm_sum *out,
              const struct infer_lm_grad *grad, struct pk_err *err);
size_t infer_lm_bytes(const struct infer_config *c);

/* logits (1, V) of the next token, from a hidden state (1, C). */
PK_NODISCARD int infer_logits(const struct infer_weights *w,
                              const float *hidden, float *logits,
                              struct pk_err *err);

/* Bytes that infer_forward with a tape, and infer_backward after it, need at
 * most for a forest of so many tokens, paths and read-outs (to plan memory);
 * and infer_forward without a tape, in fp32 with weights stored in bf16. */
struct infer_forest_size {
    size_t tokens, longest, readouts;
};
size_t infer_score_bytes(const struct infer_config *c,
                         struct infer_forest_size f);
size_t infer_train_bytes(const struct infer_config *c,
                         struct infer_forest_size f, bool recompute);
/* What adapters take beside that. */
size_t infer_lora_bytes(const struct infer_config *c,
                        const struct infer_lora *l, size_t tokens);

/* ---- Generation ---------------------------------------------------------- */

/* How a token is drawn, in this order: the penalty, the temperature, the top_k
 * likeliest, of these the smallest set that holds top_p of their probability
 * (Holtzman et al., arXiv 1904.09751). */
struct infer_sampling {
    double temperature; /* from 0: always the likeliest (the first of equals) */
    double top_p;       /* above 0; 1: all */
    size_t top_k;       /* 0: all */
    double repetition_penalty; /* above 0; 1: none. What prompt or response has
                                  already: a logit above 0 is divided by it, one
                                  below multiplied (Keskar et al., arXiv
                                  1909.05858) */
};
#define INFER_SAMPLING_INIT                                                    \
    {                                                                          \
        1, 1, 0, 1                                                             \
    }

/* What is asked for. The same request about the same dialogue gets the same
 * text, whatever was asked before and whatever else runs. */
struct infer_request {
    struct infer_sampling sampling;
    uint64_t seed, stream; /* different streams of one seed are independent */
    size_t max_tokens;     /* 0: as many as there are positions */
    /* The response ends before the first of these that comes, which is no part
     * of it. UTF-8, none empty. */
    const char *const *stop;
    size_t n_stops;
    /* Unless NULL, called on the caller's thread after every token, and from
     * time to time during a long prompt, with the text that is certain since
     * the last call (len may be 0): whole characters of valid UTF-8, and never
     * part of a stop string; bytes that can be no character are U+FFFD. A value
     * other than 0 cancels. */
    int (*on_text)(void *arg, const char *text, size_t len);
    void *arg;
};

enum infer_finish {
    INFER_FINISH_END,    /* a token that ends it */
    INFER_FINISH_STOP,   /* a stop string */
    INFER_FINISH_LENGTH, /* max_tokens, or the last position */
    INFER_FINISH_CANCELLED
};
/* "end", "stop", "length", "cancelled". Static. */
const char *infer_finish_name(enum infer_finish f);

struct infer_response {
    char *text; /* valid UTF-8, len bytes and a NUL; the caller frees it */
    size_t len;
    size_t tokens; /* those of a stop string too; the end token not */
    enum infer_finish finish;
    size_t prompt_tokens, kept; /* kept: not computed again */
    size_t dropped;             /* oldest exchanges left out to fit */
};

/* Answers dialogues, one after another, and keeps the keys and values of the
 * last prompt: the next turn computes only what is new in it. One thread at a
 * time; several generators share a model and a tokenizer, which outlive them.
 * Each takes 2 L K D floats for every position of the model. A generator
 * computes on the OpenMP team of the thread that calls it. PK_EDATA for a model
 * without a language model's head. */
struct infer_generator;
PK_NODISCARD int infer_generator_new(struct infer_generator **out,
                                     const struct infer_model *m,
                                     const struct infer_tokenizer *t,
                                     struct pk_err *err);
void infer_generator_free(struct infer_generator *g);

/* The response to a dialogue that ends with a user's turn, in the tokenizer's
 * chat format. A dialogue that leaves no room for max_tokens (or, if that is
 * less, for half of the positions) loses its oldest exchanges.
 * Errors: PK_EDATA as of infer_chat_encode, PK_EUSAGE for a request that cannot
 * be, PK_EMEM; then the generator may be used again. */
PK_NODISCARD int infer_generate(struct infer_generator *g,
                                const struct infer_message *msgs, size_t n,
                                const struct infer_request *q,
                                struct infer_response *out, struct pk_err *err);

/* ---- Verbs --------------------------------------------------------------- */

int infer_cmd_init_model(int argc, char **argv);
int infer_cmd_convert(int argc, char **argv);
int infer_cmd_tokenize(int argc, char **argv);
int infer_cmd_generate(int argc, char **argv);
int infer_cmd_bench(int argc, char **argv);
int infer_cmd_verify(int argc, char **argv);

#endif
