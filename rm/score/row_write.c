/* Rows of `score`, written: the scores go into the row's own text, so that what
 * we did not make comes out as it went in, to the byte. See row.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/lines.h"
#include "common/mem.h"
#include "rm/score/row.h"
#include "rm/score/row_edit.h"

/* Add item to a list or, where there is one text only, to an object. Takes
 * the item over. */
static int put(cJSON *object, const char *key, cJSON *item)
{
    if (item && cJSON_AddItemToObject(object, key, item))
        return 0;
    cJSON_Delete(item);
    return PK_EMEM;
}

/* What is written of a text. */
enum what { SCORE, COMBINED, FROM, CUT, DROPPED };

/* Of text i by a model. */
static const struct rm_scored *scored(const struct rm_row_scores *r,
                                      size_t model, size_t i)
{
    return &r->scored[i * rm_scorer_models(r->scorer) + model];
}

/* The most that any model dropped of text i, or whether any read it as cut. */
static size_t worst(const struct rm_row_scores *r, size_t i, enum what what)
{
    size_t most = 0;
    for (size_t m = 0; m < rm_scorer_models(r->scorer); m++) {
        const struct rm_scored *x = scored(r, m, i);
        size_t n = what == CUT ? x->cut : x->dropped;
        most = n > most ? n : most;
    }
    return most;
}

static void print_score(char out[40], double score)
{
    snprintf(out, 40, RM_SCORE_FORMAT, score);
}

double rm_row_rounded(double score)
{
    char number[40];
    print_score(number, score);
    return strtod(number, NULL);
}

static cJSON *number(double x)
{
    char text[40];
    print_score(text, x);
    return cJSON_CreateRaw(text);
}

/* Of the row's text i; `model` for SCORE. */
static cJSON *one(const struct rm_row_scores *r, size_t model, size_t i,
                  enum what what)
{
    switch (what) {
    case SCORE:
        return number(scored(r, model, i)->score);
    case COMBINED:
        return number(r->combined[i].value);
    case FROM:
        return cJSON_CreateString(r->combined[i].safety ? "safety"
                                                        : "helpfulness");
    case CUT:
        return cJSON_CreateBool(worst(r, i, CUT) > 0);
    default:
        return cJSON_CreateNumber((double)worst(r, i, DROPPED));
    }
}

/* One value, or the list of them. */
static cJSON *values(const struct rm_row_scores *r, size_t model,
                     enum what what)
{
    if (!r->list)
        return one(r, model, 0, what);
    cJSON *a = cJSON_CreateArray();
    for (size_t i = 0; a && i < r->n; i++) {
        cJSON *v = one(r, model, i, what);
        if (!v || !cJSON_AddItemToArray(a, v)) {
            cJSON_Delete(v);
            cJSON_Delete(a);
            return NULL;
        }
    }
    return a;
}

static int fill_scores(cJSON *scores, const struct rm_row_scores *r)
{
    int rc = 0;
    for (size_t m = 0; m < rm_scorer_models(r->scorer) && rc == 0; m++)
        rc = put(scores, rm_scorer_name(r->scorer, m), values(r, m, SCORE));
    if (rc == 0 && r->combined)
        rc = put(scores, "combined", values(r, 0, COMBINED));
    return rc;
}

static int fill_marks(cJSON *marks, const struct rm_row_scores *r)
{
    size_t cut = 0, dropped = 0;
    int rc = 0;
    for (size_t i = 0; i < r->n; i++) {
        cut += worst(r, i, CUT);
        dropped += worst(r, i, DROPPED);
    }
    if (cut)
        rc = put(marks, "cut", values(r, 0, CUT));
    if (dropped && rc == 0)
        rc = put(marks, "dropped_exchanges", values(r, 0, DROPPED));
    if (r->combined && rc == 0)
        rc = put(marks, "combined_from", values(r, 0, FROM));
    return rc;
}

static int check_finite(const struct rm_row_scores *r, struct pk_err *err)
{
    for (size_t m = 0; m < rm_scorer_models(r->scorer); m++)
        for (size_t i = 0; i < r->n; i++)
            if (!isfinite(scored(r, m, i)->score))
                return pk_fail(err, PK_EDATA, "%s: a score is not finite",
                               rm_scorer_name(r->scorer, m));
    return 0;
}

/* ---- What an earlier run left in the row --------------------------------- */

/* The scores that came with the row. */
struct earlier {
    bool ours;   /* some have a name of this run's models: they are replaced */
    bool theirs; /* some do not: they stay, and so do the marks of them */
};

static bool is_ours(const struct rm_scorer *s, const char *name)
{
    for (size_t m = 0; m < rm_scorer_models(s); m++)
        if (strcmp(rm_scorer_name(s, m), name) == 0)
            return true;
    return false;
}

static struct earlier look(const char *line, size_t len,
                           const struct rm_scorer *s)
{
    struct earlier e = {0};
    cJSON *old = rm_json_member(line, len, "scores");
    const cJSON *m;
    cJSON_ArrayForEach(m, old) if (strcmp(m->string, "combined") != 0)
    {
        bool ours = is_ours(s, m->string);
        e.ours |= ours;
        e.theirs |= !ours;
    }
    cJSON_Delete(old);
    return e;
}

/* `line` without what this run makes untrue: the scores that it was to replace
 * (`failed`), what was combined of them, and the marks of scores that are gone.
 */
static int forget(struct pk_buf *out, const char *line, size_t len,
                  const struct rm_scorer *s, bool failed)
{
    const struct earlier e = look(line, len, s);
    size_t n = 0;
    if (!e.ours)
        return pk_buf_add(out, line, len);
    const char *marks[] = {"combined_from", e.theirs ? NULL : "cut",
                           "dropped_exchanges", NULL};
    const char **scores = pk_calloc(rm_scorer_models(s) + 2, sizeof *scores);
    struct pk_buf some = PK_BUF_INIT(2 * PK_LINE_MAX);
    if (!scores)
        return PK_EMEM;
    scores[n++] = "combined";
    for (size_t m = 0; m < rm_scorer_models(s) && failed; m++)
        scores[n++] = rm_scorer_name(s, m);
    int rc = rm_json_prune(&some, line, len, "scores", scores);
    if (rc == 0)
        rc = rm_json_prune(out, some.data, some.len, "marks", marks);
    pk_buf_release(&some);
    free(scores);
    return rc;
}

/* A mark is the worst of any model's: also of those whose scores stay. */
static void keep_worst(cJSON *now, const cJSON *before)
{
    if (cJSON_IsNumber(now) && cJSON_IsNumber(before) &&
        before->valuedouble > now->valuedouble)
        cJSON_SetNumberValue(now, before->valuedouble);
    if (cJSON_IsFalse(now) && cJSON_IsTrue(before))
        now->type = (now->type & ~cJSON_False) | cJSON_True;
    if (!cJSON_IsArray(now) || !cJSON_IsArray(before))
        return;
    for (now = now->child, before = before->child; now && before;
         now = now->next, before = before->next)
        keep_worst(now, before);
}

static void keep_marks(cJSON *marks, const char *line, size_t len)
{
    cJSON *old = rm_json_member(line, len, "marks"), *m;
    cJSON_ArrayForEach(m, marks)
        keep_worst(m, cJSON_GetObjectItemCaseSensitive(old, m->string));
    cJSON_Delete(old);
}

/* ---- The row ------------------------------------------------------------- */

/* `line` without "error", with `scores` and `marks`. */
static int assemble(struct pk_buf *out, const char *line, size_t len,
                    const cJSON *scores, cJSON *marks)
{
    struct pk_buf clean = PK_BUF_INIT(2 * PK_LINE_MAX);
    struct pk_buf scored = PK_BUF_INIT(2 * PK_LINE_MAX);
    int rc = rm_json_unset(&clean, line, len, "error");
    if (rc == 0)
        rc = rm_json_merge(&scored, clean.data, clean.len, "scores", scores);
    if (rc == 0 && marks->child) {
        keep_marks(marks, scored.data, scored.len);
        rc = rm_json_merge(out, scored.data, scored.len, "marks", marks);
    } else if (rc == 0) {
        rc = pk_buf_add(out, scored.data, scored.len);
    }
    pk_buf_release(&clean);
    pk_buf_release(&scored);
    return rc;
}

/* `line`, which has been cleared of an earlier run. */
static int write_scores(struct pk_buf *out, const struct pk_buf *line,
                        const struct rm_row_scores *r)
{
    cJSON *scores = cJSON_CreateObject(), *marks = cJSON_CreateObject();
    int rc = scores && marks ? fill_scores(scores, r) : PK_EMEM;
    if (rc == 0)
        rc = fill_marks(marks, r);
    if (rc == 0)
        rc = assemble(out, line->data, line->len, scores, marks);
    cJSON_Delete(scores);
    cJSON_Delete(marks);
    return rc;
}

int rm_row_write(struct pk_buf *out, const char *line, size_t len,
                 const struct rm_row_scores *r, struct pk_err *err)
{
    struct pk_buf own = PK_BUF_INIT(2 * PK_LINE_MAX);
    int rc = check_finite(r, err);
    if (rc)
        return rc;
    rc = forget(&own, line, len, r->scorer, false);
    if (rc == 0)
        rc = write_scores(out, &own, r);
    pk_buf_release(&own);
    if (rc == PK_EDATA)
        return pk_fail(err, rc, "the row would be too long with its scores");
    return rc ? pk_fail_mem(err, "a row") : 0;
}

int rm_row_write_error(struct pk_buf *out, const char *line, size_t len,
                       const struct rm_scorer *s, const char *reason,
                       uint64_t at, struct pk_err *err)
{
    struct pk_buf text = PK_BUF_INIT((size_t)1 << 16);
    struct pk_buf own = PK_BUF_INIT(2 * PK_LINE_MAX);
    cJSON *j;
    int rc = pk_json_quote_reason(&text, reason);
    bool object = pk_json_parse(&j, line, len, NULL) == 0 && cJSON_IsObject(j);
    cJSON_Delete(j);
    if (rc == 0 && object)
        rc = forget(&own, line, len, s, true);
    if (rc == 0)
        rc = object ? rm_json_set(out, own.data, own.len, "error", text.data)
                    : pk_buf_addf(out, "{\"error\":%s,\"line\":%llu}",
                                  text.data, (unsigned long long)at);
    pk_buf_release(&text);
    pk_buf_release(&own);
    return rc ? pk_fail_mem(err, "a row") : 0;
}
