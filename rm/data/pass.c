/* The pass over the model; see pass.h. */
#include "rm/data/pass.h"

#include <stdlib.h>

#include "common/mem.h"

int rm_pass_init(struct rm_pass *p, enum infer_keep keep, struct pk_err *err)
{
    *p = (struct rm_pass){.keep = keep};
    int rc = infer_forest_new(&p->forest, err);
    if (rc == 0)
        rc = infer_tape_new(&p->tape, keep, err);
    if (rc)
        rm_pass_release(p);
    return rc;
}

static void release_rows(struct rm_pass *p)
{
    free(p->hidden);
    free(p->dhidden);
    free(p->score);
    free(p->dscore);
    p->hidden = p->dhidden = NULL;
    p->score = p->dscore = NULL;
    p->cap = 0;
}

void rm_pass_release(struct rm_pass *p)
{
    release_rows(p);
    infer_forest_free(p->forest);
    infer_tape_free(p->tape);
    *p = (struct rm_pass){0};
}

static int reserve(struct rm_pass *p, size_t rows, size_t dim,
                   struct pk_err *err)
{
    size_t n;
    if (rows <= p->cap)
        return 0;
    release_rows(p);
    if (!pk_mul_size(rows, dim, &n))
        return pk_fail_mem(err, "the read-outs of a forest");
    p->hidden = pk_calloc_aligned(n, sizeof *p->hidden);
    p->score = pk_calloc(rows, sizeof *p->score);
    bool ok = p->hidden && p->score;
    if (ok && p->keep != INFER_KEEP_NOTHING) {
        p->dhidden = pk_calloc_aligned(n, sizeof *p->dhidden);
        p->dscore = pk_calloc(rows, sizeof *p->dscore);
        ok = p->dhidden && p->dscore;
    }
    if (!ok) {
        release_rows(p);
        return pk_fail_mem(err, "the read-outs of a forest");
    }
    p->cap = rows;
    return 0;
}

int rm_pass_hidden(struct rm_pass *p, const struct infer_config *c,
                   const struct infer_weights *w, struct pk_err *err)
{
    int rc = reserve(p, infer_forest_readouts(p->forest), c->dim, err);
    return rc ? rc : infer_forward(c, w, p->forest, p->tape, p->hidden, err);
}

int rm_pass_forward(struct rm_pass *p, const struct infer_config *c,
                    const struct infer_weights *w, struct pk_err *err)
{
    int rc = rm_pass_hidden(p, c, w, err);
    if (rc == 0)
        infer_score(c, w, p->hidden, infer_forest_readouts(p->forest),
                    p->score);
    return rc;
}
