/* GGUF files; see gguf.h. */
#include "infer/files/gguf.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "infer/files/safetensors.h"

enum { ENTRIES_MAX = 1 << 20, BLOCK = 32, BLOCK_BYTES = 34 };

/* ggml's numbers for how a tensor is stored. */
enum { TYPE_F32 = 0, TYPE_F16 = 1, TYPE_Q8_0 = 8, TYPE_BF16 = 30 };

struct entry {
    struct gguf_text key;
    enum gguf_type type;
    struct gguf_array array; /* a single value is an array of one */
};

struct gguf {
    char *path;
    uint8_t *map;
    size_t size;
    struct entry *entry;
    size_t n_entries;
    struct gguf_tensor *tensor;
    size_t n_tensors;
};

/* What is being read; `bad` stays set when the file has ended too early. */
struct cursor {
    const uint8_t *at;
    size_t left;
    bool bad;
};

static const uint8_t *take(struct cursor *c, uint64_t n)
{
    const uint8_t *p = c->at;
    if (c->bad || n > c->left) {
        c->bad = true;
        return NULL;
    }
    c->at += n;
    c->left -= (size_t)n;
    return p;
}

static uint64_t little(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static uint64_t take_int(struct cursor *c, size_t n)
{
    const uint8_t *p = take(c, n);
    return p ? little(p, n) : 0;
}

static struct gguf_text take_text(struct cursor *c)
{
    uint64_t n = take_int(c, 8);
    const uint8_t *p = take(c, n);
    return (struct gguf_text){(const char *)p, p ? (size_t)n : 0};
}

/* ---- Metadata ------------------------------------------------------------ */

/* Bytes of a value; 0 for strings and arrays. */
static size_t size_of(enum gguf_type type)
{
    static const uint8_t sizes[GGUF_TYPES] = {1, 1, 2, 2, 4, 4, 4,
                                              1, 0, 0, 8, 8, 8};
    return type < GGUF_TYPES ? sizes[type] : 0;
}

static void skip_values(struct cursor *c, struct gguf_array *a)
{
    const size_t size = size_of(a->type);
    a->at = c->at;
    if (size && a->n > c->left / size)
        c->bad = true;
    else if (size)
        take(c, a->n * size);
    for (size_t i = 0; !size && !c->bad && i < a->n; i++)
        take_text(c);
}

static int read_entry(struct gguf *g, struct cursor *c, struct entry *e,
                      struct pk_err *err)
{
    e->key = take_text(c);
    e->type = (enum gguf_type)take_int(c, 4);
    e->array = (struct gguf_array){e->type, 1, NULL};
    if (e->type == GGUF_ARRAY) {
        e->array.type = (enum gguf_type)take_int(c, 4);
        e->array.n = (size_t)take_int(c, 8);
    }
    if (!c->bad && !size_of(e->array.type) && e->array.type != GGUF_STRING)
        return pk_fail(err, PK_EDATA, "%s: metadata '%.*s' has no known type",
                       g->path, gguf_shown(e->key), e->key.s);
    skip_values(c, &e->array);
    return 0;
}

static const struct entry *find_entry(const struct gguf *g, const char *key)
{
    const size_t n = strlen(key);
    for (size_t i = 0; i < g->n_entries; i++)
        if (g->entry[i].key.len == n && memcmp(g->entry[i].key.s, key, n) == 0)
            return &g->entry[i];
    return NULL;
}

double infer_gguf_next_number(struct gguf_array *a)
{
    const size_t size = size_of(a->type);
    const uint64_t u = little(a->at, size);
    a->at += size;
    a->n--;
    switch (a->type) {
    case GGUF_F32: {
        const uint32_t bits = (uint32_t)u;
        float f;
        memcpy(&f, &bits, sizeof f);
        return (double)f;
    }
    case GGUF_F64: {
        double d;
        memcpy(&d, &u, sizeof d);
        return d;
    }
    case GGUF_I8:
        return (int8_t)u;
    case GGUF_I16:
        return (int16_t)u;
    case GGUF_I32:
        return (int32_t)u;
    case GGUF_I64:
        return (double)(int64_t)u;
    default:
        return (double)u;
    }
}

struct gguf_text infer_gguf_next_string(struct gguf_array *a)
{
    const struct gguf_text t = {(const char *)a->at + 8,
                                (size_t)little(a->at, 8)};
    a->at += 8 + t.len;
    a->n--;
    return t;
}

int infer_gguf_number(const struct gguf *g, const char *key, double fallback,
                      double *out, struct pk_err *err)
{
    const struct entry *e = find_entry(g, key);
    *out = fallback;
    if (!e)
        return 0;
    if (!size_of(e->type))
        return pk_fail(err, PK_EDATA, "%s: metadata '%s' is not a number",
                       g->path, key);
    struct gguf_array a = e->array;
    *out = infer_gguf_next_number(&a);
    return 0;
}

int infer_gguf_string(const struct gguf *g, const char *key,
                      struct gguf_text *out, struct pk_err *err)
{
    const struct entry *e = find_entry(g, key);
    *out = (struct gguf_text){0};
    if (!e)
        return 0;
    if (e->type != GGUF_STRING)
        return pk_fail(err, PK_EDATA, "%s: metadata '%s' is not a string",
                       g->path, key);
    struct gguf_array a = e->array;
    *out = infer_gguf_next_string(&a);
    return 0;
}

int infer_gguf_get_array(const struct gguf *g, const char *key,
                         struct gguf_array *out, struct pk_err *err)
{
    const struct entry *e = find_entry(g, key);
    *out = (struct gguf_array){0};
    if (!e)
        return 0;
    if (e->type != GGUF_ARRAY)
        return pk_fail(err, PK_EDATA, "%s: metadata '%s' is not an array",
                       g->path, key);
    *out = e->array;
    return 0;
}

/* ---- Tensors ------------------------------------------------------------- */

/* Bytes of cols * rows values; false for a type that can't be read. */
static bool stored_size(const struct gguf_tensor *t, uint64_t *bytes)
{
    uint64_t n;
    if (__builtin_mul_overflow(t->cols, t->rows, &n) || n > UINT64_MAX / 64)
        return false;
    if (t->type == TYPE_Q8_0) {
        *bytes = n / BLOCK * BLOCK_BYTES;
        return t->cols % BLOCK == 0;
    }
    *bytes = n * (t->type == TYPE_F32 ? 4 : 2);
    return t->type == TYPE_F32 || t->type == TYPE_F16 || t->type == TYPE_BF16;
}

static int read_tensor(struct gguf *g, struct cursor *c, struct gguf_tensor *t,
                       uint64_t *offset, struct pk_err *err)
{
    t->name = take_text(c);
    t->ndim = (size_t)take_int(c, 4);
    t->cols = t->rows = 1;
    if (!c->bad && (t->ndim < 1 || t->ndim > 4))
        return pk_fail(err, PK_EDATA, "%s: a tensor has %zu dimensions",
                       g->path, t->ndim);
    for (size_t d = 0; !c->bad && d < t->ndim; d++) {
        uint64_t n = take_int(c, 8);
        if (__builtin_mul_overflow(d ? t->rows : 1, n, d ? &t->rows : &t->cols))
            return pk_fail(err, PK_EDATA, "%s: a tensor is too large", g->path);
    }
    t->type = (uint32_t)take_int(c, 4);
    *offset = take_int(c, 8);
    return 0;
}

/* Offsets count from the end of the header, aligned. */
static int place_tensors(struct gguf *g, const struct cursor *c,
                         const uint64_t *offset, struct pk_err *err)
{
    double align;
    int rc = infer_gguf_number(g, "general.alignment", 32, &align, err);
    if (rc)
        return rc;
    if (!(align >= 1 && align <= 1 << 20))
        return pk_fail(err, PK_EDATA, "%s: an alignment of %g", g->path, align);
    const size_t a = (size_t)align;
    size_t start = (size_t)(c->at - g->map);
    start += (a - start % a) % a;
    for (size_t i = 0; i < g->n_tensors; i++) {
        struct gguf_tensor *t = &g->tensor[i];
        const int len = gguf_shown(t->name);
        uint64_t bytes;
        if (!stored_size(t, &bytes))
            return pk_fail(err, PK_EDATA,
                           "%s: tensor '%.*s' is of type %u; F32, F16, BF16 "
                           "and Q8_0 can be read",
                           g->path, len, t->name.s, t->type);
        if (start > g->size || offset[i] > g->size - start ||
            bytes > g->size - start - offset[i])
            return pk_fail(err, PK_EDATA,
                           "%s: tensor '%.*s' lies outside the file (is the "
                           "file cut off?)",
                           g->path, len, t->name.s);
        t->data = g->map + start + offset[i];
    }
    return 0;
}

const struct gguf_tensor *infer_gguf_find(const struct gguf *g,
                                          const char *name)
{
    const size_t n = strlen(name);
    for (size_t i = 0; i < g->n_tensors; i++)
        if (g->tensor[i].name.len == n &&
            memcmp(g->tensor[i].name.s, name, n) == 0)
            return &g->tensor[i];
    return NULL;
}

const struct gguf_tensor *infer_gguf_at(const struct gguf *g, size_t i)
{
    return i < g->n_tensors ? &g->tensor[i] : NULL;
}

void infer_gguf_widen(float *dst, const struct gguf_tensor *t)
{
    const uint64_t n = t->cols * t->rows;
    if (t->type != TYPE_Q8_0) {
        infer_widen(dst, t->data,
                    t->type == TYPE_F32   ? INFER_F32
                    : t->type == TYPE_F16 ? INFER_F16
                                          : INFER_BF16,
                    n);
        return;
    }
    for (uint64_t b = 0; b < n / BLOCK; b++) {
        const uint8_t *p = t->data + b * BLOCK_BYTES;
        float scale;
        infer_widen(&scale, p, INFER_F16, 1);
        for (int i = 0; i < BLOCK; i++)
            dst[b * BLOCK + i] = scale * (float)(int8_t)p[2 + i];
    }
}

/* ---- The file ------------------------------------------------------------ */

static int read_lists(struct gguf *g, struct cursor *c, uint64_t *offset,
                      struct pk_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && !c->bad && i < g->n_entries; i++)
        rc = read_entry(g, c, &g->entry[i], err);
    for (size_t i = 0; !rc && !c->bad && i < g->n_tensors; i++)
        rc = read_tensor(g, c, &g->tensor[i], &offset[i], err);
    if (!rc && c->bad)
        rc = pk_fail(err, PK_EDATA, "%s: cut off within its header", g->path);
    return rc ? rc : place_tensors(g, c, offset, err);
}

static int read_all(struct gguf *g, struct pk_err *err)
{
    struct cursor c = {g->map, g->size, false};
    const uint8_t *magic = take(&c, 4);
    const uint64_t version = take_int(&c, 4), tensors = take_int(&c, 8),
                   entries = take_int(&c, 8);
    if (c.bad || memcmp(magic, "GGUF", 4) != 0)
        return pk_fail(err, PK_EDATA, "%s: not a GGUF file", g->path);
    if (version != 2 && version != 3)
        return pk_fail(err, PK_EDATA,
                       "%s: GGUF version %llu; 2 and 3 can be read", g->path,
                       (unsigned long long)version);
    /* Each takes more than 12 bytes of the file. */
    if (tensors > ENTRIES_MAX || entries > ENTRIES_MAX ||
        tensors > c.left / 12 || entries > c.left / 12)
        return pk_fail(err, PK_EDATA, "%s: cut off within its header", g->path);
    g->n_tensors = (size_t)tensors;
    g->n_entries = (size_t)entries;
    g->tensor = pk_calloc(g->n_tensors, sizeof *g->tensor);
    g->entry = pk_calloc(g->n_entries, sizeof *g->entry);
    uint64_t *offset = pk_calloc(g->n_tensors, sizeof *offset);
    int rc = g->tensor && g->entry && offset
                 ? read_lists(g, &c, offset, err)
                 : pk_fail_mem(err, "a GGUF file's tables");
    free(offset);
    return rc;
}

static int map_file(struct gguf *g, struct pk_err *err)
{
    struct stat st;
    int fd = open(g->path, O_RDONLY | O_CLOEXEC), rc = 0;
    if (fd < 0)
        return pk_fail_errno(err, "cannot open '%s'", g->path);
    if (fstat(fd, &st) != 0)
        rc = pk_fail_errno(err, "cannot read '%s'", g->path);
    else if (st.st_size > 0) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
            rc = pk_fail_errno(err, "cannot map '%s'", g->path);
        else {
            g->map = p;
            g->size = (size_t)st.st_size;
        }
    }
    close(fd);
    return rc;
}

int infer_gguf_open(struct gguf **out, const char *path, struct pk_err *err)
{
    *out = NULL;
    struct gguf *g = pk_calloc(1, sizeof *g);
    int rc = g && (g->path = pk_strdup(path)) ? map_file(g, err)
                                              : pk_fail_mem(err, "a model");
    if (!rc)
        rc = read_all(g, err);
    if (rc)
        infer_gguf_close(g);
    else
        *out = g;
    return rc;
}

void infer_gguf_close(struct gguf *g)
{
    if (!g)
        return;
    if (g->map)
        munmap(g->map, g->size);
    free(g->entry);
    free(g->tensor);
    free(g->path);
    free(g);
}

bool infer_gguf_is(const char *path)
{
    char magic[4];
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    bool yes = fread(magic, 1, 4, f) == 4 && memcmp(magic, "GGUF", 4) == 0;
    fclose(f);
    return yes;
}
