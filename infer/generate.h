/* Sampling whole responses to one prompt. */
#ifndef PREFKIT_INFER_GENERATE_H
#define PREFKIT_INFER_GENERATE_H

#include "common/rng.h"
#include "infer/infer.h"

struct infer_generator;

/* Borrows the model and the tokenizer. Responses have at most max_tokens. */
PK_NODISCARD int infer_generator_new(struct infer_generator **out,
                                     const struct infer_model *m,
                                     const struct infer_tokenizer *t,
                                     size_t max_tokens, struct pk_err *err);
void infer_generator_free(struct infer_generator *g);

/* Run the prompt once, for any number of samples. PK_EDATA when it leaves no
 * room for a token. */
PK_NODISCARD int infer_generator_prompt(struct infer_generator *g,
                                        const struct infer_ids *prompt,
                                        struct pk_err *err);

/* One response, in *ids (emptied first), without EOS. *cut: it reached
 * max_tokens or the end of the positions before its EOS. */
PK_NODISCARD int infer_generator_sample(struct infer_generator *g,
                                        const struct infer_sampling *s,
                                        struct pk_rng *rng,
                                        struct infer_ids *ids, bool *cut,
                                        struct pk_err *err);

#endif
