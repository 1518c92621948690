/* Two threads and a ring of blocks. The reader fills blocks and, when they come
 * back, frees what it had put into them: what one thread allocates, it frees.
 * The reader may be stopped (cancelled) only while it waits for input. */
#include "prefdb/import/ahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cli.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/sha256.h"
#include "prefdb/import/infile.h"

/* As few rows as make whole statements: they are still in the processor's cache
 * when the caller takes them, and again when they are emptied. */
enum { BLOCKS = 4, ROWS = 16, TEXT = 1 << 20, ROOM = 1 << 14 };

struct block {
    struct prefdb__row rows[ROWS];
    cJSON *json[ROWS];
    struct room { /* for the JSON's strings; kept, where it is no more than
                     ROOM, for the rows to come */
        char *text;
        size_t cap;
    } rooms[ROWS];
    size_t at[ROWS]; /* of each line in `text` */
    size_t n;
    struct pk_buf text;
    uint64_t bytes; /* of the file, read so far */
    int rc;         /* 0 the end, negative an error, after the rows; else 1 */
    struct pk_err err;
};

struct prefdb__ahead {
    struct block blocks[BLOCKS];
    size_t filled, taken; /* blocks so far; filled - taken are waiting */
    size_t row;           /* the caller's place in block `taken` */
    bool stop, started;
    struct prefdb__infile *in;
    struct prefdb__plan plan;
    struct pk_sha256 *sha, *keys; /* of the lines; for the rows' keys */
    struct pk_json_spare spare;
    uint64_t bytes;
    pthread_t reader;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

/* ---- The reader ---------------------------------------------------------- */

static void empty(struct prefdb__ahead *a, struct block *b)
{
    for (size_t i = 0; i < b->n; i++) {
        prefdb__made_reset(&b->rows[i].made);
        pk_json_spare_add(&a->spare, b->json[i]);
        free(b->rows[i].err);
        if (b->rooms[i].cap > ROOM) {
            free(b->rooms[i].text);
            b->rooms[i] = (struct room){0};
        }
    }
    b->n = 0;
    pk_buf_reset(&b->text);
}

static int next_line(struct prefdb__ahead *a, char **line, size_t *len,
                     struct pk_err *err)
{
    int old;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    int rc = prefdb__infile_next(a->in, line, len, err);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    return rc;
}

/* Out of memory: the line that was begun last is no row. */
static int drop_line(struct prefdb__ahead *a, struct block *b)
{
    b->n--;
    prefdb__made_reset(&b->rows[b->n].made);
    pk_json_spare_add(&a->spare, b->json[b->n]);
    return pk_fail_mem(&b->err, "a block of rows");
}

static int take_line(struct prefdb__ahead *a, struct block *b, const char *line,
                     size_t len)
{
    struct pk_err why;
    struct prefdb__row *r = &b->rows[b->n];
    struct room *room = &b->rooms[b->n];
    cJSON **json = &b->json[b->n];
    *r = (struct prefdb__row){
        .len = len, .number = prefdb__infile_number(a->in), .made = r->made};
    *json = NULL;
    b->at[b->n++] = b->text.len;
    if (pk_buf_add(&b->text, line, len) < 0 || pk_buf_addc(&b->text, 0) < 0 ||
        !pk_grow(&room->text, &room->cap, len, 1))
        return drop_line(a, b);
    pk_sha256_raw(a->sha, line, len);
    pk_sha256_raw(a->sha, "\n", 1);
    const char *problem = prefdb__infile_problem(a->in);
    r->rc = problem ? pk_fail(&why, PK_EDATA, "%s", problem)
                    : pk_json_parse_in(json, line, len, room->text, &a->spare,
                                       &why);
    r->is_json = r->rc == 0;
    if (r->is_json)
        r->rc = prefdb__make_ready(&a->plan, a->keys, *json, &r->made, &why);
    r->format = a->plan.format;
    if (!r->rc)
        return 0;
    r->err = pk_calloc(1, sizeof *r->err);
    if (!r->err)
        return drop_line(a, b);
    *r->err = why;
    return r->rc == PK_EDATA ? 0 : (b->err = why).code;
}

static void fill(struct prefdb__ahead *a, struct block *b)
{
    char *line;
    size_t len;
    empty(a, b);
    a->plan.last = NULL; /* it may have been in this very block */
    b->rc = 1;
    while (b->rc > 0 && b->n < ROWS && b->text.len < TEXT) {
        b->rc = next_line(a, &line, &len, &b->err);
        if (b->rc > 0) {
            int rc = take_line(a, b, line, len);
            b->rc = rc ? rc : 1;
        }
    }
    for (size_t i = 0; i < b->n; i++)
        b->rows[i].line = b->text.data + b->at[i];
    b->bytes = prefdb__infile_bytes(a->in);
}

static void *read_all(void *arg)
{
    struct prefdb__ahead *a = arg;
    int old, rc = 1;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    while (rc > 0) {
        pthread_mutex_lock(&a->lock);
        /* One block less than there are: the caller still reads one. */
        while (!a->stop && a->filled - a->taken >= BLOCKS - 1)
            pthread_cond_wait(&a->changed, &a->lock);
        bool stop = a->stop;
        struct block *b = &a->blocks[a->filled % BLOCKS];
        pthread_mutex_unlock(&a->lock);
        if (stop)
            break;
        fill(a, b);
        rc = b->rc;
        pthread_mutex_lock(&a->lock);
        a->filled++;
        pthread_cond_broadcast(&a->changed);
        pthread_mutex_unlock(&a->lock);
    }
    return NULL;
}

/* ---- The caller's side --------------------------------------------------- */

int prefdb__ahead_open(struct prefdb__ahead **out,
                       const struct prefdb__plan *plan, struct pk_err *err)
{
    *out = NULL;
    struct prefdb__ahead *a = pk_calloc(1, sizeof *a);
    if (!a)
        return pk_fail_mem(err, "a reader");
    a->plan = *plan;
    for (int i = 0; i < BLOCKS; i++)
        a->blocks[i].text.max = PK_LINE_MAX + TEXT + ROWS;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    int rc = prefdb__infile_open(&a->in, plan->path, err);
    if (!rc)
        rc = pk_sha256_new(&a->sha, err);
    if (!rc)
        rc = pk_sha256_new(&a->keys, err);
    if (!rc && pthread_create(&a->reader, NULL, read_all, a) != 0)
        rc = pk_fail(err, PK_EMEM, "cannot start a thread");
    if (rc) {
        prefdb__ahead_close(a);
        return rc;
    }
    a->started = true;
    *out = a;
    return 0;
}

/* Wait until a block is there, or a signal has come. */
static int wait_block(struct prefdb__ahead *a, struct pk_err *err)
{
    int rc = 0;
    pthread_mutex_lock(&a->lock);
    while (!rc && a->filled == a->taken) {
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        t.tv_sec += t.tv_nsec >= 900000000;
        t.tv_nsec = (t.tv_nsec + 100000000) % 1000000000;
        pthread_cond_timedwait(&a->changed, &a->lock, &t);
        rc = pk_check_interrupt(err);
    }
    pthread_mutex_unlock(&a->lock);
    return rc;
}

int prefdb__ahead_next(struct prefdb__ahead *a, struct prefdb__row **row,
                       struct pk_err *err)
{
    for (;;) {
        int rc = wait_block(a, err);
        if (rc)
            return rc;
        struct block *b = &a->blocks[a->taken % BLOCKS];
        if (a->row < b->n) {
            *row = &b->rows[a->row++];
            return 1;
        }
        a->bytes = b->bytes;
        if (b->rc <= 0) {
            if (b->rc < 0 && err)
                *err = b->err;
            return b->rc;
        }
        pthread_mutex_lock(&a->lock);
        a->taken++;
        a->row = 0;
        pthread_cond_broadcast(&a->changed);
        pthread_mutex_unlock(&a->lock);
    }
}

bool prefdb__ahead_last(const struct prefdb__ahead *a)
{
    return a->row == a->blocks[a->taken % BLOCKS].n;
}

const char *prefdb__ahead_name(const struct prefdb__ahead *a)
{
    return prefdb__infile_name(a->in);
}

uint64_t prefdb__ahead_bytes(const struct prefdb__ahead *a)
{
    return a->bytes;
}

uint64_t prefdb__ahead_size(const struct prefdb__ahead *a)
{
    return prefdb__infile_size(a->in);
}

cJSON *prefdb__ahead_held(struct prefdb__ahead *a)
{
    cJSON *held = a->plan.held;
    a->plan.held = NULL;
    return held;
}

void prefdb__ahead_hash(struct prefdb__ahead *a, uint8_t out[32])
{
    pk_sha256_final(a->sha, out);
}

const char *prefdb__ahead_unit(const struct prefdb__ahead *a)
{
    return prefdb__infile_unit(a->in);
}

void prefdb__ahead_close(struct prefdb__ahead *a)
{
    if (!a)
        return;
    if (a->started) {
        pthread_mutex_lock(&a->lock);
        a->stop = true;
        pthread_cond_broadcast(&a->changed);
        pthread_mutex_unlock(&a->lock);
        pthread_cancel(a->reader);
        pthread_join(a->reader, NULL);
    }
    for (int i = 0; i < BLOCKS; i++) {
        empty(a, &a->blocks[i]);
        for (int k = 0; k < ROWS; k++) {
            prefdb__made_release(&a->blocks[i].rows[k].made);
            free(a->blocks[i].rooms[k].text);
        }
        pk_buf_release(&a->blocks[i].text);
    }
    cJSON_Delete(a->plan.held);
    pk_json_spare_release(&a->spare);
    pk_sha256_free(a->sha);
    pk_sha256_free(a->keys);
    prefdb__infile_close(a->in);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
