#include "prefdb/stats/campaign_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/plain.h"
#include "prefdb/stats/agreement.h"

/* One campaign, with copies of what the store lends. */
struct summary {
    struct prefdb_campaign c;
    char *texts[5]; /* name, guideline, gold, scored_by, against */
    int64_t tasks, done;
    int64_t gold_pairs;     /* that the gold annotator has judged */
    struct pk_buf versions; /* of the guideline, "1, 2" */
};

static void release(struct summary *s)
{
    for (int i = 0; i < 5; i++)
        free(s->texts[i]);
    pk_buf_release(&s->versions);
}

static int read_versions(struct prefdb *db, struct summary *out,
                         struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prefdb__ask(db, &s,
                         "SELECT version FROM guideline WHERE campaign = ?1"
                         " AND version <> '' ORDER BY created, version",
                         &out->c.id, 1, NULL, err);
    while (!rc && (rc = prefdb__step(db, s, err)) > 0)
        rc = pk_buf_addf(&out->versions, "%s%s", out->versions.len ? ", " : "",
                         prefdb__text(s, 0))
                 ? pk_fail_mem(err, "a report")
                 : 0;
    sqlite3_finalize(s);
    return rc;
}

static int count_gold(struct prefdb *db, struct summary *out,
                      struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    if (!out->c.gold)
        return 0;
    int rc = prefdb__ask(db, &s, "SELECT count(*)" PREFDB__OWN, &out->c.id, 1,
                         out->c.gold, err);
    if (!rc && (rc = prefdb__step(db, s, err)) > 0)
        out->gold_pairs = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return rc < 0 ? rc : 0;
}

static int summarize(struct prefdb *db, int64_t id, struct summary *out,
                     struct pk_err *err)
{
    *out = (struct summary){.versions = PK_BUF_INIT(1 << 20)};
    int rc = prefdb__campaign(db, id, &out->c, err);
    if (rc)
        return rc;
    const char **lent[] = {&out->c.name, &out->c.guideline, &out->c.gold,
                           &out->c.scored_by, &out->c.against};
    for (int i = 0; i < 5 && !rc; i++) {
        if (*lent[i] && !(out->texts[i] = pk_strdup(*lent[i])))
            rc = pk_fail_mem(err, "a report");
        *lent[i] = out->texts[i];
    }
    out->c.guideline_text = NULL;
    if (!rc)
        rc = prefdb__tasks(db, id, &out->tasks, err);
    if (!rc)
        rc = prefdb_campaign_done(db, id, &out->done, err);
    if (!rc)
        rc = read_versions(db, out, err);
    if (!rc)
        rc = count_gold(db, out, err);
    return rc;
}

/* ---- Annotators ---------------------------------------------------------- */

struct people {
    struct prefdb__agreement a;
    int64_t *skipped; /* by person */
};

static int count_skips(struct prefdb *db, int64_t id, struct people *p,
                       struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prefdb__ask(db, &s,
                         "SELECT annotator, count(*) FROM skip"
                         " WHERE campaign = ?1 GROUP BY annotator",
                         &id, 1, NULL, err);
    while (!rc && (rc = prefdb__step(db, s, err)) > 0) {
        int64_t who = prefdb__name_find(&p->a.people, prefdb__text(s, 0));
        if (who >= 0)
            p->skipped[who] = sqlite3_column_int64(s, 1);
        rc = 0;
    }
    sqlite3_finalize(s);
    return rc;
}

static int read_people(struct prefdb *db, const struct prefdb_campaign *c,
                       struct people *out, struct pk_err *err)
{
    const struct prefdb__agreement_query q = {.dimension = (int)c->dimension,
                                              .campaign = c->id,
                                              .gold = c->gold,
                                              .reading_speed = 50};
    *out = (struct people){.skipped = NULL};
    int rc = prefdb__agreement(db, &q, &out->a, err);
    if (!rc &&
        !(out->skipped = pk_calloc(out->a.people.n + 1, sizeof *out->skipped)))
        rc = pk_fail_mem(err, "a report");
    return rc ? rc : count_skips(db, c->id, out, err);
}

static void release_people(struct people *p)
{
    prefdb__agreement_release(&p->a);
    free(p->skipped);
}

static const struct prefdb__habits *
habits_of(const struct people *p, const struct prefdb_campaign *c, size_t who)
{
    return &p->a.habits[2 * who + (size_t)c->dimension];
}

/* ---- Text ---------------------------------------------------------------- */

static void put_named(const char *before, const char *name, const char *after)
{
    fputs(before, stdout);
    pk_plain_name(stdout, name);
    fputs(after, stdout);
}

static void print_tasks(const struct summary *s)
{
    const struct prefdb_campaign *c = &s->c;
    printf("  tasks      %lld, %lld of them done (%d annotator%s each)",
           (long long)s->tasks, (long long)s->done, c->overlap,
           c->overlap > 1 ? "s" : "");
    if (s->tasks)
        printf(", last filled %s", prefdb_order_name(c->order));
    if (s->tasks && c->scored_by)
        put_named(" by scores of ", c->scored_by, "");
    if (s->tasks && c->scored_by && c->against)
        put_named(" and ", c->against, "");
    putchar('\n');
}

static void print_settings(const struct summary *s)
{
    const struct prefdb_campaign *c = &s->c;
    put_named("campaign ", c->name, ": ");
    puts(prefdb_dimension_name(c->dimension));
    print_tasks(s);
    printf("  asked      %s%s",
           c->allow_tie ? "a choice, or a tie" : "a choice",
           c->allow_both_bad ? ", or both bad" : "");
    if (c->quota)
        printf("; at most %lld of each annotator", (long long)c->quota);
    printf("; a pair is in hand for %lld minutes\n",
           (long long)c->lease_seconds / 60);
    if (c->turn_limit)
        printf("  live       %lld turns at most\n", (long long)c->turn_limit);
    if (c->guideline && *c->guideline) {
        put_named("  guideline  version ", c->guideline, " (there are: ");
        put_named("", s->versions.data, ")\n");
    }
    if (c->gold && s->gold_pairs) {
        printf("  gold       the %lld that ", (long long)s->gold_pairs);
        put_named("", c->gold, " has judged, one in ");
        printf("%lld\n", (long long)c->gold_every);
    } else if (c->gold) {
        printf("  gold       one in %lld, but ", (long long)c->gold_every);
        put_named("", c->gold, " has judged none yet\n");
    }
    if (c->repeat_every)
        printf("  repeats    one in %lld\n", (long long)c->repeat_every);
}

static void print_of(uint64_t k, uint64_t n)
{
    char text[48] = "-";
    if (n)
        snprintf(text, sizeof text, "%llu of %llu", (unsigned long long)k,
                 (unsigned long long)n);
    printf(" %15s", text);
}

static void print_people(const struct people *p,
                         const struct prefdb_campaign *c)
{
    if (!p->a.people.n)
        return;
    printf("\n%-20s %8s %8s %9s %7s %15s %15s\n", "annotator", "judged",
           "skipped", "median s", "left %", "repeats alike", "gold right");
    for (size_t i = 0; i < p->a.people.n; i++) {
        const struct prefdb__habits *h = habits_of(p, c, i);
        const char *name = p->a.people.v[i];
        pk_plain_column(stdout, *name ? name : "(nobody)", 20);
        printf(" %8llu %8lld", (unsigned long long)h->judgments,
               (long long)p->skipped[i]);
        if (h->timed)
            printf(" %9.1f", h->median);
        else
            printf(" %9s", "-");
        if (h->sided)
            printf(" %7.1f", 100.0 * (double)h->left / (double)h->sided);
        else
            printf(" %7s", "-");
        print_of(h->same, h->repeats);
        print_of(h->right, h->gold);
        putchar('\n');
    }
}

/* ---- JSON ---------------------------------------------------------------- */

static int add_text(cJSON *o, const char *key, const char *text)
{
    return !text || !*text || cJSON_AddStringToObject(o, key, text) ? 0
                                                                    : PK_EMEM;
}

static int add_settings(cJSON *o, const struct summary *s, struct pk_err *err)
{
    const struct prefdb_campaign *c = &s->c;
    int bad =
        add_text(o, "name", c->name) ||
        add_text(o, "dimension", prefdb_dimension_name(c->dimension)) ||
        pk_json_add_int(o, "tasks", s->tasks) ||
        pk_json_add_int(o, "done", s->done) ||
        pk_json_add_int(o, "overlap", c->overlap) ||
        pk_json_add_int(o, "lease_seconds", c->lease_seconds) ||
        pk_json_add_int(o, "quota", c->quota) ||
        !cJSON_AddBoolToObject(o, "allow_tie", c->allow_tie) ||
        !cJSON_AddBoolToObject(o, "allow_both_bad", c->allow_both_bad) ||
        add_text(o, "guideline", c->guideline) ||
        add_text(o, "guideline_versions", s->versions.data) ||
        add_text(o, "gold", c->gold) ||
        (c->gold && pk_json_add_int(o, "gold_pairs", s->gold_pairs)) ||
        pk_json_add_int(o, "gold_every", c->gold_every) ||
        pk_json_add_int(o, "repeat_every", c->repeat_every) ||
        pk_json_add_int(o, "turn_limit", c->turn_limit) ||
        add_text(o, "order", s->tasks ? prefdb_order_name(c->order) : NULL) ||
        add_text(o, "scored_by", c->scored_by) ||
        add_text(o, "against", c->against);
    return bad ? pk_fail_mem(err, "a report") : 0;
}

static int add_people(cJSON *o, const struct people *p,
                      const struct prefdb_campaign *c, struct pk_err *err)
{
    cJSON *list = cJSON_AddArrayToObject(o, "annotators");
    int bad = list == NULL;
    for (size_t i = 0; i < p->a.people.n && !bad; i++) {
        const struct prefdb__habits *h = habits_of(p, c, i);
        cJSON *one = cJSON_CreateObject();
        bad = !cJSON_AddItemToArray(list, one) ||
              !cJSON_AddStringToObject(one, "annotator", p->a.people.v[i]) ||
              pk_json_add_int(one, "judged", (long long)h->judgments) ||
              pk_json_add_int(one, "skipped", p->skipped[i]) ||
              pk_json_add_num(one, "median_seconds", h->median) ||
              pk_json_add_int(one, "sided", (long long)h->sided) ||
              pk_json_add_int(one, "left", (long long)h->left) ||
              pk_json_add_int(one, "repeats", (long long)h->repeats) ||
              pk_json_add_int(one, "alike", (long long)h->same) ||
              pk_json_add_int(one, "gold", (long long)h->gold) ||
              pk_json_add_int(one, "right", (long long)h->right);
    }
    return bad ? pk_fail_mem(err, "a report") : 0;
}

/* ---- One or all ---------------------------------------------------------- */

/* In `list`, or printed where that is NULL; `whole`: with its annotators. */
static int report_one(struct prefdb *db, int64_t id, bool whole, cJSON *list,
                      struct pk_err *err)
{
    struct summary s;
    struct people p = {.skipped = NULL};
    cJSON *o = list ? cJSON_CreateObject() : NULL;
    int rc = list && !cJSON_AddItemToArray(list, o)
                 ? pk_fail_mem(err, "a report")
                 : 0;
    int got = summarize(db, id, &s, rc ? NULL : err);
    rc = rc ? rc : got;
    if (!rc && whole)
        rc = read_people(db, &s.c, &p, err);
    if (!rc && o)
        rc = add_settings(o, &s, err);
    else if (!rc)
        print_settings(&s);
    if (!rc && whole && o)
        rc = add_people(o, &p, &s.c, err);
    else if (!rc && whole)
        print_people(&p, &s.c);
    release(&s);
    release_people(&p);
    return rc;
}

static int report_all(struct prefdb *db, cJSON *list, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    bool any = false;
    int rc =
        prefdb__prepare(db, &s, "SELECT id FROM campaign ORDER BY id", err);
    while (!rc && (rc = prefdb__step(db, s, err)) > 0) {
        if (any && !list)
            putchar('\n');
        any = true;
        rc = report_one(db, sqlite3_column_int64(s, 0), false, list, err);
    }
    sqlite3_finalize(s);
    if (!rc && !any && !list)
        puts("no campaigns");
    return rc;
}

static int report(struct prefdb *db, const char *name, cJSON *list,
                  struct pk_err *err)
{
    struct prefdb_campaign c;
    if (!name)
        return report_all(db, list, err);
    int rc = prefdb_campaign_get(db, name, &c, err);
    return rc ? rc : report_one(db, c.id, true, list, err);
}

int prefdb__campaign_report(struct prefdb *db, const char *store,
                            const char *name, bool json, struct pk_err *err)
{
    if (!json)
        return report(db, name, NULL, err);
    cJSON *top = pk_json_report("prefkit-campaigns-1", store);
    cJSON *list = cJSON_AddArrayToObject(top, "campaigns");
    int rc = list ? report(db, name, list, err) : pk_fail_mem(err, "a report");
    if (!rc)
        return pk_json_write(stdout, top, err);
    cJSON_Delete(top);
    return rc;
}
