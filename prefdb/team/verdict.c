/* What an annotator says, on its way to becoming a judgment. */
#include <stdio.h>
#include <time.h>

#include "prefdb/team/campaign.h"

static int check_verdict(const struct prefdb_campaign *c,
                         const struct prefdb_verdict *v, struct pk_err *err)
{
    if (v->dimension != c->dimension)
        return pk_fail(err, PK_ENO, "this campaign asks for %s now, not for %s",
                       prefdb_dimension_name(c->dimension),
                       prefdb_dimension_name(v->dimension));
    if (v->choice == PREFDB_TIE && !c->allow_tie)
        return pk_fail(err, PK_EUSAGE, "this campaign has no ties");
    if (v->choice == PREFDB_BOTH_BAD && !c->allow_both_bad)
        return pk_fail(err, PK_EUSAGE, "this campaign has no both-bad");
    if (v->strength < PREFDB_UNSTATED || v->strength > 3 || v->seconds < 0 ||
        v->shown_left > PREFDB_B)
        return pk_fail(err, PK_EUSAGE, "a verdict does not make sense");
    return 0;
}

void prefdb_now(char out[32])
{
    struct timespec t;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &tm);
    size_t n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, 32 - n, ".%06ldZ", t.tv_nsec / 1000);
}

static int flags_of(const struct prefdb_verdict *v, cJSON **out,
                    struct pk_err *err)
{
    *out = v->n_flags ? cJSON_CreateArray() : NULL;
    for (size_t i = 0; i < v->n_flags; i++)
        if (!cJSON_AddItemToArray(*out, cJSON_CreateString(v->flags[i])))
            return pk_fail_mem(err, "flags");
    return 0;
}

int prefdb__word_of(struct prefdb__word *s, const struct prefdb_campaign *c,
                    const char *annotator, const struct prefdb_verdict *v,
                    struct pk_err *err)
{
    prefdb_now(s->created);
    snprintf(s->guideline, sizeof s->guideline, "%s",
             v && v->guideline ? v->guideline : c->guideline);
    s->j = (struct prefdb__judgment){.dimension = c->dimension,
                                     .choice = PREFDB__WITHDRAWN,
                                     .strength = PREFDB_UNSTATED,
                                     .shown_left = -1,
                                     .seconds = PREFDB__UNKNOWN,
                                     .annotator = annotator,
                                     .guideline =
                                         *s->guideline ? s->guideline : NULL,
                                     .created = s->created};
    if (!v)
        return 0;
    s->j.choice = (int)v->choice;
    s->j.strength = v->strength;
    s->j.label = v->label;
    s->j.shown_left = v->shown_left;
    s->j.seconds = v->seconds;
    s->j.note = v->note;
    int rc = check_verdict(c, v, err);
    return rc ? rc : flags_of(v, &s->j.flags, err);
}

int prefdb__word_check(const struct prefdb__word *s, struct pk_err *err)
{
    if (!prefdb__judgment_check(&s->j, err))
        return 0;
    return err ? (err->code = PK_EUSAGE) : PK_EUSAGE;
}

void prefdb__word_release(struct prefdb__word *s)
{
    cJSON_Delete(s->j.flags);
    s->j.flags = NULL;
}
