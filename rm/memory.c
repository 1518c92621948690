/* How much memory a run will take, and how much there is; see memory.h. */
#include "rm/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/num.h"

enum { SLABS = 4 }; /* weights, gradients, two moments */

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
    return infer_train_bytes(c, f) + (lm ? infer_lm_bytes(c) : 0);
}

void rm_memory_plan(struct rm_memory *m, const struct infer_config *c,
                    const struct rm_pairs *pairs, const struct rm_recipe *r)
{
    size_t path = 0;
    uint64_t all = 0;
    *m = (struct rm_memory){0};
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
    m->model = SLABS * rm_parameters(c) * sizeof(float);
    m->pass = pass_bytes(c, r, m->tokens, path);
    m->pairs =
        pairs->ids.cap * sizeof(int32_t) + pairs->cap * sizeof(struct rm_pair);
    m->total = m->model + m->pass;
}

/* The number after `key` in a file of lines, or of the file when key is NULL.
 */
static bool read_number(const char *path, const char *key, uint64_t *out)
{
    char line[256];
    bool found = false;
    FILE *f = fopen(path, "r");
    while (f && !found && fgets(line, sizeof line, f)) {
        size_t n = key ? strlen(key) : 0;
        if (n && strncmp(line, key, n) != 0)
            continue;
        char *number = line + n + strspn(line + n, " \t");
        number[strcspn(number, " \n")] = 0;
        found = pk_parse_u64(number, 0, UINT64_MAX, out);
        if (!found)
            break;
    }
    if (f)
        fclose(f);
    return found;
}

static void at_most(struct rm_memory *m, uint64_t bytes, const char *limit)
{
    if (bytes < m->available) {
        m->available = (size_t)bytes;
        m->limit = limit;
    }
}

/* A cgroup's limit, whose path is that of version 2 (unified) as a process in
 * a container sees it, or of version 1. What it holds of the page cache can be
 * taken back. */
static void see_cgroup(struct rm_memory *m)
{
    static const struct {
        const char *limit, *used, *stat, *cache;
    } versions[] = {
        {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current",
         "/sys/fs/cgroup/memory.stat", "file "},
        {"/sys/fs/cgroup/memory/memory.limit_in_bytes",
         "/sys/fs/cgroup/memory/memory.usage_in_bytes",
         "/sys/fs/cgroup/memory/memory.stat", "total_cache "},
    };
    for (size_t i = 0; i < 2; i++) {
        uint64_t limit, used, cache = 0;
        if (!read_number(versions[i].limit, NULL, &limit) ||
            !read_number(versions[i].used, NULL, &used))
            continue;
        (void)read_number(versions[i].stat, versions[i].cache, &cache);
        used -= cache < used ? cache : used;
        at_most(m, limit > used ? limit - used : 0,
                "the control group's limit");
    }
}

void rm_memory_available(struct rm_memory *m)
{
    uint64_t n;
    struct rlimit r;
    m->available = SIZE_MAX;
    m->limit = "the address space";
    if (read_number("/proc/meminfo", "MemAvailable:", &n))
        at_most(m, n * 1024, "free memory");
    if (getrlimit(RLIMIT_AS, &r) == 0 && r.rlim_cur != RLIM_INFINITY) {
        uint64_t pages = 0;
        (void)read_number("/proc/self/statm", NULL, &pages);
        uint64_t used = pages * (uint64_t)sysconf(_SC_PAGESIZE);
        at_most(m, r.rlim_cur > used ? r.rlim_cur - used : 0,
                "the limit on address space (ulimit -v)");
    }
    see_cgroup(m);
}

static double gib(size_t bytes)
{
    return (double)bytes / (1 << 30);
}

/* The most tokens of a forest, a multiple of 16, whose pass fits; 0: none. */
static size_t most_tokens(const struct rm_memory *m,
                          const struct infer_config *c,
                          const struct rm_recipe *r)
{
    size_t tokens = m->tokens / 16 * 16;
    while (tokens > 0 &&
           m->model + pass_bytes(c, r, tokens,
                                 tokens < m->longest ? tokens : m->longest) >
               m->available)
        tokens -= 16;
    return tokens;
}

int rm_memory_check(const struct rm_memory *m, const struct infer_config *c,
                    const struct rm_recipe *r, struct pk_err *err)
{
    if (m->total <= m->available)
        return 0;
    size_t tokens = most_tokens(m, c, r);
    char advice[160];
    if (tokens >= m->longest)
        snprintf(advice, sizeof advice, "--micro-tokens %zu fits", tokens);
    else if (tokens >= 64)
        snprintf(advice, sizeof advice,
                 "the largest pair alone has %zu tokens: --max-tokens %zu "
                 "--micro-tokens %zu fits",
                 m->longest, tokens / 2, tokens);
    else
        snprintf(advice, sizeof advice,
                 "no setting fits: the model alone takes %.2f GiB, 16 bytes a "
                 "parameter",
                 gib(m->model));
    return pk_fail(err, PK_EMEM,
                   "training takes %.2f GiB (%.2f for weights, gradients and "
                   "moments, %.2f for a forest of %zu tokens), and %s leaves "
                   "%.2f GiB; %s",
                   gib(m->total), gib(m->model), gib(m->pass), m->tokens,
                   m->limit, gib(m->available), advice);
}
