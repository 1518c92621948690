/* tests/fixtures/golden/, made by scripts/make_golden.py, and the comparisons
 * with it. They return a bool, so that the tests can also see them fail. */
#ifndef PREFKIT_TESTS_GOLDEN_H
#define PREFKIT_TESTS_GOLDEN_H

#include <cjson/cJSON.h>

#include "infer/infer.h"

#define GOLDEN_DIR "tests/fixtures/golden/"

enum { GOLDEN_PATHS = 32, GOLDEN_LONGEST = 128 };

struct golden {
    cJSON *json;
    struct infer_model *model;
    const struct infer_config *c; /* the model's */
    struct infer_params *p;       /* a copy of its weights */
    size_t n;                     /* paths */
    int32_t path[GOLDEN_PATHS][GOLDEN_LONGEST];
    size_t len[GOLDEN_PATHS];
};

/* The reward model with its paths, or the causal one without. The test fails
 * when anything is missing. */
void golden_open(struct golden *g, const char *model);
void golden_close(struct golden *g);

/* Member of an object, element of an array; the test fails without. */
const cJSON *golden_item(const cJSON *j, const char *key);
double golden_number(const cJSON *j, size_t i);

/* An array of ids; its length. */
size_t golden_ids(const cJSON *j, int32_t out[GOLDEN_LONGEST]);

/* Scores of the chosen paths, in one forest. With `dout`, the gradient of
 * sum dout[i] score[i] is added to `grad`. */
void golden_scores(const struct golden *g, const struct infer_weights *w,
                   const size_t *which, size_t n, double *score);
void golden_backward(const struct golden *g, const struct infer_weights *w,
                     const size_t *which, size_t n, const double *dout,
                     struct infer_params *grad);

/* Every tensor of `got` within `rtol` of the file's: |got - file| / |file| in
 * the 2-norm. `why`, which may be NULL, says which one is not. */
bool golden_same_tensors(const struct golden *g, const struct infer_params *got,
                         const char *file, double rtol, struct pk_err *why);

/* A weight of tensor i that the golden paths depend on. */
float *golden_weight(const struct golden *g, struct infer_params *p, size_t i);

#endif
