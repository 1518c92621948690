/* Responses to dialogues, one at a time; see infer/infer.h. */
#include "infer/generate/generate.h"

#include <stdlib.h>

#include "common/mem.h"
#include "infer/generate/batch.h"

struct infer_generator {
    const struct infer_tokenizer *t;
    size_t positions;
    struct infer_batch *batch; /* of one */
};

int infer_generator_new(struct infer_generator **out,
                        const struct infer_model *m,
                        const struct infer_tokenizer *t, struct pk_err *err)
{
    *out = NULL;
    struct infer_generator *g = pk_calloc(1, sizeof *g);
    if (!g)
        return pk_fail_mem(err, "a generator");
    g->t = t;
    g->positions = infer_model_config(m)->max_positions;
    const struct infer_batch_opts o = {1, g->positions, true};
    int rc = infer_batch_new(&g->batch, m, t, &o, err);
    if (rc) {
        infer_generator_free(g);
        return rc;
    }
    *out = g;
    return 0;
}

void infer_generator_free(struct infer_generator *g)
{
    if (!g)
        return;
    infer_batch_free(g->batch);
    free(g);
}

const char *infer_finish_name(enum infer_finish f)
{
    static const char *const names[] = {[INFER_FINISH_END] = "end",
                                        [INFER_FINISH_STOP] = "stop",
                                        [INFER_FINISH_LENGTH] = "length",
                                        [INFER_FINISH_CANCELLED] = "cancelled"};
    return names[f];
}

int infer_generate_ids(struct infer_generator *g,
                       const struct infer_ids *prompt, bool fresh,
                       const struct infer_request *q,
                       struct infer_response *out, struct pk_err *err)
{
    const struct infer_asked ask = {
        .prompt = prompt, .fresh = fresh, .request = q, .samples = 1};
    *out = (struct infer_response){0};
    int rc = infer_batch_ask(g->batch, &ask, err);
    if (rc)
        return rc;
    while ((rc = infer_batch_step(g->batch, err)) > 0)
        ;
    if (rc) {
        infer_batch_clear(g->batch);
        return rc;
    }
    struct infer_ask *done = infer_batch_done(g->batch);
    if (!done)
        return pk_fail(err, PK_EBUG, "a response got lost");
    *out = done->response[0];
    done->response[0].text = NULL;
    infer_ask_free(done);
    return 0;
}

int infer_prompt_encode(const struct infer_tokenizer *t,
                        const struct infer_message *msgs, size_t n,
                        size_t positions, size_t max_tokens,
                        struct infer_ids *out, size_t *dropped,
                        struct pk_err *err)
{
    struct infer_chat what;
    size_t half = positions / 2;
    size_t room = max_tokens && max_tokens < half ? max_tokens : half;
    if (n == 0 || msgs[n - 1].role != INFER_USER)
        return pk_fail(err, PK_EDATA, "the last message is not the user's");
    int rc =
        infer_chat_encode(t, msgs, n, false, positions - room, out, &what, err);
    *dropped = rc ? 0 : what.dropped;
    return rc;
}

int infer_generate(struct infer_generator *g, const struct infer_message *msgs,
                   size_t n, const struct infer_request *q,
                   struct infer_response *out, struct pk_err *err)
{
    struct infer_ids prompt = {0};
    size_t dropped = 0;
    *out = (struct infer_response){0};
    int rc = infer_prompt_encode(g->t, msgs, n, g->positions, q->max_tokens,
                                 &prompt, &dropped, err);
    if (!rc)
        rc = infer_generate_ids(g, &prompt, true, q, out, err);
    if (!rc)
        out->dropped = dropped;
    infer_ids_release(&prompt);
    return rc;
}
