/* Parts of several pools of pairs; see mix.h. */
#include "rm/data/mix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/num.h"
#include "common/rng.h"

/* Streams of the seed, one a pool; train.c has those from 1000 on. */
enum { STREAM_MIX = 500 };

void rm_mix_release(struct rm_mix *m)
{
    for (size_t i = 0; i < m->n; i++)
        free(m->pool[i].source);
    *m = (struct rm_mix){0};
}

/* "0.1" or "10%". */
static bool parse_part(const char *s, struct rm_pool *p)
{
    char word[32];
    size_t n = strlen(s);
    p->of_mix = n > 0 && s[n - 1] == '%';
    n -= p->of_mix;
    if (n == 0 || n >= sizeof word)
        return false;
    memcpy(word, s, n);
    word[n] = 0;
    if (!pk_parse_double(word, 0, p->of_mix ? 99.9 : 1, &p->part))
        return false;
    if (p->of_mix)
        p->part /= 100;
    return true;
}

/* DIMENSION[:SOURCE]=PART; writes into `s`. */
static int parse_pool(struct rm_pool *p, char *s, struct pk_err *err)
{
    char *eq = strrchr(s, '='), *colon;
    *p = (struct rm_pool){0};
    if (!eq || !parse_part(eq + 1, p))
        return pk_fail(err, PK_EUSAGE,
                       "'%s' is not DIMENSION[:SOURCE]=PART, a part being from "
                       "0 to 1 of the pool or, with %%, of the mix",
                       s);
    *eq = 0;
    if ((colon = strchr(s, ':')))
        *colon = 0;
    if (!prefdb_parse_dimension(s, &p->dimension))
        return pk_fail(err, PK_EUSAGE, "'%s' is no dimension", s);
    if (colon && !(p->source = pk_strdup(colon + 1)))
        return pk_fail_mem(err, "a mix");
    return 0;
}

static bool same_pool(const struct rm_pool *a, const struct rm_pool *b)
{
    if (a->dimension != b->dimension || !a->source != !b->source)
        return false;
    return !a->source || strcmp(a->source, b->source) == 0;
}

static int check(const struct rm_mix *m, const char *text, struct pk_err *err)
{
    double share = 0;
    size_t fixed = 0;
    for (size_t i = 0; i < m->n; i++) {
        for (size_t j = 0; j < i; j++)
            if (same_pool(&m->pool[i], &m->pool[j]))
                return pk_fail(err, PK_EUSAGE, "'%s' names a pool twice", text);
        share += m->pool[i].of_mix ? m->pool[i].part : 0;
        fixed += !m->pool[i].of_mix && m->pool[i].part > 0;
    }
    if (fixed == 0 || share > 0.999)
        return pk_fail(err, PK_EUSAGE,
                       "'%s': at least one pool must be given as a part of "
                       "itself, and the shares of the mix stay under 100%%",
                       text);
    return 0;
}

int rm_mix_parse(struct rm_mix *out, const char *text, struct pk_err *err)
{
    char *copy = pk_strdup(text), *rest = copy, *word;
    int rc = copy ? 0 : pk_fail_mem(err, "a mix");
    *out = (struct rm_mix){0};
    while (rc == 0 && (word = strsep(&rest, ","))) {
        if (out->n == RM_MAX_POOLS)
            rc = pk_fail(err, PK_EUSAGE, "a mix has at most %d pools",
                         (int)RM_MAX_POOLS);
        else
            rc = parse_pool(&out->pool[out->n++], word, err);
    }
    free(copy);
    if (rc == 0)
        rc = check(out, text, err);
    if (rc)
        rm_mix_release(out);
    return rc;
}

char *rm_mix_text(const struct rm_mix *m)
{
    struct pk_buf b = PK_BUF_INIT(1 << 16);
    for (size_t i = 0; i < m->n; i++) {
        const struct rm_pool *p = &m->pool[i];
        pk_buf_addf(&b, "%s%s%s%s=%.9g%s", i ? "," : "",
                    prefdb_dimension_name(p->dimension), p->source ? ":" : "",
                    p->source ? p->source : "",
                    p->of_mix ? 100 * p->part : p->part, p->of_mix ? "%" : "");
    }
    if (b.failed)
        pk_buf_release(&b);
    return pk_buf_take(&b);
}

bool rm_mix_uses(const struct rm_mix *m, enum prefdb_dimension d)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->pool[i].dimension == d)
            return true;
    return false;
}

/* The pool that a pair is of; m->n: none. */
static size_t pool_of(const struct rm_mix *m, const struct rm_pairs *p,
                      const struct rm_pair *x)
{
    size_t rest = m->n;
    for (size_t i = 0; i < m->n; i++) {
        if (m->pool[i].dimension != x->dimension)
            continue;
        if (!m->pool[i].source)
            rest = i;
        else if (strcmp(m->pool[i].source, p->source[x->source].name) == 0)
            return i;
    }
    return rest;
}

static uint64_t rounded(double x)
{
    return (uint64_t)floor(x + 0.5);
}

/* How many of each pool. */
static void decide(struct rm_mix *m)
{
    uint64_t fixed = 0;
    double share = 0;
    for (size_t i = 0; i < m->n; i++) {
        struct rm_pool *p = &m->pool[i];
        if (p->of_mix) {
            share += p->part;
            continue;
        }
        p->drawn = rounded(p->part * (double)p->pairs);
        fixed += p->drawn;
    }
    for (size_t i = 0; i < m->n; i++) {
        struct rm_pool *p = &m->pool[i];
        if (!p->of_mix)
            continue;
        uint64_t want = rounded((double)fixed / (1 - share) * p->part);
        p->short_of = want > p->pairs;
        p->drawn = p->short_of ? p->pairs : want;
    }
}

/* Mark the pairs of pool k that are drawn. `index` holds the pool's pairs. */
static void draw(const struct rm_pool *p, uint64_t seed, size_t k,
                 int64_t *index, bool *taken)
{
    struct pk_rng rng;
    if (p->drawn < p->pairs) {
        pk_rng_seed(&rng, seed, STREAM_MIX + k);
        pk_rng_shuffle(&rng, index, p->pairs);
    }
    for (uint64_t i = 0; i < p->drawn; i++)
        taken[index[i]] = true;
}

int rm_mix_draw(struct rm_mix *m, struct rm_pairs *p, uint64_t seed,
                struct pk_err *err)
{
    int64_t *index = pk_calloc(p->n, sizeof *index);
    bool *taken = pk_calloc(p->n, sizeof *taken);
    int rc = index && taken ? 0 : pk_fail_mem(err, "a mix");
    for (size_t k = 0; k < m->n; k++)
        m->pool[k].pairs = 0;
    for (size_t i = 0; i < p->n && rc == 0; i++) {
        size_t k = pool_of(m, p, &p->pair[i]);
        if (k < m->n)
            m->pool[k].pairs++;
    }
    decide(m);
    for (size_t k = 0; k < m->n && rc == 0; k++) {
        size_t n = 0;
        for (size_t i = 0; i < p->n; i++)
            if (pool_of(m, p, &p->pair[i]) == k)
                index[n++] = (int64_t)i;
        draw(&m->pool[k], seed, k, index, taken);
    }
    size_t kept = 0;
    for (size_t i = 0; i < p->n && rc == 0; i++)
        if (taken[i])
            p->pair[kept++] = p->pair[i];
    if (rc == 0) {
        p->not_drawn = p->n - kept;
        p->n = kept;
        rm_pairs_count(p);
    }
    free(index);
    free(taken);
    return rc;
}
