/* Golden rows of scripts/make_golden_tokens.py, for the suites that read them.
 *
 *     struct golden g;
 *     if (!golden_open(&g, "golden_chat.jsonl"))
 *         return;                                    said so: skipped
 *     while (golden_next(&g))
 *         ... g.row, g.t, g.ids ...
 */
#ifndef PREFKIT_TESTS_GOLDEN_TOKENS_H
#define PREFKIT_TESTS_GOLDEN_TOKENS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/lines.h"
#include "infer/infer.h"
#include "tests/support.h"

#define FIXTURES "tests/fixtures/"

struct golden {
    struct pk_lines *in;
    cJSON *row;
    struct infer_tokenizer *t; /* the one that the row is for */
    struct infer_ids ids;      /* the row's "ids" */
    const char *about;
};

/* Bytes of hexadecimal digits; caller frees. */
static inline char *unhex(const char *hex, size_t *len)
{
    *len = strlen(hex) / 2;
    char *out = malloc(*len + 1);
    ck_assert_ptr_nonnull(out);
    for (size_t i = 0; i < *len; i++) {
        char two[] = {hex[2 * i], hex[2 * i + 1], 0};
        out[i] = (char)strtol(two, NULL, 16);
    }
    out[*len] = 0;
    return out;
}

/* A model file with bytes appended, as a new file; its path. */
static inline char *model_with_tail(const char *path, const void *tail,
                                    size_t tail_len)
{
    static int n;
    char name[32];
    size_t len;
    snprintf(name, sizeof name, "variant%d.model", n++);
    char *model = read_file(path, &len);
    char *whole = malloc(len + tail_len + 1);
    ck_assert_ptr_nonnull(whole);
    memcpy(whole, model, len);
    memcpy(whole + len, tail, tail_len);
    char *out = temp_path(name);
    write_file(out, whole, len + tail_len);
    free(model);
    free(whole);
    return out;
}

static inline const char *llama2_model(void)
{
    static char path[512];
    const char *dir = data_dir();
    if (!dir)
        return NULL;
    snprintf(path, sizeof path, "%s/llama2-tokenizer/tokenizer.model", dir);
    return path;
}

static inline bool golden_open(struct golden *g, const char *name)
{
    struct pk_err err;
    char path[128];
    *g = (struct golden){0};
    if (strstr(name, "llama2") && !llama2_model()) {
        printf("skipped: %s: the Llama 2 tokenizer is not here\n", name);
        return false;
    }
    snprintf(path, sizeof path, FIXTURES "%s", name);
    ck_ok(pk_lines_open(&g->in, path, &err));
    return true;
}

static inline void golden_model(struct golden *g)
{
    struct pk_err err;
    const char *name, *tail;
    char path[128];
    size_t len;
    ck_ok(pk_json_need_str(g->row, "model", &name, &err));
    ck_ok(pk_json_need_str(g->row, "tail", &tail, &err));
    snprintf(path, sizeof path, FIXTURES "%s", name);
    char *bytes = unhex(tail, &len);
    char *model = model_with_tail(
        strcmp(name, "llama2") == 0 ? llama2_model() : path, bytes, len);
    free(bytes);
    infer_tokenizer_close(g->t);
    ck_ok(infer_tokenizer_open(&g->t, model, &err));
}

/* The next row that has ids. At the end everything is released. */
static inline bool golden_next(struct golden *g)
{
    struct pk_err err;
    char *line;
    size_t len;
    int rc;
    while ((rc = pk_lines_next(g->in, &line, &len, &err)) > 0) {
        cJSON_Delete(g->row);
        ck_ok(pk_json_parse(&g->row, line, len, &err));
        const cJSON *ids = cJSON_GetObjectItem(g->row, "ids"), *id;
        if (!ids) {
            golden_model(g);
            continue;
        }
        g->ids.len = 0;
        cJSON_ArrayForEach(id, ids)
        {
            ck_ok(infer_ids_add(&g->ids, (int32_t)id->valuedouble, &err));
        }
        return true;
    }
    ck_ok(rc);
    cJSON_Delete(g->row);
    infer_tokenizer_close(g->t);
    infer_ids_release(&g->ids);
    pk_lines_close(g->in);
    return false;
}

/* The test fails at the first difference. */
static inline void same_ids(const struct infer_ids *got,
                            const struct infer_ids *want, const char *where)
{
    for (size_t i = 0; i < got->len && i < want->len; i++)
        ck_assert_msg(got->id[i] == want->id[i], "%s: id %zu is %d, not %d",
                      where, i, got->id[i], want->id[i]);
    ck_assert_msg(got->len == want->len, "%s: %zu ids, not %zu", where,
                  got->len, want->len);
}

#endif
