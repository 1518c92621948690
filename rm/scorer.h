/* One or more reward models over a stream of texts: what `score` and `eval`
 * run, so that the same text gets the same number from both.
 *
 *     rm_scorer_open(&s, models, n, &opts, err);
 *     for each text: rm_scorer_add(s, &text, &index, &why, err);
 *                    and, where a unit of work ends,
 *                    if (rm_scorer_full(s)) { flush; use the scores; clear; }
 *     rm_scorer_flush(s, err); use what is left;
 *     rm_scorer_close(s);
 *
 * Texts wait in one forest per model (tokenizers may differ). The forest grows
 * to a budget of tokens that the caller is asked to keep (rm_scorer_full), and
 * never beyond twice that: then the scorer runs by itself, and goes on. */
#ifndef PREFKIT_RM_SCORER_H
#define PREFKIT_RM_SCORER_H

#include "rm/dialogue.h"

struct rm_named {
    char *name; /* as in --rm NAME=DIR; owned by whoever parsed it */
    char *dir;
};

struct rm_scorer_opts {
    size_t max_tokens;    /* of one text; 0: as many as each model takes */
    size_t forest_tokens; /* the budget; 0: RM_FOREST_TOKENS */
    enum infer_read_out read_out; /* which token is meant, when in doubt */
    bool keep_bad;                /* a score may come out as NaN or infinite */
};

enum { RM_FOREST_TOKENS = 16384 };

/* A dialogue, or ready-made ids (then `dialogue` is NULL), which are used
 * exactly as they are and read at the last one. */
struct rm_text {
    const struct rm_dialogue *dialogue;
    const int32_t *ids;
    size_t n_ids;
};

/* What a model did with one text. */
struct rm_scored {
    double score;   /* raw: the head's output */
    size_t dropped; /* oldest exchanges left out to fit */
    bool cut;       /* read at a token that does not close the response */
    size_t readout; /* private */
};

struct rm_totals {
    uint64_t flat, unique; /* tokens of all texts; tokens computed */
};

struct rm_scorer;

/* A directory without a tokenizer.model takes ready-made ids only.
 * PK_EDATA for a model without a score head, PK_EUSAGE for max_tokens beyond
 * what a model takes; the errors of infer_model_open otherwise. */
PK_NODISCARD int rm_scorer_open(struct rm_scorer **out,
                                const struct rm_named *models, size_t n,
                                const struct rm_scorer_opts *opts,
                                struct pk_err *err);
void rm_scorer_close(struct rm_scorer *s);

size_t rm_scorer_models(const struct rm_scorer *s);
const char *rm_scorer_name(const struct rm_scorer *s, size_t model);
const char *rm_scorer_dir(const struct rm_scorer *s, size_t model);
PK_NODISCARD int rm_scorer_fingerprint(const struct rm_scorer *s, size_t model,
                                       char out[65], struct pk_err *err);
size_t rm_scorer_budget(const struct rm_scorer *s); /* forest_tokens */
struct rm_totals rm_scorer_totals(const struct rm_scorer *s, size_t model);

/* Queue a text; *index counts from 0 since the last clear. PK_EDATA when some
 * model cannot take it; then it is queued for none, and *why is the reason if
 * it is a dialogue that cannot be encoded, else RM_N_REASONS. Ready-made ids
 * must be in every model's vocabulary, and no more than it takes. */
PK_NODISCARD int rm_scorer_add(struct rm_scorer *s, const struct rm_text *text,
                               size_t *index, enum rm_reason *why,
                               struct pk_err *err);
bool rm_scorer_full(const struct rm_scorer *s);

/* Score what is queued. PK_EDATA when a score is not finite, unless that was
 * allowed for. */
PK_NODISCARD int rm_scorer_flush(struct rm_scorer *s, struct pk_err *err);

/* Of a text that has been flushed; borrowed until the next add or clear. */
const struct rm_scored *rm_scorer_get(const struct rm_scorer *s, size_t model,
                                      size_t index);
void rm_scorer_clear(struct rm_scorer *s);

#endif
