/* A record's uids, from the root down; see keys.h. */
#include "prefdb/store/keys.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"

void prefdb__judgment_key_release(struct prefdb__judgment_key *k)
{
    free(k->flags);
    free(k->extra);
    k->flags = k->extra = NULL;
}

static void response_key_reset(struct prefdb__response_key *k)
{
    free(k->extra);
    k->extra = NULL;
    for (size_t i = 0; i < k->n_ratings; i++)
        free(k->ratings[i].extra);
    k->n_ratings = 0;
}

/* Drop the texts, keeping the arrays. */
static void reset(struct prefdb__keys *k)
{
    response_key_reset(&k->a);
    response_key_reset(&k->b);
    free(k->extra);
    k->extra = NULL;
    for (size_t i = 0; i < k->n_judgments; i++)
        prefdb__judgment_key_release(&k->judgments[i]);
    k->n_judgments = k->n_turns = 0;
}

void prefdb__keys_release(struct prefdb__keys *k)
{
    reset(k);
    free(k->turns);
    free(k->a.ratings);
    free(k->b.ratings);
    free(k->judgments);
    *k = (struct prefdb__keys){0};
}

static int print_json(const cJSON *j, char **out, struct pk_err *err)
{
    *out = j ? pk_json_text(j) : NULL;
    return *out || !j ? 0 : pk_fail_mem(err, "a row's JSON");
}

static void turn_key(struct pk_sha256 *h, const struct prefdb_turn *t,
                     const struct prefdb__turn_key *parent,
                     struct prefdb__turn_key *out)
{
    prefdb__content_hash(h, t->text, t->len, out->hash);
    prefdb__turn_uid(h, parent ? parent->uid : NULL, t->role, out->hash,
                     out->uid);
}

static int rating_keys(struct pk_sha256 *h, const struct prefdb__response *r,
                       struct prefdb__response_key *out, struct pk_err *err)
{
    if (!pk_grow(&out->ratings, &out->cap_ratings, r->n_ratings,
                 sizeof *out->ratings))
        return pk_fail_mem(err, "a rating");
    for (size_t i = 0; i < r->n_ratings; i++) {
        struct prefdb__rating_key *k = &out->ratings[out->n_ratings++];
        int rc = print_json(r->ratings[i].extra, &k->extra, err);
        if (rc)
            return rc;
        prefdb__rating_uid(h, out->uid, &r->ratings[i], k->extra, k->uid);
    }
    return 0;
}

static int response_key(struct prefdb__keys *k, struct pk_sha256 *h,
                        const struct prefdb__response *r,
                        struct prefdb__response_key *out, struct pk_err *err)
{
    int rc = print_json(r->extra, &out->extra, err);
    if (rc)
        return rc;
    turn_key(h, &r->turn, &k->turns[k->n_turns - 1], &out->turn);
    prefdb__response_uid(h, out->turn.uid, r, out->extra, out->uid);
    return rating_keys(h, r, out, err);
}

int prefdb__judgment_key_of(struct prefdb__judgment_key *k, struct pk_sha256 *h,
                            const uint8_t comparison[PREFDB__UID],
                            const struct prefdb__judgment *j,
                            struct pk_err *err)
{
    *k = (struct prefdb__judgment_key){0};
    int rc = print_json(j->flags, &k->flags, err);
    if (!rc)
        rc = print_json(j->extra, &k->extra, err);
    if (!rc)
        prefdb__judgment_digest(h, comparison, j, k->flags, k->extra,
                                k->digest);
    return rc;
}

static int judgment_keys(struct prefdb__keys *k, struct pk_sha256 *h,
                         const struct prefdb__record *r, struct pk_err *err)
{
    int rc = 0;
    if (!pk_grow(&k->judgments, &k->cap_judgments, r->n_judgments,
                 sizeof *k->judgments))
        return pk_fail_mem(err, "a judgment");
    for (size_t i = 0; i < r->n_judgments && !rc; i++)
        rc = prefdb__judgment_key_of(&k->judgments[k->n_judgments++], h,
                                     k->comparison, &r->judgments[i], err);
    return rc;
}

static bool same_turn(const struct prefdb_turn *x, const struct prefdb_turn *y)
{
    return x->role == y->role && x->len == y->len &&
           memcmp(x->text, y->text, x->len) == 0;
}

/* Take the keys of the turns that the record begins with as the one before, and
 * of one of its answers, where it goes on with that: so a dialogue that is
 * judged at every turn does. */
static void take_keys(struct prefdb__keys *k, const struct prefdb__record *r,
                      const struct prefdb__keyed *before)
{
    const struct prefdb__record *b = before->record;
    size_t n = 0;
    if (!b)
        return;
    for (; n < r->n_context && n < b->n_context; n++) {
        if (!same_turn(&r->context[n], &b->context[n]))
            break;
        k->turns[n] = before->keys->turns[n];
    }
    const struct prefdb_turn *next = &r->context[n];
    if (n == b->n_context && n < r->n_context) {
        if (same_turn(next, &b->a.turn))
            k->turns[n++] = before->keys->a.turn;
        else if (!b->single && same_turn(next, &b->b.turn))
            k->turns[n++] = before->keys->b.turn;
    }
    k->n_turns = n;
}

/* The first user turn, or the first turn where no user speaks. */
static size_t root_of(const struct prefdb__record *r)
{
    for (size_t i = 0; i < r->n_context; i++)
        if (r->context[i].role == PREFDB_USER)
            return i;
    return 0;
}

int prefdb__keys_of(struct prefdb__keys *k, struct pk_sha256 *h,
                    struct prefdb__record *r,
                    const struct prefdb__keyed *before, struct pk_err *err)
{
    reset(k);
    if (!pk_grow(&k->turns, &k->cap_turns, r->n_context, sizeof *k->turns))
        return pk_fail_mem(err, "a dialogue");
    take_keys(k, r, before);
    for (; k->n_turns < r->n_context; k->n_turns++)
        turn_key(h, &r->context[k->n_turns],
                 k->n_turns ? &k->turns[k->n_turns - 1] : NULL,
                 &k->turns[k->n_turns]);
    int rc = response_key(k, h, &r->a, &k->a, err);
    if (rc || r->single)
        return rc;
    rc = response_key(k, h, &r->b, &k->b, err);
    if (rc)
        return rc;
    if (memcmp(k->a.uid, k->b.uid, PREFDB__UID) > 0) {
        struct prefdb__response_key held = k->a;
        k->a = k->b;
        k->b = held;
        prefdb__record_swap(r);
    }
    prefdb__comparison_uid(h, k->turns[k->n_turns - 1].uid, k->a.uid, k->b.uid,
                           r->source, k->comparison);
    const struct prefdb_turn *root = &r->context[root_of(r)];
    prefdb__root_key(h, root->text, root->len, k->root);
    rc = print_json(r->extra, &k->extra, err);
    return rc ? rc : judgment_keys(k, h, r, err);
}
