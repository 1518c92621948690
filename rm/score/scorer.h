/* What the program itself asks of a scorer, beyond the door (rm/rm_score.h):
 * its notes, its sums, and texts that other threads have encoded. */
#ifndef PREFKIT_RM_SCORE_SCORER_H
#define PREFKIT_RM_SCORE_SCORER_H

#include "rm/data/coder.h"

struct rm_totals {
    uint64_t flat, unique; /* tokens of all texts; tokens computed */
};

const char *rm_scorer_dir(const struct rm_scorer *s, size_t model);
/* From here on only the first n models take texts (the others' numbers are NaN)
 * and are spoken of. */
void rm_scorer_use(struct rm_scorer *s, size_t n);
/* What all models' products are computed in, in words. */
const char *rm_scorer_precisions(const struct rm_scorer *s);
/* PK_EDATA when some model's tokenizer can write no dialogues: for those who
 * score nothing else. */
PK_NODISCARD int rm_scorer_check_chat(const struct rm_scorer *s,
                                      struct pk_err *err);
/* Notes at the start: what each computes in (a warning where that is not what
 * was asked for), a warning where it can take no dialogues and, verbose, the
 * memory planned for a forest of twice the budget; and at the end what memory
 * was used at most. */
struct pk_cli;
void rm_scorer_say_start(const struct rm_scorer *s, const struct pk_cli *cli);
void rm_scorer_say_end(const struct rm_scorer *s, const struct pk_cli *cli);
size_t rm_scorer_budget(const struct rm_scorer *s); /* forest_tokens */
struct rm_totals rm_scorer_totals(const struct rm_scorer *s, size_t model);
double rm_scorer_seconds(const struct rm_scorer *s); /* spent in the models */

/* How a model encodes; any thread may, also while the scorer runs. */
const struct rm_coder *rm_scorer_coder(const struct rm_scorer *s, size_t model);

/* rm_scorer_add for a text that every model has encoded: code[m].n ids for
 * model m, one model's after another's. A model with none does not score it,
 * and its number is NaN. */
PK_NODISCARD int rm_scorer_add_coded(struct rm_scorer *s,
                                     const struct rm_code *code,
                                     const int32_t *ids, size_t *index,
                                     struct pk_err *err);

#endif
