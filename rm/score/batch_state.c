/* How a run of `score` begins, is saved, and is gone on with; see batch_job.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/version.h"
#include "rm/score/batch_job.h"

static void chain(struct rm_job *j, const char *line, size_t len)
{
    pk_sha256_reset(j->sha);
    pk_sha256_raw(j->sha, j->chain, sizeof j->chain);
    pk_sha256_raw(j->sha, line, len);
    pk_sha256_final(j->sha, j->chain);
}

int rm_job_next(struct rm_job *j, char **line, size_t *len, struct pk_err *err)
{
    int rc = pk_lines_row(j->in, line, len, err);
    if (rc > 0)
        chain(j, *line, *len);
    return rc;
}

struct rm_totals rm_job_totals(const struct rm_job *j, size_t model)
{
    struct rm_totals t = rm_scorer_totals(j->scorer, model);
    t.flat += j->before[model].flat;
    t.unique += j->before[model].unique;
    return t;
}

static void hash_text(struct pk_sha256 *h, const char *s)
{
    pk_sha256_field(h, s, strlen(s));
}

static void hash_combine(struct pk_sha256 *h, const struct rm_combine *c)
{
    char text[128];
    if (!c->name[0])
        return;
    hash_text(h, c->name[0]);
    hash_text(h, c->name[1]);
    snprintf(text, sizeof text, "%.17g %d %.17g %.17g", c->threshold,
             (int)c->form, c->mean, c->sd);
    hash_text(h, text);
}

static int hash_model(struct pk_sha256 *h, const struct rm_scorer *s, size_t m,
                      struct pk_err *err)
{
    const struct rm_coder *c = rm_scorer_coder(s, m);
    char print[65];
    int rc = rm_scorer_fingerprint(s, m, print, err);
    if (rc)
        return rc;
    hash_text(h, c->name);
    hash_text(h, print);
    pk_sha256_u64(h, c->max_tokens);
    hash_text(h, infer_precision_name(rm_scorer_precision(s, m)));
    return 0;
}

int rm_batch_identity(const struct rm_batch *b, const struct rm_scorer *s,
                      char out[65], struct pk_err *err)
{
    struct pk_sha256 *h;
    int rc = pk_sha256_new(&h, err);
    if (rc)
        return rc;
    hash_text(h, "prefkit " PK_VERSION);
    pk_sha256_u64(h, b->scorer.read_out);
    pk_sha256_u64(h, b->scorer.unclosed);
    pk_sha256_u64(h, rm_scorer_budget(s));
    for (size_t m = 0; m < b->n_models && rc == 0; m++)
        rc = hash_model(h, s, m, err);
    hash_combine(h, &b->combine);
    pk_sha256_end(h, out);
    return rc;
}

/* ---- Saving ---- */

/* So that it reads back as the same: cJSON prints fewer digits. */
static cJSON *fit_json(const struct rm_moments *m)
{
    const double v[] = {m->n, m->mean, m->m2};
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        char text[32];
        snprintf(text, sizeof text, "%.17g", v[i]);
        if (!cJSON_AddItemToArray(list, cJSON_CreateRaw(text))) {
            cJSON_Delete(list);
            return NULL;
        }
    }
    return list;
}

static cJSON *state_of(const struct rm_job *j, bool done)
{
    char hex[65];
    pk_hex(j->chain, sizeof j->chain, hex);
    cJSON *o = cJSON_CreateObject(), *tokens;
    bool ok = o && cJSON_AddStringToObject(o, "chain", hex) &&
              cJSON_AddBoolToObject(o, "done", done);
#define ADD(name)                                                              \
    ok = ok && cJSON_AddNumberToObject(o, #name, (double)j->counts.name);
    RM_BATCH_COUNTS(ADD)
#undef ADD
    ok = ok && cJSON_AddItemToObject(o, "fit", fit_json(&j->fit)) &&
         (tokens = cJSON_AddArrayToObject(o, "tokens"));
    for (size_t m = 0; ok && m < rm_scorer_models(j->scorer); m++) {
        struct rm_totals t = rm_job_totals(j, m);
        const double pair[] = {(double)t.flat, (double)t.unique};
        ok = cJSON_AddItemToArray(tokens, cJSON_CreateDoubleArray(pair, 2));
    }
    if (!ok) {
        cJSON_Delete(o);
        return NULL;
    }
    return o;
}

int rm_job_checkpoint(struct rm_job *j, bool done, struct pk_err *err)
{
    cJSON *state = state_of(j, done);
    if (!state)
        return pk_fail_mem(err, "a checkpoint");
    int rc = pk_sink_checkpoint(j->sink, state, err);
    cJSON_Delete(state);
    if (rc == 0)
        j->saved = j->counts.read;
    return rc;
}

/* ---- A shard's first and last line ---- */

static int write_line(struct rm_job *j, const char *text, struct pk_err *err)
{
    int rc = pk_sink_write(j->sink, text, strlen(text), err);
    return rc ? rc : pk_sink_write(j->sink, "\n", 1, err);
}

static int write_head(struct rm_job *j, struct pk_err *err)
{
    char text[256];
    snprintf(text, sizeof text,
             "{\"prefkit_shard\":{\"index\":%zu,\"of\":%zu,\"block\":%d,"
             "\"run\":\"%s\"}}",
             j->b->shard, j->b->shards, RM_SHARD_BLOCK, j->run);
    return write_line(j, text, err);
}

static int write_tail(struct rm_job *j, struct pk_err *err)
{
    char text[256], hex[65];
    pk_hex(j->chain, sizeof j->chain, hex);
    snprintf(text, sizeof text,
             "{\"prefkit_shard_end\":{\"index\":%zu,\"rows\":%llu,"
             "\"input_rows\":%llu,\"input_sha256\":\"%s\"}}",
             j->b->shard, (unsigned long long)j->counts.rows,
             (unsigned long long)j->counts.read, hex);
    return write_line(j, text, err);
}

int rm_job_end(struct rm_job *j, struct pk_err *err)
{
    int rc = j->b->shards ? write_tail(j, err) : 0;
    return rc ? rc : rm_job_checkpoint(j, true, err);
}

/* ---- Going on ---- */

static bool read_array(const cJSON *a, double *out, int n)
{
    if (cJSON_GetArraySize(a) != n)
        return false;
    for (int i = 0; i < n; i++) {
        const cJSON *v = cJSON_GetArrayItem(a, i);
        if (!cJSON_IsNumber(v))
            return false;
        out[i] = v->valuedouble;
    }
    return true;
}

static bool read_state(struct rm_job *j, const cJSON *o, char want[65])
{
    double x, fit[3], pair[2];
    bool ok = true;
#define READ(name)                                                             \
    ok = ok && pk_json_num(o, #name, -1, &x, NULL) == 0 && x >= 0;             \
    j->counts.name = ok ? (uint64_t)x : 0;
    RM_BATCH_COUNTS(READ)
#undef READ
    const char *text = NULL;
    ok = ok && pk_json_str(o, "chain", &text, NULL) == 0 && text &&
         strlen(text) == 64 &&
         read_array(cJSON_GetObjectItemCaseSensitive(o, "fit"), fit, 3);
    const cJSON *tokens = cJSON_GetObjectItemCaseSensitive(o, "tokens");
    size_t n = rm_scorer_models(j->scorer);
    ok = ok && (size_t)cJSON_GetArraySize(tokens) == n;
    for (size_t m = 0; m < n && ok; m++) {
        ok = read_array(cJSON_GetArrayItem(tokens, (int)m), pair, 2);
        if (ok)
            j->before[m] =
                (struct rm_totals){(uint64_t)pair[0], (uint64_t)pair[1]};
    }
    if (!ok)
        return false;
    memcpy(want, text, 65);
    j->fit = (struct rm_moments){fit[0], fit[1], fit[2]};
    j->done = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "done"));
    return true;
}

/* Past the rows that are done, which must be the same as then. */
static int skip_rows(struct rm_job *j, const char *want, struct pk_err *err)
{
    char *line, now[65];
    size_t len;
    for (uint64_t i = 0; i < j->counts.read; i++) {
        int rc = rm_job_next(j, &line, &len, err);
        if (rc == 0)
            break; /* the chain will tell */
        if (rc > 0 && i % 4096 == 0)
            rc = pk_check_interrupt(err);
        if (rc < 0)
            return rc;
    }
    pk_hex(j->chain, sizeof j->chain, now);
    if (strcmp(now, want) == 0)
        return 0;
    return pk_fail(err, PK_EDATA,
                   "%s: its first %llu rows are not those that the unfinished "
                   "run had read; remove %s.partial and %s.journal to start "
                   "over",
                   pk_lines_name(j->in), (unsigned long long)j->counts.read,
                   j->b->output, j->b->output);
}

static int go_on(struct rm_job *j, const cJSON *state, struct pk_err *err)
{
    char want[65];
    if (!read_state(j, state, want))
        return pk_fail(err, PK_EDATA,
                       "%s.journal is not a journal of this version; remove it "
                       "and %s.partial to start over",
                       j->b->output, j->b->output);
    j->saved = j->counts.read;
    int rc = skip_rows(j, want, err);
    if (rc == 0)
        pk_note(j->b->cli, "%llu rows of %s are done already",
                (unsigned long long)j->counts.read, pk_lines_name(j->in));
    return rc;
}

int rm_job_begin(struct rm_job *j, struct pk_err *err)
{
    const struct rm_batch *b = j->b;
    cJSON *state = NULL;
    char identity[128];
    j->before = pk_calloc(b->n_models + 1, sizeof *j->before);
    if (!j->before)
        return pk_fail_mem(err, "a batch");
    int rc = pk_sha256_new(&j->sha, err);
    /* Reading all weights once takes a moment: only where it is needed. */
    if (rc == 0 && (b->shards || strcmp(b->output, "-") != 0))
        rc = rm_batch_identity(b, j->scorer, j->run, err);
    snprintf(identity, sizeof identity, "%s %zu/%zu", j->run, b->shard,
             b->shards);
    if (rc == 0)
        rc =
            pk_sink_open(&j->sink, b->output, identity, b->resume, &state, err);
    if (rc == 0 && b->resume && !state)
        pk_note_anew(b->cli, b->output);
    if (rc == 0 && state)
        rc = go_on(j, state, err);
    else if (rc == 0 && b->shards)
        rc = write_head(j, err);
    cJSON_Delete(state);
    return rc;
}
