/* Two small hash tables: counts under keys, and numbers for names. Both keep
 * what they hold in the order in which it came, so that every report is the
 * same from run to run. */
#include <stdlib.h>
#include <string.h>

#include "common/fnv.h"
#include "common/mem.h"
#include "prefdb/stats/tally.h"

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31);
}

static uint64_t hash_key(uint64_t a, uint64_t b)
{
    return mix(mix(a + 0x9E3779B97F4A7C15U) ^ b);
}

static uint64_t hash_name(const char *s)
{
    return mix(pk_fnv_text(s));
}

/* A table twice as large (or the first), empty. False when out of memory. */
static bool more_slots(uint32_t **slots, size_t *n)
{
    size_t want = *n ? *n * 2 : 64;
    uint32_t *v = pk_calloc(want, sizeof *v);
    if (!v)
        return false;
    free(*slots);
    *slots = v;
    *n = want;
    return true;
}

static void put(uint32_t *slots, size_t n, uint64_t hash, size_t index)
{
    size_t i = hash & (n - 1);
    while (slots[i])
        i = (i + 1) & (n - 1);
    slots[i] = (uint32_t)index + 1;
}

int64_t prefdb__count(struct prefdb__bag *c, uint64_t a, uint64_t b,
                      uint64_t times)
{
    if (2 * c->n >= c->n_slots) {
        if (!more_slots(&c->slots, &c->n_slots))
            return -1;
        for (size_t i = 0; i < c->n; i++)
            put(c->slots, c->n_slots, hash_key(c->v[i].a, c->v[i].b), i);
    }
    size_t mask = c->n_slots - 1, at = hash_key(a, b) & mask;
    for (; c->slots[at]; at = (at + 1) & mask) {
        struct prefdb__entry *e = &c->v[c->slots[at] - 1];
        if (e->a == a && e->b == b) {
            e->n += times;
            return (int64_t)c->slots[at] - 1;
        }
    }
    if (c->n >= UINT32_MAX - 1 ||
        !pk_grow(&c->v, &c->cap, c->n + 1, sizeof *c->v))
        return -1;
    c->v[c->n] = (struct prefdb__entry){a, b, times};
    c->slots[at] = (uint32_t)++c->n;
    return (int64_t)c->n - 1;
}

void prefdb__bag_release(struct prefdb__bag *c)
{
    free(c->v);
    free(c->slots);
    *c = (struct prefdb__bag){0};
}

int64_t prefdb__name_find(const struct prefdb__names *names, const char *name)
{
    if (!names->n_slots)
        return -1;
    size_t mask = names->n_slots - 1;
    for (size_t at = hash_name(name) & mask; names->slots[at];
         at = (at + 1) & mask)
        if (strcmp(names->v[names->slots[at] - 1], name) == 0)
            return (int64_t)names->slots[at] - 1;
    return -1;
}

int64_t prefdb__name(struct prefdb__names *names, const char *name)
{
    int64_t found = prefdb__name_find(names, name);
    if (found >= 0)
        return found;
    if (2 * names->n >= names->n_slots) {
        if (!more_slots(&names->slots, &names->n_slots))
            return -1;
        for (size_t i = 0; i < names->n; i++)
            put(names->slots, names->n_slots, hash_name(names->v[i]), i);
    }
    if (!pk_grow(&names->v, &names->cap, names->n + 1, sizeof *names->v))
        return -1;
    char *copy = pk_strdup(name);
    if (!copy)
        return -1;
    names->v[names->n] = copy;
    put(names->slots, names->n_slots, hash_name(name), names->n);
    return (int64_t)names->n++;
}

void prefdb__names_release(struct prefdb__names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->v[i]);
    free(names->v);
    free(names->slots);
    *names = (struct prefdb__names){0};
}
