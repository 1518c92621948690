/* Reading ahead; see ahead.h. */
#include "infer/files/ahead.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/mem.h"

#define CHUNK ((size_t)8 << 20) /* bytes asked for at a time */
#define NONE  SIZE_MAX

struct range {
    size_t layer;
    char *at; /* whole pages inside the tensor */
    size_t bytes;
};

struct infer_ahead {
    struct range *range;
    size_t n, cap, layers, keep, added, page;
    size_t kept; /* layers that stay */
    pthread_mutex_t lock;
    pthread_cond_t asked;
    pthread_t thread;
    bool running, quit;
    size_t read, drop; /* layers, or NONE */
};

int infer_ahead_new(struct infer_ahead **out, size_t layers, size_t keep,
                    struct pk_err *err)
{
    struct infer_ahead *s = *out = pk_calloc(1, sizeof *s);
    if (!s)
        return pk_fail_mem(err, "reading ahead");
    s->layers = layers;
    s->keep = keep;
    s->page = (size_t)sysconf(_SC_PAGESIZE);
    s->read = s->drop = NONE;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->asked, NULL);
    return 0;
}

int infer_ahead_add(struct infer_ahead *s, size_t layer, const void *at,
                    size_t bytes, struct pk_err *err)
{
    if (!pk_grow(&s->range, &s->cap, s->n + 1, sizeof *s->range))
        return pk_fail_mem(err, "reading ahead");
    /* Nothing is written there: madvise takes no const. */
    size_t skip = (s->page - (uintptr_t)at % s->page) % s->page;
    size_t whole = bytes > skip ? (bytes - skip) / s->page * s->page : 0;
    s->range[s->n++] = (struct range){layer, (char *)at + skip, whole};
    s->added += bytes;
    if (s->added <= s->keep)
        s->kept = layer; /* those before it are whole within it */
    return 0;
}

/* Errors of madvise are no matter: the pages come when they are touched. */
static void read_range(const struct infer_ahead *s, struct range r)
{
    for (size_t at = 0; at < r.bytes; at += CHUNK) {
        size_t n = r.bytes - at < CHUNK ? r.bytes - at : CHUNK;
        madvise(r.at + at, n, MADV_WILLNEED);
        for (size_t i = 0; i < n; i += s->page)
            (void)*(const volatile char *)(r.at + at + i);
    }
}

static void each(const struct infer_ahead *s, size_t layer, bool drop)
{
    for (size_t i = 0; i < s->n; i++) {
        struct range r = s->range[i];
        if (r.layer != layer || r.bytes == 0)
            continue;
        if (!drop)
            read_range(s, r);
        else if (madvise(r.at, r.bytes, MADV_PAGEOUT) != 0)
            madvise(r.at, r.bytes, MADV_DONTNEED);
    }
}

static void *reader(void *arg)
{
    struct infer_ahead *s = arg;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!s->quit && s->read == NONE)
            pthread_cond_wait(&s->asked, &s->lock);
        if (s->quit)
            break;
        size_t read = s->read, drop = s->drop;
        s->read = s->drop = NONE;
        pthread_mutex_unlock(&s->lock);
        if (drop != NONE)
            each(s, drop, true);
        each(s, read, false);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

int infer_ahead_start(struct infer_ahead *s, struct pk_err *err)
{
    if (pthread_create(&s->thread, NULL, reader, s) != 0)
        return pk_fail(err, PK_EMEM, "no thread to read weights ahead");
    s->running = true;
    return 0;
}

void infer_ahead_free(struct infer_ahead *s)
{
    if (!s)
        return;
    if (s->running) {
        pthread_mutex_lock(&s->lock);
        s->quit = true;
        pthread_cond_signal(&s->asked);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->thread, NULL);
    }
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->asked);
    free(s->range);
    free(s);
}

void infer_ahead_layer(struct infer_ahead *s, size_t layer)
{
    pthread_mutex_lock(&s->lock);
    s->read = (layer + 1) % s->layers;
    size_t before = (layer + s->layers - 1) % s->layers;
    s->drop = s->layers > 2 && before >= s->kept ? before : NONE;
    pthread_cond_signal(&s->asked);
    pthread_mutex_unlock(&s->lock);
}
