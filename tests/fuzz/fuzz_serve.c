/* Arbitrary bytes as the body of a request to the server, in every shape (the
 * first byte; its higher bits: are two models combined, and is the address
 * asking for that): what is read can be answered, and the answer is JSON. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rm/serve/shape.h"
#include "tests/fuzz/tempdir.h"
#include "tests/small_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rm_scorer *serve_scorer(void)
{
    static struct rm_scorer *s;
    struct pk_err err;
    if (s)
        return s;
    const char *dir = tempdir();
    if (small_model(dir, INFER_HEAD_SCORE, &err) < 0)
        abort();
    const struct rm_named named[] = {{"help", dir}, {"safe", dir}};
    const struct rm_scorer_opts o = {.keep_bad = true};
    if (rm_scorer_open(&s, named, 2, &o, &err) < 0)
        abort();
    return s;
}

static void answer(const struct rm_shape *shape, struct rm_ask *a)
{
    struct pk_buf out = PK_BUF_INIT((size_t)1 << 28);
    struct pk_err err;
    for (size_t i = 0; i < 2 * a->n; i++)
        a->scored[i].score = i % 3 == 2 ? -3 : 0.5;
    if (rm_ask_combine(a, &err) < 0 || shape->write(a, &out, &err) < 0)
        abort();
    char *rest = out.data, *line;
    while ((line = strsep(&rest, "\n")) && rest) {
        cJSON *j;
        if (pk_json_parse(&j, line, strlen(line), &err) < 0)
            abort();
        cJSON_Delete(j);
    }
    pk_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct rm_shape *shape = rm_shape_numbered(data[0] % RM_N_SHAPES);
    static const struct rm_combine how = {.name = {"help", "safe"},
                                          .threshold = 0.15};
    static const struct rm_reward both = {&how, {0, 1}};
    struct rm_ask a;
    struct pk_err err;
    char *body = malloc(size); /* with the NUL that pk_buf has */
    if (!body)
        abort();
    memcpy(body, data + 1, size - 1);
    body[size - 1] = 0;
    rm_ask_init(&a, serve_scorer());
    unsigned more = data[0] / RM_N_SHAPES;
    a.reward = more & 1 ? &both : NULL;
    a.named = more & 2 ? RM_COMBINED_NAME : NULL;
    shape = rm_shape_of(shape, body, size - 1);
    if (shape->read(&a, body, size - 1, &err) == 0)
        answer(shape, &a);
    rm_ask_release(&a);
    free(body);
    return 0;
}
