/* What a model was made from (rm_run_identity), compared. */
#ifndef PREFKIT_RM_IDENTITY_H
#define PREFKIT_RM_IDENTITY_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/json.h"

/* The first member in which two identities differ, as "recipe.lr was 1e-05, is
 * 2e-05"; false when none does. Paths, the number of threads and recomputation,
 * which change no bytes, may differ; so may the number of ranks, which changes
 * how sums are rounded and nothing else. */
bool rm_identity_differs(const cJSON *was, const cJSON *is, struct pk_buf *how);

#endif
