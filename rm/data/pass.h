/* One forest and room for what comes out of it: the pass over the model that
 * scoring and training share. */
#ifndef PREFKIT_RM_DATA_PASS_H
#define PREFKIT_RM_DATA_PASS_H

#include <stddef.h>

#include "infer/infer.h"

struct rm_pass {
    struct infer_forest *forest;
    enum infer_keep keep; /* for a backward */
    struct infer_tape *tape;
    float *hidden, *dhidden; /* (R, C) */
    double *score, *dscore;  /* (R): the head's output, the loss's gradient */
    size_t cap;              /* rows allocated */
};

PK_NODISCARD int rm_pass_init(struct rm_pass *p, enum infer_keep keep,
                              struct pk_err *err);
void rm_pass_release(struct rm_pass *p);

/* Fill hidden for the forest as it stands. */
PK_NODISCARD int rm_pass_hidden(struct rm_pass *p, const struct infer_config *c,
                                const struct infer_weights *w,
                                struct pk_err *err);

/* Fill score[0..R) too. */
PK_NODISCARD int rm_pass_forward(struct rm_pass *p,
                                 const struct infer_config *c,
                                 const struct infer_weights *w,
                                 struct pk_err *err);

#endif
