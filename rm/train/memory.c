/* How much memory a run will take, and how much there is; see memory.h. */
#include "rm/train/memory.h"

#include <stdio.h>

#include "rm/data/memory_left.h"

enum {
    SLABS = 4, /* weights, gradients, two moments */
    ADVISED_RANK = 16
};

size_t rm_parameters(const struct infer_config *c)
{
    struct infer_tensor t;
    infer_tensor_at(c, infer_tensor_count(c) - 1, &t);
    return t.offset + t.rows * t.cols;
}

/* A forest of so many tokens, as this objective reads it: every token at worst,
 * or two read-outs a pair, of which the shortest has a few tokens. */
static size_t pass_bytes(const struct infer_config *c,
                         const struct rm_recipe *r, size_t tokens,
                         size_t longest)
{
    bool lm = r->objective == RM_LANGUAGE;
    struct infer_forest_size f = {.tokens = tokens,
                                  .longest = longest,
                                  .readouts = lm ? tokens : tokens / 4 + 2};
    return infer_train_bytes(c, r->precision, f, r->recompute) +
           infer_lora_bytes(c, &r->lora, tokens) + (lm ? infer_lm_bytes(c) : 0);
}

static size_t model_bytes(const struct infer_config *c,
                          const struct rm_recipe *r, size_t base)
{
    if (r->lora.rank == 0)
        return SLABS * rm_parameters(c) * sizeof(float);
    return base + SLABS * infer_lora_parameters(c, &r->lora) * sizeof(float);
}

void rm_memory_plan(struct rm_memory *m, const struct infer_config *c,
                    const struct rm_pairs *pairs, const struct rm_recipe *r)
{
    size_t path = 0;
    uint64_t all = 0;
    *m = (struct rm_memory){.base = m->base};
    for (size_t i = 0; i < pairs->n; i++) {
        const struct rm_pair *p = &pairs->pair[i];
        bool lm = r->objective == RM_LANGUAGE;
        size_t n = lm ? p->n_chosen : p->unique;
        size_t deep =
            !lm && p->n_rejected > p->n_chosen ? p->n_rejected : p->n_chosen;
        m->longest = n > m->longest ? n : m->longest;
        path = deep > path ? deep : path;
        all += n;
    }
    m->tokens = m->longest > r->micro_tokens ? m->longest : r->micro_tokens;
    if (all < m->tokens)
        m->tokens = (size_t)all;
    m->model = model_bytes(c, r, m->base);
    m->pass = pass_bytes(c, r, m->tokens, path);
    m->pairs =
        pairs->ids.cap * sizeof(int32_t) + pairs->cap * sizeof(struct rm_pair);
    m->total = m->model + m->pass;
}

void rm_memory_available(struct rm_memory *m)
{
    struct pk_room r;
    rm_memory_left(&r);
    m->available = (size_t)r.bytes;
    m->limit = r.limit;
}

static double gib(size_t bytes)
{
    return (double)bytes / (1 << 30);
}

static bool fits(const struct rm_memory *m, const struct infer_config *c,
                 const struct rm_recipe *r, size_t tokens)
{
    size_t longest = tokens < m->longest ? tokens : m->longest;
    return model_bytes(c, r, m->base) + pass_bytes(c, r, tokens, longest) <=
           m->available;
}

/* The most tokens of a forest, a multiple of 16 or as planned, whose pass fits;
 * 0: none. */
static size_t most_tokens(const struct rm_memory *m,
                          const struct infer_config *c,
                          const struct rm_recipe *r)
{
    enum { STEP = 16 };
    size_t low = 0, high = m->tokens / STEP + 1; /* low fits, high does not */
    if (fits(m, c, r, m->tokens))
        return m->tokens;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (fits(m, c, r, middle * STEP))
            low = middle;
        else
            high = middle;
    }
    return low * STEP;
}

/* The smallest change of the recipe that fits, in words. */
static void advise(const struct rm_memory *m, const struct infer_config *c,
                   const struct rm_recipe *r, char *advice, size_t len)
{
    struct rm_recipe again = *r, lora;
    again.recompute = true;
    lora = again;
    lora.lora.rank = ADVISED_RANK;
    const char *also = r->recompute ? "" : "--recompute ";
    size_t tokens = most_tokens(m, c, r), less = most_tokens(m, c, &again);
    if (tokens >= m->longest)
        snprintf(advice, len, "--micro-tokens %zu fits", tokens);
    else if (less == m->tokens)
        snprintf(advice, len, "--recompute fits");
    else if (less >= m->longest)
        snprintf(advice, len, "%s--micro-tokens %zu fits", also, less);
    else if (less >= 64)
        snprintf(advice, len,
                 "the largest pair alone has %zu tokens: %s--max-tokens %zu "
                 "--micro-tokens %zu fits",
                 m->longest, also, less / 2, less);
    else if (r->lora.rank == 0 && most_tokens(m, c, &lora) >= m->longest)
        snprintf(advice, len, "%s--lora-rank %d --micro-tokens %zu fits", also,
                 ADVISED_RANK, most_tokens(m, c, &lora));
    else
        snprintf(advice, len, "no setting fits: the model alone takes %.2f GiB",
                 gib(m->model));
}

int rm_memory_check(const struct rm_memory *m, const struct infer_config *c,
                    const struct rm_recipe *r, struct pk_err *err)
{
    char advice[200];
    if (m->total <= m->available)
        return 0;
    advise(m, c, r, advice, sizeof advice);
    return pk_fail(err, PK_EMEM,
                   "training takes %.2f GiB (%.2f for weights, gradients and "
                   "moments, %.2f for a forest of %zu tokens), and %s leaves "
                   "%.2f GiB; %s",
                   gib(m->total), gib(m->model), gib(m->pass), m->tokens,
                   m->limit, gib(m->available), advice);
}
