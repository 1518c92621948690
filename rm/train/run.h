/* A training run as it is told: the provenance in the model's directory, the
 * summary on standard output, a line of the log. */
#ifndef PREFKIT_RM_TRAIN_RUN_H
#define PREFKIT_RM_TRAIN_RUN_H

#include <stdbool.h>
#include <stdio.h>

#include "common/json.h"
#include "rm/train/state.h"

/* Strings are borrowed. */
struct rm_run {
    const char *store, *base, *output; /* paths, as given */
    char store_fingerprint[65], base_fingerprint[65], fingerprint[65];
    bool base_is_lm;
    enum infer_chat_format chat;
    char tokenizer[65]; /* its fingerprint */
    enum prefdb_dimension dimension;
    struct rm_recipe recipe;
    struct rm_mix mix;   /* owned */
    const char **source; /* the only ones asked for; owned */
    size_t n_sources, cap_sources;
    int threads;
    struct rm_ranks ranks;           /* the caller's */
    struct rm_pairs train, valid;    /* owned; rm_run_release */
    struct rm_record record;         /* owned */
    struct rm_validation validation; /* of the weights that are kept */
    bool validated;                  /* is there one */
    uint64_t resumed;                /* step gone on from; 0: from the start */
    size_t checkpoint_every;         /* steps; 0: never */
    char *checkpoints;               /* their folder; owned */
    size_t n_checkpoints;            /* that are in it at the end */
    double seconds;
};

void rm_run_release(struct rm_run *r);

/* "significantly better" .. for 3..0; "unstated" for 4: where struct
 * rm_validation has them. */
const char *rm_strength_key(int i);

/* The step whose weights are kept: the last, or the best. */
uint64_t rm_run_kept_step(const struct rm_run *r);

/* What a model is made from: everything that its bytes depend on. The caller's,
 * to be freed with cJSON_Delete; NULL when out of memory. */
cJSON *rm_run_identity(const struct rm_run *r);

/* The same with what came of it (schemas/provenance.schema.json), without times
 * and without the output's path: two equal runs give equal bytes. The weights
 * are those of `step`; `v`, or NULL, is how they do on the valid split. */
cJSON *rm_run_provenance(const struct rm_run *r, uint64_t step,
                         const struct rm_validation *v);

/* Of the weights that are kept. */
cJSON *rm_run_provenance_kept(const struct rm_run *r);

/* The summary, for people; or as JSON (schemas/train-summary.schema.json), with
 * the provenance in it. */
void rm_run_text(const struct rm_run *r, FILE *f);
PK_NODISCARD int rm_run_json(const struct rm_run *r, FILE *f,
                             struct pk_err *err);

/* One line of the log (schemas/train-log.schema.json); `v`, or NULL, is the
 * validation after the step. */
PK_NODISCARD int rm_log_step(FILE *f, const struct rm_recipe *r,
                             const struct rm_step *s,
                             const struct rm_validation *v, struct pk_err *err);

/* A log to go on with: open, or make, the file and cut off what it has beyond
 * step `told`, and a last line that is not whole. */
PK_NODISCARD int rm_log_resume(FILE **out, const char *path, uint64_t told,
                               struct pk_err *err);

#endif
