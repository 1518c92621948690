/* A run's state on disk; see state.h. */
#include "rm/train/state.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "common/mem.h"
#include "common/out.h"
#include "rm/data/identity.h"

#define STATE_MAGIC "prefkit-state-2\n"
#define BEST_MAGIC  "prefkit-best-1\n\n"
enum { MAGIC_LEN = 16, MAX_IDENTITY = 1 << 24 };

/* What follows the magic. */
struct header {
    uint64_t identity; /* bytes of JSON */
    uint64_t fixed;    /* sizeof struct fixed: a layout of another build */
    uint64_t points;
    uint64_t params; /* elements of a slab */
    uint64_t slabs;  /* params, m, v, and perhaps the gradient */
};

struct fixed {
    struct rm_cursor cursor;
    uint64_t updates; /* AdamW's */
    struct rm_record_fixed record;
};

int rm_record_add(struct rm_record *r, const struct rm_point *p,
                  struct pk_err *err)
{
    if (!pk_grow(&r->point, &r->cap, r->n + 1, sizeof *r->point))
        return pk_fail_mem(err, "a run's history");
    r->point[r->n++] = *p;
    return 0;
}

void rm_record_release(struct rm_record *r)
{
    free(r->point);
    *r = (struct rm_record){0};
}

/* ---- Bytes with a checksum ---- */

struct stream {
    FILE *f;
    const char *path;
    uLong crc;
};

static void put(struct stream *s, const void *p, size_t n)
{
    if (n == 0)
        return; /* crc32_z takes a null pointer for a new start */
    s->crc = crc32_z(s->crc, p, n);
    fwrite(p, 1, n, s->f); /* pk_out_commit sees what went wrong */
}

static int get(struct stream *s, void *p, size_t n, struct pk_err *err)
{
    if (fread(p, 1, n, s->f) != n)
        return pk_fail(err, PK_EDATA, "%s ends early", s->path);
    s->crc = crc32_z(s->crc, p, n);
    return 0;
}

static int check_end(struct stream *s, struct pk_err *err)
{
    uint64_t want = s->crc, is;
    int rc = get(s, &is, sizeof is, err);
    if (rc == 0 && (is != want || fgetc(s->f) != EOF))
        rc = pk_fail(err, PK_EDATA, "%s is damaged: its checksum is wrong",
                     s->path);
    return rc;
}

static char *in_dir(const char *dir, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static int open_out(struct pk_out **out, struct stream *s, char *path,
                    const char *magic, struct pk_err *err)
{
    if (!path)
        return pk_fail_mem(err, "a path");
    int rc = pk_out_open(out, path, err);
    if (rc)
        return rc;
    *s = (struct stream){.f = pk_out_file(*out), .path = path};
    put(s, magic, MAGIC_LEN);
    return 0;
}

static int open_in(struct stream *s, char *path, const char *magic,
                   struct pk_err *err)
{
    char is[MAGIC_LEN];
    if (!path)
        return pk_fail_mem(err, "a path");
    *s = (struct stream){.f = fopen(path, "rb"), .path = path};
    if (!s->f)
        return pk_fail_errno(err, "cannot open '%s'", path);
    int rc = get(s, is, sizeof is, err);
    if (rc == 0 && memcmp(is, magic, MAGIC_LEN) != 0)
        rc = pk_fail(err, PK_EDATA,
                     "%s is not a state of this version of prefkit", path);
    return rc;
}

/* At the end of a load, which `rc` tells of: no part of a state that isn't
 * whole, or of another run, is of use. `path` is freed. */
static int close_in(struct stream *s, char *path, const char *dir, int rc,
                    struct pk_err *err)
{
    if (s->f)
        fclose(s->f);
    free(path);
    return rc == PK_EDATA
               ? pk_err_suffix(err, "; remove %s to begin again", dir)
               : rc;
}

static int finish_out(struct pk_out **out, struct stream *s, struct pk_err *err)
{
    uint64_t crc = s->crc;
    put(s, &crc, sizeof crc);
    return pk_out_commit(out, err);
}

/* ---- The folder ---- */

static void remove_files(const char *dir, bool all)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    while (d && (e = readdir(d))) {
        bool ours = strncmp(e->d_name, "state", 5) == 0 ||
                    strncmp(e->d_name, "best", 4) == 0;
        if (ours && (all || strstr(e->d_name, ".tmp.")))
            unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d)
        closedir(d);
}

static int prepare(const char *dir, struct pk_err *err)
{
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        return pk_fail_errno(err, "cannot create '%s'", dir);
    remove_files(dir, false);
    return 0;
}

bool rm_state_exists(const char *dir)
{
    char *path = in_dir(dir, "state");
    bool is = path && access(path, F_OK) == 0;
    free(path);
    return is;
}

void rm_state_remove(const char *dir)
{
    remove_files(dir, true);
    rmdir(dir);
}

/* ---- The state ---- */

static void slabs_of(const struct rm_trainer *t, float *slab[4])
{
    slab[0] = t->params->slab;
    slab[1] = t->adamw.m;
    slab[2] = t->adamw.v;
    slab[3] = t->grads->slab;
}

int rm_state_save(const char *dir, const cJSON *identity,
                  const struct rm_trainer *t, const struct rm_record *r,
                  struct pk_err *err)
{
    struct pk_out *out = NULL;
    struct stream s;
    float *slab[4];
    char *text = cJSON_PrintUnformatted(identity);
    char *path = in_dir(dir, "state");
    int rc = text ? prepare(dir, err) : pk_fail_mem(err, "a state");
    if (rc == 0)
        rc = open_out(&out, &s, path, STATE_MAGIC, err);
    if (rc == 0) {
        struct fixed f;
        memset(&f, 0, sizeof f); /* padding too: equal states, equal bytes */
        f.cursor = t->cursor;
        f.updates = t->adamw.step;
        f.record = r->fixed;
        const struct header h = {.identity = strlen(text),
                                 .fixed = sizeof f,
                                 .points = r->n,
                                 .params = t->params->n,
                                 .slabs = t->cursor.at ? 4 : 3};
        put(&s, &h, sizeof h);
        put(&s, text, h.identity);
        put(&s, &f, sizeof f);
        put(&s, r->point, r->n * sizeof *r->point);
        slabs_of(t, slab);
        for (size_t i = 0; i < h.slabs; i++)
            put(&s, slab[i], t->params->n * sizeof(float));
        rc = finish_out(&out, &s, err);
    }
    free(path);
    free(text);
    return rc;
}

static int check_header(const struct stream *s, const struct header *h,
                        const struct rm_trainer *t, struct pk_err *err)
{
    if (h->fixed != sizeof(struct fixed) || h->params != t->params->n ||
        h->identity > MAX_IDENTITY || h->slabs < 3 || h->slabs > 4 ||
        h->points > t->steps)
        return pk_fail(err, PK_EDATA,
                       "%s is of another model or another build of prefkit",
                       s->path);
    return 0;
}

/* The saved identity against this run's, which goes through text too: numbers
 * are then what a file keeps of them. */
static int check_identity(struct stream *s, size_t n, const cJSON *identity,
                          struct pk_err *err)
{
    cJSON *was = NULL, *is = NULL;
    struct pk_buf how = PK_BUF_INIT(800);
    char *text = pk_calloc(n + 1, 1);
    char *own = cJSON_PrintUnformatted(identity);
    int rc = text && own ? get(s, text, n, err) : pk_fail_mem(err, "a state");
    if (rc == 0)
        rc = pk_json_parse(&was, text, n, err);
    if (rc == PK_EDATA && !was)
        pk_fail(err, rc, "%s is damaged or cut off", s->path);
    if (rc == 0)
        rc = pk_json_parse(&is, own, strlen(own), err);
    if (rc == 0 && rm_identity_differs(was, is, &how))
        rc = pk_fail(err, PK_EDATA,
                     "%s is of another run: %s; run it as it was to go on",
                     s->path, how.data ? how.data : "it differs");
    pk_buf_release(&how);
    cJSON_Delete(was);
    cJSON_Delete(is);
    free(text);
    free(own);
    return rc;
}

static int load_rest(struct stream *s, const struct header *h,
                     struct rm_trainer *t, struct rm_record *r,
                     struct pk_err *err)
{
    struct fixed f;
    float *slab[4];
    size_t n = (size_t)h->points;
    int rc = get(s, &f, sizeof f, err);
    if (rc == 0 && n && !pk_grow(&r->point, &r->cap, n, sizeof *r->point))
        rc = pk_fail_mem(err, "a run's history");
    if (rc == 0 && n)
        rc = get(s, r->point, n * sizeof *r->point, err);
    slabs_of(t, slab);
    for (size_t i = 0; i < h->slabs && rc == 0; i++)
        rc = get(s, slab[i], t->params->n * sizeof(float), err);
    if (rc == 0)
        rc = check_end(s, err);
    if (rc)
        return rc;
    if (h->slabs < 4) /* between steps: nothing is in the gradient */
        memset(t->grads->slab, 0, t->grads->n * sizeof *t->grads->slab);
    t->cursor = f.cursor;
    t->adamw.step = f.updates;
    r->fixed = f.record;
    r->n = n;
    return 0;
}

int rm_state_load(const char *dir, const cJSON *identity, struct rm_trainer *t,
                  struct rm_record *r, struct pk_err *err)
{
    struct stream s = {0};
    struct header h;
    char *path = in_dir(dir, "state");
    int rc = open_in(&s, path, STATE_MAGIC, err);
    if (rc == 0)
        rc = get(&s, &h, sizeof h, err);
    if (rc == 0 && h.identity <= MAX_IDENTITY)
        rc = check_identity(&s, (size_t)h.identity, identity, err);
    if (rc == 0)
        rc = check_header(&s, &h, t, err);
    if (rc == 0)
        rc = load_rest(&s, &h, t, r, err);
    return close_in(&s, path, dir, rc, err);
}

/* ---- The best weights ---- */

int rm_best_save(const char *dir, uint64_t step, const struct infer_params *p,
                 struct pk_err *err)
{
    struct pk_out *out;
    struct stream s;
    uint64_t n = p->n;
    char *path = in_dir(dir, "best");
    int rc = prepare(dir, err);
    if (rc == 0)
        rc = open_out(&out, &s, path, BEST_MAGIC, err);
    if (rc == 0) {
        put(&s, &step, sizeof step);
        put(&s, &n, sizeof n);
        put(&s, p->slab, p->n * sizeof *p->slab);
        rc = finish_out(&out, &s, err);
    }
    free(path);
    return rc;
}

int rm_best_load(const char *dir, uint64_t step, struct infer_params *p,
                 struct pk_err *err)
{
    struct stream s = {0};
    uint64_t is[2] = {0};
    char *path = in_dir(dir, "best");
    int rc = open_in(&s, path, BEST_MAGIC, err);
    if (rc == 0)
        rc = get(&s, is, sizeof is, err);
    if (rc == 0 && (is[0] != step || is[1] != p->n))
        rc = pk_fail(err, PK_EDATA, "%s is not the best of step %llu", path,
                     (unsigned long long)step);
    if (rc == 0)
        rc = get(&s, p->slab, p->n * sizeof *p->slab, err);
    if (rc == 0)
        rc = check_end(&s, err);
    return close_in(&s, path, dir, rc, err);
}
