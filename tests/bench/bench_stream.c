/* A model read from its files layer by layer, against the same in memory.
 *
 *     bench_stream DIR [TOKENS]      of a forest, rows of 512; default 4096
 *
 * The same forest with the weights in memory and streamed, every layer given
 * back after use, or only as a model too large for memory is; what is read from
 * the disk a second; and the anonymous memory that a pass takes, planned and at
 * most. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "common/num.h"
#include "common/progress.h"
#include "common/rng.h"
#include "infer/infer.h"
#include "tests/bench/must.h"

enum { ROW = 512, PASSES = 2 };

/* KiB after `key` in this process's status. */
static size_t status(const char *key)
{
    char line[256];
    size_t kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0)
            kib = strtoul(line + strlen(key), NULL, 10);
    if (f)
        fclose(f);
    return kib;
}

/* Bytes that this process had read from disks. */
static double disk_bytes(void)
{
    char line[256];
    double n = 0;
    FILE *f = fopen("/proc/self/io", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "read_bytes: ", 12) == 0)
            n = strtod(line + 12, NULL);
    if (f)
        fclose(f);
    return n;
}

/* The largest anonymous memory, looked at ten times a second. */
struct watch {
    atomic_bool stop;
    size_t most; /* KiB */
};

static void *watch(void *arg)
{
    struct watch *w = arg;
    while (!w->stop) {
        size_t now = status("RssAnon:");
        w->most = now > w->most ? now : w->most;
        usleep(100000);
    }
    return NULL;
}

static struct infer_forest *make_forest(size_t tokens, size_t vocab)
{
    struct infer_forest *f;
    struct pk_rng rng;
    int32_t ids[ROW];
    must(infer_forest_new(&f, &err));
    pk_rng_seed(&rng, 1, 0);
    for (size_t r = 0; r < tokens / ROW; r++) {
        size_t readout;
        for (size_t i = 0; i < ROW; i++)
            ids[i] = (int32_t)pk_rng_below(&rng, vocab);
        ids[0] = (int32_t)(r % vocab); /* nothing shared */
        must(infer_forest_add(f, ids, ROW, ROW - 1, &readout, &err));
    }
    return f;
}

/* Tokens a second, of the best pass. */
static double passes(const struct infer_model *m, struct infer_forest *f)
{
    const struct infer_config *c = infer_model_config(m);
    struct infer_tape *tape;
    double best = INFINITY;
    float *hidden = calloc(infer_forest_readouts(f) * c->dim, sizeof *hidden);
    must(infer_tape_new(&tape, INFER_KEEP_NOTHING, &err));
    for (int i = 0; i < PASSES; i++) {
        double from = pk_now(), read = disk_bytes();
        must(infer_forward(c, infer_model_weights(m), f, tape, hidden, &err));
        double s = pk_now() - from;
        printf("  pass %d: %.1f s, %.2f GB from disk, %.0f MB/s\n", i, s,
               (disk_bytes() - read) * 1e-9, (disk_bytes() - read) * 1e-6 / s);
        best = fmin(best, s);
    }
    infer_tape_free(tape);
    free(hidden);
    return (double)infer_forest_tokens(f) / best;
}

/* *stream: asked for; then, whether it was. */
static double one_way(const char *dir, size_t tokens, bool *stream)
{
    struct infer_model *m;
    struct infer_open how = {.stream = *stream};
    double from = pk_now();
    must(infer_model_open_as(&m, dir, &how, &err));
    *stream = infer_model_weights(m)->ahead != NULL;
    printf("%s: opened in %.1f s, weights %.2f GB\n",
           *stream ? "streamed" : "in memory", pk_now() - from,
           (double)infer_model_bytes(m) * 1e-9);
    struct infer_forest *f = make_forest(tokens, infer_model_config(m)->vocab);
    size_t before = status("RssAnon:");
    struct watch w = {.most = before};
    pthread_t t;
    if (pthread_create(&t, NULL, watch, &w) != 0)
        exit(5);
    double rate = passes(m, f);
    w.stop = true;
    pthread_join(t, NULL);
    size_t rows = tokens / ROW;
    const struct infer_forest_size size = {tokens, ROW, rows};
    printf("  %.2f tokens/s; anonymous memory %.0f MiB at most, of which the "
           "forest was planned to take %.0f\n",
           rate, (double)w.most / 1024,
           (double)infer_score_bytes(infer_model_config(m),
                                     infer_model_weights(m), size) /
               (1 << 20));
    infer_forest_free(f);
    infer_model_close(m);
    return rate;
}

int main(int argc, char **argv)
{
    uint64_t tokens = 4096;
    if (argc < 2 || argc > 3 ||
        (argc == 3 && !pk_parse_u64(argv[2], ROW, 1 << 20, &tokens))) {
        fputs("bench_stream DIR [TOKENS]\n", stderr);
        return 2;
    }
    tokens -= tokens % ROW;
    must(infer_blas_load(&err));
    bool stream = false;
    double fits = one_way(argv[1], tokens, &stream);
    if (stream)
        return 0; /* too large for memory */
    stream = true;
    printf("streamed: %.1f%% of in memory\n",
           100 * one_way(argv[1], tokens, &stream) / fits);
    return 0;
}
