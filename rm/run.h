/* A training run as it is told: the provenance in the model's directory, the
 * summary on standard output, a line of the log. */
#ifndef PREFKIT_RM_RUN_H
#define PREFKIT_RM_RUN_H

#include <stdbool.h>
#include <stdio.h>

#include "common/json.h"
#include "rm/train.h"

/* Strings are borrowed. */
struct rm_run {
    const char *store, *base, *output; /* paths, as given */
    char store_fingerprint[65], base_fingerprint[65], fingerprint[65];
    bool base_is_lm; /* its head was replaced */
    enum infer_chat_format chat;
    enum prefdb_dimension dimension;
    struct rm_recipe recipe;
    size_t max_tokens;
    bool keep_preferred_unsafe;
    int threads;
    struct rm_pairs train, valid; /* owned; rm_run_release */
    struct rm_step first, last;
    struct rm_tally validation;
    double seconds;
};

void rm_run_release(struct rm_run *r);

/* What the model was made from (schemas/provenance.schema.json), without times
 * and without the output's path: two equal runs give equal bytes. The caller's,
 * to be freed with cJSON_Delete; NULL when out of memory. */
cJSON *rm_run_provenance(const struct rm_run *r);

/* The summary, for people; or as JSON (schemas/train-summary.schema.json), with
 * the provenance in it. */
void rm_run_text(const struct rm_run *r, FILE *f);
PK_NODISCARD int rm_run_json(const struct rm_run *r, FILE *f,
                             struct pk_err *err);

/* One line of the log (schemas/train-log.schema.json). */
PK_NODISCARD int rm_log_step(FILE *f, const struct rm_step *s,
                             struct pk_err *err);

#endif
