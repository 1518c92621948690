/* Reading a tokenizer.json; see json_tokenizer.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fnv.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "infer/text/json_rules.h"
#include "infer/text/json_tokenizer.h"

#define FILE_MAX ((size_t)256 << 20) /* bytes */
#define NONE     UINT32_MAX

static const cJSON *get(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

/* ---- GPT-2's alphabet ---------------------------------------------------- */

static bool stands_for_itself(uint32_t b)
{
    return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) ||
           (b >= 0xAE && b <= 0xFF);
}

/* The bytes that do not, in order, are U+0100 and so on. */
uint32_t infer_json_alphabet(uint8_t byte)
{
    uint32_t next = 0x100;
    if (stands_for_itself(byte))
        return byte;
    for (uint32_t b = 0; b < byte; b++)
        next += !stands_for_itself(b);
    return next;
}

int infer_json_alphabet_byte(uint32_t cp)
{
    for (int b = 0; b < 256; b++)
        if (infer_json_alphabet((uint8_t)b) == cp)
            return b;
    return -1;
}

/* A name as the bytes that it spells, appended; false when it is not spelt in
 * the alphabet. `of` is the alphabet turned round. */
static bool spell_bytes(struct pk_buf *b, const int16_t of[512],
                        const char *name, size_t len)
{
    const size_t before = b->len;
    uint32_t cp;
    for (size_t i = 0, k; i < len; i += k) {
        k = pk_utf8_decode(name + i, len - i, &cp);
        if (k == 0 || cp >= 512 || of[cp] < 0) {
            b->len = before;
            return false;
        }
        pk_buf_addc(b, (char)of[cp]);
    }
    return true;
}

/* ---- Keys ---------------------------------------------------------------- */

static uint32_t hash(const char *s, size_t n)
{
    uint64_t h = pk_fnv(PK_FNV_START, s, n);
    return (uint32_t)(h ^ h >> 32);
}

static const char *at(const struct json_tokenizer *t, size_t offset)
{
    return t->text.data + offset;
}

uint32_t infer_json_tokenizer_find(const struct json_tokenizer *t,
                                   const char *key, size_t len)
{
    for (size_t i = hash(key, len) & t->slot_mask;;
         i = (i + 1) & t->slot_mask) {
        uint32_t id = t->slot[i];
        if (id == NONE)
            return NONE;
        const struct json_token *k = &t->token[id];
        if (k->key_len == len && memcmp(at(t, k->key), key, len) == 0)
            return id;
    }
}

static int index_keys(struct json_tokenizer *t, struct pk_err *err)
{
    size_t size = 16;
    while (size < 2 * t->n)
        size *= 2;
    t->slot = pk_calloc(size, sizeof *t->slot);
    if (!t->slot)
        return pk_fail_mem(err, "a tokenizer");
    t->slot_mask = size - 1;
    memset(t->slot, 0xFF, size * sizeof *t->slot);
    for (uint32_t id = 0; id < t->n; id++) {
        const struct json_token *k = &t->token[id];
        if (k->type != JSON_TOKEN_NORMAL || k->key_len == 0)
            continue;
        size_t i = hash(at(t, k->key), k->key_len) & t->slot_mask;
        while (t->slot[i] != NONE)
            i = (i + 1) & t->slot_mask;
        t->slot[i] = id;
    }
    return 0;
}

/* ---- Tokens -------------------------------------------------------------- */

/* Give an id its name. Ids are checked to be dense: each gets one. */
static int take(struct json_tokenizer *t, const char *name, double id,
                enum json_token_type type, struct pk_err *err)
{
    if (!(id >= 0 && id < (double)t->n) || id != floor(id))
        return pk_fail(err, PK_EDATA,
                       "the id of \"%.100s\" is not a whole number below the "
                       "number of tokens, %zu",
                       name, t->n);
    struct json_token *k = &t->token[(size_t)id];
    const size_t len = strlen(name);
    if (k->name_len) {
        bool same =
            k->name_len == len && memcmp(at(t, k->name), name, len) == 0;
        if (!same || type == JSON_TOKEN_NORMAL)
            return pk_fail(err, PK_EDATA, "two tokens have the id %.0f", id);
        k->type = type;
        return 0;
    }
    if (len == 0)
        return pk_fail(err, PK_EDATA, "the token %.0f has no name", id);
    *k =
        (struct json_token){.name = t->text.len, .name_len = len, .type = type};
    if (pk_buf_add(&t->text, name, len) < 0)
        return pk_fail_mem(err, "a tokenizer");
    return 0;
}

static int take_added(struct json_tokenizer *t, const cJSON *added,
                      struct pk_err *err)
{
    const cJSON *a;
    cJSON_ArrayForEach(a, added)
    {
        const cJSON *id = get(a, "id"), *content = get(a, "content");
        if (!cJSON_IsNumber(id) || !cJSON_IsString(content))
            return pk_fail(err, PK_EDATA, "an added token is malformed");
        if (!cJSON_IsTrue(get(a, "special")))
            return pk_fail(err, PK_EDATA,
                           "the added token \"%.100s\" is not a special one; "
                           "looking for it in text can't be done",
                           content->valuestring);
        int rc = take(t, content->valuestring, id->valuedouble,
                      JSON_TOKEN_SPECIAL, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* How many ids there are: of the vocabulary, and added beyond it. */
static size_t count_ids(const cJSON *vocab, const cJSON *added)
{
    size_t n = 0, more = 0;
    const cJSON *a;
    cJSON_ArrayForEach(a, vocab) n++;
    cJSON_ArrayForEach(a, added)
    {
        const cJSON *id = get(a, "id");
        more += cJSON_IsNumber(id) && id->valuedouble >= (double)n;
    }
    return n + more;
}

static int read_tokens(struct json_tokenizer *t, const cJSON *model,
                       const cJSON *added, struct pk_err *err)
{
    const cJSON *vocab = get(model, "vocab"), *v;
    if (!cJSON_IsObject(vocab))
        return pk_fail(err, PK_EDATA, "its model has no vocabulary");
    t->n = count_ids(vocab, added);
    if (t->n == 0 || t->n >= (size_t)1 << 24)
        return pk_fail(err, PK_EDATA, "its vocabulary has %zu tokens", t->n);
    t->token = pk_calloc(t->n, sizeof *t->token);
    if (!t->token)
        return pk_fail_mem(err, "a tokenizer");
    int rc = 0;
    for (v = vocab->child; !rc && v; v = v->next)
        rc = take(t, v->string, cJSON_IsNumber(v) ? v->valuedouble : -1,
                  JSON_TOKEN_NORMAL, err);
    if (!rc)
        rc = take_added(t, added, err);
    for (size_t i = 0; !rc && i < t->n; i++)
        if (!t->token[i].name_len)
            rc = pk_fail(err, PK_EDATA, "no token has the id %zu", i);
    return rc;
}

/* Byte tokens, and <unk>: by their names. */
static int read_fallback(struct json_tokenizer *t, const cJSON *model,
                         struct pk_err *err)
{
    const char *unk = NULL;
    int rc = pk_json_str(model, "unk_token", &unk, err);
    if (rc)
        return rc;
    for (int b = 0; b < 256; b++)
        t->byte_id[b] = -1;
    t->unk = -1;
    for (size_t i = 0; i < t->n; i++) {
        struct json_token *k = &t->token[i];
        const char *name = at(t, k->name);
        if (unk && k->name_len == strlen(unk) &&
            memcmp(name, unk, k->name_len) == 0) {
            t->unk = (int32_t)i;
            k->type = JSON_TOKEN_SPECIAL;
            continue;
        }
        for (int b = 0; t->byte_fallback && k->name_len == 6 && b < 256 &&
                        memcmp(name, "<0x", 3) == 0;
             b++) {
            char want[8];
            snprintf(want, sizeof want, "<0x%02X>", (unsigned)b);
            if (memcmp(name, want, 6) == 0 && k->type == JSON_TOKEN_NORMAL) {
                t->byte_id[b] = (int32_t)i;
                k->type = JSON_TOKEN_BYTE;
            }
        }
    }
    if (unk && t->unk < 0)
        return pk_fail(err, PK_EDATA, "its unk_token is no token");
    return 0;
}

/* Keys, and what each token adds to running text. */
static int spell(struct json_tokenizer *t, struct pk_err *err)
{
    int16_t of[512];
    for (int i = 0; i < 512; i++)
        of[i] = (int16_t)infer_json_alphabet_byte((uint32_t)i);
    for (size_t i = 0; i < t->n; i++) {
        struct json_token *k = &t->token[i];
        char name[1 << 10];
        if (k->name_len > sizeof name)
            return pk_fail(err, PK_EDATA, "the token %zu is longer than %zu", i,
                           sizeof name);
        memcpy(name, at(t, k->name), k->name_len);
        k->key = k->piece = k->name;
        k->key_len = k->piece_len = k->name_len;
        const size_t from = t->text.len;
        if (k->type == JSON_TOKEN_SPECIAL) {
            k->piece_len = 0;
        } else if (k->type == JSON_TOKEN_BYTE) {
            pk_buf_addc(&t->text, (char)strtol(name + 3, NULL, 16));
            k->piece = from;
            k->piece_len = 1;
        } else if (t->byte_level) {
            k->key = k->piece = from;
            bool spelt = spell_bytes(&t->text, of, name, k->name_len);
            k->key_len = k->piece_len = spelt ? t->text.len - from : 0;
        } else if (t->escape) {
            for (size_t j = 0; j < k->name_len;) {
                bool space = k->name_len - j >= 3 &&
                             memcmp(name + j, "\xE2\x96\x81", 3) == 0;
                pk_buf_addc(&t->text, (char)(space ? ' ' : name[j]));
                j += space ? 3 : 1;
            }
            k->piece = from;
            k->piece_len = t->text.len - from;
        }
    }
    return t->text.failed ? pk_fail_mem(err, "a tokenizer") : 0;
}

/* ---- Merges -------------------------------------------------------------- */

/* A half of a merge, or two halves joined, as a key. */
static void add_half(const struct json_tokenizer *t, const int16_t of[512],
                     struct pk_buf *key, const char *s, size_t n)
{
    if (!t->byte_level || !spell_bytes(key, of, s, n))
        pk_buf_add(key, s, n);
}

/* "left right", or ["left", "right"]. False when it is neither. */
static bool halves(const cJSON *m, const char *half[2], size_t len[2])
{
    if (cJSON_IsString(m)) {
        const char *space = strchr(m->valuestring, ' ');
        if (!space || strchr(space + 1, ' '))
            return false;
        half[0] = m->valuestring;
        len[0] = (size_t)(space - half[0]);
        half[1] = space + 1;
        len[1] = strlen(half[1]);
        return true;
    }
    const cJSON *a = cJSON_IsArray(m) ? m->child : NULL;
    if (!a || !cJSON_IsString(a) || !cJSON_IsString(a->next) || a->next->next)
        return false;
    half[0] = a->valuestring;
    half[1] = a->next->valuestring;
    len[0] = strlen(half[0]);
    len[1] = strlen(half[1]);
    return true;
}

/* A rule that joins or makes a special token is none: in text there is none.
 */
static int read_merge(struct json_tokenizer *t, const int16_t of[512],
                      const cJSON *m, uint32_t rank, struct pk_buf *key,
                      struct pk_err *err)
{
    const char *half[2];
    size_t len[2];
    if (!halves(m, half, len))
        return pk_fail(err, PK_EDATA, "merge %u is not a pair", rank);
    pk_buf_reset(key);
    add_half(t, of, key, half[0], len[0]);
    const size_t left = key->len;
    add_half(t, of, key, half[1], len[1]);
    if (key->failed)
        return pk_fail_mem(err, "a tokenizer's merges");
    if (left == 0 || left == key->len)
        return pk_fail(err, PK_EDATA, "merge %u has an empty half", rank);
    const struct merge_rule rule = {
        infer_json_tokenizer_find(t, key->data, left),
        infer_json_tokenizer_find(t, key->data + left, key->len - left), rank,
        infer_json_tokenizer_find(t, key->data, key->len)};
    if (rule.left == NONE || rule.right == NONE || rule.merged == NONE)
        return pk_fail(err, PK_EDATA,
                       "merge %u (\"%.*s\" and \"%.*s\") is not of tokens in "
                       "the vocabulary",
                       rank, (int)len[0], half[0], (int)len[1], half[1]);
    infer_merge_rules_add(&t->rules, &rule);
    return 0;
}

static int read_merges(struct json_tokenizer *t, const cJSON *merges,
                       struct pk_err *err)
{
    int16_t of[512];
    struct pk_buf key = PK_BUF_INIT((size_t)1 << 20);
    uint32_t rank = 0;
    if (!cJSON_IsArray(merges))
        return pk_fail(err, PK_EDATA, "its model has no list of merges");
    for (int i = 0; i < 512; i++)
        of[i] = (int16_t)infer_json_alphabet_byte((uint32_t)i);
    int rc = infer_merge_rules_new(&t->rules,
                                   (size_t)cJSON_GetArraySize(merges), err);
    for (const cJSON *m = merges->child; !rc && m; m = m->next)
        rc = read_merge(t, of, m, rank++, &key, err);
    pk_buf_release(&key);
    return rc;
}

/* ---- The file ------------------------------------------------------------ */

static bool absent_or(const cJSON *v, const char *empty)
{
    return !v || cJSON_IsNull(v) ||
           (cJSON_IsString(v) && strcmp(v->valuestring, empty) == 0) ||
           (cJSON_IsNumber(v) && v->valuedouble == 0);
}

static int check_model(const cJSON *model, struct pk_err *err)
{
    static const char *const keys[] = {"continuing_subword_prefix",
                                       "end_of_word_suffix", "dropout"};
    const cJSON *type = get(model, "type");
    if (!cJSON_IsObject(model))
        return pk_fail(err, PK_EDATA, "\"model\" is missing");
    if (type && !(cJSON_IsString(type) && !strcmp(type->valuestring, "BPE")))
        return pk_fail(err, PK_EDATA,
                       "its model is a %.60s; only BPE can be "
                       "run",
                       cJSON_IsString(type) ? type->valuestring : "?");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!absent_or(get(model, keys[i]), ""))
            return pk_fail(err, PK_EDATA, "its model's %s can't be run",
                           keys[i]);
    return 0;
}

/* Any text must give ids; characters without any would be lost in silence. */
static int check_lossless(const struct json_tokenizer *t, struct pk_err *err)
{
    if (t->unk >= 0)
        return 0;
    for (int b = 0; b < 256; b++) {
        bool there =
            t->byte_level
                ? infer_json_tokenizer_find(t, &(char){(char)b}, 1) != NONE
                : t->byte_id[b] >= 0;
        if (!there)
            return pk_fail(err, PK_EDATA,
                           "it has neither an unknown token nor one for the "
                           "byte %d: some texts would be lost",
                           b);
    }
    return 0;
}

static int read_file(struct json_tokenizer *t, const cJSON *file,
                     struct pk_err *err)
{
    const cJSON *model = get(file, "model");
    int rc = check_model(model, err);
    if (rc)
        return rc;
    t->byte_fallback = cJSON_IsTrue(get(model, "byte_fallback"));
    t->fuse_unk = cJSON_IsTrue(get(model, "fuse_unk"));
    t->ignore_merges = cJSON_IsTrue(get(model, "ignore_merges"));
    rc = infer_json_rules_read(t, file, err);
    if (!rc)
        rc = read_tokens(t, model, get(file, "added_tokens"), err);
    if (!rc)
        rc = read_fallback(t, model, err);
    if (!rc)
        rc = spell(t, err);
    if (!rc)
        rc = index_keys(t, err);
    if (!rc)
        rc = read_merges(t, get(model, "merges"), err);
    return rc ? rc : check_lossless(t, err);
}

int infer_json_tokenizer_read(struct json_tokenizer *t, const char *path,
                              struct pk_err *err)
{
    cJSON *file;
    *t = (struct json_tokenizer){.text = PK_BUF_INIT((size_t)1 << 30)};
    int rc = pk_json_load(&file, path, FILE_MAX, err);
    if (rc)
        return rc;
    rc = read_file(t, file, err);
    cJSON_Delete(file);
    if (rc) {
        infer_json_tokenizer_release(t);
        return pk_err_prefix(err, "%s: ", path);
    }
    return 0;
}

void infer_json_tokenizer_release(struct json_tokenizer *t)
{
    pk_buf_release(&t->text);
    free(t->token);
    free(t->slot);
    free(t->rules.rule);
    *t = (struct json_tokenizer){0};
}
