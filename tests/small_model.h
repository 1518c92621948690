/* A model of a few thousand random parameters, in a directory. For suites and
 * fuzz targets alike, which share no library. */
#ifndef PREFKIT_TESTS_SMALL_MODEL_H
#define PREFKIT_TESTS_SMALL_MODEL_H

#include <sys/stat.h>

#include "infer/infer.h"

#define SMALL_TOKENIZER "tests/fixtures/tokenizer"

/* 0, or what failed first. */
static inline int small_model(const char *dir, enum infer_head head,
                              struct pk_err *err)
{
    struct infer_tokenizer *t;
    int rc = infer_tokenizer_open(&t, SMALL_TOKENIZER, err);
    if (rc)
        return rc;
    struct infer_config c = {.dim = 32,
                             .layers = 2,
                             .heads = 4,
                             .kv_heads = 2,
                             .head_dim = 8,
                             .hidden = 48,
                             .vocab = infer_tokenizer_vocab(t),
                             .max_positions = 160,
                             .norm_eps = 1e-5,
                             .rope_theta = 10000,
                             .bos = infer_tokenizer_bos(t),
                             .eos = infer_tokenizer_eos(t),
                             .pad = -1,
                             .head = head};
    if (head == INFER_HEAD_SCORE)
        infer_config_to_score(&c, t);
    infer_tokenizer_close(t);
    struct infer_params *p;
    rc = infer_params_new(&p, &c, err);
    if (rc)
        return rc;
    infer_params_init(p, &c, 7);
    mkdir(dir, 0777);
    rc = infer_model_save(dir, &c, &p->w, INFER_F32, SMALL_TOKENIZER, err);
    infer_params_free(p);
    return rc;
}

#endif
