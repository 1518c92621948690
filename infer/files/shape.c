/* Model shapes from the command line; see shape.h. */
#include "infer/files/shape.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/num.h"
#include "infer/files/config.h"

static const struct {
    const char *name;
    size_t dim, layers, heads, kv_heads, hidden;
} named[] = {{"15M", 288, 6, 6, 6, 768},
             {"110M", 768, 12, 12, 12, 2048},
             {"1.1B", 2048, 22, 32, 4, 5632},
             {"7B", 4096, 32, 32, 32, 11008}};

static bool set_named(struct infer_config *c, const char *name)
{
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (strcmp(named[i].name, name) != 0)
            continue;
        c->dim = named[i].dim;
        c->layers = named[i].layers;
        c->heads = named[i].heads;
        c->kv_heads = named[i].kv_heads;
        c->hidden = named[i].hidden;
        return true;
    }
    return false;
}

static int set_pair(struct infer_config *c, const char *key, const char *value,
                    struct pk_err *err)
{
    struct {
        const char *key;
        size_t *at;
        uint64_t max;
    } sizes[] = {{"dim", &c->dim, 1 << 17},
                 {"layers", &c->layers, 1 << 12},
                 {"heads", &c->heads, 1 << 12},
                 {"kv_heads", &c->kv_heads, 1 << 12},
                 {"head_dim", &c->head_dim, 1 << 12},
                 {"hidden", &c->hidden, 1 << 19},
                 {"positions", &c->max_positions, 1 << 24}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t v;
        if (strcmp(sizes[i].key, key) != 0)
            continue;
        if (!pk_parse_u64(value, 1, sizes[i].max, &v))
            return pk_fail(err, PK_EUSAGE,
                           "shape: %s must be a whole number from 1 to %llu",
                           key, (unsigned long long)sizes[i].max);
        *sizes[i].at = (size_t)v;
        return 0;
    }
    if (strcmp(key, "theta") == 0 || strcmp(key, "eps") == 0) {
        double *at = key[0] == 't' ? &c->rope_theta : &c->norm_eps;
        return pk_parse_double(value, 1e-12, 1e12, at)
                   ? 0
                   : pk_fail(err, PK_EUSAGE, "shape: %s is not a number", key);
    }
    return pk_fail(err, PK_EUSAGE, "shape: there is no '%s'", key);
}

static int finish(struct infer_config *c, struct pk_err *err)
{
    if (!c->dim || !c->layers || !c->heads || !c->hidden)
        return pk_fail(err, PK_EUSAGE,
                       "shape: dim, layers, heads and hidden are needed");
    if (!c->kv_heads)
        c->kv_heads = c->heads;
    if (!c->head_dim && c->dim % c->heads)
        return pk_fail(err, PK_EUSAGE,
                       "shape: dim %zu is not a multiple of %zu heads", c->dim,
                       c->heads);
    if (!c->head_dim)
        c->head_dim = c->dim / c->heads;
    return infer_config_check(c, err) ? PK_EUSAGE : 0;
}

int infer_shape_parse(struct infer_config *c, const char *text,
                      struct pk_err *err)
{
    *c = (struct infer_config){.max_positions = 4096,
                               .norm_eps = 1e-5,
                               .rope_theta = 10000,
                               .bos = -1,
                               .eos = -1,
                               .pad = -1,
                               .vocab = 1};
    char *copy = pk_strdup(text), *rest = copy, *item;
    if (!copy)
        return pk_fail_mem(err, "a shape");
    int rc = 0;
    bool first = true;
    while (!rc && (item = strsep(&rest, ","))) {
        char *eq = strchr(item, '=');
        if (eq) {
            *eq = 0;
            rc = set_pair(c, item, eq + 1, err);
        } else if (!first || !set_named(c, item)) {
            rc = pk_fail(err, PK_EUSAGE,
                         "shape: '%s' is neither key=value nor one of 15M, "
                         "110M, 1.1B, 7B",
                         item);
        }
        first = false;
    }
    free(copy);
    return rc ? rc : finish(c, err);
}
