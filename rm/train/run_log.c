/* The log of a training run, one JSON object a step; see run.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rm/train/run.h"

static int add_accuracy(struct pk_buf *b, bool known, double accuracy)
{
    return known ? pk_buf_addf(b, ",\"accuracy\":%.9g", accuracy)
                 : pk_buf_adds(b, ",\"accuracy\":null");
}

/* What departs from the plain ranking loss. */
static void add_parts(struct pk_buf *b, const struct rm_recipe *r,
                      const struct rm_step *s)
{
    if (r->objective == RM_LANGUAGE) {
        pk_buf_addf(b, ",\"answer_tokens\":%llu",
                    (unsigned long long)s->targets);
        return;
    }
    if (r->loss.safety > 0 || r->loss.center > 0)
        pk_buf_addf(b, ",\"ranking_loss\":%.9g", s->ranking);
    if (r->loss.safety > 0)
        pk_buf_addf(b, ",\"safety_loss\":%.9g", s->safety);
    if (r->loss.center > 0)
        pk_buf_addf(b, ",\"center_loss\":%.9g", s->center);
}

static void add_validation(struct pk_buf *b, const struct rm_recipe *r,
                           const struct rm_validation *v)
{
    double accuracy, low, high;
    bool known = rm_validation_accuracy(v, &accuracy);
    pk_buf_addf(b, ",\"validation\":{\"loss\":%.9g", v->loss);
    add_accuracy(b, known, accuracy);
    if (r->objective == RM_LANGUAGE) {
        pk_buf_addf(b, ",\"answer_tokens\":%llu}",
                    (unsigned long long)v->targets);
        return;
    }
    pk_buf_addf(b,
                ",\"pairs\":%llu,\"ties\":%llu,\"score_mean\":%.9g,"
                "\"score_sd\":%.9g",
                (unsigned long long)rm_tally_n(&v->tally),
                (unsigned long long)v->tally.ties, v->mean, v->sd);
    pk_buf_adds(b, ",\"by_strength\":{");
    const char *comma = "";
    for (int i = 4; i >= 0; i--) {
        const struct rm_tally *t = &v->by_strength[i];
        if (rm_tally_n(t) == 0)
            continue;
        pk_buf_addf(b, "%s\"%s\":{\"pairs\":%llu", comma, rm_strength_key(i),
                    (unsigned long long)rm_tally_n(t));
        known = rm_tally_accuracy(t, &accuracy, &low, &high);
        add_accuracy(b, known, accuracy);
        pk_buf_addc(b, '}');
        comma = ",";
    }
    pk_buf_adds(b, "}}");
}

int rm_log_step(FILE *f, const struct rm_recipe *r, const struct rm_step *s,
                const struct rm_validation *v, struct pk_err *err)
{
    double accuracy;
    struct pk_buf b = PK_BUF_INIT(1 << 16);
    bool known = rm_step_accuracy(s, &accuracy);
    pk_buf_addf(&b, "{\"step\":%zu,\"loss\":%.9g", s->step, s->loss);
    add_parts(&b, r, s);
    add_accuracy(&b, known, accuracy);
    pk_buf_addf(&b,
                ",\"lr\":%.9g,\"grad_norm\":%.9g,\"pairs\":%zu,"
                "\"tokens\":%llu,\"seconds\":%.6g",
                s->lr, s->grad_norm, s->pairs, (unsigned long long)s->tokens,
                s->seconds);
    if (v)
        add_validation(&b, r, v);
    pk_buf_adds(&b, "}\n");
    int rc = b.failed ? pk_fail_mem(err, "a line of the log") : 0;
    if (rc == 0 && (fwrite(b.data, 1, b.len, f) != b.len || fflush(f) != 0))
        rc = pk_fail_errno(err, "cannot write the log");
    pk_buf_release(&b);
    return rc;
}

/* The length of the part that tells of steps up to `told`. */
static off_t told_length(FILE *f, uint64_t told)
{
    char *line = NULL;
    size_t cap = 0;
    off_t keep = 0;
    ssize_t n;
    while ((n = getline(&line, &cap, f)) > 0 && line[n - 1] == '\n') {
        unsigned long long step;
        if (strncmp(line, "{\"step\":", 8) != 0)
            break;
        step = strtoull(line + 8, NULL, 10);
        if (step == 0 || step > told)
            break;
        keep += n;
    }
    free(line);
    return keep;
}

int rm_log_resume(FILE **out, const char *path, uint64_t told,
                  struct pk_err *err)
{
    *out = fopen(path, told ? "a+" : "w");
    if (!*out)
        return pk_fail_errno(err, "cannot create '%s'", path);
    if (told == 0)
        return 0;
    rewind(*out);
    off_t keep = told_length(*out, told);
    if (ftruncate(fileno(*out), keep) != 0 || fseeko(*out, 0, SEEK_END) != 0) {
        int rc = pk_fail_errno(err, "cannot cut '%s'", path);
        fclose(*out);
        *out = NULL;
        return rc;
    }
    return 0;
}
