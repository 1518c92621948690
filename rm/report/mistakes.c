/* The most confident mistakes, and their texts; see analysis.h. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"
#include "rm/report/analysis.h"

/* Wider first; judgments of one comparison side by side. */
static int wider(const void *a, const void *b)
{
    const struct rm_mistake *x = a, *y = b;
    if (x->by != y->by)
        return x->by > y->by ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Judgments come comparison by comparison, so those of one comparison that
 * chose the same response are neighbours here: the same `by`, and `at` in
 * order. */
static void keep(struct rm_mistakes *out, const struct rm_mistake *all,
                 size_t n, const struct rm_judged *j)
{
    out->total = n;
    for (size_t i = 0; i < n; i++) {
        struct rm_mistake *last = out->n ? &out->mistake[out->n - 1] : NULL;
        if (last && j->of[last->at].comparison == j->of[all[i].at].comparison)
            last->judgments++;
        else if (out->n == RM_MISTAKES)
            return;
        else
            out->mistake[out->n++] = all[i];
    }
}

int rm_mistakes_find(struct rm_mistakes *out, const struct rm_judged *j,
                     size_t model, struct pk_err *err)
{
    *out = (struct rm_mistakes){0};
    struct rm_mistake *all = pk_calloc(j->n, sizeof *all);
    if (!all)
        return pk_fail_mem(err, "mistakes");
    size_t n = 0;
    for (size_t i = 0; i < j->n; i++) {
        double by =
            rm_judged_rejected(j, i, model) - rm_judged_chosen(j, i, model);
        if (by > 0)
            all[n++] = (struct rm_mistake){.at = i, .judgments = 1, .by = by};
    }
    qsort(all, n, sizeof *all, wider);
    keep(out, all, n, j);
    free(all);
    return 0;
}

/* The beginning of a text; the rest only counted. */
static int excerpt(struct rm_excerpt *e, const struct prefdb_turn *t,
                   struct pk_err *err)
{
    size_t characters = 0;
    e->len = t->len;
    for (size_t i = 0; i < t->len; characters++) {
        uint32_t cp;
        size_t k = pk_utf8_decode(t->text + i, t->len - i, &cp);
        if (characters == RM_EXCERPT)
            e->len = i;
        i += k ? k : 1;
    }
    e->more = characters > RM_EXCERPT ? characters - RM_EXCERPT : 0;
    e->text = pk_memdup0(t->text, e->len);
    return e->text ? 0 : pk_fail_mem(err, "a text");
}

static int read_one(struct rm_mistake *m, const struct prefdb_example *ex,
                    struct pk_err *err)
{
    bool a = ex->choice == PREFDB_A;
    m->source = pk_strdup(ex->source);
    m->prompt = pk_calloc(ex->n_context, sizeof *m->prompt);
    if (!m->source || !m->prompt)
        return pk_fail_mem(err, "a mistake's texts");
    int rc = 0;
    for (size_t i = 0; i < ex->n_context && rc == 0; i++) {
        m->n_prompt = i + 1;
        m->prompt[i].role = ex->context[i].role;
        rc = excerpt(&m->prompt[i].said, &ex->context[i], err);
    }
    if (rc == 0)
        rc = excerpt(&m->chosen, a ? &ex->a : &ex->b, err);
    if (rc == 0)
        rc = excerpt(&m->rejected, a ? &ex->b : &ex->a, err);
    return rc;
}

int rm_mistakes_read(struct rm_mistakes *m, const struct rm_judged *j,
                     struct prefdb *db, struct pk_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < m->n && rc == 0; i++) {
        struct prefdb_example ex;
        rc = prefdb_get(db, j->of[m->mistake[i].at].judgment, &ex, err);
        if (rc == 0)
            rc = read_one(&m->mistake[i], &ex, err);
    }
    return rc;
}

void rm_mistakes_release(struct rm_mistakes *m)
{
    for (size_t i = 0; i < m->n; i++) {
        struct rm_mistake *one = &m->mistake[i];
        for (size_t k = 0; k < one->n_prompt; k++)
            free(one->prompt[k].said.text);
        free(one->prompt);
        free(one->source);
        free(one->chosen.text);
        free(one->rejected.text);
    }
    m->n = 0;
}
