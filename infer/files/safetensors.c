/* safetensors files; see safetensors.h. */
#include "infer/files/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/json.h"
#include "common/mem.h"
#include "infer/math/bf16.h"

struct infer_safetensors {
    char *path;
    uint8_t *map;
    uint64_t size;
    cJSON *header; /* owns the names */
    struct infer_stored *tensor;
    size_t n;
};

static const struct dtype {
    const char *name;
    enum infer_dtype dtype;
    uint64_t bytes;
} dtypes[] = {{"F32", INFER_F32, 4},      {"F16", INFER_F16, 2},
              {"BF16", INFER_BF16, 2},    {"F64", INFER_OTHER, 8},
              {"I64", INFER_OTHER, 8},    {"U64", INFER_OTHER, 8},
              {"I32", INFER_OTHER, 4},    {"U32", INFER_OTHER, 4},
              {"I16", INFER_OTHER, 2},    {"U16", INFER_OTHER, 2},
              {"I8", INFER_OTHER, 1},     {"U8", INFER_OTHER, 1},
              {"BOOL", INFER_OTHER, 1},   {"F8_E4M3", INFER_OTHER, 1},
              {"F8_E5M2", INFER_OTHER, 1}};

static const struct dtype *find_dtype(const char *name)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++)
        if (strcmp(dtypes[i].name, name) == 0)
            return &dtypes[i];
    return NULL;
}

/* A whole number that a double holds exactly. */
static int to_u64(const cJSON *j, uint64_t *out)
{
    if (!cJSON_IsNumber(j) || !(j->valuedouble >= 0) ||
        !(j->valuedouble <= 9007199254740992.0))
        return -1;
    *out = (uint64_t)j->valuedouble;
    return (double)*out == j->valuedouble ? 0 : -1;
}

static int read_shape(const cJSON *shape, struct infer_stored *t)
{
    const cJSON *d;
    t->n = 1;
    if (!cJSON_IsArray(shape))
        return -1;
    cJSON_ArrayForEach(d, shape)
    {
        uint64_t dim;
        if (t->ndim == 4 || to_u64(d, &dim) != 0 ||
            __builtin_mul_overflow(t->n, dim, &t->n))
            return -1;
        t->shape[t->ndim++] = dim;
    }
    return 0;
}

static int read_entry(struct infer_safetensors *st, const cJSON *e,
                      uint64_t data_at, struct pk_err *err)
{
    struct infer_stored *t = &st->tensor[st->n];
    *t = (struct infer_stored){.name = e->string};
    const cJSON *dt = cJSON_GetObjectItemCaseSensitive(e, "dtype");
    const cJSON *off = cJSON_GetObjectItemCaseSensitive(e, "data_offsets");
    const struct dtype *d =
        cJSON_IsString(dt) ? find_dtype(dt->valuestring) : NULL;
    uint64_t bytes;
    if (!d)
        return pk_fail(err, PK_EDATA, "%s: tensor '%.200s' has no known dtype",
                       st->path, t->name);
    if (read_shape(cJSON_GetObjectItemCaseSensitive(e, "shape"), t) != 0 ||
        __builtin_mul_overflow(t->n, d->bytes, &bytes))
        return pk_fail(err, PK_EDATA, "%s: tensor '%.200s' has no valid shape",
                       st->path, t->name);
    if (!cJSON_IsArray(off) || cJSON_GetArraySize(off) != 2 ||
        to_u64(cJSON_GetArrayItem(off, 0), &t->begin) != 0 ||
        to_u64(cJSON_GetArrayItem(off, 1), &t->end) != 0 || t->begin > t->end ||
        t->end > st->size - data_at)
        return pk_fail(err, PK_EDATA,
                       "%s: tensor '%.200s' lies outside the file (is the "
                       "file cut off?)",
                       st->path, t->name);
    if (t->end - t->begin != bytes)
        return pk_fail(err, PK_EDATA,
                       "%s: tensor '%.200s' has %llu bytes, its shape needs "
                       "%llu",
                       st->path, t->name,
                       (unsigned long long)(t->end - t->begin),
                       (unsigned long long)bytes);
    t->dtype = d->dtype;
    t->data = st->map + data_at + t->begin;
    st->n++;
    return 0;
}

static int by_begin(const void *a, const void *b)
{
    const struct infer_stored *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

static int by_name(const void *a, const void *b)
{
    const struct infer_stored *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* The format wants the data entirely indexed, without holes: so a header whose
 * length is wrong by its padding is seen, too. */
static int check_entries(struct infer_safetensors *st, uint64_t data_size,
                         struct pk_err *err)
{
    struct infer_stored *t = st->tensor;
    uint64_t at = 0;
    qsort(t, st->n, sizeof *t, by_begin);
    for (size_t i = 0; i < st->n && t[i].begin <= at; i++) {
        if (t[i].begin < at)
            return pk_fail(err, PK_EDATA,
                           "%s: tensors '%.200s' and '%.200s' overlap",
                           st->path, t[i - 1].name, t[i].name);
        at = t[i].end;
    }
    if (at != data_size)
        return pk_fail(err, PK_EDATA,
                       "%s: the data from byte %llu on belongs to no tensor",
                       st->path, (unsigned long long)at);
    qsort(t, st->n, sizeof *t, by_name);
    return 0;
}

static int read_header(struct infer_safetensors *st, struct pk_err *err)
{
    uint64_t len = 0;
    if (st->size < 8)
        return pk_fail(err, PK_EDATA, "%s: too short for a safetensors file",
                       st->path);
    for (int i = 0; i < 8; i++)
        len |= (uint64_t)st->map[i] << (8 * i);
    if (len > INFER_HEADER_MAX || len > st->size - 8)
        return pk_fail(err, PK_EDATA,
                       "%s: the header's length is %llu bytes, which is not "
                       "in the file (cut off, or not safetensors?)",
                       st->path, (unsigned long long)len);
    if (pk_json_parse(&st->header, (const char *)st->map + 8, (size_t)len,
                      err) < 0)
        return pk_err_prefix(err, "%s: header: ", st->path);
    if (!cJSON_IsObject(st->header))
        return pk_fail(err, PK_EDATA, "%s: the header is not an object",
                       st->path);
    size_t n = (size_t)cJSON_GetArraySize(st->header);
    st->tensor = pk_calloc(n, sizeof *st->tensor);
    if (!st->tensor)
        return pk_fail_mem(err, "a tensor table");
    const cJSON *e;
    cJSON_ArrayForEach(e, st->header)
    {
        if (strcmp(e->string, "__metadata__") == 0)
            continue;
        int rc = read_entry(st, e, 8 + len, err);
        if (rc)
            return rc;
    }
    return check_entries(st, st->size - 8 - len, err);
}

static int map_file(struct infer_safetensors *st, struct pk_err *err)
{
    int fd = open(st->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return pk_fail_errno(err, "cannot open '%s'", st->path);
    struct stat info;
    int rc = 0;
    if (fstat(fd, &info) != 0)
        rc = pk_fail_errno(err, "cannot read '%s'", st->path);
    else if (!S_ISREG(info.st_mode))
        rc = pk_fail(err, PK_EIO, "cannot map '%s': not a regular file",
                     st->path);
    else if (info.st_size > 0) {
        st->size = (uint64_t)info.st_size;
        void *p = mmap(NULL, st->size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
            rc = pk_fail_errno(err, "cannot map '%s'", st->path);
        else
            st->map = p;
    }
    close(fd);
    return rc;
}

int infer_safetensors_open(struct infer_safetensors **out, const char *path,
                           struct pk_err *err)
{
    *out = NULL;
    struct infer_safetensors *st = pk_calloc(1, sizeof *st);
    int rc = 0;
    if (!st || !(st->path = pk_strdup(path)))
        rc = pk_fail_mem(err, "a model file");
    if (!rc)
        rc = map_file(st, err);
    if (!rc)
        rc = read_header(st, err);
    if (rc) {
        infer_safetensors_close(st);
        return rc;
    }
    *out = st;
    return 0;
}

void infer_safetensors_close(struct infer_safetensors *st)
{
    if (!st)
        return;
    if (st->map)
        munmap(st->map, st->size);
    cJSON_Delete(st->header);
    free(st->tensor);
    free(st->path);
    free(st);
}

const struct infer_stored *
infer_safetensors_find(const struct infer_safetensors *st, const char *name)
{
    struct infer_stored key = {.name = name};
    if (st->n == 0)
        return NULL;
    return bsearch(&key, st->tensor, st->n, sizeof key, by_name);
}

static float from_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

/* IEEE binary16, subnormals, infinities and NaN included. */
static float widen_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, e = (h >> 10) & 31,
             m = h & 1023;
    if (e == 31)
        return from_bits(sign | 0x7F800000 | m << 13);
    if (e == 0) {
        float f = (float)m * 0x1p-24F;
        return sign ? -f : f;
    }
    return from_bits(sign | (e + 112) << 23 | m << 13);
}

size_t infer_safetensors_count(const struct infer_safetensors *st)
{
    return st->n;
}

const struct infer_stored *
infer_safetensors_at(const struct infer_safetensors *st, size_t i)
{
    return &st->tensor[i];
}

void infer_widen(float *dst, const void *src, enum infer_dtype dtype,
                 uint64_t n)
{
    enum { RUN = 1 << 14 }; /* elements that one thread takes at a time */
    const uint8_t *p = src;
    if (dtype == INFER_F32) {
        memcpy(dst, src, n * sizeof *dst);
        return;
    }
#pragma omp parallel for
    for (uint64_t from = 0; from < n; from += RUN) {
        uint64_t len = n - from < RUN ? n - from : RUN;
        if (dtype == INFER_BF16) {
            infer_from_bf16(dst + from, p + 2 * from, len);
            continue;
        }
        for (uint64_t i = from; i < from + len; i++) {
            uint16_t h;
            memcpy(&h, p + 2 * i, sizeof h);
            dst[i] = widen_f16(h);
        }
    }
}
