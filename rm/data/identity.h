/* What a model was made from (rm_run_identity), compared and named. */
#ifndef PREFKIT_RM_DATA_IDENTITY_H
#define PREFKIT_RM_DATA_IDENTITY_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/json.h"

/* The first member in which two identities differ, as "recipe.lr was 1e-05, is
 * 2e-05"; false when none does. Paths, the number of threads and recomputation,
 * which change no bytes, may differ; so may the number of ranks, which changes
 * how sums are rounded and nothing else; and what came of a run
 * (rm_run_provenance) is not looked at. */
bool rm_identity_differs(const cJSON *was, const cJSON *is, struct pk_buf *how);

/* A name for all runs between which rm_identity_differs sees no difference: a
 * SHA-256 in 64 hex digits and a NUL. PK_EMEM. */
PK_NODISCARD int rm_identity_name(const cJSON *identity, char out[65]);

#endif
