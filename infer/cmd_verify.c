/* prefkit verify: will this model directory score the same here and elsewhere?
 */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli.h"
#include "common/json.h"
#include "infer/infer.h"
#include "infer/verify/verify.h"

struct args {
    struct pk_cli cli;
    const char *dir;
    enum infer_read_out read_out;
    enum infer_precision precision;
    bool json;
};

static const struct argp_option options[] = {
    {"json", 'j', NULL, 0, "The report as JSON", 0},
    {"precision", 'p', "auto|fp32|bf16", 0,
     "Look at bf16 as well as fp32 (default auto: where scoring would choose "
     "it)",
     0},
    {"read-out", 'r', "eos|before-eos", 0,
     "Where scores are read, when pad_token_id is the end-of-sequence token: "
     "at "
     "it, or at the last token before it",
     0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    struct pk_err err;
    switch (key) {
    case 'j':
        a->json = true;
        return 0;
    case 'p':
        if (infer_precision_parse(&a->precision, arg, &err) < 0)
            argp_error(state, "--precision: %s", err.text);
        return 0;
    case 'r':
        if (infer_read_out_parse(&a->read_out, arg, &err) < 0)
            argp_error(state, "--read-out: %s", err.text);
        return 0;
    default:
        return pk_cli_args(key, arg, state,
                           (const struct pk_cli_arg[]){{"DIR", &a->dir}, {0}});
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "DIR",
    .doc =
        "Will this model directory, or one of adapters with its base, score "
        "the same here and elsewhere? Looks at the read-out token, pad and "
        "eos, the chat template, BOS, shapes, "
        "labels, weights that are no numbers, and the tokenizer's size; and "
        "computes fixed texts alone, together, in another order and beside a "
        "longer one, with one thread and with several.\v"
        "Exit status 1 when something is found that could change a score "
        "elsewhere; remarks alone leave it 0.\n\n"
        "Example:\n"
        "  prefkit verify models/safety"};

/* ---- Text ---------------------------------------------------------------- */

static void print_text(const struct args *a, const struct verify_report *r)
{
    printf("%s: %s\n", a->dir,
           r->score_head ? "a reward model" : "a language model");
    if (r->score_head)
        printf("read-out          %s\n",
               a->read_out == INFER_READ_BEFORE_EOS
                   ? "at the last token before the end"
                   : "at the token that ends the response");
    printf("bos, eos, pad     %d, %d, %d\n", (int)r->bos, (int)r->eos,
           (int)r->pad);
    printf("vocabulary        %zu rows, %zu tokens\n", r->vocab, r->tokens);
    printf("chat format       %s%s\n", infer_chat_name(r->chat),
           !*r->template_sha256 ? ""
           : strcmp(r->template_sha256, r->ours_sha256) == 0
               ? " (the template is ours)"
               : " (the template is not ours)");
    if (*r->template_sha256)
        printf("template SHA-256  %s\n", r->template_sha256);
    if (r->n_runs)
        printf("%zu fixed texts    from %.9g to %.9g\n", r->texts, r->lowest,
               r->highest);
    for (size_t i = 0; i < r->n_runs; i++)
        printf("  %s %-20s %2d thread%s  largest difference %.3g%s\n",
               infer_precision_name(r->run[i].precision), r->run[i].how,
               r->run[i].threads, r->run[i].threads == 1 ? " " : "s",
               r->run[i].difference, r->run[i].same_bits ? " (same bits)" : "");
    for (size_t i = 0; i < r->n_findings; i++)
        printf("%s: %s: %s\n", r->finding[i].problem ? "problem" : "remark",
               r->finding[i].about, r->finding[i].text);
    printf(r->n_problems ? "%zu found that could change a score elsewhere\n"
                         : "nothing found that could change a score "
                           "elsewhere\n",
           r->n_problems);
}

/* ---- JSON ---------------------------------------------------------------- */

static void add_id(cJSON *o, const char *key, int32_t id)
{
    if (id < 0)
        cJSON_AddNullToObject(o, key);
    else
        pk_json_add_int(o, key, id);
}

static void add_sha256(cJSON *o, const char *key, const char *hex)
{
    if (*hex)
        cJSON_AddStringToObject(o, key, hex);
    else
        cJSON_AddNullToObject(o, key);
}

static cJSON *runs(const struct verify_report *r)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < r->n_runs; i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "precision",
                                infer_precision_name(r->run[i].precision));
        cJSON_AddStringToObject(o, "how", r->run[i].how);
        pk_json_add_int(o, "threads", r->run[i].threads);
        pk_json_add_num(o, "largest_difference", r->run[i].difference);
        cJSON_AddBoolToObject(o, "same_bits", r->run[i].same_bits);
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

static cJSON *findings(const struct verify_report *r)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < r->n_findings; i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddBoolToObject(o, "problem", r->finding[i].problem);
        cJSON_AddStringToObject(o, "about", r->finding[i].about);
        cJSON_AddStringToObject(o, "text", r->finding[i].text);
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

static int print_json(const struct args *a, const struct verify_report *r,
                      struct pk_err *err)
{
    cJSON *j = cJSON_CreateObject();
    cJSON_AddStringToObject(j, "schema", "prefkit-verify-1");
    cJSON_AddStringToObject(j, "directory", a->dir);
    cJSON_AddBoolToObject(j, "ok", r->n_problems == 0);
    cJSON_AddStringToObject(j, "kind",
                            r->score_head ? "reward model" : "language model");
    cJSON_AddStringToObject(j, "read_out",
                            a->read_out == INFER_READ_BEFORE_EOS ? "before-eos"
                                                                 : "eos");
    add_id(j, "bos", r->bos);
    add_id(j, "eos", r->eos);
    add_id(j, "pad", r->pad);
    pk_json_add_int(j, "embedding_rows", (long long)r->vocab);
    pk_json_add_int(j, "tokens", (long long)r->tokens);
    cJSON_AddStringToObject(j, "chat_format", infer_chat_name(r->chat));
    add_sha256(j, "chat_template_sha256", r->template_sha256);
    add_sha256(j, "our_template_sha256", r->ours_sha256);
    pk_json_add_int(j, "texts", (long long)r->texts);
    cJSON_AddItemToObject(j, "runs", runs(r));
    cJSON_AddItemToObject(j, "findings", findings(r));
    return pk_json_write(stdout, j, err);
}

/* ---- The verb ------------------------------------------------------------ */

int infer_cmd_verify(int argc, char **argv)
{
    struct args a = {.cli.verb = "verify", .precision = INFER_PRECISION_AUTO};
    struct pk_err err = {0};
    pk_cli_parse(&argp, argc, argv, &a.cli);
    struct verify_report r = {.bos = -1, .eos = -1, .pad = -1};
    struct verify_open o = {
        .dir = a.dir, .read_out = a.read_out, .precision = a.precision};
    int rc = infer_verify_files(&r, &o, &err);
    if (!rc && o.model)
        infer_say_precision(&a.cli, a.precision, o.model);
    if (!rc && o.model)
        rc = infer_verify_rescore(&r, &o, omp_get_max_threads(), &err);
    if (!rc && a.json)
        rc = print_json(&a, &r, &err);
    else if (!rc)
        print_text(&a, &r);
    infer_tokenizer_close(o.tokenizer);
    infer_model_close(o.model);
    return rc ? pk_cli_fail(&a.cli, &err)
              : pk_cli_finish(&a.cli, r.n_problems ? 1 : 0);
}
