/* What a model directory says about its tokenizer: BOS, EOS, chat template. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/path.h"
#include "infer/text/tokenizer.h"
#include "infer/text/tokenizer_files.h"

#define SETTINGS_MAX ((size_t)16 << 20) /* bytes */

/* NULL when the file is not there. */
static int load(cJSON **out, const char *dir, const char *name,
                struct pk_err *err)
{
    char *path;
    *out = NULL;
    int rc = pk_path(&path, dir, name, err);
    if (!rc && access(path, F_OK) == 0)
        rc = pk_json_load(out, path, SETTINGS_MAX, err);
    free(path);
    return rc;
}

/* "<s>", or {"content": "<s>", ...}. */
static int32_t token_of(const struct infer_tokenizer *t, const cJSON *file,
                        const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(file, key);
    if (cJSON_IsObject(v))
        v = cJSON_GetObjectItemCaseSensitive(v, "content");
    return cJSON_IsString(v) ? infer_tokenizer_find(t, v->valuestring) : -1;
}

static void take_specials(struct infer_tokenizer *t, const cJSON *file)
{
    if (t->bos < 0)
        t->bos = token_of(t, file, "bos_token");
    if (t->eos < 0)
        t->eos = token_of(t, file, "eos_token");
}

/* ---- The chat template --------------------------------------------------- */

/* A string, or a list of {"name", "template"}: then the default one. */
static const char *template_in(const cJSON *config)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(config, "chat_template");
    const cJSON *e;
    if (cJSON_IsString(v))
        return v->valuestring;
    cJSON_ArrayForEach(e, v)
    {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(e, "name");
        const cJSON *text = cJSON_GetObjectItemCaseSensitive(e, "template");
        if (cJSON_IsString(name) && cJSON_IsString(text) &&
            strcmp(name->valuestring, "default") == 0)
            return text->valuestring;
    }
    return NULL;
}

/* chat_template.jinja, which goes before tokenizer_config.json; NULL: none. */
static int template_file(char **out, const char *dir, struct pk_err *err)
{
    char *path;
    *out = NULL;
    int rc = pk_path(&path, dir, "chat_template.jinja", err);
    if (rc)
        return rc;
    FILE *f = fopen(path, "rb");
    if (f) {
        char chunk[1 << 12];
        struct pk_buf b = PK_BUF_INIT(SETTINGS_MAX);
        for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
            pk_buf_add(&b, chunk, n);
        rc = ferror(f) ? pk_fail_errno(err, "cannot read '%s'", path)
             : b.failed || pk_buf_add(&b, "", 0) != 0
                 ? pk_fail(err, PK_EDATA, "%s: too long", path)
                 : 0;
        if (!rc)
            *out = pk_buf_take(&b);
        pk_buf_release(&b);
        fclose(f);
    }
    free(path);
    return rc;
}

int infer_chat_template_read(const char *dir, char **out, struct pk_err *err)
{
    cJSON *config = NULL;
    int rc = template_file(out, dir, err);
    if (rc || *out)
        return rc;
    rc = load(&config, dir, "tokenizer_config.json", err);
    const char *s = rc ? NULL : template_in(config);
    if (s && !(*out = pk_strdup(s)))
        rc = pk_fail_mem(err, "a chat template");
    cJSON_Delete(config);
    return rc;
}

/* By what every telling of the two formats has in it. Llama 3.1's own template
 * begins each dialogue with dates, and is another format. */
static enum infer_chat_format recognise(const char *s, bool headers)
{
    if (headers)
        return strstr(s, "<|start_header_id|>") && strstr(s, "<|eot_id|>") &&
                       !strstr(s, "Cutting Knowledge") && !strstr(s, "Today")
                   ? INFER_CHAT_LLAMA3
                   : INFER_CHAT_NONE;
    return strstr(s, "[INST]") && strstr(s, "[/INST]") && strstr(s, "<<SYS>>")
               ? INFER_CHAT_LLAMA2
               : INFER_CHAT_NONE;
}

static void choose_format(struct infer_tokenizer *t, const char *template)
{
    t->header = infer_tokenizer_find(t, "<|start_header_id|>");
    t->header_end = infer_tokenizer_find(t, "<|end_header_id|>");
    const int32_t eot = infer_tokenizer_find(t, "<|eot_id|>");
    const int32_t begin = infer_tokenizer_find(t, "<|begin_of_text|>");
    const bool headers =
        t->header >= 0 && t->header_end >= 0 && eot >= 0 && begin >= 0;
    t->chat = template  ? recognise(template, headers)
              : headers ? INFER_CHAT_LLAMA3
                        : INFER_CHAT_LLAMA2;
    if (t->chat == INFER_CHAT_LLAMA3) {
        t->bos = begin;
        t->eos = eot;
    }
}

int infer_tokenizer_settings(struct infer_tokenizer *t, const char *dir,
                             struct pk_err *err)
{
    static const char *const files[] = {"tokenizer_config.json",
                                        "special_tokens_map.json"};
    char *template = NULL;
    int rc = 0;
    for (size_t i = 0; !rc && dir && i < 2 && (t->bos < 0 || t->eos < 0); i++) {
        cJSON *file;
        rc = load(&file, dir, files[i], err);
        if (!rc)
            take_specials(t, file);
        cJSON_Delete(file);
    }
    if (!rc && dir)
        rc = infer_chat_template_read(dir, &template, err);
    if (!rc)
        choose_format(t, template);
    free(template);
    return rc;
}
