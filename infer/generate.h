/* Generation from ids; infer.h has dialogues. */
#ifndef PREFKIT_INFER_GENERATE_H
#define PREFKIT_INFER_GENERATE_H

#include "infer/infer.h"

/* Continue ids. `fresh`: the response begins a text, and its first piece's
 * leading space is none of it. PK_EDATA when they leave no room for a token. */
PK_NODISCARD int infer_generate_ids(struct infer_generator *g,
                                    const struct infer_ids *prompt, bool fresh,
                                    const struct infer_request *q,
                                    struct infer_response *out,
                                    struct pk_err *err);

/* PK_EUSAGE, saying which setting is wrong. */
PK_NODISCARD int infer_request_check(const struct infer_request *q,
                                     struct pk_err *err);

#endif
