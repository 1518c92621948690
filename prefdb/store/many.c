/* Judgments by the batch; see prefdb/prefdb.h.
 *
 * In a large store nearly all of what reading one costs is to fetch pages from
 * all over the file, into the processor as much as into SQLite; so several
 * threads fetch, each through a connection of its own. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "prefdb/store/store.h"

/* A thread's start is worth it for FEW judgments. */
enum { THREADS = 4, FEW = 64 };

/* What an example refers to: its turns, then its texts. */
struct room {
    char *data;
    size_t cap;
};

struct prefdb__many {
    struct prefdb_example *example;
    struct room *room;
    size_t n, cap; /* of either; rooms that have been used */
    struct prefdb *helper[THREADS - 1];
};

struct part {
    struct prefdb *db;
    const int64_t *ids;
    size_t n;
    struct prefdb_example *out;
    struct room *room;
    int rc;
    struct pk_err err;
    bool started;
    pthread_t thread;
};

/* From where prefdb_get lends it into a room. */
static int keep(const struct prefdb *db, struct prefdb_example *x,
                struct room *room, struct pk_err *err)
{
    const char **const texts[] = {&x->source, &x->batch,  &x->annotator,
                                  &x->extra,  &x->a.text, &x->b.text};
    size_t turns = x->n_context * sizeof *x->context;
    if (!pk_grow(&room->data, &room->cap, turns + db->text.len, 1))
        return pk_fail_mem(err, "a dialogue");
    struct prefdb_turn *context = (struct prefdb_turn *)(void *)room->data;
    const char *from = db->text.data, *to = room->data + turns;
    memcpy(context, x->context, turns);
    memcpy(room->data + turns, from, db->text.len);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = to + (*texts[i] - from);
    for (size_t i = 0; i < x->n_context; i++)
        context[i].text = to + (context[i].text - from);
    x->context = context;
    return 0;
}

/* In one transaction, as to begin and end one for each is a tenth of the work;
 * the caller may be inside of another. */
static void *read_part(void *arg)
{
    struct part *p = arg;
    bool own = sqlite3_get_autocommit(p->db->sql) != 0;
    p->rc = own ? prefdb__exec(p->db, "BEGIN", &p->err) : 0;
    for (size_t i = 0; i < p->n && !p->rc; i++) {
        p->rc = prefdb_get(p->db, p->ids[i], &p->out[i], &p->err);
        if (!p->rc)
            p->rc = keep(p->db, &p->out[i], &p->room[i], &p->err);
    }
    if (own)
        sqlite3_exec(p->db->sql, "COMMIT", NULL, NULL, NULL);
    return NULL;
}

static int make_room(struct prefdb *db, size_t n, struct pk_err *err)
{
    if (!db->many && !(db->many = pk_calloc(1, sizeof *db->many)))
        return pk_fail_mem(err, "a batch");
    struct prefdb__many *m = db->many;
    size_t cap = m->cap;
    if (!pk_grow(&m->example, &cap, n, sizeof *m->example) ||
        !pk_grow(&m->room, &m->cap, n, sizeof *m->room))
        return pk_fail_mem(err, "a batch");
    for (; m->n < n; m->n++)
        m->room[m->n] = (struct room){0};
    return 0;
}

/* How many threads there are for so many judgments, with their connections;
 * where there cannot be more, one does. And in a transaction of the caller's:
 * other connections do not see what it has written. */
static size_t gather(struct prefdb *db, size_t n)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const char *path = sqlite3_db_filename(db->sql, "main");
    struct pk_err ignored;
    size_t k = 1;
    if (!sqlite3_get_autocommit(db->sql))
        return k;
    for (; k < THREADS && (long)k < cores && n / (k + 1) >= FEW; k++) {
        struct prefdb **helper = &db->many->helper[k - 1];
        if (!*helper &&
            (prefdb_open(helper, path, PREFDB_READ, &ignored) ||
             prefdb__exec(*helper, "PRAGMA cache_size = -32768", &ignored)))
            break;
    }
    return k;
}

int prefdb_get_many(struct prefdb *db, const int64_t *judgments, size_t n,
                    const struct prefdb_example **out, struct pk_err *err)
{
    struct part part[THREADS] = {0};
    *out = NULL;
    int rc = make_room(db, n, err);
    if (rc)
        return rc;
    struct prefdb__many *m = db->many;
    size_t k = gather(db, n);
    for (size_t i = 0; i < k; i++) {
        size_t from = n * i / k, to = n * (i + 1) / k;
        part[i] = (struct part){.db = i ? m->helper[i - 1] : db,
                                .ids = judgments + from,
                                .n = to - from,
                                .out = m->example + from,
                                .room = m->room + from};
    }
    for (size_t i = 1; i < k; i++)
        part[i].started =
            pthread_create(&part[i].thread, NULL, read_part, &part[i]) == 0;
    for (size_t i = 0; i < k; i++)
        if (!part[i].started)
            read_part(&part[i]);
    for (size_t i = 0; i < k; i++) {
        if (part[i].started)
            pthread_join(part[i].thread, NULL);
        if (part[i].rc && !rc) {
            rc = part[i].rc;
            if (err)
                *err = part[i].err;
        }
    }
    if (!rc)
        *out = m->example;
    return rc;
}

void prefdb__many_free(struct prefdb__many *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < THREADS - 1; i++)
        prefdb_close(m->helper[i]);
    for (size_t i = 0; i < m->n; i++)
        free(m->room[i].data);
    free(m->room);
    free(m->example);
    free(m);
}
