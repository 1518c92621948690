/* A text as one model's token ids: what is scored. A coder is read-only; any
 * number of threads may encode with it. */
#ifndef PREFKIT_RM_DATA_CODER_H
#define PREFKIT_RM_DATA_CODER_H

#include "rm/data/dialogue.h"

struct rm_coder {
    const char *name, *dir;            /* the model's; borrowed */
    struct infer_tokenizer *tokenizer; /* NULL: the directory has none */
    const struct infer_config *config;
    size_t max_tokens;
    enum rm_unclosed unclosed;
};

struct rm_code {
    size_t n;       /* tokens, those behind the read-out left off */
    size_t dropped; /* oldest exchanges left out to fit */
    bool cut;       /* read at a token that does not close the response */
};

/* Append the text's ids. PK_EDATA when the model cannot take it; then *why is
 * the reason if it is a dialogue that cannot be encoded, else RM_N_REASONS, and
 * `ids` is as it was.
 *
 * A marked text is cut at the special tokens it spells out
 * (infer_tokenizer_encode_marked), between one BOS and, where it is closed, one
 * EOS: white space, padding and more of them before its first word and behind
 * its last are left off. Marked texts and ready-made ids are never shortened
 * otherwise. */
PK_NODISCARD int rm_coder_encode(const struct rm_coder *c,
                                 const struct rm_text *text,
                                 struct infer_ids *ids, struct rm_code *out,
                                 enum rm_reason *why, struct pk_err *err);

#endif
