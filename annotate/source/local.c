#include "annotate/source/local.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <omp.h>

#include "annotate/source/endpoint_error.h"
#include "common/mem.h"
#include "infer/infer.h"

/* One response being made. The worker writes below `lock`; all else is set
 * before it starts, or read after it has ended. */
struct job {
    struct local *from;
    struct job *next; /* of those that nobody waits for */
    struct infer_generator *g;
    struct infer_dialogue dialogue;
    char **texts; /* of the dialogue's messages, owned */
    struct infer_request q;
    pthread_t thread;
    pthread_mutex_t lock;
    struct pk_buf text; /* what has been made and not yet taken */
    bool ended, cancel;
    int rc;
    struct pk_err err;
    struct infer_response response;
};

/* A generator keeps the keys and values of the dialogue so far. */
struct spare {
    struct infer_generator *g;
    struct spare *next;
};

struct local {
    struct annotate__source source;
    struct annotate__endpoint_names names;
    pthread_t loader;
    bool loading; /* the loader has been started */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Below the lock until it is `loaded`; after that, only the spares. */
    bool loaded;
    int rc;
    struct pk_err err;
    struct infer_model *model;
    struct infer_tokenizer *tokenizer;
    struct spare *spares;
    struct job *left; /* given up, and not yet at their end */
    int threads;      /* of one response: half of the cores, as two are made */
};

/* ---- In the worker's thread ---------------------------------------------- */

static int on_text(void *arg, const char *text, size_t len)
{
    struct job *j = arg;
    pthread_mutex_lock(&j->lock);
    bool stop = j->cancel || (len && pk_buf_add(&j->text, text, len));
    pthread_mutex_unlock(&j->lock);
    if (len && !stop)
        annotate__hub_wake(j->from->source.hub);
    return stop;
}

static int take_generator(struct local *l, struct infer_generator **out,
                          struct pk_err *err);

static void *work(void *arg)
{
    struct job *j = arg;
    omp_set_num_threads(j->from->threads);
    j->rc = take_generator(j->from, &j->g, &j->err);
    if (!j->rc)
        j->rc = infer_generate(j->g, j->dialogue.msg, j->dialogue.n, &j->q,
                               &j->response, &j->err);
    pthread_mutex_lock(&j->lock);
    j->ended = true;
    pthread_mutex_unlock(&j->lock);
    annotate__hub_wake(j->from->source.hub);
    return NULL;
}

/* ---- Jobs ---------------------------------------------------------------- */

static void give_generator(struct local *l, struct infer_generator *g)
{
    struct spare *s = g ? pk_calloc(1, sizeof *s) : NULL;
    if (!s) {
        infer_generator_free(g);
        return;
    }
    s->g = g;
    pthread_mutex_lock(&l->lock);
    s->next = l->spares;
    l->spares = s;
    pthread_mutex_unlock(&l->lock);
}

/* In the worker's thread: it waits until the model is there. */
static int take_generator(struct local *l, struct infer_generator **out,
                          struct pk_err *err)
{
    pthread_mutex_lock(&l->lock);
    while (!l->loaded)
        pthread_cond_wait(&l->changed, &l->lock);
    int rc = l->rc;
    *err = l->err;
    struct spare *s = rc ? NULL : l->spares;
    if (s)
        l->spares = s->next;
    pthread_mutex_unlock(&l->lock);
    if (rc || !s)
        return rc ? rc : infer_generator_new(out, l->model, l->tokenizer, err);
    *out = s->g;
    free(s);
    return 0;
}

static void job_free(struct job *j)
{
    give_generator(j->from, j->g);
    for (size_t i = 0; i < j->dialogue.n; i++)
        free(j->texts[i]);
    free(j->texts);
    infer_dialogue_release(&j->dialogue);
    pk_buf_release(&j->text);
    free(j->response.text);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

static bool has_ended(struct job *j)
{
    pthread_mutex_lock(&j->lock);
    bool ended = j->ended;
    pthread_mutex_unlock(&j->lock);
    return ended;
}

/* Those that were given up and are done by now; with `all`, wait for them. */
static void reap(struct local *l, bool all)
{
    for (struct job **at = &l->left; *at;) {
        struct job *j = *at;
        if (!all && !has_ended(j)) {
            at = &j->next;
            continue;
        }
        *at = j->next;
        pthread_join(j->thread, NULL);
        job_free(j);
    }
}

/* The texts are copied: the dialogue may go on before the worker is done. */
static int fill(struct job *j, const struct annotate__query *q,
                struct pk_err *err)
{
    static const enum infer_role roles[] = {INFER_SYSTEM, INFER_USER,
                                            INFER_ASSISTANT};
    j->texts = pk_calloc(q->n_turns, sizeof *j->texts);
    if (!j->texts)
        return pk_fail_mem(err, "a dialogue");
    for (size_t i = 0; i < q->n_turns; i++) {
        const struct prefdb_turn *t = &q->turns[i];
        char *copy = pk_memdup0(t->text, t->len);
        int rc = copy ? infer_dialogue_add(&j->dialogue, roles[t->role], copy,
                                           t->len, err)
                      : pk_fail_mem(err, "a dialogue");
        if (rc) {
            free(copy);
            return rc;
        }
        j->texts[i] = copy;
    }
    j->q = (struct infer_request){.sampling = INFER_SAMPLING_INIT,
                                  .seed = (uint64_t)q->seed,
                                  .max_tokens = q->max_tokens,
                                  .on_text = on_text,
                                  .arg = j};
    j->q.sampling.temperature = q->temperature;
    j->q.sampling.top_p = q->top_p;
    return 0;
}

/* Signals are the main thread's. */
static int run(pthread_t *thread, void *(*what)(void *), void *arg,
               struct pk_err *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int failed = pthread_create(thread, NULL, what, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? pk_fail(err, PK_EMEM, "cannot start a thread") : 0;
}

static cJSON *record_of(const struct local *l, const struct annotate__query *q)
{
    cJSON *j = cJSON_CreateObject(), *r;
    bool ok = cJSON_AddStringToObject(j, "directory", l->names.host) &&
              (r = cJSON_AddObjectToObject(j, "request")) &&
              cJSON_AddNumberToObject(r, "temperature", q->temperature) &&
              cJSON_AddNumberToObject(r, "top_p", q->top_p) &&
              cJSON_AddNumberToObject(r, "max_tokens", (double)q->max_tokens) &&
              cJSON_AddNumberToObject(r, "seed", (double)q->seed);
    if (ok)
        return j;
    cJSON_Delete(j);
    return NULL;
}

static int start(struct annotate__source *s, const struct annotate__query *q,
                 struct annotate__stream *out, struct pk_err *err)
{
    struct local *l = (struct local *)s;
    struct job *j = pk_calloc(1, sizeof *j);
    reap(l, false);
    if (!j)
        return pk_fail_mem(err, "a response");
    j->from = l;
    j->text.max = ANNOTATE__TEXT_MAX;
    pthread_mutex_init(&j->lock, NULL);
    int rc = fill(j, q, err);
    if (!rc && !(out->record = record_of(l, q)))
        rc = pk_fail_mem(err, "a response");
    if (!rc)
        rc = run(&j->thread, work, j, err);
    if (rc) {
        job_free(j);
        return rc;
    }
    out->call = j;
    return 0;
}

static int finish(struct job *j, struct annotate__stream *s, struct pk_err *err)
{
    const struct infer_response *r = &j->response;
    if (j->rc) {
        s->phase = ANNOTATE__BROKEN;
        annotate__endpoint_mask(&j->from->names, j->err.text, s->trouble,
                                sizeof s->trouble);
        return j->rc == PK_EMEM ? pk_fail_mem(err, "a response") : 0;
    }
    s->phase =
        r->finish == INFER_FINISH_LENGTH ? ANNOTATE__CUT : ANNOTATE__WHOLE;
    bool ok = cJSON_AddStringToObject(s->record, "finish_reason",
                                      infer_finish_name(r->finish)) &&
              cJSON_AddNumberToObject(s->record, "tokens", (double)r->tokens) &&
              cJSON_AddNumberToObject(s->record, "prompt_tokens",
                                      (double)r->prompt_tokens);
    if (ok && r->dropped)
        ok = cJSON_AddNumberToObject(s->record, "dropped_exchanges",
                                     (double)r->dropped);
    return ok ? 0 : pk_fail_mem(err, "a response");
}

static int pump(struct annotate__source *s, struct annotate__stream *stream,
                struct pk_err *err)
{
    struct job *j = stream->call;
    (void)s;
    pthread_mutex_lock(&j->lock);
    bool ended = j->ended;
    int failed =
        j->text.len && pk_buf_add(&stream->text, j->text.data, j->text.len);
    pk_buf_reset(&j->text);
    pthread_mutex_unlock(&j->lock);
    if (failed)
        return pk_fail_mem(err, "a response");
    if (stream->text.len)
        stream->phase = ANNOTATE__WRITING;
    return ended ? finish(j, stream, err) : 0;
}

/* The worker may be in the middle of a token: nobody waits for it. */
static void stop(struct annotate__source *s, struct annotate__stream *stream)
{
    struct local *l = (struct local *)s;
    struct job *j = stream->call;
    pthread_mutex_lock(&j->lock);
    j->cancel = true;
    pthread_mutex_unlock(&j->lock);
    j->next = l->left;
    l->left = j;
    reap(l, false);
}

/* ---- Open, close --------------------------------------------------------- */

/* In a thread of its own, so that a prompt can be written meanwhile: a file may
 * be large, and is looked through for numbers that are none. */
static void *load(void *arg)
{
    struct local *l = arg;
    struct infer_generator *g = NULL;
    const char *dir = l->names.host;
    omp_set_num_threads(l->threads);
    int rc = infer_model_open(&l->model, dir, &l->err);
    if (!rc)
        rc = infer_tokenizer_open(&l->tokenizer, dir, &l->err);
    if (!rc) /* and whether it is one that speaks */
        rc = infer_generator_new(&g, l->model, l->tokenizer, &l->err);
    if (!rc)
        give_generator(l, g);
    pthread_mutex_lock(&l->lock);
    l->rc = rc;
    l->loaded = true;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    annotate__hub_wake(l->source.hub);
    return NULL;
}

static int ready(struct annotate__source *s, struct pk_err *err)
{
    struct local *l = (struct local *)s;
    pthread_mutex_lock(&l->lock);
    int rc = l->loaded ? l->rc : 1;
    if (rc < 0 && err)
        *err = l->err;
    pthread_mutex_unlock(&l->lock);
    return rc;
}

static void close_local(struct annotate__source *s)
{
    struct local *l = (struct local *)s;
    if (l->loading)
        pthread_join(l->loader, NULL);
    reap(l, true);
    while (l->spares) {
        struct spare *next = l->spares->next;
        infer_generator_free(l->spares->g);
        free(l->spares);
        l->spares = next;
    }
    infer_tokenizer_close(l->tokenizer);
    infer_model_close(l->model);
    annotate__endpoint_names_release(&l->names);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static const struct annotate__source_kind kind = {start, pump, stop,
                                                  close_local, ready};

static int check_dir(const char *dir, struct pk_err *err)
{
    struct stat st;
    if (stat(dir, &st) != 0)
        return pk_fail_errno(err, "cannot open '%s'", dir);
    return S_ISDIR(st.st_mode)
               ? 0
               : pk_fail(err, PK_EDATA, "%s: not a directory", dir);
}

int annotate__local_open(struct annotate__source **out, struct annotate__hub *h,
                         const char *name, const char *dir, struct pk_err *err)
{
    struct local *l = pk_calloc(1, sizeof *l);
    *out = NULL;
    if (!l)
        return pk_fail_mem(err, "a model");
    l->source = (struct annotate__source){&kind, h};
    l->threads = omp_get_max_threads() > 1 ? omp_get_max_threads() / 2 : 1;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    l->names = (struct annotate__endpoint_names){
        pk_strdup(name), pk_strdup(name), pk_strdup(dir), pk_strdup("")};
    int rc =
        l->names.name && l->names.served && l->names.host && l->names.key_env
            ? check_dir(dir, err)
            : pk_fail_mem(err, "a model");
    if (!rc) /* before there is another thread */
        rc = infer_blas_load(err);
    if (!rc)
        rc = run(&l->loader, load, l, err);
    l->loading = !rc;
    if (rc) {
        close_local(&l->source);
        return rc;
    }
    annotate__hub_await(h, &l->source);
    *out = &l->source;
    return 0;
}
