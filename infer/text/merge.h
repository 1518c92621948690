/* Merging by a list of rules, as Hugging Face's tokenizers does it
 * (models/bpe/word.rs): of all neighbours that a rule joins, the pair of the
 * lowest rank merges first, the leftmost of equals. Private to infer.
 *
 * Unlike SentencePiece (bpe.h), what merges is told by pairs, not by whether
 * the joined text is in the vocabulary. */
#ifndef PREFKIT_INFER_TEXT_MERGE_H
#define PREFKIT_INFER_TEXT_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "infer/infer.h"

struct merge_rule {
    uint32_t left, right, rank, merged; /* merged UINT32_MAX: free */
};

/* Open addressing, by the two halves. */
struct merge_rules {
    struct merge_rule *rule;
    size_t mask;
};

/* Room for n rules; release with free(r->rule). PK_EMEM. */
PK_NODISCARD int infer_merge_rules_new(struct merge_rules *r, size_t n,
                                       struct pk_err *err);
/* A pair that is there already gets the new rank and result. */
void infer_merge_rules_add(struct merge_rules *r,
                           const struct merge_rule *rule);

/* The symbols of one word, and the memory to merge them in. Start from {0};
 * set n = 0 to use it again. */
struct merge_symbol {
    uint32_t id, prev, next;
};
struct merge_candidate {
    uint64_t order; /* rank << 32 | position */
    uint32_t merged;
};
struct infer_merge_word {
    struct merge_symbol *symbol;
    size_t n, cap;
    struct merge_candidate *heap;
    size_t heap_n, heap_cap;
};

PK_NODISCARD int infer_merge_word_add(struct infer_merge_word *w, uint32_t id,
                                      struct pk_err *err);
void infer_merge_word_release(struct infer_merge_word *w);

/* Merge, and append what is left to `out`. PK_EMEM. */
PK_NODISCARD int infer_merge_word(struct infer_merge_word *w,
                                  const struct merge_rules *r,
                                  struct infer_ids *out, struct pk_err *err);

#endif
