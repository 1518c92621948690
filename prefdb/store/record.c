/* A comparison on its way into the store; see record.h. */
#include "prefdb/store/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"

static void response_reset(struct prefdb__response *r)
{
    cJSON_Delete(r->extra);
    for (size_t i = 0; i < r->n_ratings; i++)
        cJSON_Delete(r->ratings[i].extra);
    *r = (struct prefdb__response){.temperature = PREFDB__UNKNOWN,
                                   .top_p = PREFDB__UNKNOWN,
                                   .ratings = r->ratings,
                                   .cap_ratings = r->cap_ratings};
}

void prefdb__record_reset(struct prefdb__record *r)
{
    for (size_t i = 0; i < r->n_judgments; i++) {
        cJSON_Delete(r->judgments[i].flags);
        cJSON_Delete(r->judgments[i].extra);
    }
    cJSON_Delete(r->extra);
    r->extra = NULL;
    r->single = false;
    r->n_context = r->n_judgments = 0;
    r->source = r->batch = NULL;
    r->split = -1;
    response_reset(&r->a);
    response_reset(&r->b);
}

void prefdb__record_release(struct prefdb__record *r)
{
    prefdb__record_reset(r);
    free(r->context);
    free(r->judgments);
    free(r->a.ratings);
    free(r->b.ratings);
    *r = (struct prefdb__record){0};
}

int prefdb__record_turn(struct prefdb__record *r, enum prefdb_role role,
                        const char *text, size_t len, struct pk_err *err)
{
    if (!pk_grow(&r->context, &r->cap_context, r->n_context + 1,
                 sizeof *r->context))
        return pk_fail_mem(err, "a dialogue");
    r->context[r->n_context++] = (struct prefdb_turn){role, text, len};
    return 0;
}

struct prefdb__judgment *prefdb__record_judgment(struct prefdb__record *r,
                                                 enum prefdb_dimension d,
                                                 int choice)
{
    if (!pk_grow(&r->judgments, &r->cap_judgments, r->n_judgments + 1,
                 sizeof *r->judgments))
        return NULL;
    struct prefdb__judgment *j = &r->judgments[r->n_judgments++];
    *j = (struct prefdb__judgment){.dimension = d,
                                   .choice = choice,
                                   .strength = PREFDB_UNSTATED,
                                   .shown_left = -1,
                                   .seconds = PREFDB__UNKNOWN,
                                   .annotator = ""};
    return j;
}

struct prefdb__rating *prefdb__response_rating(struct prefdb__response *r,
                                               const char *attribute,
                                               double value)
{
    if (!pk_grow(&r->ratings, &r->cap_ratings, r->n_ratings + 1,
                 sizeof *r->ratings))
        return NULL;
    struct prefdb__rating *x = &r->ratings[r->n_ratings++];
    *x = (struct prefdb__rating){.attribute = attribute,
                                 .value = value,
                                 .low = PREFDB__UNKNOWN,
                                 .high = PREFDB__UNKNOWN,
                                 .annotator = ""};
    return x;
}

static int response_check(const struct prefdb__response *r, struct pk_err *err)
{
    for (size_t i = 0; i < r->n_ratings; i++) {
        const struct prefdb__rating *x = &r->ratings[i];
        if (!*x->attribute)
            return pk_fail(err, PK_EDATA, "a rating has no attribute");
        if (!isfinite(x->value))
            return pk_fail(err, PK_EDATA, "a rating is not a finite number");
        if (isnan(x->low) != isnan(x->high) || x->value < x->low ||
            x->value > x->high)
            return pk_fail(err, PK_EDATA, "a rating is not on its scale");
    }
    return pk_json_names(r->extra, err);
}

int prefdb__judgment_check(const struct prefdb__judgment *j, struct pk_err *err)
{
    bool preferred = j->choice == PREFDB_A || j->choice == PREFDB_B;
    if (j->choice == PREFDB__WITHDRAWN && !j->has_supersedes)
        return pk_fail(err, PK_EDATA, "a judgment makes no choice");
    if (j->strength != PREFDB_UNSTATED && !preferred)
        return pk_fail(err, PK_EDATA,
                       "a judgment has a strength but prefers neither");
    if (j->label && j->dimension != PREFDB_SAFETY)
        return pk_fail(err, PK_EDATA,
                       "a helpfulness judgment has a safety label");
    if ((j->label == PREFDB_PREFERRED_SAFE ||
         j->label == PREFDB_PREFERRED_UNSAFE) &&
        !preferred)
        return pk_fail(err, PK_EDATA,
                       "a label names the preferred response, but there is "
                       "none");
    return pk_json_names(j->extra, err);
}

int prefdb__record_check(const struct prefdb__record *r, struct pk_err *err)
{
    const struct prefdb_turn *a = &r->a.turn, *b = &r->b.turn;
    if (r->n_context == 0)
        return pk_fail(err, PK_EDATA, "there is no prompt");
    int rc = response_check(&r->a, err);
    if (rc || r->single)
        return rc;
    rc = response_check(&r->b, err);
    if (rc)
        return rc;
    if (a->len == b->len && memcmp(a->text, b->text, a->len) == 0)
        return pk_fail(err, PK_EDATA, "the two responses are the same");
    for (size_t i = 0; i < r->n_judgments; i++) {
        rc = prefdb__judgment_check(&r->judgments[i], err);
        if (rc)
            return rc;
    }
    return pk_json_names(r->extra, err);
}

/* {"a":x,"b":y} -> {"a":y,"b":x}: the values change places, the names keep
 * theirs, so that the same content always has the same text. */
static void swap_members(cJSON *extra)
{
    cJSON *a = cJSON_GetObjectItemCaseSensitive(extra, "a");
    cJSON *b = cJSON_GetObjectItemCaseSensitive(extra, "b");
    if (!a != !b)
        (a ? a : b)->string[0] = a ? 'b' : 'a';
    if (!a || !b)
        return;
    cJSON was_a = *a, was_b = *b;
    *a = was_b;
    a->prev = was_a.prev;
    a->next = was_a.next;
    a->string = was_a.string;
    *b = was_a;
    b->prev = was_b.prev;
    b->next = was_b.next;
    b->string = was_b.string;
}

static int other(int choice)
{
    return choice == PREFDB_A   ? PREFDB_B
           : choice == PREFDB_B ? PREFDB_A
                                : choice;
}

void prefdb__record_swap(struct prefdb__record *r)
{
    struct prefdb__response held = r->a;
    r->a = r->b;
    r->b = held;
    swap_members(r->extra);
    for (size_t i = 0; i < r->n_judgments; i++) {
        struct prefdb__judgment *j = &r->judgments[i];
        j->choice = other(j->choice);
        j->shown_left = other(j->shown_left);
        swap_members(j->extra);
    }
}
