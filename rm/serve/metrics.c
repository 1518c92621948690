/* What the server tells of itself. Metrics are in Prometheus' text format,
 * version 0.0.4. */
#include <string.h>

#include "common/progress.h"
#include "common/version.h"
#include "rm/serve/server.h"

static const unsigned statuses[RM_N_STATUS] = {200, 400, 401, 404, 405,
                                               413, 500, 503, 0};
static const double buckets[RM_N_BUCKETS] = {0.005, 0.02, 0.05, 0.1, 0.2,
                                             0.5,   1,    5,    20,  100};

void rm_count_reply(struct rm_server *s, const struct rm_shape *shape,
                    unsigned status)
{
    size_t k = 0;
    while (statuses[k] && statuses[k] != status)
        k++;
    s->counts.requests[shape ? rm_shape_number(shape) : RM_N_SHAPES][k]++;
}

void rm_count_asked(struct rm_server *s, const struct rm_ask *a, double seconds)
{
    struct rm_serve_counts *c = &s->counts;
    size_t models = rm_scorer_models(a->scorer);
    for (size_t i = 0; i < a->n; i++) {
        bool cut = false, shortened = false;
        for (size_t m = 0; m < models && !a->text[i].error; m++) {
            const struct rm_scored *x = &a->scored[i * models + m];
            cut |= x->cut;
            shortened |= x->dropped > 0;
        }
        c->texts++;
        c->errors += a->text[i].error != NULL;
        c->cut += cut;
        c->shortened += shortened;
    }
    for (int b = 0; b < RM_N_BUCKETS; b++)
        c->within[b] += seconds <= buckets[b];
    c->timed++;
    c->seconds += seconds;
}

static void head(struct pk_buf *out, const char *name, const char *type,
                 const char *help)
{
    pk_buf_addf(out, "# HELP prefkit_%s %s\n# TYPE prefkit_%s %s\n", name, help,
                name, type);
}

static void one(struct pk_buf *out, const char *name, const char *type,
                const char *help, double value)
{
    head(out, name, type, help);
    pk_buf_addf(out, "prefkit_%s %.17g\n", name, value);
}

static void add_requests(struct pk_buf *out, const struct rm_serve_counts *c)
{
    head(out, "requests_total", "counter", "Requests by address and status.");
    for (size_t i = 0; i <= RM_N_SHAPES; i++)
        for (size_t k = 0; k < RM_N_STATUS; k++)
            if (c->requests[i][k])
                pk_buf_addf(out,
                            "prefkit_requests_total{path=\"%s\",status=\"%u\"} "
                            "%llu\n",
                            i < RM_N_SHAPES ? rm_shape_numbered(i)->path[0]
                                            : "other",
                            statuses[k], (unsigned long long)c->requests[i][k]);
}

static void add_latency(struct pk_buf *out, const struct rm_serve_counts *c)
{
    head(out, "request_seconds", "histogram",
         "From a request's last byte to its reply.");
    for (int b = 0; b < RM_N_BUCKETS; b++)
        pk_buf_addf(out, "prefkit_request_seconds_bucket{le=\"%g\"} %llu\n",
                    buckets[b], (unsigned long long)c->within[b]);
    pk_buf_addf(out,
                "prefkit_request_seconds_bucket{le=\"+Inf\"} %llu\n"
                "prefkit_request_seconds_sum %.17g\n"
                "prefkit_request_seconds_count %llu\n",
                (unsigned long long)c->timed, c->seconds,
                (unsigned long long)c->timed);
}

static void add_models(struct pk_buf *out, const struct rm_server *s)
{
    head(out, "model_info", "gauge", "The models served.");
    for (size_t m = 0; m < s->o->n_models; m++) {
        pk_buf_adds(out, "prefkit_model_info{name=");
        const char *name = rm_scorer_name(s->scorer, m);
        pk_json_quote(out, name, strlen(name));
        pk_buf_addf(out, ",fingerprint=\"%s\",version=\"%s\"} 1\n", s->print[m],
                    PK_VERSION);
    }
}

void rm_write_metrics(struct rm_server *s, struct pk_buf *out)
{
    const struct rm_serve_counts *c = &s->counts;
    struct rm_queue_stats q = rm_queue_stats(s->queue);
    add_models(out, s);
    one(out, "up_seconds", "gauge", "Since it listens.", pk_now() - s->started);
    add_requests(out, c);
    add_latency(out, c);
    one(out, "texts_total", "counter", "Texts of answered requests.",
        (double)c->texts);
    one(out, "text_errors_total", "counter", "Those that could not be scored.",
        (double)c->errors);
    one(out, "texts_cut_total", "counter",
        "Those read at a token that does not close them.", (double)c->cut);
    one(out, "texts_shortened_total", "counter",
        "Those that lost their oldest exchanges.", (double)c->shortened);
    one(out, "queue_texts", "gauge", "Texts that wait or are being scored.",
        (double)q.texts);
    one(out, "queue_tokens", "gauge", "Their tokens.", (double)q.tokens);
    one(out, "forests_total", "counter", "Forests computed.",
        (double)q.forests);
    one(out, "forest_texts_max", "gauge", "The most texts in one.",
        (double)q.most_texts);
    one(out, "texts_scored_total", "counter", "Texts scored.",
        (double)q.scored);
    one(out, "tokens_total", "counter", "Tokens of all texts, by all models.",
        (double)q.total.flat);
    one(out, "tokens_computed_total", "counter",
        "Tokens computed: shared beginnings once.", (double)q.total.unique);
    one(out, "model_seconds_total", "counter", "Time spent in the models.",
        q.busy_seconds);
    one(out, "failed_requests_total", "counter",
        "Requests whose scoring failed as a whole.", (double)q.failed);
}

void rm_write_health(struct rm_server *s, struct pk_buf *out)
{
    pk_buf_addf(out, "{\"status\":\"%s\",\"version\":\"%s\"}\n",
                s->draining ? "ending" : "ok", PK_VERSION);
}

/* R_c as one model more. */
static void add_combined(struct pk_buf *out, const struct rm_server *s)
{
    static const char *const roles[] = {"helpfulness", "safety"};
    size_t most = SIZE_MAX;
    pk_buf_adds(out, ",{\"id\":\"" RM_COMBINED_NAME
                     "\",\"object\":\"model\",\"owned_by\":\"prefkit\"");
    for (int r = 0; r < RM_N_COMBINED; r++) {
        const char *name = s->combine.name[r];
        size_t n = rm_scorer_coder(s->scorer, s->reward.model[r])->max_tokens;
        most = n < most ? n : most;
        pk_buf_addf(out, ",\"%s\":", roles[r]);
        pk_json_quote(out, name, strlen(name));
    }
    pk_buf_addf(out, ",\"max_model_len\":%zu}", most);
}

void rm_write_models(struct rm_server *s, struct pk_buf *out)
{
    pk_buf_adds(out, "{\"object\":\"list\",\"data\":[");
    for (size_t m = 0; m < s->o->n_models; m++) {
        const char *name = rm_scorer_name(s->scorer, m);
        pk_buf_adds(out, m ? ",{\"id\":" : "{\"id\":");
        pk_json_quote(out, name, strlen(name));
        pk_buf_addf(out,
                    ",\"object\":\"model\",\"owned_by\":\"prefkit\","
                    "\"fingerprint\":\"%s\",\"max_model_len\":%zu}",
                    s->print[m], rm_scorer_coder(s->scorer, m)->max_tokens);
    }
    if (s->combine.name[0])
        add_combined(out, s);
    pk_buf_adds(out, "]}\n");
}
