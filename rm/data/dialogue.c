/* Dialogues as token ids; see dialogue.h. */
#include "rm/data/dialogue.h"

#include <string.h>

static const char *const keys[] = {
#define RM_KEY(name, key, words) key,
    RM_REASONS(RM_KEY)
#undef RM_KEY
};

static const char *const words_of[] = {
#define RM_WORDS(name, key, words) words,
    RM_REASONS(RM_WORDS)
#undef RM_WORDS
};

const char *rm_reason_key(enum rm_reason r)
{
    return keys[r];
}

const char *rm_reason_words(enum rm_reason r)
{
    return words_of[r];
}

void rm_leave_out(struct rm_left_out *l, enum rm_reason r, int64_t judgment)
{
    if (l->n[r]++ == 0)
        l->first[r] = judgment;
}

uint64_t rm_left_out_total(const struct rm_left_out *l)
{
    uint64_t sum = 0;
    for (int i = 0; i < RM_N_REASONS; i++)
        sum += l->n[i];
    return sum;
}

int rm_check_tokenizer(const struct infer_tokenizer *t,
                       const struct infer_config *c, const char *dir,
                       struct pk_err *err)
{
    size_t tokens = infer_tokenizer_vocab(t);
    if (tokens > c->vocab)
        return pk_fail(err, PK_EDATA,
                       "%s: the tokenizer has %zu tokens, the model only %zu",
                       dir, tokens, c->vocab);
    int rc = infer_config_check_read_out(c, infer_tokenizer_eos(t), err);
    return rc ? pk_err_prefix(err, "%s: ", dir) : 0;
}

int rm_dialogue_set(struct rm_dialogue *d, const struct prefdb_turn *context,
                    size_t n, const struct prefdb_turn *response, bool cut,
                    struct pk_err *err)
{
    static const enum infer_role roles[] = {[PREFDB_SYSTEM] = INFER_SYSTEM,
                                            [PREFDB_USER] = INFER_USER,
                                            [PREFDB_ASSISTANT] =
                                                INFER_ASSISTANT};
    d->all.n = 0;
    d->cut = cut;
    int rc = 0;
    for (size_t i = 0; i <= n && rc == 0; i++) {
        const struct prefdb_turn *t = i < n ? &context[i] : response;
        rc = infer_dialogue_add(&d->all, roles[t->role], t->text, t->len, err);
    }
    return rc;
}

int rm_dialogue_of(struct rm_dialogue *d, const struct prefdb_example *ex,
                   bool a, struct pk_err *err)
{
    return rm_dialogue_set(d, ex->context, ex->n_context, a ? &ex->a : &ex->b,
                           a ? ex->a_cut : ex->b_cut, err);
}

void rm_dialogue_drop(struct rm_dialogue *d, size_t n)
{
    struct infer_dialogue *all = &d->all;
    size_t from = all->n > 0 && all->msg[0].role == INFER_SYSTEM;
    if (n == 0)
        return;
    all->n -= 2 * n;
    memmove(all->msg + from, all->msg + from + 2 * n,
            (all->n - from) * sizeof *all->msg);
}

/* [system] user assistant (user assistant)* */
static bool alternates(const struct infer_dialogue *d)
{
    size_t from = d->n > 0 && d->msg[0].role == INFER_SYSTEM;
    if (d->n <= from || (d->n - from) % 2 != 0)
        return false;
    for (size_t i = from; i < d->n; i++)
        if (d->msg[i].role != ((i - from) % 2 ? INFER_ASSISTANT : INFER_USER))
            return false;
    return true;
}

int rm_dialogue_encode(const struct rm_dialogue *d,
                       const struct infer_tokenizer *t, size_t max_tokens,
                       struct infer_ids *out, struct infer_chat *what,
                       enum rm_reason *why, struct pk_err *err)
{
    const struct infer_dialogue *all = &d->all;
    *why = RM_N_REASONS;
    int rc = infer_chat_check(t, err);
    if (rc)
        return rc;
    *why = RM_ROLES;
    if (!alternates(all))
        return pk_fail(err, PK_EDATA,
                       "the roles do not alternate: a dialogue to be scored is "
                       "[system] user assistant (user assistant)*");
    size_t before = out->len;
    rc = infer_chat_encode(t, all->msg, all->n, d->cut, max_tokens, out, what,
                           err);
    if (rc != PK_EDATA)
        return rc;
    /* Without a limit only a tag of the format can stand in the way. */
    struct infer_chat unused;
    int any =
        infer_chat_encode(t, all->msg, all->n, d->cut, 0, out, &unused, NULL);
    out->len = before;
    *why = any == 0 ? RM_TOO_LONG : RM_FORMAT;
    return any == PK_EMEM ? pk_fail_mem(err, "a dialogue's ids") : rc;
}
