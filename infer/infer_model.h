/* What a model is: its configuration, its tensors and adapters, and the
 * directories that hold one. A part of the door, infer/infer.h. */
#ifndef PREFKIT_INFER_INFER_MODEL_H
#define PREFKIT_INFER_INFER_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

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

/* PK_EDATA where a score's read-out is in doubt: a reward model's pad_token_id
 * is a token that ends a text, by the config or because a tokenizer closes
 * responses with it (`closing`; -1: not known), and read_out does not say which
 * is meant. */
PK_NODISCARD int infer_config_check_read_out(const struct infer_config *c,
                                             int32_t closing,
                                             struct pk_err *err);

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
    const uint16_t *tiles; /* a copy as the tile unit takes it; NULL: none */
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
 * bf16 where the weights are stored so and the processor multiplies in it (by
 * AMX or avx512_bf16). */
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
 * the files (also NaN or infinite weights, tensors that the model would compute
 * with and has no place for, such as biases, and pad_token_id equal to
 * eos_token_id in a model with a score head), PK_EIO, PK_EMEM. */
PK_NODISCARD int infer_model_open(struct infer_model **out, const char *dir,
                                  struct pk_err *err);

/* The same, told more. Where scores are read: then pad_token_id may be equal to
 * eos_token_id ("eos" or "before-eos" is how an option spells it: 0, or
 * PK_EUSAGE). The precision asked for; infer_model_weights says which it came
 * to. A model of more than four fifths of the memory there is (common/room.h)
 * is read from its files layer by layer as passes go (infer/files/ahead.h). */
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

/* For computing many forests in bf16 on the processor's tile unit: the layers
 * once more, in the order in which the unit takes them, in so many bytes; 0
 * where that is not how this model computes, or it is read layer by layer.
 * Results keep their bits. PK_EMEM. */
size_t infer_model_packed_bytes(struct infer_model *m);
PK_NODISCARD int infer_model_pack(struct infer_model *m, struct pk_err *err);

/* A note of what a model's products are computed in, or a warning where that is
 * not what was asked for. */
struct pk_cli;
void infer_say_precision(const struct pk_cli *cli, enum infer_precision asked,
                         const struct infer_model *m);

/* SHA-256 over what decides a text's number: config, all weights' values,
 * however they are stored, and the fingerprint of its directory's tokenizer,
 * if it has one; 64 hex digits and a NUL. Reads all weights. PK_EDATA, PK_EIO
 * for a tokenizer that does not open. */
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

/* Write adapters as PEFT does, on the base of that directory (whose whole path
 * is written), with its tokenizer files, into the existing directory `dir`.
 * infer_model_open opens such a directory as the base with its adapters;
 * infer_model_save of p->w writes the two merged. */
PK_NODISCARD int infer_lora_save(const char *dir, const struct infer_config *c,
                                 struct infer_params *p, const char *base,
                                 struct pk_err *err);

/* "f32" or "bf16", as an option spells it. PK_EUSAGE. */
PK_NODISCARD int infer_dtype_parse(enum infer_dtype *out, const char *text,
                                   struct pk_err *err);

#endif
