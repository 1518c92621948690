/* The combined reward; see combine.h. */
#include "rm/score/combine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/out.h"

static const char schema[] = "prefkit:whitening:1";
static const char *const roles[] = {"helpfulness", "safety"};

bool rm_parse_form(const char *s, enum rm_form *out)
{
    static const char *const forms[] = {"probability", "logit", "white"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(s, forms[i]) == 0) {
            *out = (enum rm_form)i;
            return true;
        }
    }
    return false;
}

static double sigma(double x)
{
    return 1 / (1 + exp(-x));
}

double rm_combine_raw(const struct rm_combine *c,
                      const double raw[RM_N_COMBINED], bool tagged,
                      bool *safety)
{
    *safety = tagged || sigma(raw[RM_SAFETY]) < c->threshold;
    return raw[*safety ? RM_SAFETY : RM_HELPFULNESS];
}

double rm_combine_form(const struct rm_combine *c, double raw)
{
    switch (c->form) {
    case RM_PROBABILITY:
        return sigma(raw);
    case RM_WHITE:
        return (raw - c->mean) / c->sd;
    default:
        return raw;
    }
}

void rm_moments_add(struct rm_moments *m, double x)
{
    double d = x - m->mean;
    m->n++;
    m->mean += d / m->n;
    m->m2 += d * (x - m->mean);
}

double rm_moments_sd(const struct rm_moments *m)
{
    return m->n > 1 ? sqrt(m->m2 / (m->n - 1)) : 0;
}

static bool describe(cJSON *j, const struct rm_combine *c,
                     char (*fingerprint)[65], const struct rm_moments *m)
{
    bool ok = cJSON_AddStringToObject(j, "schema", schema) &&
              pk_json_add_int(j, "n", (long long)m->n) == 0 &&
              pk_json_add_num(j, "mean", m->mean) == 0 &&
              pk_json_add_num(j, "sd", rm_moments_sd(m)) == 0 &&
              pk_json_add_num(j, "threshold", c->threshold) == 0;
    for (int i = 0; i < RM_N_COMBINED && ok; i++) {
        cJSON *o = cJSON_AddObjectToObject(j, roles[i]);
        ok = o && cJSON_AddStringToObject(o, "name", c->name[i]) &&
             (!*fingerprint[i] ||
              cJSON_AddStringToObject(o, "fingerprint", fingerprint[i]));
    }
    return ok;
}

int rm_whitening_save(const char *path, const struct rm_combine *c,
                      char (*fingerprint)[65], const struct rm_moments *m,
                      struct pk_err *err)
{
    if (!(rm_moments_sd(m) > 0))
        return pk_fail(err, PK_EDATA,
                       "no statistics for '%s': %.0f combined scores have no "
                       "spread",
                       path, m->n);
    cJSON *j = cJSON_CreateObject();
    if (j && describe(j, c, fingerprint, m))
        return pk_json_save(path, j, err);
    cJSON_Delete(j);
    return pk_fail_mem(err, "statistics");
}

/* Whether the file's model in this role is the one that is used here. */
static int check_model(const cJSON *j, const char *path, int role,
                       const char *name, const char *fingerprint,
                       struct pk_err *err)
{
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(j, roles[role]);
    const char *n = NULL, *print = NULL;
    int rc = pk_json_need_str(o, "name", &n, err);
    if (rc == 0)
        rc = pk_json_str(o, "fingerprint", &print, err);
    if (rc)
        return pk_err_prefix(err, "%s: %s: ", path, roles[role]);
    if (strcmp(n, name) == 0 &&
        (!print || !*fingerprint || strcmp(print, fingerprint) == 0))
        return 0;
    return pk_fail(err, PK_EDATA,
                   "%s: statistics of another %s model (%s %.12s), not of %s "
                   "%.12s",
                   path, roles[role], n, print ? print : "", name, fingerprint);
}

static int read_numbers(const cJSON *j, const char *path, struct rm_combine *c,
                        struct pk_err *err)
{
    const char *said = NULL;
    double threshold = NAN;
    int rc = pk_json_need_str(j, "schema", &said, err);
    if (rc == 0 && strcmp(said, schema) != 0)
        rc = pk_fail(err, PK_EDATA, "\"schema\" is not \"%s\"", schema);
    if (rc == 0)
        rc = pk_json_num(j, "mean", NAN, &c->mean, err);
    if (rc == 0)
        rc = pk_json_num(j, "sd", NAN, &c->sd, err);
    if (rc == 0)
        rc = pk_json_num(j, "threshold", NAN, &threshold, err);
    if (rc == 0 && !(isfinite(c->mean) && isfinite(c->sd) && c->sd > 0))
        rc = pk_fail(err, PK_EDATA, "\"mean\" and \"sd\" are not statistics");
    if (rc == 0 && !(fabs(threshold - c->threshold) < 1e-8))
        rc = pk_fail(err, PK_EDATA, "statistics for the threshold %g, not %g",
                     threshold, c->threshold);
    return rc ? pk_err_prefix(err, "%s: ", path) : 0;
}

int rm_whitening_load(const char *path, struct rm_combine *c,
                      char (*fingerprint)[65], struct pk_err *err)
{
    cJSON *j;
    int rc = pk_json_load(&j, path, (size_t)1 << 20, err);
    if (rc)
        return rc;
    rc = read_numbers(j, path, c, err);
    for (int i = 0; i < RM_N_COMBINED && rc == 0; i++)
        rc = check_model(j, path, i, c->name[i], fingerprint[i], err);
    cJSON_Delete(j);
    return rc;
}
