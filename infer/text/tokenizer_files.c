/* Tokenizer files for transformers, vLLM and TRL; see tokenizer_files.h. */
#include "infer/text/tokenizer_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/out.h"
#include "common/path.h"

static int copy_file(const char *from, const char *to, struct pk_err *err)
{
    FILE *in = fopen(from, "rb");
    if (!in)
        return pk_fail_errno(err, "cannot open '%s'", from);
    struct pk_out *o;
    int rc = pk_out_open(&o, to, err);
    if (!rc) {
        char chunk[1 << 14];
        size_t n;
        while ((n = fread(chunk, 1, sizeof chunk, in)) > 0)
            fwrite(chunk, 1, n, pk_out_file(o));
        if (ferror(in)) {
            rc = pk_fail_errno(err, "cannot read '%s'", from);
            pk_out_abort(&o);
        } else {
            rc = pk_out_commit(&o, err);
        }
    }
    fclose(in);
    return rc;
}

static bool is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int copy_from_dir(const char *dir, const char *from, const char *name,
                         bool needed, struct pk_err *err)
{
    char *src, *dst = NULL;
    int rc = pk_path(&src, from, name, err);
    if (!rc)
        rc = pk_path(&dst, dir, name, err);
    struct stat st;
    if (!rc && (needed || stat(src, &st) == 0))
        rc = copy_file(src, dst, err);
    free(src);
    free(dst);
    return rc;
}

/* The special tokens by name, as the tokenizer's own pieces spell them. */
static void add_specials(cJSON *j, const struct infer_tokenizer *t,
                         const struct infer_config *c)
{
    const struct {
        const char *key;
        int32_t id;
    } special[] = {{"bos_token", infer_tokenizer_bos(t)},
                   {"eos_token", infer_tokenizer_eos(t)},
                   {"unk_token", infer_tokenizer_unk(t)},
                   {"pad_token", c->pad}};
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        size_t n;
        const char *name = infer_tokenizer_name(t, special[i].id, &n);
        char *copy = name ? pk_memdup0(name, n) : NULL;
        if (copy)
            cJSON_AddStringToObject(j, special[i].key, copy);
        free(copy);
    }
}

/* A tokenizer.json tells all itself, to the class that reads no more into it.
 */
static cJSON *tokenizer_config(const struct infer_tokenizer *t,
                               const struct infer_config *c,
                               const char *foreign)
{
    const bool spm = strcmp(infer_tokenizer_file(t), "tokenizer.model") == 0;
    const char *template = infer_chat_jinja(infer_tokenizer_chat(t));
    cJSON *j = cJSON_CreateObject();
    cJSON_AddStringToObject(j, "tokenizer_class",
                            spm ? "LlamaTokenizer" : "PreTrainedTokenizerFast");
    if (spm) {
        cJSON_AddTrueToObject(j, "add_bos_token");
        cJSON_AddFalseToObject(j, "add_eos_token");
        cJSON_AddTrueToObject(j, "legacy");
    }
    cJSON_AddFalseToObject(j, "clean_up_tokenization_spaces");
    cJSON_AddStringToObject(j, "padding_side", "right");
    pk_json_add_int(j, "model_max_length", (long long)c->max_positions);
    add_specials(j, t, c);
    if (!template)
        template = foreign;
    if (template)
        cJSON_AddStringToObject(j, "chat_template", template);
    return j;
}

/* The tokenizer's own files, as they are. */
static int copy_tokenizer(const struct infer_tokenizer *t, const char *dir,
                          const char *from, struct pk_err *err)
{
    const char *name = infer_tokenizer_file(t);
    if (!is_dir(from)) {
        char *dst;
        int rc = pk_path(&dst, dir, name, err);
        if (!rc)
            rc = copy_file(from, dst, err);
        free(dst);
        return rc;
    }
    int rc = copy_from_dir(dir, from, name, true, err);
    if (!rc)
        rc = copy_from_dir(dir, from, "added_tokens.json", false, err);
    return rc;
}

int infer_tokenizer_save(const char *dir, const struct infer_config *c,
                         const char *from, struct pk_err *err)
{
    struct infer_tokenizer *t;
    int rc = infer_tokenizer_open(&t, from, err);
    if (rc)
        return rc;
    char *foreign = NULL; /* a template that is not ours stays what it is */
    if (infer_tokenizer_chat(t) == INFER_CHAT_NONE && is_dir(from))
        rc = infer_chat_template_read(from, &foreign, err);
    if (!rc)
        rc = copy_tokenizer(t, dir, from, err);
    if (!rc)
        rc = pk_json_save_in(dir, "tokenizer_config.json",
                             tokenizer_config(t, c, foreign), err);
    free(foreign);
    cJSON *map = cJSON_CreateObject();
    add_specials(map, t, c);
    if (!rc)
        rc = pk_json_save_in(dir, "special_tokens_map.json", map, err);
    else
        cJSON_Delete(map);
    infer_tokenizer_close(t);
    return rc;
}
