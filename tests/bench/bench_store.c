/* What scripts/bench_store.sh runs beside the program itself:
 *
 *     bench_store rows N SEED     N comparisons as our JSON lines
 *     bench_store flat N SEED     the same as records of one flat table, with
 *                                 the sqlite3 shell's ascii separators
 *     bench_store read DB         the times of reading: batches of 512, and
 *                                 the next pair for a labeler
 *
 * The comparisons have the shape of the paper's Table 6 for Meta's own data:
 * 3.9 turns a dialogue, 798.5 tokens an example, 31.4 a prompt, 234.1 a
 * response. A dialogue is judged at every turn and goes on with the chosen
 * response; it has 1 to 7 turns, all as likely, which gives both means. A token
 * is three quarters of a word. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/num.h"
#include "common/progress.h"
#include "common/rng.h"
#include "prefdb/prefdb.h"

enum { TURNS = 7, TEXT = 1 << 16, WORDS = 4096 };

/* A word, padded, so that it may be copied whole. */
static struct {
    char text[16];
    size_t n;
} words[WORDS];

static void make_words(struct pk_rng *rng)
{
    static const char *const parts[] = {"an",  "be", "co", "der", "en", "fi",
                                        "gra", "ho", "in", "ka",  "lo", "mi",
                                        "no",  "or", "pe", "ti"};
    for (int i = 0; i < WORDS; i++) {
        size_t n = 1 + pk_rng_below(rng, 3);
        for (size_t k = 0; k < n; k++)
            strncat(words[i].text, parts[pk_rng_below(rng, 16)], 4);
        words[i].n = strlen(words[i].text);
    }
}

struct text {
    size_t n;
    char s[TEXT];
};

/* About `tokens` tokens, log-normal around that mean. */
static void make_text(struct pk_rng *rng, double tokens, struct text *out)
{
    double scatter = exp(0.6 * pk_rng_normal(rng) - 0.18);
    size_t n = 1 + (size_t)(0.75 * tokens * scatter), at = 0;
    for (size_t i = 0; i < n && at < TEXT - 32; i++) {
        double u = pk_rng_uniform(rng); /* some words are common */
        size_t w = (size_t)(u * u * u * WORDS);
        if (i)
            out->s[at++] = ' ';
        memcpy(out->s + at, words[w].text, sizeof words[w].text);
        at += words[w].n;
    }
    out->s[at++] = '.';
    out->n = at;
}

struct dialogue {
    struct text user[TURNS], answer[TURNS], other;
};

static void put(const char *before, const struct text *t)
{
    fputs(before, stdout);
    fwrite(t->s, 1, t->n, stdout);
}

static void print_row(const struct dialogue *d, int turn, int strength,
                      int annotator, int flat)
{
    if (flat) {
        for (int i = 0; i <= turn; i++) {
            put("", &d->user[i]);
            if (i < turn)
                put("", &d->answer[i]);
        }
        put("\x1f", &d->answer[turn]);
        put("\x1f", &d->other);
        printf("\x1f%d\x1fw%d\x1e", strength, annotator);
        return;
    }
    fputs("{\"messages\":[", stdout);
    for (int i = 0; i <= turn; i++) {
        put(i ? ",{\"role\":\"user\",\"content\":\""
              : "{\"role\":\"user\",\"content\":\"",
            &d->user[i]);
        if (i < turn)
            put("\"},{\"role\":\"assistant\",\"content\":\"", &d->answer[i]);
        fputs("\"}", stdout);
    }
    put("],\"a\":\"", &d->answer[turn]);
    put("\",\"b\":\"", &d->other);
    printf("\",\"source\":\"bench\",\"judgments\":[{"
           "\"dimension\":\"helpfulness\",\"choice\":\"a\",\"strength\":%d,"
           "\"annotator\":\"w%d\"}]}\n",
           strength, annotator);
}

static int rows(uint64_t n, uint64_t seed, int flat)
{
    struct pk_rng rng;
    struct dialogue *d = pk_calloc(1, sizeof *d);
    if (!d)
        return 5;
    pk_rng_seed(&rng, seed, 0);
    make_words(&rng);
    while (n) {
        int turns = 1 + (int)pk_rng_below(&rng, TURNS);
        for (int t = 0; t < turns && n; t++, n--) {
            make_text(&rng, 31.4, &d->user[t]);
            make_text(&rng, 234.1, &d->answer[t]);
            make_text(&rng, 234.1, &d->other);
            print_row(d, t, (int)pk_rng_below(&rng, 4),
                      (int)pk_rng_below(&rng, 200), flat);
        }
    }
    free(d);
    return fflush(stdout) ? 4 : 0;
}

static int by_size(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static void report(const char *what, double *seconds, size_t n)
{
    qsort(seconds, n, sizeof *seconds, by_size);
    printf("%-36s p50 %8.3f ms   max %8.3f ms\n", what, 1000 * seconds[n / 2],
           1000 * seconds[n - 1]);
}

enum { ROUNDS = 40, BATCH = 512 };

static int read_batches(struct prefdb *db, struct pk_err *err)
{
    struct prefdb_query q = {-1, -1, NULL};
    const struct prefdb_example *x;
    struct pk_rng rng;
    double seconds[ROUNDS];
    int64_t *ids, batch[BATCH];
    size_t n;
    int rc = prefdb_list(db, &q, &ids, &n, err);
    pk_rng_seed(&rng, 1, 0);
    for (int i = 0; i < ROUNDS && !rc; i++) {
        for (int k = 0; k < BATCH && n; k++)
            batch[k] = ids[pk_rng_below(&rng, n)];
        double start = pk_now();
        rc = prefdb_get_many(db, batch, n ? BATCH : 0, &x, err);
        seconds[i] = pk_now() - start;
    }
    free(ids);
    if (!rc)
        report("random training batch of 512", seconds, ROUNDS);
    return rc;
}

static int read_next(struct prefdb *db, struct pk_err *err)
{
    enum { PAIRS = 200 };
    struct prefdb_campaign c = {.name = "bench",
                                .dimension = PREFDB_SAFETY,
                                .overlap = 2,
                                .lease_seconds = 60,
                                .guideline = "1"};
    struct prefdb_fill f = {.order = PREFDB_RANDOM, .seed = 1};
    const struct prefdb_verdict v = {.dimension = PREFDB_SAFETY,
                                     .strength = 1,
                                     .shown_left = -1,
                                     .seconds = 1};
    double next[PAIRS], submit[PAIRS];
    struct prefdb_task task;
    int64_t n, judgment;
    int rc = prefdb_campaign_put(db, &c, err);
    double start = pk_now();
    if (!rc)
        rc = prefdb_campaign_fill(db, c.id, &f, &n, err);
    if (!rc)
        printf("%-36s %.2f s for %lld tasks\n", "filling a campaign",
               pk_now() - start, (long long)n);
    for (int i = 0; i < PAIRS && !rc; i++) {
        char who[16];
        snprintf(who, sizeof who, "w%d", i % 12);
        start = pk_now();
        rc = prefdb_next(db, c.id, who, &task, err);
        next[i] = pk_now() - start;
        start = pk_now();
        if (rc > 0)
            rc = prefdb_submit(db, c.id, who, task.comparison, &v, &judgment,
                               err);
        submit[i] = pk_now() - start;
    }
    if (rc)
        return rc;
    report("next pair for a labeler", next, PAIRS);
    report("a verdict, on disk", submit, PAIRS);
    return 0;
}

static int measure(const char *path)
{
    struct pk_err err;
    struct prefdb *db;
    int rc = prefdb_open(&db, path, PREFDB_WRITE, &err);
    if (!rc)
        rc = read_batches(db, &err);
    if (!rc)
        rc = read_next(db, &err);
    prefdb_close(db);
    if (rc)
        fprintf(stderr, "bench_store: %s\n", err.text);
    return pk_exit_status(rc);
}

int main(int argc, char **argv)
{
    uint64_t n, seed;
    if (argc == 3 && strcmp(argv[1], "read") == 0)
        return measure(argv[2]);
    if (argc == 4 && pk_parse_u64(argv[2], 1, UINT64_MAX, &n) &&
        pk_parse_u64(argv[3], 0, UINT64_MAX, &seed))
        return rows(n, seed, strcmp(argv[1], "flat") == 0);
    fputs("usage: bench_store rows|flat N SEED, or bench_store read DB\n",
          stderr);
    return 2;
}
