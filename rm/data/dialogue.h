/* Dialogues with a response at their end, as token ids; and why a judgment
 * cannot be used. Training, evaluation and scoring all encode here, so that the
 * same text is the same ids everywhere. */
#ifndef PREFKIT_RM_DATA_DIALOGUE_H
#define PREFKIT_RM_DATA_DIALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "infer/infer.h"
#include "prefdb/prefdb.h"
#include "rm/rm_score.h"

/* Judgments that are left out, by reason. */
struct rm_left_out {
    uint64_t n[RM_N_REASONS];
    int64_t first[RM_N_REASONS]; /* the first judgment left out for it */
};

void rm_leave_out(struct rm_left_out *l, enum rm_reason r, int64_t judgment);
uint64_t rm_left_out_total(const struct rm_left_out *l);

/* PK_EDATA when the tokenizer gives ids that the model has no embedding for, or
 * closes a response with the token that the model is padded with; `dir` is
 * where both come from. */
PK_NODISCARD int rm_check_tokenizer(const struct infer_tokenizer *t,
                                    const struct infer_config *c,
                                    const char *dir, struct pk_err *err);

/* n turns of context and a response. Borrows their texts. */
PK_NODISCARD int rm_dialogue_set(struct rm_dialogue *d,
                                 const struct prefdb_turn *context, size_t n,
                                 const struct prefdb_turn *response, bool cut,
                                 struct pk_err *err);

/* The context of an example, and one of its responses (true: response a).
 * Borrows the example's texts. */
PK_NODISCARD int rm_dialogue_of(struct rm_dialogue *d,
                                const struct prefdb_example *ex, bool a,
                                struct pk_err *err);

/* Take out its oldest n exchanges, fewer than it has; the system text stays. */
void rm_dialogue_drop(struct rm_dialogue *d, size_t n);

/* Append the dialogue's ids (infer_chat_encode), at most max_tokens of them.
 * PK_EDATA, with the reason in *why, when it cannot be encoded: its roles do
 * not alternate up to an assistant's response, a text holds a tag of the
 * format, or the last exchange alone is too long; RM_N_REASONS where no
 * dialogue can be (infer_chat_check). */
PK_NODISCARD int rm_dialogue_encode(const struct rm_dialogue *d,
                                    const struct infer_tokenizer *t,
                                    size_t max_tokens, struct infer_ids *out,
                                    struct infer_chat *what,
                                    enum rm_reason *why, struct pk_err *err);

#endif
