/* `prefkit tokenize`: JSON lines of text or dialogues to token ids and back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cli.h"
#include "common/json.h"
#include "common/lines.h"
#include "common/mem.h"
#include "common/num.h"
#include "common/out.h"
#include "common/progress.h"
#include "infer/infer.h"

struct args {
    struct pk_cli cli;
    const char *model, *input, *output;
    bool decode, chat, bos, eos;
    uint64_t max_tokens;
};

static const char doc[] =
    "Turn text or dialogues into token ids, and ids into text: one JSON object "
    "per line in, the same object with one more member out.\v"
    "{\"text\": \"...\"} is encoded as it stands. {\"messages\": [{\"role\": "
    "..., \"content\": ...}, ...]} is encoded in the model's chat format: an "
    "optional system message, then user and assistant in turn; it is left open "
    "for an answer when it ends with the user. Both gain \"token_ids\". With "
    "--decode, {\"token_ids\": [...]} gains \"text\", or \"decoded\" where the "
    "row has its text.\n\n"
    "Example:\n"
    "  echo '{\"text\": \"Hello world\"}' | prefkit tokenize -m MODEL_DIR\n";

enum { OPT_BOS = 256, OPT_EOS };

static const struct argp_option options[] = {
    {"model", 'm', "PATH", 0,
     "A model directory, a tokenizer.model or a tokenizer.json (required)", 0},
    {"decode", 'd', NULL, 0, "From token ids to text", 0},
    {"chat", 'c', NULL, 0, "Take dialogues only: a row of text is an error", 0},
    {"bos", OPT_BOS, NULL, 0, "Put the BOS id before each text", 0},
    {"eos", OPT_EOS, NULL, 0, "Put the EOS id after each text", 0},
    {"max-tokens", 'n', "N", 0,
     "Drop a dialogue's oldest exchanges until it has at most N tokens", 0},
    {"input", 'i', "FILE", 0, "JSON lines, plain or gzip (default: -)", 0},
    {"output", 'o', "FILE", 0, "Where the rows go (default: -)", 0},
    {0}};

static void check_args(const struct args *a, struct argp_state *state)
{
    if (!a->model)
        argp_error(state, "--model is missing");
    else if (a->decode && (a->chat || a->bos || a->eos || a->max_tokens))
        argp_error(state, "--decode goes with no other choice of form");
    else if (a->chat && (a->bos || a->eos))
        argp_error(state, "--chat puts BOS and EOS itself");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    switch (key) {
    case 'm':
        a->model = arg;
        break;
    case 'i':
        a->input = arg;
        break;
    case 'o':
        a->output = arg;
        break;
    case 'd':
        a->decode = true;
        break;
    case 'c':
        a->chat = true;
        break;
    case OPT_BOS:
        a->bos = true;
        break;
    case OPT_EOS:
        a->eos = true;
        break;
    case 'n':
        if (!pk_parse_u64(arg, 1, INT32_MAX, &a->max_tokens))
            argp_error(state, "--max-tokens takes a whole number from 1");
        break;
    case ARGP_KEY_END:
        check_args(a, state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* One run of the verb. */
struct job {
    const struct args *a;
    struct infer_tokenizer *t;
    struct infer_ids ids;           /* of the row at hand */
    struct infer_dialogue dialogue; /* likewise */
    struct pk_buf value, row;
    uint64_t rows, tokens, shortened, dropped;
};

/* ---- One row ------------------------------------------------------------- */

static int encode_dialogue(struct job *j, const cJSON *list, struct pk_err *err)
{
    struct infer_chat what;
    j->dialogue.n = 0;
    int rc = infer_dialogue_read(&j->dialogue, list, err);
    if (!rc)
        rc = infer_chat_encode(j->t, j->dialogue.msg, j->dialogue.n, false,
                               (size_t)j->a->max_tokens, &j->ids, &what, err);
    if (!rc && what.dropped) {
        j->shortened++;
        j->dropped += what.dropped;
    }
    return rc;
}

static int add_special(struct job *j, int32_t id, const char *name,
                       struct pk_err *err)
{
    if (id < 0)
        return pk_fail(err, PK_EDATA, "the tokenizer has no %s", name);
    return infer_ids_add(&j->ids, id, err);
}

static int encode_text(struct job *j, const cJSON *row, struct pk_err *err)
{
    const char *text = "";
    int rc = j->a->chat ? pk_fail(err, PK_EDATA, "\"messages\" is missing")
                        : pk_json_need_str(row, "text", &text, err);
    if (!rc && j->a->bos)
        rc = add_special(j, infer_tokenizer_bos(j->t), "BOS", err);
    if (!rc)
        rc = infer_tokenizer_encode(j->t, text, strlen(text), &j->ids, err);
    if (!rc && j->a->eos)
        rc = add_special(j, infer_tokenizer_eos(j->t), "EOS", err);
    return rc;
}

static void add_id(struct pk_buf *b, int32_t id)
{
    char digits[12];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + id % 10);
    while ((id /= 10) > 0);
    pk_buf_add(b, digits + at, sizeof digits - at);
}

/* The new member's value for a row to encode. */
static int encode_row(struct job *j, const cJSON *row, struct pk_err *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(row, "messages");
    j->ids.len = 0;
    int rc = list && !cJSON_IsNull(list) ? encode_dialogue(j, list, err)
                                         : encode_text(j, row, err);
    if (rc)
        return rc;
    pk_buf_addc(&j->value, '[');
    for (size_t i = 0; i < j->ids.len; i++) {
        if (i > 0)
            pk_buf_addc(&j->value, ',');
        add_id(&j->value, j->ids.id[i]);
    }
    pk_buf_addc(&j->value, ']');
    return 0;
}

static int take_ids(struct job *j, const cJSON *list, struct pk_err *err)
{
    const size_t vocab = infer_tokenizer_vocab(j->t);
    const cJSON *item;
    j->ids.len = 0;
    if (!cJSON_IsArray(list))
        return pk_fail(err, PK_EDATA, "\"token_ids\" is %s",
                       list ? "not an array" : "missing");
    cJSON_ArrayForEach(item, list)
    {
        const double v = cJSON_IsNumber(item) ? item->valuedouble : -1;
        if (!(v >= 0 && v < (double)vocab && v == floor(v)))
            return pk_fail(err, PK_EDATA,
                           "token_ids[%zu] is not a whole number below %zu",
                           j->ids.len, vocab);
        int rc = infer_ids_add(&j->ids, (int32_t)v, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* The new member's value for a row to decode. */
static int decode_row(struct job *j, const cJSON *row, struct pk_err *err)
{
    char *text = NULL;
    size_t len = 0;
    int rc =
        take_ids(j, cJSON_GetObjectItemCaseSensitive(row, "token_ids"), err);
    if (!rc)
        rc = infer_tokenizer_decode(j->t, j->ids.id, j->ids.len, &text, &len,
                                    err);
    if (!rc)
        pk_json_quote(&j->value, text, len);
    free(text);
    return rc;
}

/* Leaves the row to write in j->row. */
static int do_row(struct job *j, const char *line, size_t len,
                  struct pk_err *err)
{
    cJSON *row = NULL;
    pk_buf_reset(&j->value);
    pk_buf_reset(&j->row);
    int rc = pk_json_parse(&row, line, len, err);
    if (!rc && !cJSON_IsObject(row))
        rc = pk_fail(err, PK_EDATA, "not a JSON object");
    const char *key = !j->a->decode ? "token_ids"
                      : cJSON_GetObjectItemCaseSensitive(row, "text")
                          ? "decoded"
                          : "text";
    if (!rc && cJSON_GetObjectItemCaseSensitive(row, key))
        rc = pk_fail(err, PK_EDATA, "the row has \"%s\" already", key);
    if (!rc)
        rc = j->a->decode ? decode_row(j, row, err) : encode_row(j, row, err);
    if (!rc) {
        pk_json_splice(&j->row, line, len, key, j->value.data);
        pk_buf_addc(&j->row, '\n');
        if (j->value.failed || j->row.failed)
            rc = pk_fail_mem(err, "a row");
    }
    cJSON_Delete(row);
    j->rows += !rc;
    j->tokens += rc ? 0 : j->ids.len;
    return rc;
}

/* ---- All rows ------------------------------------------------------------ */

static int do_rows(struct job *j, struct pk_lines *in, FILE *out,
                   struct pk_err *err)
{
    struct pk_progress p;
    char *line;
    size_t len;
    int rc;
    pk_progress_start(&p, &j->a->cli, "bytes", pk_lines_size(in));
    while ((rc = pk_lines_next(in, &line, &len, err)) > 0) {
        rc = do_row(j, line, len, err);
        if (rc) {
            pk_err_prefix(err, "%s: ", pk_lines_where(in));
            break;
        }
        if (fwrite(j->row.data, 1, j->row.len, out) < j->row.len) {
            rc = pk_fail_errno(err, "cannot write '%s'", j->a->output);
            break;
        }
        pk_progress_at(&p, pk_lines_bytes(in));
        rc = pk_check_interrupt(err);
        if (rc)
            break;
    }
    pk_progress_end(&p);
    return rc;
}

static int run(struct job *j, struct pk_err *err)
{
    struct pk_lines *in = NULL;
    struct pk_out *out = NULL;
    int rc = infer_tokenizer_open(&j->t, j->a->model, err);
    if (!rc)
        rc = pk_lines_open(&in, j->a->input, err);
    if (!rc)
        rc = pk_out_open(&out, j->a->output, err);
    if (!rc)
        rc = do_rows(j, in, pk_out_file(out), err);
    if (!rc)
        rc = pk_out_commit(&out, err);
    pk_out_abort(&out);
    pk_lines_close(in);
    infer_tokenizer_close(j->t);
    infer_ids_release(&j->ids);
    infer_dialogue_release(&j->dialogue);
    pk_buf_release(&j->value);
    pk_buf_release(&j->row);
    return rc;
}

int infer_cmd_tokenize(int argc, char **argv)
{
    struct args a = {.cli.verb = "tokenize", .input = "-", .output = "-"};
    const struct argp argp = {.options = options, .parser = parse, .doc = doc};
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    struct job j = {.a = &a,
                    .value = PK_BUF_INIT(SIZE_MAX / 4),
                    .row = PK_BUF_INIT(SIZE_MAX / 4)};
    struct pk_err err;
    if (run(&j, &err) < 0)
        return pk_cli_fail(&a.cli, &err);
    pk_note(&a.cli, "%llu rows, %llu tokens", (unsigned long long)j.rows,
            (unsigned long long)j.tokens);
    if (j.shortened)
        pk_note(&a.cli,
                "%llu dialogues were too long and lost their oldest exchanges, "
                "%llu in all",
                (unsigned long long)j.shortened, (unsigned long long)j.dropped);
    return 0;
}
