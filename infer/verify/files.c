/* What a directory's files say about where and how a score is read; see
 * verify.h. What other programs make of them: the documentation of
 * transformers' LlamaForSequenceClassification and of vLLM's pooling models. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/path.h"
#include "common/sha256.h"
#include "infer/files/lora_file.h"
#include "infer/text/tokenizer_files.h"
#include "infer/verify/verify.h"

void infer_verify_add(struct verify_report *r, bool problem, const char *about,
                      const char *fmt, ...)
{
    if (r->n_findings == VERIFY_FINDINGS)
        return;
    struct verify_finding *f = &r->finding[r->n_findings++];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof f->text, fmt, ap);
    va_end(ap);
    f->problem = problem;
    f->about = about;
    r->n_problems += problem;
}

static const cJSON *get(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

static int32_t id_of(const cJSON *v)
{
    if (cJSON_IsArray(v))
        v = v->child;
    return cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble < 0x1p31
               ? (int32_t)v->valuedouble
               : -1;
}

static bool lists(const cJSON *v, int32_t id)
{
    const cJSON *e;
    if (cJSON_IsNumber(v))
        return v->valuedouble == id;
    cJSON_ArrayForEach(e, v) if (cJSON_IsNumber(e) &&
                                 e->valuedouble == id) return true;
    return false;
}

/* ---- config.json --------------------------------------------------------- */

static void check_labels(struct verify_report *r, const cJSON *config)
{
    const cJSON *labels = get(config, "id2label");
    const cJSON *type = get(config, "problem_type");
    int n = cJSON_IsObject(labels) ? cJSON_GetArraySize(labels) : 2;
    if (!labels && cJSON_IsNumber(get(config, "num_labels")))
        n = (int)get(config, "num_labels")->valuedouble;
    if (n != 1)
        infer_verify_add(
            r, true, "id2label",
            "%d outputs where a score is one: transformers counts "
            "id2label (2 where it is missing) and would make a new, "
            "random head; write {\"0\": \"LABEL_0\"}",
            n);
    if (!cJSON_IsString(type) || strcmp(type->valuestring, "regression") != 0)
        infer_verify_add(
            r, true, "problem_type",
            "not \"regression\": vLLM and transformers' pipelines then "
            "return the sigmoid of the score");
}

/* eos: what the tokenizer closes a response with; -1: there is none. */
static void check_pad(struct verify_report *r, const cJSON *config, int32_t eos)
{
    if (r->pad < 0)
        infer_verify_add(
            r, true, "pad_token_id",
            "missing: transformers then scores no batch, and reads the "
            "last column, padding or not");
    else if (r->pad == eos || lists(get(config, "eos_token_id"), r->pad))
        infer_verify_add(
            r, true, "pad_token_id",
            "it is the end-of-sequence token (%d): transformers reads "
            "the score before it, or at the first one, by version; "
            "others read it at the end",
            (int)r->pad);
}

static void check_config(struct verify_report *r, const cJSON *config)
{
    const cJSON *name = cJSON_GetArrayItem(get(config, "architectures"), 0);
    const cJSON *dtype = get(config, "torch_dtype");
    if (!dtype)
        dtype = get(config, "dtype");
    r->score_head =
        cJSON_IsString(name) &&
        strcmp(name->valuestring, "LlamaForSequenceClassification") == 0;
    r->bos = id_of(get(config, "bos_token_id"));
    r->eos = id_of(get(config, "eos_token_id"));
    r->pad = id_of(get(config, "pad_token_id"));
    if (r->eos < 0)
        infer_verify_add(r, true, "eos_token_id", "missing");
    if (cJSON_IsString(dtype) && strcmp(dtype->valuestring, "float32") != 0)
        infer_verify_add(
            r, false, "torch_dtype",
            "%.20s: a program that follows it rounds every layer, and "
            "the score, to that precision",
            dtype->valuestring);
    if (r->score_head)
        check_labels(r, config);
}

/* ---- Tokenizer and template ---------------------------------------------- */

static int check_template(struct verify_report *r, const struct verify_open *o,
                          struct pk_err *err)
{
    char *text = NULL;
    struct pk_err why;
    r->chat = infer_tokenizer_chat(o->tokenizer);
    const char *ours = infer_chat_jinja(r->chat);
    int rc = infer_chat_template_read(o->dir, &text, &why);
    if (rc == PK_EMEM)
        return pk_fail_mem(err, "a chat template");
    if (rc)
        infer_verify_add(r, true, "chat_template", "%.400s", why.text);
    else if (!text)
        infer_verify_add(
            r, r->score_head, "chat_template",
            "missing: another program has to guess how dialogues were "
            "written; here it is %s",
            infer_chat_name(r->chat));
    else if (r->chat == INFER_CHAT_NONE)
        infer_verify_add(r, true, "chat_template",
                         "neither Llama 2's nor Llama 3's: dialogues can't be "
                         "written so here");
    else if (ours && strcmp(text, ours) != 0)
        infer_verify_add(
            r, false, "chat_template",
            "of the format %s, but not in the words that are written "
            "here: compare a few dialogues' ids",
            infer_chat_name(r->chat));
    rc = text ? pk_sha256_of(text, strlen(text), r->template_sha256, err) : 0;
    if (!rc && ours)
        rc = pk_sha256_of(ours, strlen(ours), r->ours_sha256, err);
    free(text);
    return rc;
}

static void check_token(struct verify_report *r, const char *about,
                        int32_t config, int32_t tokenizer)
{
    if (tokenizer < 0)
        infer_verify_add(r, true, about, "the tokenizer has none");
    else if (config >= 0 && config != tokenizer)
        infer_verify_add(r, true, about,
                         "%d in the config, %d in the tokenizer", (int)config,
                         (int)tokenizer);
}

static void check_tokens(struct verify_report *r, const struct verify_open *o,
                         const cJSON *config)
{
    const struct infer_tokenizer *t = o->tokenizer;
    const int32_t eos = infer_tokenizer_eos(t);
    size_t len;
    r->tokens = infer_tokenizer_vocab(t);
    check_token(r, "bos_token_id", r->bos, infer_tokenizer_bos(t));
    check_token(r, "eos_token_id",
                lists(get(config, "eos_token_id"), eos) ? eos : r->eos, eos);
    if (r->vocab && r->tokens > r->vocab)
        infer_verify_add(r, true, "vocab_size",
                         "the tokenizer has %zu tokens, the embedding %zu rows",
                         r->tokens, r->vocab);
    else if (r->tokens < r->vocab)
        infer_verify_add(
            r, r->tokens < r->vocab - r->vocab / 10, "vocab_size",
            "the embedding has %zu rows, the tokenizer only %zu tokens",
            r->vocab, r->tokens);
    if (r->pad < 0 || r->pad == infer_tokenizer_unk(t))
        return;
    if (!infer_tokenizer_piece(t, r->pad, &len))
        infer_verify_add(r, true, "pad_token_id",
                         "%d is no token of the tokenizer", (int)r->pad);
    else if (len)
        infer_verify_add(
            r, true, "pad_token_id",
            "%d is a token of ordinary text: where a response ends with "
            "it, the score is read before it",
            (int)r->pad);
}

/* The pad token that the tokenizer's own files name. */
static void check_pad_name(struct verify_report *r, const struct verify_open *o,
                           const cJSON *settings)
{
    const cJSON *v = get(settings, "pad_token");
    size_t len;
    if (cJSON_IsObject(v))
        v = get(v, "content");
    if (!r->score_head || r->pad < 0)
        return;
    const char *name = infer_tokenizer_name(o->tokenizer, r->pad, &len);
    if (!cJSON_IsString(v))
        infer_verify_add(
            r, true, "pad_token",
            "the tokenizer's files name none: programs that pad by the "
            "tokenizer then take the end-of-sequence token");
    else if (!name || strlen(v->valuestring) != len ||
             memcmp(name, v->valuestring, len) != 0)
        infer_verify_add(r, true, "pad_token",
                         "the tokenizer pads with \"%.60s\", which is not the "
                         "config's pad_token_id %d",
                         v->valuestring, (int)r->pad);
}

/* What programs add that tokenize a dialogue that is written out. */
static void check_added(struct verify_report *r, const cJSON *settings)
{
    if (cJSON_IsTrue(get(settings, "add_eos_token")))
        infer_verify_add(
            r, true, "add_eos_token",
            "true: programs that follow it put a second end-of-sequence "
            "token behind a dialogue, and read the score there");
    if (cJSON_IsFalse(get(settings, "add_bos_token")))
        infer_verify_add(
            r, true, "add_bos_token",
            "false: programs that follow it put no BOS before a text "
            "that spells out none; here there is one");
}

/* ---- The directory ------------------------------------------------------- */

static int load(cJSON **out, const char *dir, const char *name,
                struct pk_err *err)
{
    char *path;
    *out = NULL;
    int rc = pk_path(&path, dir, name, err);
    if (!rc)
        rc = pk_json_load(out, path, (size_t)16 << 20, err);
    free(path);
    return rc;
}

/* prefkit.json says what tokenizer and chat format `train` wrote dialogues in.
 */
static int check_trained_with(struct verify_report *r,
                              const struct verify_open *o, struct pk_err *err)
{
    cJSON *told = NULL;
    char print[65];
    const char *with = NULL;
    struct pk_err why;
    int rc = load(&told, o->dir, "prefkit.json", &why);
    if (!rc)
        rc = pk_json_str(told, "tokenizer", &with, &why);
    if (rc == PK_EDATA)
        infer_verify_add(r, true, "prefkit.json", "%.400s", why.text);
    if (rc != PK_EMEM)
        rc = with ? infer_tokenizer_fingerprint(o->tokenizer, print, err) : 0;
    if (!rc && with && strcmp(with, print) != 0)
        infer_verify_add(r, true, "tokenizer",
                         "not the one it was trained with (fingerprint %.12s; "
                         "prefkit.json says %.12s)",
                         print, with);
    cJSON_Delete(told);
    return rc;
}

/* A doubtful read-out is told by check_pad; the rest is looked at all the same.
 */
static int open_model(struct verify_report *r, struct verify_open *o,
                      struct pk_err *err)
{
    struct pk_err why;
    if (o->read_out == INFER_READ_UNSAID)
        o->read_out = INFER_READ_EOS;
    const struct infer_open how = {.read_out = o->read_out,
                                   .precision = o->precision};
    int rc = infer_model_open_as(&o->model, o->dir, &how, &why);
    if (rc == PK_EMEM)
        return pk_fail(err, rc, "%s", why.text);
    if (rc)
        infer_verify_add(r, true, "model", "%.500s", why.text);
    else
        r->vocab = infer_model_config(o->model)->vocab;
    return 0;
}

static int open_tokenizer(struct verify_report *r, struct verify_open *o,
                          struct pk_err *err)
{
    struct pk_err why;
    int rc = infer_tokenizer_open(&o->tokenizer, o->dir, &why);
    if (rc == PK_EMEM)
        return pk_fail(err, rc, "%s", why.text);
    if (rc)
        infer_verify_add(r, true, "tokenizer", "%.500s", why.text);
    return 0;
}

/* Adapters have no config.json: what other programs read is their base's. */
static int load_config(cJSON **out, struct verify_report *r, const char *dir,
                       struct pk_err *err)
{
    struct infer_lora_config l;
    if (!infer_lora_present(dir))
        return load(out, dir, "config.json", err);
    *out = NULL;
    int rc = infer_lora_config_open(&l, dir, err);
    if (rc)
        return rc;
    infer_verify_add(r, false, "adapters", "on the base %.400s", l.base);
    rc = load(out, l.base, "config.json", err);
    if (rc)
        pk_err_prefix(err, "%s: its base: ", dir);
    free(l.base);
    return rc;
}

/* A reward model that only the adapters make of a language model. */
static void check_adapted(struct verify_report *r, const struct infer_model *m)
{
    const struct infer_config *c = infer_model_config(m);
    if (r->score_head || c->head != INFER_HEAD_SCORE)
        return;
    r->score_head = true;
    r->pad = c->pad;
    infer_verify_add(
        r, false, "adapters",
        "the base's config.json is that of a language model: another "
        "program has to be told num_labels=1 and pad_token_id=%d, or "
        "be given the merged model",
        (int)c->pad);
}

int infer_verify_files(struct verify_report *r, struct verify_open *o,
                       struct pk_err *err)
{
    cJSON *config, *settings = NULL;
    int rc = load_config(&config, r, o->dir, err);
    if (rc)
        return rc;
    check_config(r, config);
    rc = open_model(r, o, err);
    if (!rc && o->model)
        check_adapted(r, o->model);
    if (!rc)
        rc = open_tokenizer(r, o, err);
    if (!rc && r->score_head)
        check_pad(r, config,
                  o->tokenizer ? infer_tokenizer_eos(o->tokenizer) : -1);
    if (!rc && o->tokenizer) {
        check_tokens(r, o, config);
        rc = load(&settings, o->dir, "tokenizer_config.json", NULL);
        rc = rc == PK_EMEM ? rc : 0;
        check_pad_name(r, o, settings);
        check_added(r, settings);
        if (!rc)
            rc = check_template(r, o, err);
        if (!rc)
            rc = check_trained_with(r, o, err);
    }
    cJSON_Delete(settings);
    cJSON_Delete(config);
    return rc;
}
