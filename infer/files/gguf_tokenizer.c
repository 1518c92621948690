/* A GGUF file's tokenizer as the file that it came from: tokenizer.model for
 * "llama", tokenizer.json for "gpt2". */
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/out.h"
#include "common/path.h"
#include "common/utf8.h"
#include "infer/files/gguf.h"
#include "infer/text/pretoken.h"
#include "infer/text/spm_write.h"
#include "infer/text/tokenizer_files.h"

struct vocab {
    struct gguf_array tokens, scores, types, merges;
    struct gguf_text model, pre, template;
    double bos, eos, unk, prefix;
};

static bool is(struct gguf_text t, const char *want)
{
    return t.s && t.len == strlen(want) && memcmp(t.s, want, t.len) == 0;
}

static int get_arrays(const struct gguf *g, struct vocab *v, struct pk_err *err)
{
    const struct {
        const char *key;
        struct gguf_array *out;
        bool strings;
    } arrays[] = {{"tokenizer.ggml.tokens", &v->tokens, true},
                  {"tokenizer.ggml.scores", &v->scores, false},
                  {"tokenizer.ggml.token_type", &v->types, false},
                  {"tokenizer.ggml.merges", &v->merges, true}};
    for (size_t i = 0; i < 4; i++) {
        int rc = infer_gguf_get_array(g, arrays[i].key, arrays[i].out, err);
        if (rc)
            return rc;
        const struct gguf_array *a = arrays[i].out;
        if (a->n && (a->type == GGUF_STRING) != arrays[i].strings)
            return pk_fail(err, PK_EDATA, "metadata '%s' is of another type",
                           arrays[i].key);
        struct gguf_array look = *a;
        for (size_t k = 0; arrays[i].strings && k < a->n; k++) {
            const struct gguf_text t = infer_gguf_next_string(&look);
            if (pk_utf8_check(t.s, t.len) != t.len || memchr(t.s, 0, t.len))
                return pk_fail(err, PK_EDATA,
                               "metadata '%s': string %zu is not text",
                               arrays[i].key, k);
        }
    }
    const size_t n = v->tokens.n;
    if (n == 0 || v->types.n != n || (v->scores.n && v->scores.n != n))
        return pk_fail(err, PK_EDATA,
                       "its tokenizer has %zu tokens, %zu types and %zu scores",
                       n, v->types.n, v->scores.n);
    return 0;
}

static int get_vocab(const struct gguf *g, struct vocab *v, struct pk_err *err)
{
    const struct {
        const char *key;
        double *out, fallback;
    } numbers[] = {{"tokenizer.ggml.bos_token_id", &v->bos, -1},
                   {"tokenizer.ggml.eos_token_id", &v->eos, -1},
                   {"tokenizer.ggml.unknown_token_id", &v->unk, -1},
                   {"tokenizer.ggml.add_space_prefix", &v->prefix, 1}};
    int rc = get_arrays(g, v, err);
    for (size_t i = 0; !rc && i < 4; i++)
        rc = infer_gguf_number(g, numbers[i].key, numbers[i].fallback,
                               numbers[i].out, err);
    if (!rc)
        rc = infer_gguf_string(g, "tokenizer.ggml.model", &v->model, err);
    if (!rc)
        rc = infer_gguf_string(g, "tokenizer.ggml.pre", &v->pre, err);
    return rc ? rc
              : infer_gguf_string(g, "tokenizer.chat_template", &v->template,
                                  err);
}

/* A token's name; {NULL, 0} for no such id. */
static struct gguf_text name_of(const struct vocab *v, double id)
{
    struct gguf_array a = v->tokens;
    struct gguf_text t = {0};
    if (!(id >= 0 && id < (double)v->tokens.n))
        return t;
    for (size_t i = 0; i <= (size_t)id; i++)
        t = infer_gguf_next_string(&a);
    return t;
}

static struct spm_span span_of(const struct vocab *v, double id)
{
    const struct gguf_text t = name_of(v, id);
    return (struct spm_span){t.s, t.len};
}

/* ---- SentencePiece ------------------------------------------------------- */

static int put_model(const struct vocab *v, struct pk_buf *out,
                     struct pk_err *err)
{
    struct vocab at = *v;
    for (size_t i = 0; i < v->tokens.n; i++) {
        const struct gguf_text t = infer_gguf_next_string(&at.tokens);
        const double type = infer_gguf_next_number(&at.types);
        const double score =
            at.scores.n ? infer_gguf_next_number(&at.scores) : 0;
        if (!(type >= SPM_NORMAL && type <= SPM_BYTE))
            return pk_fail(err, PK_EDATA, "token %zu has no known type", i);
        infer_spm_put_piece(out, &(struct spm_piece){t.s, t.len, (float)score,
                                                     (enum spm_type)type});
    }
    infer_spm_put_specs(out, &(struct spm_specs){.vocab = v->tokens.n,
                                                 .dummy_prefix = v->prefix != 0,
                                                 .unk = span_of(v, v->unk),
                                                 .bos = span_of(v, v->bos),
                                                 .eos = span_of(v, v->eos)});
    return 0;
}

/* ---- tokenizer.json ------------------------------------------------------ */

static void put_byte_level(struct pk_buf *out, bool regex)
{
    pk_buf_addf(out,
                "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
                "\"trim_offsets\":true,\"use_regex\":%s}",
                regex ? "true" : "false");
}

static int put_pre_tokenizer(const struct vocab *v, struct pk_buf *out,
                             struct pk_err *err)
{
    pk_buf_adds(out, "\"pre_tokenizer\":");
    if (is(v->pre, "llama-bpe") || is(v->pre, "llama3")) {
        pk_buf_adds(out, "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":"
                         "\"Split\",\"pattern\":{\"Regex\":");
        pk_json_quote(out, infer_pretoken_llama3,
                      strlen(infer_pretoken_llama3));
        pk_buf_adds(out, "},\"behavior\":\"Isolated\",\"invert\":false},");
        put_byte_level(out, false);
        pk_buf_adds(out, "]}");
    } else if (is(v->pre, "smollm")) {
        pk_buf_adds(out, "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":"
                         "\"Digits\",\"individual_digits\":true},");
        put_byte_level(out, true);
        pk_buf_adds(out, "]}");
    } else if (is(v->pre, "gpt-2")) {
        put_byte_level(out, true);
    } else {
        return pk_fail(err, PK_EDATA,
                       "its tokenizer cuts text by a rule that can't be run "
                       "(llama-bpe, gpt-2 and smollm can)");
    }
    return 0;
}

/* Control and unused tokens are special; a user-defined one would have to be
 * looked for in text. */
static int put_added(const struct vocab *v, struct pk_buf *out,
                     struct pk_err *err)
{
    struct vocab at = *v;
    bool first = true;
    pk_buf_adds(out, "\"added_tokens\":[");
    for (size_t i = 0; i < v->tokens.n; i++) {
        const struct gguf_text t = infer_gguf_next_string(&at.tokens);
        const double type = infer_gguf_next_number(&at.types);
        if (type == SPM_NORMAL)
            continue;
        if (type == SPM_USER_DEFINED)
            return pk_fail(err, PK_EDATA,
                           "token %zu is user-defined: looking for it in text "
                           "can't be done",
                           i);
        pk_buf_addf(out, "%s{\"id\":%zu,\"content\":", first ? "" : ",", i);
        pk_json_quote(out, t.s, t.len);
        pk_buf_adds(out, ",\"single_word\":false,\"lstrip\":false,\"rstrip\":"
                         "false,\"normalized\":false,\"special\":true}");
        first = false;
    }
    pk_buf_adds(out, "],");
    return 0;
}

static int put_json(const struct vocab *v, struct pk_buf *out,
                    struct pk_err *err)
{
    struct vocab at = *v;
    pk_buf_adds(out, "{\"version\":\"1.0\",\"truncation\":null,\"padding\":"
                     "null,");
    int rc = put_added(v, out, err);
    pk_buf_adds(out, "\"normalizer\":null,");
    if (!rc)
        rc = put_pre_tokenizer(v, out, err);
    pk_buf_adds(out, ",\"post_processor\":null,\"decoder\":");
    put_byte_level(out, true);
    pk_buf_addf(out,
                ",\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":"
                "null,\"continuing_subword_prefix\":null,"
                "\"end_of_word_suffix\":null,\"fuse_unk\":false,"
                "\"byte_fallback\":false,\"ignore_merges\":%s,\"vocab\":{",
                is(v->pre, "llama-bpe") ? "true" : "false");
    for (size_t i = 0; i < v->tokens.n; i++) {
        const struct gguf_text t = infer_gguf_next_string(&at.tokens);
        pk_buf_adds(out, i ? "," : "");
        pk_json_quote(out, t.s, t.len);
        pk_buf_addf(out, ":%zu", i);
    }
    pk_buf_adds(out, "},\"merges\":[");
    for (size_t i = 0; i < v->merges.n; i++) {
        const struct gguf_text t = infer_gguf_next_string(&at.merges);
        pk_buf_adds(out, i ? "," : "");
        pk_json_quote(out, t.s, t.len);
    }
    pk_buf_adds(out, "]}}\n");
    return rc;
}

/* What the tokenizer's own file does not say. */
static void put_settings(const struct vocab *v, struct pk_buf *out)
{
    const struct {
        const char *key;
        struct gguf_text text;
    } fields[] = {{"bos_token", name_of(v, v->bos)},
                  {"eos_token", name_of(v, v->eos)},
                  {"chat_template", v->template}};
    pk_buf_adds(out, "{\"clean_up_tokenization_spaces\":false");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].text.s) {
            pk_buf_addf(out, ",\"%s\":", fields[i].key);
            pk_json_quote(out, fields[i].text.s, fields[i].text.len);
        }
    pk_buf_adds(out, "}\n");
}

/* ---- Files --------------------------------------------------------------- */

static int write_out(const char *dir, const char *name, const struct pk_buf *b,
                     struct pk_err *err)
{
    char *path;
    struct pk_out *o = NULL;
    int rc =
        b->failed ? pk_fail_mem(err, name) : pk_path(&path, dir, name, err);
    if (rc)
        return rc;
    rc = pk_out_open(&o, path, err);
    if (!rc) {
        fwrite(b->data, 1, b->len, pk_out_file(o));
        rc = pk_out_commit(&o, err);
    }
    free(path);
    return rc;
}

int infer_gguf_tokenizer(const struct gguf *g, bool *spm, struct pk_buf *file,
                         struct pk_buf *settings, struct pk_err *err)
{
    struct vocab v = {0};
    int rc = get_vocab(g, &v, err);
    *spm = is(v.model, "llama");
    if (!rc && v.template.s &&
        (pk_utf8_check(v.template.s, v.template.len) != v.template.len ||
         memchr(v.template.s, 0, v.template.len)))
        rc = pk_fail(err, PK_EDATA, "its chat template is not text");
    if (!rc && !*spm && !is(v.model, "gpt2"))
        rc = pk_fail(err, PK_EDATA,
                     "its tokenizer is neither \"llama\" nor \"gpt2\"");
    if (!rc)
        rc = *spm ? put_model(&v, file, err) : put_json(&v, file, err);
    if (!rc)
        put_settings(&v, settings);
    return rc;
}

int infer_gguf_write_tokenizer(const struct gguf *g, const char *dir,
                               struct pk_err *err)
{
    struct pk_buf file = PK_BUF_INIT((size_t)1 << 30);
    struct pk_buf settings = PK_BUF_INIT((size_t)1 << 26);
    bool spm;
    int rc = infer_gguf_tokenizer(g, &spm, &file, &settings, err);
    if (!rc)
        rc = write_out(dir, spm ? "tokenizer.model" : "tokenizer.json", &file,
                       err);
    if (!rc)
        rc = write_out(dir, "tokenizer_config.json", &settings, err);
    pk_buf_release(&file);
    pk_buf_release(&settings);
    return rc;
}
