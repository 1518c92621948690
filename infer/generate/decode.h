/* Keys and values of many sequences in one block of memory, and the two ways to
 * go on with them: a prompt's tokens all at once, by the forward pass, or one
 * token for each of many sequences, for which the weights are read once.
 *
 *     span A  prompt       [.......]           depth0 0
 *     span B  response     |       [..   ]     parent A, depth0 7
 *     span C  response     |       [....  ]    parent A, depth0 7
 *
 * A sequence is a path of spans: a prompt's tokens are there once for all its
 * responses, and what two prompts begin with can be there once for both.
 *
 * What a path gets in either way depends on its tokens, and on which of them
 * came by which way; not on how it is cut into spans or what else is there. */
#ifndef PREFKIT_INFER_GENERATE_DECODE_H
#define PREFKIT_INFER_GENERATE_DECODE_H

#include "infer/infer.h"

struct infer_span {
    struct infer_span *parent; /* NULL: it begins at the first position */
    size_t depth0; /* the tokens before it: the first of its parent's path */
    size_t start, len, cap; /* its tokens' slots */
    size_t users;           /* who holds it: spans after it, too */
};

struct infer_kv;

/* `slots` tokens in all, and up to `rows` sequences in a step. Borrows c, w. */
PK_NODISCARD int infer_kv_new(struct infer_kv **out,
                              const struct infer_config *c,
                              const struct infer_weights *w, size_t slots,
                              size_t rows, struct pk_err *err);
void infer_kv_free(struct infer_kv *kv);
size_t infer_kv_slot_bytes(const struct infer_config *c);

/* Room for `cap` tokens after the first depth0 of the parent's path, held once.
 * *out is NULL, and that is no error, when there is none now. */
PK_NODISCARD int infer_kv_take(struct infer_kv *kv, struct infer_span *parent,
                               size_t depth0, size_t cap,
                               struct infer_span **out, struct pk_err *err);
/* Let go of it once. NULL is fine. */
void infer_kv_drop(struct infer_kv *kv, struct infer_span *s);
/* Keep the first len of its tokens (those that spans after it need must be
 * among them), and no room for more. */
void infer_kv_cut(struct infer_span *s, size_t len);

/* The path's length: depth0 + len. */
size_t infer_kv_len(const struct infer_span *s);

/* Append n >= 1 tokens; hidden (1, C) is the last one's. PK_EDATA for an id
 * outside the vocabulary or a path longer than the positions; PK_EMEM. */
PK_NODISCARD int infer_kv_read(struct infer_kv *kv, struct infer_span *s,
                               const int32_t *ids, size_t n, float *hidden,
                               struct pk_err *err);

/* Append one token, ids[i], to each of n different spans; hidden (n, C). The
 * caller sees to room and positions, and that the ids are in the vocabulary.
 * PK_EMEM. */
PK_NODISCARD int infer_kv_step(struct infer_kv *kv,
                               struct infer_span *const *spans,
                               const int32_t *ids, size_t n, float *hidden,
                               struct pk_err *err);

/* logits (n, vocab) = hidden (n, C) times the head's first `vocab` rows. */
void infer_kv_logits(const struct infer_kv *kv, const float *hidden, size_t n,
                     size_t vocab, float *logits);

#endif
