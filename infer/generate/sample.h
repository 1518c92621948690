/* Drawing a token from logits. */
#ifndef PREFKIT_INFER_GENERATE_SAMPLE_H
#define PREFKIT_INFER_GENERATE_SAMPLE_H

#include "common/rng.h"
#include "infer/infer.h"

/* Draw a token by the sampling's temperature, top_k and top_p. Overwrites
 * logits (n); `order` (n) is scratch. The penalty is applied before, by
 * infer_penalize: to the ids that seen (n) has a nonzero for. */
int32_t infer_sample(const struct infer_sampling *s, float *logits,
                     int32_t *order, size_t n, struct pk_rng *rng);
void infer_penalize(float *logits, const unsigned char *seen, size_t n,
                    double penalty);

#endif
