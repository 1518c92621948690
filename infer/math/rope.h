/* Rotary embedding (Su et al., arXiv 2104.09864): how fast each pair of
 * elements turns, with the scalings that config.json can ask for. */
#ifndef PREFKIT_INFER_MATH_ROPE_H
#define PREFKIT_INFER_MATH_ROPE_H

#include "infer/infer.h"

struct cJSON;

/* rope_theta and the scaling: from "rope_parameters" (transformers 5), or from
 * "rope_theta" and "rope_scaling". PK_EDATA, naming the field, for a scaling
 * that is not computed here. Needs c->max_positions. */
PK_NODISCARD int infer_rope_read(struct infer_config *c,
                                 const struct cJSON *json, struct pk_err *err);

/* The same two fields, written in the older form, which every version reads.
 * 0 or PK_EMEM. */
int infer_rope_write(const struct infer_config *c, struct cJSON *json);

/* freq (D/2) in radians per position. */
void infer_rope_frequencies(const struct infer_config *c, double *freq);

/* cos and sin of position * frequency: table (n, D/2, 2). */
PK_NODISCARD int infer_rope_table(float *table, size_t n,
                                  const struct infer_config *c,
                                  struct pk_err *err);

#endif
