/* Model directories that are damaged, lie, or ask for what cannot be run: each
 * refused in one line that names the file, and nothing read outside it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/mem.h"
#include "infer/files/safetensors.h"
#include "infer/infer.h"
#include "tests/support.h"

static struct pk_err err;
static char *dir, *weights, *config;

static const char config_text[] =
    "{\"architectures\":[\"LlamaForSequenceClassification\"],"
    "\"model_type\":\"llama\",\"hidden_size\":4,\"intermediate_size\":3,"
    "\"num_hidden_layers\":1,\"num_attention_heads\":2,"
    "\"num_key_value_heads\":1,\"vocab_size\":5,\"rms_norm_eps\":1e-5,"
    "\"bos_token_id\":1,\"eos_token_id\":2,\"pad_token_id\":0}";

/* The good model file that the tests spoil. */
static struct {
    char header[4096];
    size_t header_len;
    char *file;
    size_t len;
} good;

static void set_up(void)
{
    struct infer_model *m;
    dir = temp_path("model");
    config = temp_path("model/config.json");
    weights = temp_path("model/model.safetensors");
    ck_assert_int_eq(mkdir(dir, 0777), 0);
    write_file(config, config_text, strlen(config_text));
    struct infer_config c = {.dim = 4,
                             .layers = 1,
                             .heads = 2,
                             .kv_heads = 1,
                             .head_dim = 2,
                             .hidden = 3,
                             .vocab = 5,
                             .head = INFER_HEAD_SCORE};
    struct infer_random random = {.c = &c, .seed = 1};
    const struct infer_source from = {&random, infer_random_next};
    struct infer_tensor t[16];
    size_t n = infer_tensor_count(&c);
    ck_assert_uint_le(n, 16);
    for (size_t i = 0; i < n; i++)
        infer_tensor_at(&c, i, &t[i]);
    ck_ok(infer_safetensors_write(weights, t, n, INFER_F32, &from, &err));
    ck_ok(infer_model_open(&m, dir, &err));
    infer_model_close(m);

    uint64_t header_len;
    good.file = read_file(weights, &good.len);
    memcpy(&header_len, good.file, 8);
    ck_assert_uint_lt(header_len, sizeof good.header);
    good.header_len = header_len;
    memcpy(good.header, good.file + 8, header_len);
    good.header[header_len] = 0;
}

static void tear_down(void)
{
    free(good.file);
}

static void refuse(const char *what, const char *why)
{
    struct infer_model *m = (struct infer_model *)&err;
    memset(&err, 0, sizeof err);
    int rc = infer_model_open(&m, dir, &err);
    ck_assert_msg(rc == PK_EDATA, "%s: %d, %s", what, rc, err.text);
    ck_assert_ptr_null(m);
    ck_assert_msg(strstr(err.text, dir) && strstr(err.text, why) &&
                      !strchr(err.text, '\n'),
                  "%s: '%s' does not say '%s'", what, err.text, why);
}

/* The good data under another header. */
static void write_header(const char *text, size_t len)
{
    struct pk_buf b = PK_BUF_INIT(1 << 20);
    uint64_t n = len;
    pk_buf_add(&b, &n, 8);
    pk_buf_add(&b, text, len);
    pk_buf_add(&b, good.file + 8 + good.header_len,
               good.len - 8 - good.header_len);
    write_file(weights, b.data, b.len);
    pk_buf_release(&b);
}

/* The good header with one text in it replaced. */
static void swap_text(const char *from, const char *to)
{
    struct pk_buf b = PK_BUF_INIT(1 << 16);
    const char *at = strstr(good.header, from);
    ck_assert_msg(at != NULL, "no '%s' in the header", from);
    pk_buf_add(&b, good.header, (size_t)(at - good.header));
    pk_buf_adds(&b, to);
    pk_buf_adds(&b, at + strlen(from));
    write_header(b.data, b.len);
    pk_buf_release(&b);
}

START_TEST(cut_anywhere)
{
    for (size_t n = 0; n < good.len; n++) {
        char what[64];
        snprintf(what, sizeof what, "cut to %zu bytes", n);
        write_file(weights, good.file, n);
        refuse(what, "model.safetensors");
    }
}
END_TEST

START_TEST(header_length)
{
    uint64_t bad[] = {0,
                      1,
                      good.header_len - 1,
                      good.len - 7,
                      good.len,
                      UINT64_C(1) << 40,
                      UINT64_C(1) << 63,
                      UINT64_MAX - 7,
                      UINT64_MAX};
    char *copy = malloc(good.len);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, good.file, good.len);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memcpy(copy, &bad[i], 8);
        write_file(weights, copy, good.len);
        refuse("header length", "model.safetensors: ");
    }
    free(copy);
}
END_TEST

#define EMBED    "\"model.embed_tokens.weight\":{\"dtype\":\"F32\",\"shape\":[5,4]"
#define EMBED_AT EMBED ",\"data_offsets\":[0,80]"

static const struct {
    const char *from, *to, *why;
} lies[] = {
    /* offsets */
    {EMBED_AT, EMBED ",\"data_offsets\":[80,0]", "lies outside"},
    {EMBED_AT, EMBED ",\"data_offsets\":[0,79]", "its shape needs 80"},
    {EMBED_AT, EMBED ",\"data_offsets\":[0,81]", "its shape needs 80"},
    {EMBED_AT, EMBED ",\"data_offsets\":[-80,0]", "lies outside"},
    {EMBED_AT, EMBED ",\"data_offsets\":[1e300,1e301]", "lies outside"},
    {EMBED_AT, EMBED ",\"data_offsets\":[9007199254740912,9007199254740992]",
     "lies outside"},
    {EMBED_AT, EMBED ",\"data_offsets\":[18446744073709551536,0]",
     "lies outside"},
    {EMBED_AT,
     EMBED ",\"data_offsets\":[18446744073709551600,"
           "18446744073709551680]",
     "lies outside"},
    {EMBED_AT, EMBED ",\"data_offsets\":[0.5,80.5]", "lies outside"},
    {EMBED_AT, EMBED ",\"data_offsets\":[\"0\",\"80\"]", "lies outside"},
    {EMBED_AT, EMBED ",\"data_offsets\":[0]", "lies outside"},
    {EMBED_AT, EMBED ",\"data_offsets\":[0,80,160]", "lies outside"},
    {EMBED_AT, EMBED ",\"data_offsets\":80", "lies outside"},
    {EMBED_AT, EMBED ",\"data_offsets\":null", "lies outside"},
    {EMBED_AT, EMBED, "lies outside"},
    {EMBED_AT, EMBED ",\"data_offsets\":[8,88]", "belongs to no tensor"},
    /* dtypes */
    {"\"F32\"", "\"F64\"", "its shape needs 160"},
    {"\"F32\"", "\"F16\"", "its shape needs 40"},
    {"\"F32\"", "\"I32\"", "not F32, F16 or BF16"},
    {"\"F32\"", "\"f32\"", "no known dtype"},
    {"\"F32\"", "\"\"", "no known dtype"},
    {"\"F32\"", "32", "no known dtype"},
    {"\"dtype\":\"F32\",", "", "no known dtype"},
    /* shapes */
    {"[5,4]", "[4,5]", "the config makes it (5, 4)"},
    {"[5,4]", "[20]", "the config makes it (5, 4)"},
    {"[5,4]", "[5,4,1]", "the config makes it (5, 4)"},
    {"[5,4]", "[1,1,1,5,4]", "no valid shape"},
    {"[5,4]", "[-5,-4]", "no valid shape"},
    {"[5,4]", "[5,4.5]", "no valid shape"},
    {"[5,4]", "[\"5\",4]", "no valid shape"},
    {"[5,4]", "[4294967296,4294967296]", "no valid shape"},
    {"[5,4]", "[4611686018427387904,4]", "no valid shape"},
    {"[5,4]", "[9007199254740992,2049]", "no valid shape"},
    {"[5,4]", "[5]", "its shape needs 20"},
    {"[5,4]", "[]", "its shape needs 4"},
    {"[5,4]", "[0,4]", "its shape needs 0"},
    {"[5,4]", "{\"0\":5}", "no valid shape"},
    {"\"shape\":[5,4],", "", "no valid shape"},
    /* names */
    {"model.embed_tokens.weight", "model.embed_token.weight",
     "'model.embed_tokens.weight' is missing"},
    {"score.weight", "Score.weight", "'score.weight' is missing"},
    {"q_proj", "k_proj", "is there twice"},
    {"model.norm.weight", "__metadata__", "is there twice"},
    {"{\"__metadata__\":{\"format\":\"pt\"},",
     "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]},",
     "overlap"},
    {"{\"__metadata__\":{\"format\":\"pt\"},", "{\"a\":1,", "no known dtype"},
    {"{\"__metadata__\":{\"format\":\"pt\"},", "{\"a\":[],", "no known dtype"},
    {"{\"__metadata__\":{\"format\":\"pt\"},", "{\"\":null,", "no known dtype"},
    {"{\"__metadata__\":", "[\"__metadata__\":", "not valid JSON"},
    {"F32", "\xFF\xFE", "UTF-8"},
    {"F32", "\\u0000", "\\u0000"}};

/* _i is the lie. */
START_TEST(lying_header)
{
    swap_text(lies[_i].from, lies[_i].to);
    refuse(lies[_i].to, lies[_i].why);
}
END_TEST

START_TEST(strange_headers)
{
    static const char *const text[] = {"",  "[]", "1",    "\"a\"", "null",
                                       "{", "}",  "{}{}", "[[[["};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        write_header(text[i], strlen(text[i]));
        refuse(text[i], "header");
    }
    write_header("{}", 2);
    refuse("nothing in it", "belongs to no tensor");
    write_file(weights, "\2\0\0\0\0\0\0\0{}", 10);
    refuse("nothing at all", "is missing");
    char *deep = malloc(100000);
    ck_assert_ptr_nonnull(deep);
    memset(deep, '[', 100000);
    write_header(deep, 100000);
    refuse("deep", "nested deeper");
    free(deep);
}
END_TEST

/* Each tensor in turn, at its first, a middle and its last element. */
START_TEST(not_finite)
{
    struct infer_safetensors *st;
    static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    char *copy = malloc(good.len);
    ck_assert_ptr_nonnull(copy);
    ck_ok(infer_safetensors_open(&st, weights, &err));
    struct infer_config c = {.dim = 4,
                             .layers = 1,
                             .heads = 2,
                             .kv_heads = 1,
                             .head_dim = 2,
                             .hidden = 3,
                             .vocab = 5,
                             .head = INFER_HEAD_SCORE};
    for (size_t i = 0; i < infer_tensor_count(&c); i++) {
        struct infer_tensor t;
        infer_tensor_at(&c, i, &t);
        const struct infer_stored *s = infer_safetensors_find(st, t.name);
        ck_assert_ptr_nonnull(s);
        uint64_t at[] = {s->begin, s->begin + s->n / 2 * 4, s->end - 4};
        for (size_t k = 0; k < 3; k++) {
            memcpy(copy, good.file, good.len);
            memcpy(copy + 8 + good.header_len + at[k], &bad[(i + k) % 4], 4);
            /* beside the mapped file, which stays as it is */
            ck_assert_int_eq(remove(weights), 0);
            write_file(weights, copy, good.len);
            refuse(t.name, "NaN or infinite");
            ck_assert_ptr_nonnull(strstr(err.text, t.name));
        }
    }
    infer_safetensors_close(st);
    free(copy);
}
END_TEST

/* ---- config.json ---- */

static const struct {
    const char *key, *value; /* NULL: taken out */
} no_config[] = {
    {"hidden_size", NULL},
    {"hidden_size", "null"},
    {"hidden_size", "0"},
    {"hidden_size", "-4"},
    {"hidden_size", "4.5"},
    {"hidden_size", "\"4\""},
    {"hidden_size", "1e300"},
    {"hidden_size", "1e999"},
    {"hidden_size", "[4]"},
    {"hidden_size", "8"},
    {"hidden_size", "100000"},
    {"intermediate_size", "0"},
    {"intermediate_size", "4294967299"},
    {"num_hidden_layers", "0"},
    {"num_hidden_layers", "2"},
    {"num_hidden_layers", "4096"},
    {"num_hidden_layers", "1e9"},
    {"num_attention_heads", "0"},
    {"num_attention_heads", "3"},
    {"num_attention_heads", "5"},
    {"num_attention_heads", "4096"},
    {"num_key_value_heads", "0"},
    {"num_key_value_heads", "-1"},
    {"num_key_value_heads", "2"},
    {"num_key_value_heads", "3"},
    {"head_dim", "0"},
    {"head_dim", "1"},
    {"head_dim", "3"},
    {"head_dim", "4"},
    {"head_dim", "true"},
    {"vocab_size", "0"},
    {"vocab_size", "4"},
    {"vocab_size", "2147483653"},
    {"vocab_size", "1e15"},
    {"max_position_embeddings", "0"},
    {"max_position_embeddings", "-1"},
    {"max_position_embeddings", "\"long\""},
    {"rms_norm_eps", "-1e-5"},
    {"rms_norm_eps", "0"},
    {"rms_norm_eps", "1e999"},
    {"rms_norm_eps", "\"1e-5\""},
    {"rope_theta", "0"},
    {"rope_theta", "-10000"},
    {"rope_theta", "[]"},
    {"rope_scaling", "{\"type\":\"yarn\",\"factor\":2}"},
    {"rope_scaling", "{\"rope_type\":\"longrope\",\"factor\":2}"},
    {"rope_scaling", "{\"type\":\"linear\"}"},
    {"rope_scaling", "{\"type\":\"linear\",\"factor\":0}"},
    {"rope_scaling", "{\"type\":\"linear\",\"factor\":\"2\"}"},
    {"rope_scaling", "[]"},
    {"rope_scaling", "{\"partial_rotary_factor\":0.5}"},
    {"rope_parameters", "{\"rope_type\":\"llama3\"}"},
    {"hidden_act", "\"gelu\""},
    {"hidden_act", "7"},
    {"model_type", "\"mistral\""},
    {"model_type", "1"},
    {"attention_bias", "true"},
    {"partial_rotary_factor", "0.5"},
    {"mlp_bias", "true"},
    {"mlp_bias", "\"no\""},
    {"tie_word_embeddings", "1"},
    {"architectures", NULL},
    {"architectures", "[]"},
    {"architectures", "\"LlamaForCausalLM\""},
    {"architectures", "[1]"},
    {"architectures", "[\"MistralForCausalLM\"]"},
    {"architectures", "[\"LlamaForCausalLM\"]"}, /* it has no lm_head */
    {"pad_token_id", "2"},                       /* eos */
    {"pad_token_id", "5"},
    {"pad_token_id", "-2"},
    {"pad_token_id", "1.5"},
    {"pad_token_id", "\"0\""},
    {"eos_token_id", "0"}, /* pad */
    {"eos_token_id", "[0,2]"},
    {"eos_token_id", "2147483648"},
    {"bos_token_id", "{}"},
    {"bos_token_id", "1e300"}};

static void set_config(const char *key, const char *value)
{
    cJSON *j;
    ck_ok(pk_json_parse(&j, config_text, strlen(config_text), &err));
    cJSON_DeleteItemFromObjectCaseSensitive(j, key);
    if (value)
        cJSON_AddRawToObject(j, key, value);
    char *text = cJSON_PrintUnformatted(j);
    cJSON_Delete(j);
    write_file(config, text, strlen(text));
    free(text);
}

/* _i is the config. */
START_TEST(impossible_config)
{
    char what[128];
    set_config(no_config[_i].key, no_config[_i].value);
    snprintf(what, sizeof what, "%s = %s", no_config[_i].key,
             no_config[_i].value ? no_config[_i].value : "(absent)");
    refuse(what, "");
}
END_TEST

START_TEST(strange_configs)
{
    static const char *const text[] = {"",     "[]",   "1",    "{",
                                       "null", "\xFF", "{} {}"};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        write_file(config, text[i], strlen(text[i]));
        refuse(text[i], "config.json");
    }
    for (size_t n = 0; n < strlen(config_text); n++) {
        write_file(config, config_text, n);
        refuse("cut off", "config.json");
    }
}
END_TEST

/* What may be absent or said in other ways. */
START_TEST(possible_configs)
{
    static const char *const fine[][2] = {
        {"pad_token_id", NULL},
        {"pad_token_id", "null"},
        {"pad_token_id", "-1"},
        {"eos_token_id", NULL},
        {"eos_token_id", "[2,3]"},
        {"bos_token_id", "null"},
        {"head_dim", "null"},
        {"head_dim", "2"},
        {"rope_scaling", "null"},
        {"attention_bias", "false"},
        {"attention_bias", "null"},
        {"partial_rotary_factor", "1.0"},
        {"hidden_act", "\"silu\""},
        {"rope_theta", "500000"},
        {"max_position_embeddings", "4096"},
        {"tie_word_embeddings", "true"},
        {"rope_parameters", "{\"rope_type\":\"default\",\"rope_theta\":5e5}"},
        {"something_else", "{\"a\":[1,2]}"}};
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        struct infer_model *m;
        set_config(fine[i][0], fine[i][1]);
        ck_ok(infer_model_open(&m, dir, &err));
        infer_model_close(m);
    }
}
END_TEST

/* The good file with one more tensor in it. */
static void add_tensor(const char *name)
{
    struct pk_buf b = PK_BUF_INIT(1 << 16);
    pk_buf_addf(&b,
                "{\"%s\":{\"dtype\":\"F32\",\"shape\":[0],"
                "\"data_offsets\":[0,0]},",
                name);
    pk_buf_adds(&b, good.header + 1);
    write_header(b.data, b.len);
    pk_buf_release(&b);
}

/* Left out, these would change every score. */
START_TEST(foreign_tensors)
{
    static const char *const names[] = {
        "score.bias",
        "model.layers.0.self_attn.q_proj.bias",
        "model.layers.0.mlp.down_proj.bias",
        "model.layers.0.self_attn.q_norm.weight",
        "model.layers.0.self_attn.q_proj.weight_scale",
        "model.layers.1.mlp.up_proj.weight",
        "model.layers.18446744073709551616.mlp.up_proj.weight",
        "model.layers.0",
        "model.layers.-1.mlp.up_proj.weight",
        "model.norm.bias",
        "model.embed_positions.weight"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        add_tensor(names[i]);
        refuse(names[i], "has no place");
        ck_assert_ptr_nonnull(strstr(err.text, names[i]));
    }
}
END_TEST

/* What other programs keep beside the weights is no matter. */
START_TEST(tensors_beside)
{
    static const char *const names[] = {
        "model.layers.0.self_attn.rotary_emb.inv_freq",
        "model.rotary_emb.inv_freq", "lm_head.weight", "v_head.summary.bias",
        "step"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct infer_model *m;
        add_tensor(names[i]);
        ck_ok(infer_model_open(&m, dir, &err));
        infer_model_close(m);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("model_hostile");
    TCase *t = tcase_create("model_hostile");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, cut_anywhere);
    tcase_add_test(t, header_length);
    tcase_add_loop_test(t, lying_header, 0, sizeof lies / sizeof *lies);
    tcase_add_test(t, strange_headers);
    tcase_add_test(t, not_finite);
    tcase_add_loop_test(t, impossible_config, 0,
                        sizeof no_config / sizeof *no_config);
    tcase_add_test(t, strange_configs);
    tcase_add_test(t, possible_configs);
    tcase_add_test(t, foreign_tensors);
    tcase_add_test(t, tensors_beside);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
