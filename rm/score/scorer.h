/* One or more reward models over a stream of texts: what `score`, `eval` and
 * `serve` run, so that the same text gets the same number from all three.
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
#ifndef PREFKIT_RM_SCORE_SCORER_H
#define PREFKIT_RM_SCORE_SCORER_H

#include "rm/data/coder.h"

struct rm_named {
    char *name; /* as in --rm NAME=DIR; owned by whoever parsed it */
    char *dir;
};

struct rm_scorer_opts {
    size_t max_tokens;    /* of one text; 0: as many as each model takes */
    size_t forest_tokens; /* the budget; 0: RM_FOREST_TOKENS */
    enum infer_precision precision;
    enum infer_read_out read_out; /* which token is meant, when in doubt */
    enum rm_unclosed unclosed;
    bool keep_bad; /* a score may come out as NaN or infinite */
    bool verbose;  /* rm_scorer_say_* speak of memory too */
};

enum { RM_FOREST_TOKENS = 16384 };

/* What a model did with one text. */
struct rm_scored {
    double score;   /* raw: the head's output */
    size_t dropped; /* as in struct rm_code, as is cut */
    bool cut;
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
/* From here on only the first n models take texts (the others' numbers are NaN)
 * and are spoken of. */
void rm_scorer_use(struct rm_scorer *s, size_t n);
/* What a model's products are computed in; and all models' in words. */
enum infer_precision rm_scorer_precision(const struct rm_scorer *s,
                                         size_t model);
const char *rm_scorer_precisions(const struct rm_scorer *s);
/* Notes at the start: what each computes in (a warning where that is not what
 * was asked for) and, verbose, the memory planned for a forest of twice the
 * budget; and at the end what memory was used at most. */
struct pk_cli;
void rm_scorer_say_start(const struct rm_scorer *s, const struct pk_cli *cli);
void rm_scorer_say_end(const struct rm_scorer *s, const struct pk_cli *cli);
size_t rm_scorer_budget(const struct rm_scorer *s); /* forest_tokens */
struct rm_totals rm_scorer_totals(const struct rm_scorer *s, size_t model);
double rm_scorer_seconds(const struct rm_scorer *s); /* spent in the models */

/* How a model encodes; any thread may, also while the scorer runs. */
const struct rm_coder *rm_scorer_coder(const struct rm_scorer *s, size_t model);

/* Queue a text; *index counts from 0 since the last clear. PK_EDATA when some
 * model cannot take it (rm_coder_encode); then it is queued for none. */
PK_NODISCARD int rm_scorer_add(struct rm_scorer *s, const struct rm_text *text,
                               size_t *index, enum rm_reason *why,
                               struct pk_err *err);

/* The same for a text that every model has encoded: code[m].n ids for model m,
 * one model's after another's. A model with none does not score it, and its
 * number is NaN. */
PK_NODISCARD int rm_scorer_add_coded(struct rm_scorer *s,
                                     const struct rm_code *code,
                                     const int32_t *ids, size_t *index,
                                     struct pk_err *err);
bool rm_scorer_full(const struct rm_scorer *s);

/* Score what is queued. PK_EDATA when a score is not finite, unless that was
 * allowed for. */
PK_NODISCARD int rm_scorer_flush(struct rm_scorer *s, struct pk_err *err);

/* Of a text that has been flushed; borrowed until the next add or clear. All
 * models' numbers for a text, and all texts, lie side by side: get(s, 0, i)[m]
 * is get(s, m, i). */
const struct rm_scored *rm_scorer_get(const struct rm_scorer *s, size_t model,
                                      size_t index);
/* Drop all texts, also those that wait. */
void rm_scorer_clear(struct rm_scorer *s);

#endif
