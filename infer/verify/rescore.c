/* The same texts computed in several ways; see verify.h. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "infer/verify/verify.h"

/* Dialogues of different lengths, in several scripts. */
static const char *const asked[] = {
    "What is the boiling point of water?",
    "Explain to a child of seven why the sky is blue, please.",
    "Hi",
    "Wie heisst die Hauptstadt von Australien?",
    "Write a function that adds two numbers.\n\ndef add(a, b):",
    "\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x81 1234567 + 89 = ?",
    "List three reasons to walk every day, and one reason not to.",
    "Is it safe to look into the sun?"};
static const char *const answered[] = {
    "100 degrees Celsius at sea level.",
    "Light from the sun has all colours in it. The air throws the blue part "
    "about more than the rest, so blue comes to you from everywhere.",
    "Hello! How can I help?",
    "Canberra.",
    "    return a + b",
    "1234656",
    "It is good for the heart, it clears the head, and it costs nothing. But "
    "a sprained ankle needs rest.",
    "No. It can burn the eye within seconds, and without pain."};

enum {
    TEXTS = sizeof asked / sizeof *asked,
    LONG_TOKENS = 400,
    RUNS = 8 /* in one precision */
};

struct work {
    const struct verify_open *o;
    const struct infer_config *c;
    struct infer_weights w;
    struct infer_ids path[TEXTS + 1]; /* the last is a long one */
    float *hidden, *logits;
};

/* Without a chat format: numbers, which any vocabulary of this size has. */
static int made_up(struct infer_ids *ids, size_t n, size_t seed,
                   const struct infer_config *c, struct pk_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++)
        rc = infer_ids_add(
            ids, (int32_t)((seed * 7919 + i * i * 31) % c->vocab), err);
    if (!rc && ids->id && c->eos >= 0)
        ids->id[n - 1] = c->eos;
    return rc;
}

static int encode(struct work *k, size_t i, struct pk_err *err)
{
    const struct infer_tokenizer *t = k->o->tokenizer;
    const size_t most = k->c->max_positions;
    struct infer_ids *ids = &k->path[i];
    int rc = PK_EDATA;
    if (i < TEXTS && t && infer_tokenizer_vocab(t) <= k->c->vocab) {
        const struct infer_message msg[] = {
            {INFER_USER, asked[i], strlen(asked[i])},
            {INFER_ASSISTANT, answered[i], strlen(answered[i])}};
        rc = infer_chat_encode(t, msg, 2, false, most, ids, NULL, NULL);
    }
    if (rc == PK_EDATA) {
        size_t n = i < TEXTS ? 5 + 7 * i : LONG_TOKENS;
        ids->len = 0;
        rc = made_up(ids, n < most ? n : most, i + 1, k->c, err);
    }
    ids->len = rc ? 0 : infer_read_length(k->c, ids->id, ids->len);
    return rc;
}

/* The number that a read-out's hidden state gives. */
static int number(struct work *k, const float *hidden, double *out,
                  struct pk_err *err)
{
    if (k->c->head == INFER_HEAD_SCORE) {
        infer_score(k->c, &k->w, hidden, 1, out);
        return 0;
    }
    int rc = infer_logits(&k->w, hidden, k->logits, err);
    *out = rc ? 0 : (double)k->logits[0];
    for (size_t v = 1; !rc && v < k->c->vocab; v++)
        if (!((double)k->logits[v] <= *out))
            *out = (double)k->logits[v];
    return rc;
}

/* Texts which[0..n) in one forest, beside the long one or not; out[] by text.
 */
static int compute(struct work *k, const size_t *which, size_t n, bool beside,
                   double *out, struct pk_err *err)
{
    struct infer_forest *f;
    size_t at[TEXTS + 1];
    int rc = infer_forest_new(&f, err);
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < n + beside; i++) {
        const struct infer_ids *p =
            &k->path[i < beside ? TEXTS : which[i - beside]];
        rc = infer_forest_add(f, p->id, p->len, p->len - 1, &at[i], err);
    }
    if (!rc)
        rc = infer_forward(k->c, &k->w, f, NULL, k->hidden, err);
    for (size_t i = beside; !rc && i < n + beside; i++)
        rc = number(k, k->hidden + at[i] * k->c->dim, &out[which[i - beside]],
                    err);
    infer_forest_free(f);
    return rc;
}

static int compute_alone(struct work *k, double *out, struct pk_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < TEXTS; i++)
        rc = compute(k, &i, 1, false, out, err);
    return rc;
}

static void compare(struct verify_report *r, struct verify_run what,
                    const double *first, const double *now)
{
    struct verify_run *run = &r->run[r->n_runs++];
    *run = what;
    run->same_bits = true;
    for (size_t i = 0; i < TEXTS; i++) {
        double d = fabs(now[i] - first[i]);
        if (!(d <= run->difference))
            run->difference = d;
        run->same_bits &= now[i] == first[i];
    }
}

/* Four ways with one number of threads; first[] is set by the first way of
 * all. */
static int four_ways(struct verify_report *r, struct work *k, int threads,
                     bool set_first, double *first, struct pk_err *err)
{
    size_t forth[TEXTS], back[TEXTS];
    double now[TEXTS];
    for (size_t i = 0; i < TEXTS; i++)
        forth[i] = back[TEXTS - 1 - i] = i;
    const struct {
        const char *how;
        const size_t *order; /* NULL: alone */
        bool beside;
    } ways[] = {{"alone", NULL, false},
                {"together", forth, false},
                {"in another order", back, false},
                {"beside a longer one", forth, true}};
    int rc = 0;
    omp_set_num_threads(threads);
    for (size_t i = 0; !rc && i < sizeof ways / sizeof *ways; i++) {
        rc = ways[i].order
                 ? compute(k, ways[i].order, TEXTS, ways[i].beside, now, err)
                 : compute_alone(k, now, err);
        if (!rc && set_first && i == 0)
            memcpy(first, now, sizeof now);
        if (!rc)
            compare(r,
                    (struct verify_run){.precision = k->w.precision,
                                        .how = ways[i].how,
                                        .threads = threads},
                    first, now);
    }
    return rc;
}

/* What rounding may do to a score, and no more than that: the last RUNS. */
static void judge(struct verify_report *r, const double *first)
{
    r->lowest = r->highest = first[0];
    for (size_t i = 0; i < TEXTS; i++) {
        if (!isfinite(first[i]))
            infer_verify_add(r, true, "scores",
                             "text %zu gives no finite number", i + 1);
        r->lowest = fmin(r->lowest, first[i]);
        r->highest = fmax(r->highest, first[i]);
    }
    const double size = fmax(fabs(r->lowest), fabs(r->highest));
    for (size_t i = r->n_runs - RUNS; i < r->n_runs; i++)
        if (!(r->run[i].difference <= 1e-3 + 1e-4 * size))
            infer_verify_add(
                r, true, "scores",
                "%s in %s, with %d threads, a text's number moves by "
                "%.3g",
                r->run[i].how, infer_precision_name(r->run[i].precision),
                r->run[i].threads, r->run[i].difference);
    if (r->highest == r->lowest)
        infer_verify_add(
            r, true, "scores",
            "all texts give the same number (%.6g): nothing that was "
            "said is read",
            r->lowest);
}

/* With one thread and with several, in one precision. */
static int both_ways(struct verify_report *r, struct work *k,
                     enum infer_precision p, int threads, struct pk_err *err)
{
    double first[TEXTS];
    k->w.precision = p;
    int rc = four_ways(r, k, 1, true, first, err);
    if (!rc)
        rc = four_ways(r, k, threads > 1 ? threads : 2, false, first, err);
    if (!rc)
        judge(r, first);
    return rc;
}

int infer_verify_rescore(struct verify_report *r, const struct verify_open *o,
                         int threads, struct pk_err *err)
{
    struct work k = {.o = o,
                     .c = infer_model_config(o->model),
                     .w = *infer_model_weights(o->model)};
    const enum infer_precision chosen = k.w.precision;
    const int before = omp_get_max_threads();
    r->texts = TEXTS;
    k.hidden = pk_calloc((TEXTS + 1) * k.c->dim, sizeof *k.hidden);
    k.logits = pk_calloc(k.c->vocab, sizeof *k.logits);
    int rc = k.hidden && k.logits ? 0 : pk_fail_mem(err, "fixed texts");
    for (size_t i = 0; !rc && i <= TEXTS; i++)
        rc = encode(&k, i, err);
    if (!rc && chosen == INFER_PRECISION_BF16)
        rc = both_ways(r, &k, chosen, threads, err);
    if (!rc)
        rc = both_ways(r, &k, INFER_PRECISION_FP32, threads, err);
    omp_set_num_threads(before);
    for (size_t i = 0; i <= TEXTS; i++)
        infer_ids_release(&k.path[i]);
    free(k.hidden);
    free(k.logits);
    return rc;
}
