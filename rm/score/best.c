/* The best of K; see best.h. */
#include "rm/score/best.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/sha256.h"

/* A response that is the best or the worst so far. */
struct end {
    double score;
    bool cut;
    char *text;
    char *made; /* "generation" as JSON, of this response alone; or NULL */
};

struct prompt {
    uint8_t key[32];
    char *json; /* "prompt" as in its first row, or its messages */
    struct end best, worst;
    double *score; /* of this round's samples */
    size_t n, cap;
    bool from_history; /* the best is of an earlier round */
};

struct rm_best {
    const char *by;
    bool whole;
    struct prompt *prompt;
    size_t n, cap;
    size_t *slot; /* hash of a key -> prompt + 1; a power of two */
    size_t n_slots;
    struct rm_row row;
    struct pk_sha256 *sha;
    struct rm_best_counts counts;
};

int rm_best_new(struct rm_best **out, const char *by, bool whole,
                struct pk_err *err)
{
    struct rm_best *b = pk_calloc(1, sizeof *b);
    *out = NULL;
    if (!b)
        return pk_fail_mem(err, "the best responses");
    b->by = by;
    b->whole = whole;
    int rc = pk_sha256_new(&b->sha, err);
    if (rc)
        rm_best_free(b);
    else
        *out = b;
    return rc;
}

static void release_end(struct end *e)
{
    free(e->text);
    free(e->made);
}

void rm_best_free(struct rm_best *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->n; i++) {
        free(b->prompt[i].json);
        release_end(&b->prompt[i].best);
        release_end(&b->prompt[i].worst);
        free(b->prompt[i].score);
    }
    free(b->prompt);
    free(b->slot);
    rm_row_release(&b->row);
    pk_sha256_free(b->sha);
    free(b);
}

/* The slot of a key, or the empty one where it belongs. */
static size_t *lookup(struct rm_best *b, const uint8_t key[32])
{
    uint64_t h;
    memcpy(&h, key, sizeof h);
    size_t mask = b->n_slots - 1, i = (size_t)h & mask;
    while (b->slot[i] && memcmp(b->prompt[b->slot[i] - 1].key, key, 32) != 0)
        i = (i + 1) & mask;
    return &b->slot[i];
}

static int grow(struct rm_best *b, struct pk_err *err)
{
    if (!pk_grow(&b->prompt, &b->cap, b->n + 1, sizeof *b->prompt))
        return pk_fail_mem(err, "prompts");
    if (2 * (b->n + 1) <= b->n_slots)
        return 0;
    size_t n = b->n_slots ? 2 * b->n_slots : 1024;
    size_t *slot = pk_calloc(n, sizeof *slot);
    if (!slot)
        return pk_fail_mem(err, "prompts");
    free(b->slot);
    b->slot = slot;
    b->n_slots = n;
    for (size_t i = 0; i < b->n; i++)
        *lookup(b, b->prompt[i].key) = i + 1;
    return 0;
}

/* The row's prompt as JSON: "prompt" itself, or "messages", but the last where
 * that is the response. */
static char *prompt_json(const struct rm_row *r)
{
    const cJSON *p = cJSON_GetObjectItemCaseSensitive(r->json, "prompt");
    if (p)
        return pk_json_text(p);
    p = cJSON_GetObjectItemCaseSensitive(r->json, "messages");
    cJSON *most = cJSON_Duplicate(p, true);
    bool last = (size_t)cJSON_GetArraySize(p) == r->dialogue.all.n;
    if (most && last)
        cJSON_DeleteItemFromArray(most, cJSON_GetArraySize(most) - 1);
    char *text = most ? pk_json_text(most) : NULL;
    cJSON_Delete(most);
    return text;
}

/* The prompt of the row, made if it is new; its key is a hash of the roles and
 * texts, however the row spells them. */
static int find(struct rm_best *b, struct prompt **out, struct pk_err *err)
{
    const struct infer_dialogue *d = &b->row.dialogue.all;
    uint8_t key[32];
    pk_sha256_reset(b->sha);
    for (size_t i = 0; i + 1 < d->n; i++) {
        pk_sha256_u64(b->sha, d->msg[i].role);
        pk_sha256_field(b->sha, d->msg[i].text, d->msg[i].len);
    }
    pk_sha256_final(b->sha, key);
    int rc = grow(b, err);
    if (rc)
        return rc;
    size_t *slot = lookup(b, key);
    if (!*slot) {
        char *json = prompt_json(&b->row);
        if (!json)
            return pk_fail_mem(err, "a prompt");
        b->prompt[b->n] = (struct prompt){.json = json};
        memcpy(b->prompt[b->n].key, key, sizeof key);
        *slot = ++b->n;
    }
    *out = &b->prompt[*slot - 1];
    return 0;
}

/* How response i of the row was made, as JSON: of the lists that have an
 * element for each sample, its own; and which sample it was. *out stays NULL
 * where the row does not tell. PK_EMEM. */
static int made_of(const struct rm_row *r, size_t i, char **out)
{
    static const char *const lists[] = {"tokens", "finish"};
    const cJSON *all = cJSON_GetObjectItemCaseSensitive(r->json, "generation");
    if (!cJSON_IsObject(all))
        return 0;
    cJSON *made = cJSON_Duplicate(all, true);
    bool ok = made != NULL;
    for (size_t k = 0; ok && r->list && k < 2; k++) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(made, lists[k]);
        const cJSON *one = cJSON_GetArrayItem(list, (int)i);
        cJSON *copy = one ? cJSON_Duplicate(one, true) : NULL;
        if (one)
            ok = copy &&
                 cJSON_ReplaceItemInObjectCaseSensitive(made, lists[k], copy);
    }
    if (ok && r->list)
        ok = pk_json_add_int(made, "sample", (long long)i + 1) == 0;
    *out = ok ? pk_json_text(made) : NULL;
    cJSON_Delete(made);
    return *out ? 0 : PK_EMEM;
}

/* A response that comes in. */
struct sample {
    double score;
    const struct rm_row *row;
    size_t i; /* in the row */
    const struct rm_dialogue *said;
};

static int set_end(struct end *e, const struct sample *s, struct pk_err *err)
{
    const struct infer_dialogue *d = &s->said->all;
    const struct infer_message *m = &d->msg[d->n - 1];
    struct end new = {.score = s->score,
                      .cut = s->said->cut,
                      .text = pk_memdup0(m->text, m->len)};
    if (!new.text || made_of(s->row, s->i, &new.made) < 0) {
        release_end(&new);
        return pk_fail_mem(err, "a response");
    }
    release_end(e);
    *e = new;
    return 0;
}

/* The first of equals stands. */
static int take(struct prompt *p, const struct sample *s, bool history,
                struct pk_err *err)
{
    int rc = 0;
    if (!p->best.text || s->score > p->best.score) {
        rc = set_end(&p->best, s, err);
        p->from_history = history;
    }
    if (rc == 0 && (!p->worst.text || s->score < p->worst.score))
        rc = set_end(&p->worst, s, err);
    if (rc || history)
        return rc;
    if (!pk_grow(&p->score, &p->cap, p->n + 1, sizeof *p->score))
        return pk_fail_mem(err, "scores");
    p->score[p->n++] = s->score;
    return 0;
}

int rm_best_add(struct rm_best *b, const char *line, size_t len, bool history,
                struct pk_err *err)
{
    int rc = rm_row_parse(&b->row, line, len, err);
    b->counts.rows++;
    if (cJSON_GetObjectItemCaseSensitive(b->row.json, "error")) {
        b->counts.errors++;
        return 0;
    }
    if (rc)
        return rc;
    if (b->row.ready_made || b->row.text)
        return pk_fail(err, PK_EDATA, "\"%s\" does not say what the prompt is",
                       b->row.text ? "text" : "token_ids");
    struct prompt *p = NULL;
    struct rm_text text;
    rc = find(b, &p, err);
    for (size_t i = 0; rc == 0 && rm_row_next(&b->row, &text); i++) {
        struct sample s = {.row = &b->row, .i = i, .said = text.dialogue};
        if (!rm_row_own_score(&b->row, b->by, i, &s.score) ||
            !isfinite(s.score))
            return pk_fail(err, PK_EDATA, "\"scores\" has no number for \"%s\"",
                           b->by);
        if (b->whole && text.dialogue->cut) {
            b->counts.not_whole++;
            continue;
        }
        rc = take(p, &s, history, err);
        b->counts.responses += !history;
    }
    return rc;
}

/* Two responses, one better than the other: a text that came twice, whole and
 * cut off, is none. */
static bool is_pair(const struct prompt *p)
{
    return p->best.text && p->best.score > p->worst.score &&
           strcmp(p->best.text, p->worst.text) != 0;
}

struct rm_best_counts rm_best_counts(const struct rm_best *b)
{
    struct rm_best_counts c = b->counts;
    for (size_t i = 0; i < b->n; i++) {
        const struct prompt *p = &b->prompt[i];
        c.prompts += p->best.text != NULL;
        c.from_history += p->best.text && p->from_history;
        c.pairs += is_pair(p);
        c.none += p->best.text == NULL;
        c.cut += p->best.cut;
    }
    return c;
}

/* What is known of a response beside its text: "KEYcut" and
 * "KEYgeneration". */
static void write_end(struct pk_buf *out, const struct end *e, const char *key)
{
    if (e->cut)
        pk_buf_addf(out, ",\"%scut\":true", key);
    if (e->made)
        pk_buf_addf(out, ",\"%sgeneration\":%s", key, e->made);
}

static int write_prompt(const struct rm_best *b, const struct prompt *p,
                        enum rm_best_form form, struct pk_buf *out)
{
    pk_buf_reset(out);
    pk_buf_addf(out, "{\"prompt\":%s,", p->json);
    pk_buf_adds(out, form == RM_BEST_PAIRS ? "\"chosen\":" : "\"response\":");
    pk_json_quote(out, p->best.text, strlen(p->best.text));
    if (form == RM_BEST_PAIRS) {
        pk_buf_adds(out, ",\"rejected\":");
        pk_json_quote(out, p->worst.text, strlen(p->worst.text));
        write_end(out, &p->best, "chosen_");
        write_end(out, &p->worst, "rejected_");
        return pk_buf_adds(out, "}\n");
    }
    pk_buf_adds(out, ",\"scores\":{");
    pk_json_quote(out, b->by, strlen(b->by));
    pk_buf_addf(out, ":%.9g},\"samples\":%zu", p->best.score, p->n);
    write_end(out, &p->best, "");
    return pk_buf_adds(out, "}\n");
}

int rm_best_write(const struct rm_best *b, enum rm_best_form form, FILE *f,
                  struct pk_err *err)
{
    struct pk_buf line = PK_BUF_INIT((size_t)1 << 30);
    int rc = 0;
    for (size_t i = 0; i < b->n && rc == 0; i++) {
        const struct prompt *p = &b->prompt[i];
        if (!p->best.text || (form == RM_BEST_PAIRS && !is_pair(p)))
            continue;
        if (write_prompt(b, p, form, &line))
            rc = pk_fail_mem(err, "a row");
        else if (fwrite(line.data, 1, line.len, f) < line.len)
            rc = pk_fail_errno(err, "cannot write the best responses");
    }
    pk_buf_release(&line);
    return rc;
}

/* ---- Figure 7 ---- */

/* log of n over k. */
static double log_choose(size_t n, size_t k)
{
    return lgamma((double)n + 1) - lgamma((double)k + 1) -
           lgamma((double)(n - k) + 1);
}

double rm_expected_order(const double *v, size_t k, size_t n, size_t j)
{
    /* v[i - 1] is it when j - 1 of the n lie below it and n - j above; in logs,
     * as the weights of many samples are out of a double's range. */
    double sum = 0, weight = log_choose(k - j, n - j) - log_choose(k, n);
    for (size_t i = j; i + n <= k + j; i++) {
        sum += v[i - 1] * exp(weight);
        if (i + n < k + j)
            weight += log((double)i / (double)(i - j + 1) *
                          ((double)(k - i - n + j) / (double)(k - i)));
    }
    return sum;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

size_t rm_best_most(const struct rm_best *b)
{
    size_t most = 0;
    for (size_t i = 0; i < b->n; i++)
        most = b->prompt[i].n > most ? b->prompt[i].n : most;
    return most;
}

void rm_best_curve(const struct rm_best *b, struct rm_best_point *out,
                   size_t count)
{
    for (size_t n = 1; n <= count; n++)
        out[n - 1] = (struct rm_best_point){.n = n};
    for (size_t i = 0; i < b->n; i++) {
        const struct prompt *p = &b->prompt[i];
        if (p->n)
            qsort(p->score, p->n, sizeof *p->score, ascending);
        for (size_t n = 1; n <= p->n && n <= count; n++) {
            struct rm_best_point *o = &out[n - 1];
            o->prompts++;
            o->max += rm_expected_order(p->score, p->n, n, n);
            o->median += (rm_expected_order(p->score, p->n, n, (n + 1) / 2) +
                          rm_expected_order(p->score, p->n, n, n / 2 + 1)) /
                         2;
        }
    }
    for (size_t n = 0; n < count; n++) {
        if (out[n].prompts) {
            out[n].max /= (double)out[n].prompts;
            out[n].median /= (double)out[n].prompts;
        }
    }
}
