/* Golden numbers; see golden.h. */
#include "tests/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "infer/files/safetensors.h"
#include "tests/support.h"

const cJSON *golden_item(const cJSON *j, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(j, key);
    ck_assert_msg(v != NULL, "golden.json has no \"%s\"", key);
    return v;
}

double golden_number(const cJSON *j, size_t i)
{
    const cJSON *v = cJSON_GetArrayItem(j, (int)i);
    ck_assert(cJSON_IsNumber(v));
    return v->valuedouble;
}

size_t golden_ids(const cJSON *j, int32_t out[GOLDEN_LONGEST])
{
    const cJSON *id;
    size_t n = 0;
    cJSON_ArrayForEach(id, j)
    {
        ck_assert_uint_lt(n, GOLDEN_LONGEST);
        out[n++] = id->valueint;
    }
    return n;
}

void golden_open(struct golden *g, const char *model)
{
    struct pk_err err;
    char dir[128];
    memset(g, 0, sizeof *g);
    ck_ok(pk_json_load(&g->json, GOLDEN_DIR "golden.json", 1 << 20, &err));
    snprintf(dir, sizeof dir, GOLDEN_DIR "%s", model);
    ck_ok(infer_model_open(&g->model, dir, &err));
    g->c = infer_model_config(g->model);
    ck_ok(infer_params_new(&g->p, g->c, &err));
    infer_params_copy(g->p, g->c, infer_model_weights(g->model), g->c);
    if (g->c->head != INFER_HEAD_SCORE)
        return;
    const cJSON *path;
    cJSON_ArrayForEach(path,
                       golden_item(golden_item(g->json, "reward"), "paths"))
    {
        ck_assert_uint_lt(g->n, GOLDEN_PATHS);
        g->len[g->n] = golden_ids(path, g->path[g->n]);
        g->n++;
    }
}

void golden_close(struct golden *g)
{
    cJSON_Delete(g->json);
    infer_params_free(g->p);
    infer_model_close(g->model);
}

/* A forest of the chosen paths; read[i] is path i's read-out. */
static struct infer_forest *plant(const struct golden *g, const size_t *which,
                                  size_t n, size_t *read)
{
    struct pk_err err;
    struct infer_forest *f;
    ck_ok(infer_forest_new(&f, &err));
    for (size_t i = 0; i < n; i++) {
        size_t k = which[i], len = g->len[k];
        ck_ok(infer_forest_add(f, g->path[k], len, len - 1, &read[i], &err));
    }
    return f;
}

void golden_scores(const struct golden *g, const struct infer_weights *w,
                   const size_t *which, size_t n, double *score)
{
    struct pk_err err;
    size_t read[GOLDEN_PATHS];
    struct infer_forest *f = plant(g, which, n, read);
    size_t r = infer_forest_readouts(f);
    float *hidden = pk_calloc(r * g->c->dim, sizeof *hidden);
    double *all = pk_calloc(r, sizeof *all);
    ck_assert(hidden && all);
    ck_ok(infer_forward(g->c, w, f, NULL, hidden, &err));
    infer_score(g->c, w, hidden, r, all);
    for (size_t i = 0; i < n; i++)
        score[i] = all[read[i]];
    free(all);
    free(hidden);
    infer_forest_free(f);
}

void golden_backward(const struct golden *g, const struct infer_weights *w,
                     const size_t *which, size_t n, const double *dout,
                     struct infer_params *grad)
{
    struct pk_err err;
    size_t read[GOLDEN_PATHS];
    struct infer_tape *tape;
    struct infer_forest *f = plant(g, which, n, read);
    size_t r = infer_forest_readouts(f);
    float *hidden = pk_calloc(r * g->c->dim, sizeof *hidden);
    float *dhidden = pk_calloc(r * g->c->dim, sizeof *dhidden);
    double *dscore = pk_calloc(r, sizeof *dscore);
    ck_assert(hidden && dhidden && dscore);
    for (size_t i = 0; i < n; i++)
        dscore[read[i]] += dout[i];
    ck_ok(infer_tape_new(&tape, INFER_KEEP_ALL, &err));
    ck_ok(infer_forward(g->c, w, f, tape, hidden, &err));
    infer_score_backward(g->c, w, hidden, r, dscore, dhidden, &grad->w);
    ck_ok(infer_backward(g->c, w, f, tape, dhidden, &grad->w, &err));
    infer_tape_free(tape);
    free(dscore);
    free(dhidden);
    free(hidden);
    infer_forest_free(f);
}

static bool same_tensor(const float *got, const float *want, size_t n,
                        double rtol)
{
    double d = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        double x = (double)got[i] - (double)want[i];
        d += x * x;
        norm += (double)want[i] * (double)want[i];
    }
    return norm > 0 && sqrt(d) <= rtol * sqrt(norm);
}

bool golden_same_tensors(const struct golden *g, const struct infer_params *got,
                         const char *file, double rtol, struct pk_err *why)
{
    struct pk_err err;
    struct infer_safetensors *st;
    char path[128];
    snprintf(path, sizeof path, GOLDEN_DIR "%s", file);
    ck_ok(infer_safetensors_open(&st, path, &err));
    bool same = true;
    for (size_t i = 0; i < infer_tensor_count(g->c); i++) {
        struct infer_tensor t;
        infer_tensor_at(g->c, i, &t);
        const struct infer_stored *s = infer_safetensors_find(st, t.name);
        ck_assert_msg(s && s->n == t.rows * t.cols, "%s: %s", file, t.name);
        float *want = pk_calloc(s->n, sizeof *want);
        ck_assert_ptr_nonnull(want);
        infer_widen(want, s->data, s->dtype, s->n);
        if (!same_tensor(got->slab + t.offset, want, s->n, rtol)) {
            same = false;
            pk_fail(why, PK_ENO, "%s is not that of %s", t.name, file);
        }
        free(want);
    }
    infer_safetensors_close(st);
    return same;
}

float *golden_weight(const struct golden *g, struct infer_params *p, size_t i)
{
    struct infer_tensor t;
    infer_tensor_at(g->c, i, &t);
    size_t row = i == 0 ? (size_t)g->path[0][1] : t.rows / 2;
    return p->slab + t.offset + row * t.cols + t.cols / 3;
}
