/* `prefkit search DB WORD...`: find words in prompts and responses. */
#include <string.h>

#include "common/json.h"
#include "common/num.h"
#include "common/plain.h"
#include "prefdb/store/search.h"

struct args {
    struct pk_cli cli;
    const char *db;
    struct pk_buf words;
    struct prefdb__search q;
    bool json;
    uint64_t hits;
};

static const struct argp_option options[] = {
    {"limit", 'n', "N", 0, "At most N hits (default: 20)", 0},
    {"in", 'i', "ROLE", 0, "user, assistant or system (default: all)", 0},
    {"json", 'j', NULL, 0, "One JSON object a line", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    uint64_t n = 0;
    enum prefdb_role role = PREFDB_USER;
    switch (key) {
    case 'n':
        if (!pk_parse_u64(arg, 1, 1000000, &n))
            argp_error(state, "--limit takes a number from 1 to 1000000");
        a->q.limit = (int64_t)n;
        return 0;
    case 'i':
        if (!prefdb__parse_role(arg, &role))
            argp_error(state, "--in is user, assistant or system");
        a->q.role = (int)role;
        return 0;
    case 'j':
        a->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (!a->db) {
            a->db = arg;
            return 0;
        }
        pk_buf_adds(&a->words, a->words.len ? " " : "");
        pk_buf_adds(&a->words, arg);
        return 0;
    case ARGP_KEY_END:
        if (!a->words.len)
            argp_error(state, "DB and at least one WORD are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int on_hit(void *ctx, const struct prefdb__hit *h, struct pk_err *err)
{
    struct args *a = ctx;
    a->hits++;
    if (!a->json) {
        printf("comparison %lld (", (long long)h->comparison);
        pk_plain_name(stdout, h->source);
        printf("), %s: ", h->answer ? "response" : prefdb__role_name(h->role));
        pk_plain_text(stdout, h->snippet, strlen(h->snippet), "    ");
        putchar('\n');
        return 0;
    }
    cJSON *o = cJSON_CreateObject();
    bool ok = cJSON_AddStringToObject(o, "schema", "prefkit-search-1") &&
              pk_json_add_int(o, "comparison", h->comparison) == 0 &&
              pk_json_add_int(o, "turn", h->turn) == 0 &&
              cJSON_AddStringToObject(o, "source", h->source) &&
              cJSON_AddStringToObject(o, "role", prefdb__role_name(h->role)) &&
              cJSON_AddBoolToObject(o, "response", h->answer) &&
              cJSON_AddStringToObject(o, "snippet", h->snippet);
    char *text = ok ? cJSON_PrintUnformatted(o) : NULL;
    if (text)
        puts(text);
    cJSON_free(text);
    cJSON_Delete(o);
    return text ? 0 : pk_fail_mem(err, "a hit");
}

int prefdb_cmd_search(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "DB WORD...",
        .doc = "Find turns that hold all the words, in prompts and responses."
               "\vCase and accents do not count; \"two words\" in quotes are a "
               "phrase; nothing else has a meaning. Chinese and Japanese words "
               "are found within a line. The first search makes the "
               "index. Exit status 1 when nothing is found."};
    struct args a = {.cli.verb = "search",
                     .words = PK_BUF_INIT(1 << 16),
                     .q = {.role = -1, .limit = 20, .hit = on_hit}};
    struct pk_progress progress;
    struct pk_err err;
    struct prefdb *db = NULL;
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    a.q.words = a.words.data;
    a.q.ctx = &a;
    int rc = prefdb_open(&db, a.db, PREFDB_WRITE, &err);
    if (!rc) {
        pk_progress_start(&progress, &a.cli, "turns", 0);
        rc = prefdb__search(db, &a.q, &progress, &err);
        pk_progress_end(&progress);
    }
    prefdb_close(db);
    pk_buf_release(&a.words);
    if (rc)
        return pk_cli_fail(&a.cli, &err);
    return pk_cli_finish(&a.cli, a.hits ? 0 : 1);
}
