/* Options that several verbs of this room take; see options.h. */
#include "rm/options.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/num.h"

void rm_opt_model(struct rm_models *m, const char *arg,
                  struct argp_state *state)
{
    const char *eq = strchr(arg, '=');
    if (!eq || eq == arg || eq[1] == 0) {
        argp_error(state, "--rm takes NAME=DIR, not '%s'", arg);
        return;
    }
    struct rm_named new = {.name = pk_memdup0(arg, (size_t)(eq - arg)),
                           .dir = pk_strdup(eq + 1)};
    if (!new.name || !new.dir ||
        !pk_grow(&m->model, &m->cap, m->n + 1, sizeof *m->model)) {
        free(new.name);
        free(new.dir);
        argp_failure(state, 5, 0, "out of memory");
        return;
    }
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->model[i].name, new.name) == 0)
            argp_error(state, "--rm names '%s' twice", new.name);
    m->model[m->n++] = new;
}

void rm_models_release(struct rm_models *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->model[i].name);
        free(m->model[i].dir);
    }
    free(m->model);
    *m = (struct rm_models){0};
}

void rm_opt_precision(const char *arg, struct argp_state *state)
{
    if (strcmp(arg, "bf16") == 0)
        argp_error(state, "this version computes in fp32 only: --precision "
                          "auto or fp32");
    else if (strcmp(arg, "auto") != 0 && strcmp(arg, "fp32") != 0)
        argp_error(state, "--precision takes auto or fp32, not '%s'", arg);
}

enum infer_read_out rm_opt_read_out(const char *arg, struct argp_state *state)
{
    struct pk_err err;
    enum infer_read_out out = INFER_READ_UNSAID;
    if (infer_read_out_parse(&out, arg, &err) < 0)
        argp_error(state, "--read-out: %s", err.text);
    return out;
}

size_t rm_opt_size(const char *name, const char *arg, uint64_t min,
                   struct argp_state *state)
{
    uint64_t n = 0;
    if (!pk_parse_u64(arg, min, SIZE_MAX / 4, &n))
        argp_error(state, "%s takes a whole number from %llu, not '%s'", name,
                   (unsigned long long)min, arg);
    return (size_t)n;
}

double rm_opt_double(const char *name, const char *arg, double min, double max,
                     struct argp_state *state)
{
    double x = 0;
    if (!pk_parse_double(arg, min, max, &x))
        argp_error(state, "%s takes a number from %g to %g, not '%s'", name,
                   min, max, arg);
    return x;
}
