/* The order of pairs; see order.h. */
#include "rm/data/order.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/rng.h"

/* A pair's dialogue, and its place among the pairs. */
struct place {
    uint64_t dialogue;
    size_t first; /* of the dialogue's pairs */
    size_t at;
};

static int by_dialogue(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->dialogue != y->dialogue)
        return x->dialogue < y->dialogue ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static int by_first(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Dialogues in the order of their first pairs. */
static void group(struct rm_order *o, struct place *place)
{
    qsort(place, o->n, sizeof *place, by_dialogue);
    for (size_t i = 0; i < o->n; i++) {
        bool same = i && place[i].dialogue == place[i - 1].dialogue;
        place[i].first = same ? place[i - 1].first : place[i].at;
    }
    qsort(place, o->n, sizeof *place, by_first);
    for (size_t i = 0; i < o->n; i++) {
        o->member[i] = (int64_t)place[i].at;
        if (place[i].first == place[i].at)
            o->first[o->dialogues++] = (int64_t)i;
    }
    o->first[o->dialogues] = (int64_t)o->n;
}

int rm_order_init(struct rm_order *o, const struct rm_pairs *p,
                  struct pk_err *err)
{
    size_t n = p->n;
    struct place *place = pk_calloc(n, sizeof *place);
    *o = (struct rm_order){.pair = pk_calloc(n, sizeof *o->pair),
                           .member = pk_calloc(n, sizeof *o->member),
                           .first = pk_calloc(n + 1, sizeof *o->first),
                           .turn = pk_calloc(n, sizeof *o->turn),
                           .n = n};
    if (!place || !o->pair || !o->member || !o->first || !o->turn) {
        free(place);
        rm_order_release(o);
        return pk_fail_mem(err, "the order of pairs");
    }
    for (size_t i = 0; i < n; i++)
        place[i] = (struct place){.dialogue = p->pair[i].dialogue, .at = i};
    group(o, place);
    free(place);
    return 0;
}

void rm_order_release(struct rm_order *o)
{
    free(o->pair);
    free(o->member);
    free(o->first);
    free(o->turn);
    *o = (struct rm_order){0};
}

void rm_order_draw(struct rm_order *o, uint64_t seed, uint64_t stream)
{
    struct pk_rng rng;
    size_t at = 0;
    for (size_t i = 0; i < o->dialogues; i++)
        o->turn[i] = (int64_t)i;
    pk_rng_seed(&rng, seed, stream);
    pk_rng_shuffle(&rng, o->turn, o->dialogues);
    for (size_t i = 0; i < o->dialogues; i++) {
        const int64_t *first = &o->first[o->turn[i]];
        size_t n = (size_t)(first[1] - first[0]);
        memcpy(o->pair + at, o->member + first[0], n * sizeof *o->pair);
        at += n;
    }
}

size_t rm_epoch_steps(size_t pairs, size_t batch)
{
    return pairs / batch + (pairs % batch != 0);
}

uint64_t rm_pairs_trained(size_t pairs, size_t batch, uint64_t step)
{
    size_t steps = rm_epoch_steps(pairs, batch);
    return steps ? step / steps * pairs + step % steps * batch : 0;
}
