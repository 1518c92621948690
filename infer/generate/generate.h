/* Generation from ids, and ids from dialogues; infer.h has both in one. */
#ifndef PREFKIT_INFER_GENERATE_GENERATE_H
#define PREFKIT_INFER_GENERATE_GENERATE_H

#include "infer/infer.h"

/* Continue ids. `fresh`: the response begins a text, and its first piece's
 * leading space is none of it. Errors: as of infer_batch_ask. */
PK_NODISCARD int infer_generate_ids(struct infer_generator *g,
                                    const struct infer_ids *prompt, bool fresh,
                                    const struct infer_request *q,
                                    struct infer_response *out,
                                    struct pk_err *err);

/* Append the ids of a dialogue that is to be answered, as infer_generate does;
 * *dropped: its oldest exchanges that were left out. PK_EDATA. */
PK_NODISCARD int infer_prompt_encode(const struct infer_tokenizer *t,
                                     const struct infer_message *msgs, size_t n,
                                     size_t positions, size_t max_tokens,
                                     struct infer_ids *out, size_t *dropped,
                                     struct pk_err *err);

#endif
