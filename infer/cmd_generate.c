/* prefkit generate: sample responses, JSON lines in, JSON lines out. */
#include <stdlib.h>
#include <string.h>

#include "common/cli.h"
#include "common/json.h"
#include "common/lines.h"
#include "common/mem.h"
#include "common/num.h"
#include "common/out.h"
#include "common/progress.h"
#include "common/utf8.h"
#include "infer/generate.h"

struct args {
    struct pk_cli cli;
    const char *model, *input, *output;
    enum infer_precision precision;
    struct infer_request request;
    const char **stop;
    size_t cap_stops;
    uint64_t samples;
};

enum { OPT_STOP = 300, OPT_PRECISION };

static const struct argp_option options[] = {
    {"model", 'm', "DIR", 0, "The model directory", 0},
    {"input", 'i', "FILE", 0, "JSON lines (default -: standard input)", 0},
    {"output", 'o', "FILE", 0, "Where to (default -: standard output)", 0},
    {"samples", 'k', "K", 0, "Responses per prompt (default 1)", 0},
    {"max-tokens", 'n', "N", 0, "Longest response, in tokens (default 256)", 0},
    {"temperature", 'T', "X", 0, "0 always takes the likeliest (default 1)", 0},
    {"top-p", 'p', "X", 0,
     "Sample from this share of the probability (default 1)", 0},
    {"top-k", 'K', "N", 0, "Sample from the N likeliest (default 0: all)", 0},
    {"repetition-penalty", 'R', "X", 0,
     "Make what prompt or response has already less likely (default 1: not)",
     0},
    {"stop", OPT_STOP, "TEXT", 0,
     "End a response before TEXT; may be given again", 0},
    {"precision", OPT_PRECISION, "auto|fp32|bf16", 0,
     "How to compute prompts (default auto); responses are computed in fp32",
     0},
    {"seed", 'S', "N", 0, "Seed (default 1)", 0},
    {0}};

static void need(struct argp_state *state, bool ok, const char *what)
{
    if (!ok)
        argp_error(state, "%s", what);
}

static void add_stop(struct args *a, const char *text, struct argp_state *state)
{
    struct infer_request *q = &a->request;
    need(state, *text && pk_utf8_check(text, strlen(text)) == strlen(text),
         "--stop takes text in UTF-8");
    if (!pk_grow(&a->stop, &a->cap_stops, q->n_stops + 1, sizeof *a->stop))
        argp_failure(state, 5, 0, "out of memory");
    else
        a->stop[q->n_stops++] = text;
    q->stop = a->stop;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    struct infer_sampling *s = &a->request.sampling;
    struct pk_err err;
    uint64_t n;
    switch (key) {
    case OPT_PRECISION:
        need(state, infer_precision_parse(&a->precision, arg, &err) == 0,
             "--precision takes auto, fp32 or bf16");
        return 0;
    case 'm':
        a->model = arg;
        return 0;
    case 'i':
        a->input = arg;
        return 0;
    case 'o':
        a->output = arg;
        return 0;
    case 'k':
        need(state, pk_parse_u64(arg, 1, 1 << 20, &a->samples),
             "--samples takes a whole number from 1");
        return 0;
    case 'n':
        need(state, pk_parse_u64(arg, 1, 1 << 24, &n),
             "--max-tokens takes a whole number from 1");
        a->request.max_tokens = (size_t)n;
        return 0;
    case 'T':
        need(state, pk_parse_double(arg, 0, 100, &s->temperature),
             "--temperature takes a number from 0 to 100");
        return 0;
    case 'p':
        need(state, pk_parse_double(arg, 1e-9, 1, &s->top_p),
             "--top-p takes a number above 0, at most 1");
        return 0;
    case 'K':
        need(state, pk_parse_u64(arg, 0, 1 << 24, &n),
             "--top-k takes a whole number");
        s->top_k = (size_t)n;
        return 0;
    case 'R':
        need(state, pk_parse_double(arg, 1e-3, 1e3, &s->repetition_penalty),
             "--repetition-penalty takes a number from 0.001 to 1000");
        return 0;
    case OPT_STOP:
        add_stop(a, arg, state);
        return 0;
    case 'S':
        need(state, pk_parse_u64(arg, 0, UINT64_MAX, &a->request.seed),
             "--seed takes a whole number");
        return 0;
    case ARGP_KEY_END:
        need(state, a->model != NULL, "--model is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .doc =
        "Sample responses. Each row is {\"messages\": [...]} or {\"prompt\": "
        "\"...\"}, answered in the model's chat format, or {\"text\": "
        "\"...\"}, "
        "which is continued as it stands. Rows come back whole, in order, "
        "with \"responses\": [...] and \"cut\": [...], true where a response "
        "reached --max-tokens before its end.\v"
        "A row's samples depend on the seed and the row's number alone.\n\n"
        "Example:\n"
        "  prefkit generate --model base --samples 4 --input prompts.jsonl"};

struct job {
    const struct args *a;
    struct infer_model *m;
    struct infer_tokenizer *t;
    struct infer_generator *g;
    struct infer_dialogue dialogue;
    struct infer_ids prompt;
    struct pk_buf responses, cuts, row;
    uint64_t rows, tokens;
};

/* The prompt's ids; *fresh: the response starts a text, so that its first
 * piece's leading space is none of it. */
static int encode_prompt(struct job *j, const cJSON *row, bool *fresh,
                         struct pk_err *err)
{
    const cJSON *messages = cJSON_GetObjectItemCaseSensitive(row, "messages");
    const char *text = NULL, *prompt = NULL;
    struct infer_chat what;
    j->prompt.len = j->dialogue.n = 0;
    *fresh = true;
    int rc = pk_json_str(row, "text", &text, err);
    if (!rc)
        rc = pk_json_str(row, "prompt", &prompt, err);
    if (rc)
        return rc;
    if (!!messages + !!text + !!prompt != 1)
        return pk_fail(err, PK_EDATA,
                       "one of \"messages\", \"prompt\" and \"text\" is "
                       "needed");
    if (text) {
        *fresh = !*text;
        if (infer_tokenizer_bos(j->t) >= 0)
            rc = infer_ids_add(&j->prompt, infer_tokenizer_bos(j->t), err);
        return rc ? rc
                  : infer_tokenizer_encode(j->t, text, strlen(text), &j->prompt,
                                           err);
    }
    rc = messages ? infer_dialogue_read(&j->dialogue, messages, err)
                  : infer_dialogue_add(&j->dialogue, INFER_USER, prompt,
                                       strlen(prompt), err);
    if (!rc && (j->dialogue.n == 0 ||
                j->dialogue.msg[j->dialogue.n - 1].role != INFER_USER))
        rc = pk_fail(err, PK_EDATA, "the last message is not the user's");
    return rc ? rc
              : infer_chat_encode(j->t, j->dialogue.msg, j->dialogue.n, false,
                                  0, &j->prompt, &what, err);
}

static int answer(struct job *j, bool fresh, struct pk_err *err)
{
    struct infer_request q = j->a->request;
    pk_buf_reset(&j->responses);
    pk_buf_reset(&j->cuts);
    for (uint64_t k = 0; k < j->a->samples; k++) {
        struct infer_response r;
        q.stream = j->rows << 20 | k;
        int rc = infer_generate_ids(j->g, &j->prompt, fresh, &q, &r, err);
        if (rc)
            return rc;
        j->tokens += r.tokens;
        pk_buf_addc(&j->responses, k ? ',' : '[');
        pk_json_quote(&j->responses, r.text, r.len);
        pk_buf_addf(&j->cuts, "%c%s", k ? ',' : '[',
                    r.finish == INFER_FINISH_LENGTH ? "true" : "false");
        free(r.text);
    }
    pk_buf_addc(&j->responses, ']');
    pk_buf_addc(&j->cuts, ']');
    return j->responses.failed || j->cuts.failed
               ? pk_fail_mem(err, "a response")
               : 0;
}

static int write_row(struct job *j, const char *line, size_t len, FILE *f,
                     struct pk_err *err)
{
    struct pk_buf half = PK_BUF_INIT(2 * PK_LINE_MAX);
    pk_buf_reset(&j->row);
    pk_json_splice(&half, line, len, "responses", j->responses.data);
    int rc = half.failed ? half.failed
                         : pk_json_splice(&j->row, half.data, half.len, "cut",
                                          j->cuts.data);
    pk_buf_release(&half);
    if (rc)
        return pk_fail_mem(err, "a row");
    fprintf(f, "%s\n", j->row.data);
    fflush(f);
    return 0;
}

static int do_row(struct job *j, const char *line, size_t len, FILE *f,
                  struct pk_err *err)
{
    cJSON *row;
    bool fresh;
    int rc = pk_json_parse(&row, line, len, err);
    if (rc)
        return rc;
    if (!cJSON_IsObject(row))
        rc = pk_fail(err, PK_EDATA, "not a JSON object");
    else if (cJSON_GetObjectItemCaseSensitive(row, "responses") ||
             cJSON_GetObjectItemCaseSensitive(row, "cut"))
        rc = pk_fail(err, PK_EDATA,
                     "the row has \"responses\" or \"cut\" already");
    if (!rc)
        rc = encode_prompt(j, row, &fresh, err);
    if (!rc)
        rc = answer(j, fresh, err);
    if (!rc)
        rc = write_row(j, line, len, f, err);
    cJSON_Delete(row);
    return rc;
}

static int do_rows(struct job *j, struct pk_lines *in, FILE *f,
                   struct pk_err *err)
{
    struct pk_progress progress;
    char *line;
    size_t len;
    int rc;
    pk_progress_start(&progress, &j->a->cli, "rows", 0);
    while ((rc = pk_check_interrupt(err)) == 0 &&
           (rc = pk_lines_next(in, &line, &len, err)) > 0) {
        j->rows++;
        if ((rc = do_row(j, line, len, f, err)) < 0) {
            pk_err_prefix(err, "%s: ", pk_lines_where(in));
            break;
        }
        pk_progress_at(&progress, j->rows);
    }
    pk_progress_end(&progress);
    return rc;
}

static int run(struct job *j, struct pk_err *err)
{
    const struct args *a = j->a;
    struct pk_lines *in = NULL;
    struct pk_out *out = NULL;
    const struct infer_open how = {.precision = a->precision};
    int rc = infer_model_open_as(&j->m, a->model, &how, err);
    if (!rc)
        rc = infer_tokenizer_open(&j->t, a->model, err);
    if (!rc)
        rc = infer_generator_new(&j->g, j->m, j->t, err);
    if (!rc)
        rc = pk_lines_open(&in, a->input, err);
    if (!rc)
        rc = pk_out_open(&out, a->output, err);
    if (!rc)
        rc = do_rows(j, in, pk_out_file(out), err);
    if (!rc)
        rc = pk_out_commit(&out, err);
    pk_out_abort(&out);
    pk_lines_close(in);
    return rc;
}

int infer_cmd_generate(int argc, char **argv)
{
    struct args a = {.cli.verb = "generate",
                     .input = "-",
                     .output = "-",
                     .request = {.sampling = INFER_SAMPLING_INIT,
                                 .max_tokens = 256,
                                 .seed = 1},
                     .samples = 1};
    struct pk_err err = {0};
    pk_cli_parse(&argp, argc, argv, &a.cli);
    struct job j = {.a = &a,
                    .responses = PK_BUF_INIT(PK_LINE_MAX),
                    .cuts = PK_BUF_INIT(PK_LINE_MAX),
                    .row = PK_BUF_INIT(3 * PK_LINE_MAX)};
    pk_catch_signals();
    int rc = run(&j, &err);
    if (!rc)
        pk_note(&a.cli, "%llu rows, %llu tokens generated",
                (unsigned long long)j.rows, (unsigned long long)j.tokens);
    infer_generator_free(j.g);
    infer_tokenizer_close(j.t);
    infer_model_close(j.m);
    infer_dialogue_release(&j.dialogue);
    infer_ids_release(&j.prompt);
    pk_buf_release(&j.responses);
    pk_buf_release(&j.cuts);
    free(a.stop);
    pk_buf_release(&j.row);
    return rc ? pk_cli_fail(&a.cli, &err) : 0;
}
