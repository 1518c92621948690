/* Rotary frequencies; see rope.h. The scalings follow transformers,
 * modeling_rope_utils.py. */
#include "infer/math/rope.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"

static const struct {
    const char *name;
    enum infer_rope_kind kind;
} kinds[] = {{"default", INFER_ROPE_DEFAULT},
             {"linear", INFER_ROPE_LINEAR},
             {"dynamic", INFER_ROPE_DYNAMIC},
             {"llama3", INFER_ROPE_LLAMA3}};

/* ---- config.json --------------------------------------------------------- */

static int get_above(const cJSON *obj, const char *key, double fallback,
                     double *out, struct pk_err *err)
{
    int rc = pk_json_num(obj, key, fallback, out, err);
    if (!rc && !(*out > 0 && *out <= 1e12))
        rc = pk_fail(err, PK_EDATA, "\"%s\" must be above 0%s", key,
                     fallback > 0 ? "" : ", and be there");
    return rc;
}

static int read_kind(const cJSON *obj, enum infer_rope_kind *kind,
                     struct pk_err *err)
{
    const char *name = NULL;
    int rc = pk_json_str(obj, "rope_type", &name, err);
    if (!rc && !name)
        rc = pk_json_str(obj, "type", &name, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(name ? name : "default", kinds[i].name) == 0) {
            *kind = kinds[i].kind;
            return 0;
        }
    return pk_fail(err, PK_EDATA,
                   "rotary scaling of type \"%.60s\" can't be run; default, "
                   "linear, dynamic and llama3 can",
                   name);
}

static int read_llama3(struct infer_rope_scaling *s, const cJSON *obj,
                       struct pk_err *err)
{
    double original;
    int rc = get_above(obj, "low_freq_factor", 0, &s->low, err);
    if (!rc)
        rc = get_above(obj, "high_freq_factor", 0, &s->high, err);
    if (!rc)
        rc = get_above(obj, "original_max_position_embeddings", 0, &original,
                       err);
    if (rc)
        return rc;
    if (!(s->high > s->low))
        return pk_fail(err, PK_EDATA,
                       "\"high_freq_factor\" must be above "
                       "\"low_freq_factor\"");
    if (original < 1 || original > 0x1p24 || original != floor(original))
        return pk_fail(err, PK_EDATA,
                       "\"original_max_position_embeddings\" must be a whole "
                       "number from 1");
    s->original = (size_t)original;
    return 0;
}

/* An object with a type and the type's own numbers. */
static int read_scaling(struct infer_rope_scaling *s, const cJSON *obj,
                        struct pk_err *err)
{
    double part;
    *s = (struct infer_rope_scaling){.factor = 1};
    if (!obj || cJSON_IsNull(obj))
        return 0;
    if (!cJSON_IsObject(obj))
        return pk_fail(err, PK_EDATA, "not a JSON object");
    int rc = read_kind(obj, &s->kind, err);
    if (!rc)
        rc = pk_json_num(obj, "partial_rotary_factor", 1, &part, err);
    if (!rc && part != 1)
        rc = pk_fail(err, PK_EDATA,
                     "\"partial_rotary_factor\" other than 1 can't be run");
    if (!rc && s->kind != INFER_ROPE_DEFAULT)
        rc = get_above(obj, "factor", 0, &s->factor, err);
    if (!rc && s->kind == INFER_ROPE_LLAMA3)
        rc = read_llama3(s, obj, err);
    return rc;
}

int infer_rope_read(struct infer_config *c, const cJSON *json,
                    struct pk_err *err)
{
    static const char *const keys[] = {"rope_parameters", "rope_scaling"};
    struct infer_rope_scaling found[2];
    int rc = get_above(json, "rope_theta", 10000, &c->rope_theta, err);
    for (int i = 0; !rc && i < 2; i++) {
        const cJSON *obj = cJSON_GetObjectItemCaseSensitive(json, keys[i]);
        rc = read_scaling(&found[i], obj, err);
        if (!rc && cJSON_IsObject(obj))
            rc = get_above(obj, "rope_theta", c->rope_theta, &c->rope_theta,
                           err);
        if (rc)
            return pk_err_prefix(err, "\"%s\": ", keys[i]);
    }
    if (rc)
        return rc;
    bool scaled[2] = {found[0].kind != INFER_ROPE_DEFAULT,
                      found[1].kind != INFER_ROPE_DEFAULT};
    if (scaled[0] && scaled[1])
        return pk_fail(err, PK_EDATA,
                       "both \"%s\" and \"%s\" scale the rotary embedding",
                       keys[0], keys[1]);
    c->rope = found[scaled[0] ? 0 : 1];
    return 0;
}

int infer_rope_write(const struct infer_config *c, cJSON *json)
{
    const struct infer_rope_scaling *s = &c->rope;
    int bad = pk_json_add_num(json, "rope_theta", c->rope_theta);
    if (s->kind == INFER_ROPE_DEFAULT)
        return bad || !cJSON_AddNullToObject(json, "rope_scaling") ? PK_EMEM
                                                                   : 0;
    cJSON *o = cJSON_AddObjectToObject(json, "rope_scaling");
    bad |= !cJSON_AddStringToObject(o, "rope_type", kinds[s->kind].name);
    bad |= pk_json_add_num(o, "factor", s->factor) != 0;
    if (s->kind == INFER_ROPE_LLAMA3)
        bad |= pk_json_add_num(o, "low_freq_factor", s->low) ||
               pk_json_add_num(o, "high_freq_factor", s->high) ||
               pk_json_add_int(o, "original_max_position_embeddings",
                               (long long)s->original);
    return bad ? PK_EMEM : 0;
}

/* ---- Frequencies --------------------------------------------------------- */

/* Long waves are stretched by the factor, short ones left, and those between
 * go from one to the other (Llama 3.1). */
static double llama3(const struct infer_rope_scaling *s, double freq)
{
    const double pi = 3.14159265358979323846;
    double turns = (double)s->original * freq / (2 * pi);
    if (turns < s->low)
        return freq / s->factor;
    if (turns > s->high)
        return freq;
    double smooth = (turns - s->low) / (s->high - s->low);
    return (1 - smooth) * freq / s->factor + smooth * freq;
}

/* Dynamic scaling begins beyond max_position_embeddings, and no path here is
 * longer (a score would depend on what stands beside it): it is the default. */
void infer_rope_frequencies(const struct infer_config *c, double *freq)
{
    for (size_t i = 0; i < c->head_dim / 2; i++) {
        double f = pow(c->rope_theta, -2.0 * (double)i / (double)c->head_dim);
        if (c->rope.kind == INFER_ROPE_LINEAR)
            f /= c->rope.factor;
        else if (c->rope.kind == INFER_ROPE_LLAMA3)
            f = llama3(&c->rope, f);
        freq[i] = f;
    }
}

int infer_rope_table(float *table, size_t n, const struct infer_config *c,
                     struct pk_err *err)
{
    const size_t half = c->head_dim / 2;
    double *freq = pk_calloc(half, sizeof *freq);
    if (!freq)
        return pk_fail_mem(err, "rotary frequencies");
    infer_rope_frequencies(c, freq);
#pragma omp parallel for
    for (size_t p = 0; p < n; p++)
        for (size_t i = 0; i < half; i++) {
            double a = (double)p * freq[i];
            table[(p * half + i) * 2] = (float)cos(a);
            table[(p * half + i) * 2 + 1] = (float)sin(a);
        }
    free(freq);
    return 0;
}
