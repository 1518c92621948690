/* Models beyond Llama 2 that share its architecture: rotary scaling, several
 * ends, tokenizer.json, Llama 3's chat format, GGUF, verify. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "infer/files/config.h"
#include "infer/math/rope.h"
#include "infer/text/json_tokenizer.h"
#include "infer/text/pretoken.h"
#include "infer/verify/verify.h"
#include "tests/gguf_file.h"
#include "tests/golden.h"
#include "tests/support.h"

static struct pk_err err;

/* ---- config.json --------------------------------------------------------- */

#define CONFIG                                                                 \
    "{\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\","      \
    "\"hidden_size\":8,\"intermediate_size\":8,\"num_hidden_layers\":1,"       \
    "\"num_attention_heads\":1,\"vocab_size\":99,\"pad_token_id\":9,"

static int load(const char *rest, enum infer_read_out r, struct infer_config *c)
{
    char text[1024];
    char *path = temp_path("config.json");
    snprintf(text, sizeof text, CONFIG "%s}", rest);
    write_file(path, text, strlen(text));
    return infer_config_load(c, path, r, &err);
}

/* Llama 3.1's numbers: transformers' formula worked through in Python. */
START_TEST(rotary_scaling)
{
    static const char *const texts[] = {
        "\"rope_theta\":10000",
        "\"rope_theta\":10000,\"rope_scaling\":{\"type\":\"linear\","
        "\"factor\":4}",
        "\"rope_parameters\":{\"rope_type\":\"llama3\",\"rope_theta\":10000,"
        "\"factor\":8,\"low_freq_factor\":1,\"high_freq_factor\":4,"
        "\"original_max_position_embeddings\":1024}",
        "\"rope_scaling\":{\"rope_type\":\"dynamic\",\"factor\":2}"};
    static const double want[][4] = {{1, 0.1, 0.01, 0.001},
                                     {0.25, 0.025, 0.0025, 0.00025},
                                     {1, 0.1, 0.00308676097, 0.000125},
                                     {1, 0.1, 0.01, 0.001}};
    for (int i = 0; i < 4; i++) {
        struct infer_config c, again;
        double freq[4];
        ck_ok(load(texts[i], INFER_READ_UNSAID, &c));
        infer_rope_frequencies(&c, freq);
        for (int k = 0; k < 4; k++)
            ck_assert_msg(fabs(freq[k] - want[i][k]) <= 1e-6 * want[i][k],
                          "%d, %d: %.9g", i, k, freq[k]);
        char *path = temp_path("again.json");
        ck_ok(infer_config_save(&c, INFER_F32, path, &err));
        ck_ok(infer_config_load(&again, path, INFER_READ_UNSAID, &err));
        ck_assert_int_eq(memcmp(&c.rope, &again.rope, sizeof c.rope), 0);
    }
}
END_TEST

START_TEST(several_ends)
{
    struct infer_config c, again;
    ck_ok(load("\"eos_token_id\":[5,7,5,8]", INFER_READ_UNSAID, &c));
    ck_assert_int_eq(c.eos, 5);
    ck_assert_uint_eq(c.n_more_eos, 2);
    ck_assert(infer_config_ends(&c, 5) && infer_config_ends(&c, 7) &&
              infer_config_ends(&c, 8) && !infer_config_ends(&c, 6) &&
              !infer_config_ends(&c, -1));
    ck_ok(infer_config_save(&c, INFER_F32, temp_path("e.json"), &err));
    ck_ok(infer_config_load(&again, temp_path("e.json"), INFER_READ_UNSAID,
                            &err));
    ck_assert(again.n_more_eos == 2 && again.more_eos[1] == 8);
    ck_assert_int_eq(load("\"eos_token_id\":[5,99]", INFER_READ_UNSAID, &c),
                     PK_EDATA);
}
END_TEST

START_TEST(where_a_score_is_read)
{
    static const char head[] =
        "\"eos_token_id\":[5,9],"
        "\"architectures\":[\"LlamaForSequenceClassification\"]";
    const int32_t ids[] = {1, 9, 4, 9, 9};
    struct infer_config c;
    char text[1024];
    snprintf(text, sizeof text, "{%s,%s}", head,
             "\"hidden_size\":8,\"intermediate_size\":8,\"num_hidden_layers\":"
             "1,\"num_attention_heads\":1,\"vocab_size\":99,\"pad_token_id\":"
             "9");
    char *path = temp_path("score.json");
    write_file(path, text, strlen(text));
    ck_assert_int_eq(infer_config_load(&c, path, INFER_READ_UNSAID, &err),
                     PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "--read-out"));
    enum infer_read_out r;
    ck_ok(infer_read_out_parse(&r, "eos", &err));
    ck_ok(infer_config_load(&c, path, r, &err));
    ck_assert_uint_eq(infer_read_length(&c, ids, 5), 5);
    ck_ok(infer_read_out_parse(&r, "before-eos", &err));
    ck_ok(infer_config_load(&c, path, r, &err));
    ck_assert_uint_eq(infer_read_length(&c, ids, 5), 3);
    ck_assert_uint_eq(infer_read_length(&c, ids + 3, 2), 1);
    ck_assert_int_eq(infer_read_out_parse(&r, "last", &err), PK_EUSAGE);
}
END_TEST

/* ---- Cutting ------------------------------------------------------------- */

/* Words as the regular expressions cut them, joined by '|'. */
static const struct {
    enum pretoken_rule rule;
    bool digits;
    const char *text, *words;
} cuts[] = {
    {PRETOKEN_GPT2, 0, "It's  a test", "It|'s| | a| test"},
    {PRETOKEN_GPT2, 0, "IT'S 1234x!? \n", "IT|'|S| 1234|x|!?| \n"},
    {PRETOKEN_GPT2, 0, "a \n b", "a| \n| b"},
    {PRETOKEN_GPT2, 1, "a 12b", "a| |1|2|b"},
    {PRETOKEN_GPT2, 0, " 's", " '|s"},
    {PRETOKEN_LLAMA3, 0, "IT'S 12345x!?\n\n y", "IT|'S| |123|45|x|!?\n\n| y"},
    {PRETOKEN_LLAMA3, 0, "\n\nHello  you", "\n\n|Hello| | you"},
    {PRETOKEN_LLAMA3, 0, "a  \n\n   b", "a|  \n\n|  | b"},
    {PRETOKEN_LLAMA3, 0, "x\t'y \t", "x|\t|'y| \t"},
    {PRETOKEN_LLAMA3, 0, "caf\xC3\xA9 \xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x81",
     "caf\xC3\xA9| \xE4\xBD\xA0\xE5\xA5\xBD|\xEF\xBC\x81"},
    {PRETOKEN_LLAMA3, 0, "it'\xC5\xBFx", "it|'\xC5\xBF|x"},
    {PRETOKEN_LLAMA3, 0, "\xC2\xA0\xC2\xA0z", "\xC2\xA0|\xC2\xA0z"},
    {PRETOKEN_SPACE, 0,
     "\xE2\x96\x81\xE2\x96\x81"
     "ab",
     "\xE2\x96\x81|\xE2\x96\x81"
     "ab"}};
enum { CUTS = sizeof cuts / sizeof *cuts };

START_TEST(words)
{
    struct pretoken p = {.rule = cuts[_i].rule,
                         .digits = cuts[_i].digits,
                         .s = cuts[_i].text,
                         .n = strlen(cuts[_i].text)};
    char got[128] = "";
    for (size_t n; (n = infer_pretoken_next(&p)) > 0;) {
        if (*got)
            strcat(got, "|");
        strncat(got, p.s - n, n);
    }
    ck_assert_str_eq(got, cuts[_i].words);
}
END_TEST

/* ---- tokenizer.json ------------------------------------------------------ */

static void put_alphabet(struct pk_buf *b)
{
    for (int i = 0; i < 256; i++) {
        const uint32_t cp = infer_json_alphabet((uint8_t)i);
        pk_buf_addf(b, "\"\\u%04x\":%d,", (unsigned)cp, i);
    }
}

/* All bytes, three merges, and Llama 3's special tokens. */
static char *llama3_dir(void)
{
    static const char head[] =
        "{\"added_tokens\":[{\"id\":259,\"content\":\"<|begin_of_text|>\","
        "\"special\":true},{\"id\":260,\"content\":\"<|start_header_id|>\","
        "\"special\":true},{\"id\":261,\"content\":\"<|end_header_id|>\","
        "\"special\":true},{\"id\":262,\"content\":\"<|eot_id|>\","
        "\"special\":true},{\"id\":263,\"content\":"
        "\"<|reserved_special_token_0|>\",\"special\":true}],"
        "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":"
        "\"Split\",\"pattern\":{\"Regex\":";
    struct pk_buf b = PK_BUF_INIT(1 << 16);
    char *dir = temp_path("llama3");
    mkdir(dir, 0777);
    pk_buf_adds(&b, head);
    pk_buf_addc(&b, '"');
    for (const char *s = infer_pretoken_llama3; *s; s++) {
        if (*s == '\\')
            pk_buf_addc(&b, '\\');
        pk_buf_addc(&b, *s);
    }
    pk_buf_adds(&b, "\"},\"behavior\":\"Isolated\",\"invert\":false},{\"type\":"
                    "\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":"
                    "false}]},\"model\":{\"type\":\"BPE\",\"ignore_merges\":"
                    "true,\"vocab\":{");
    put_alphabet(&b);
    pk_buf_adds(&b, "\"he\":256,\"hell\":257,\"\\u010a\\u010a\":258},"
                    "\"merges\":[\"h e\",\"\\u010a \\u010a\"]}}");
    ck_assert_int_eq(b.failed, 0);
    write_file(temp_path("llama3/tokenizer.json"), b.data, b.len);
    pk_buf_release(&b);
    return dir;
}

static void check_ids(const struct infer_ids *got, const int32_t *want,
                      size_t n)
{
    ck_assert_uint_eq(got->len, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(got->id[i], want[i]);
}

START_TEST(byte_level_and_llama3_chat)
{
    static const int32_t text[] = {256, 'l', 'p',  ' ', 256,
                                   'y', 257, 0xC3, 0xA9};
    static const int32_t chat[] = {259, 260, 'u', 's', 'e', 'r', 261, 258,
                                   256, 262, 260, 'a', 's', 's', 'i', 's',
                                   't', 'a', 'n', 't', 261, 258, 'o', 262};
    struct infer_tokenizer *t;
    struct infer_ids ids = {0};
    char *back;
    size_t len;
    char *dir = llama3_dir();
    ck_ok(infer_tokenizer_open(&t, dir, &err));
    ck_assert_int_eq(infer_tokenizer_chat(t), INFER_CHAT_LLAMA3);
    ck_assert_int_eq(infer_tokenizer_bos(t), 259);
    ck_assert_int_eq(infer_tokenizer_eos(t), 262);
    ck_assert_int_eq(infer_tokenizer_pad(t), 263);
    /* "hell" has no merges, and is found whole only where it is a word. */
    static const char *const parts[] = {"help hey", "hell", "\xC3\xA9"};
    for (int i = 0; i < 3; i++)
        ck_ok(
            infer_tokenizer_encode(t, parts[i], strlen(parts[i]), &ids, &err));
    check_ids(&ids, text, sizeof text / sizeof *text);
    ck_ok(infer_tokenizer_decode(t, ids.id, ids.len, &back, &len, &err));
    ck_assert_str_eq(back, "help heyhell\xC3\xA9");
    free(back);
    ids.len = 0;
    const struct infer_message msg[] = {{INFER_USER, " he\n", 4},
                                        {INFER_ASSISTANT, "o", 1}};
    ck_ok(infer_chat_encode(t, msg, 2, false, 0, &ids, NULL, &err));
    check_ids(&ids, chat, sizeof chat / sizeof *chat);
    ids.len = 0;
    ck_ok(infer_chat_encode(t, msg, 1, false, 0, &ids, NULL, &err));
    check_ids(&ids, chat, sizeof chat / sizeof *chat - 2);
    /* As the template writes it, it is the same ids. */
    static const char marked[] =
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nhe"
        "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\no"
        "<|eot_id|>";
    ids.len = 0;
    ck_ok(infer_tokenizer_encode_marked(t, marked, sizeof marked - 1, &ids,
                                        &err));
    check_ids(&ids, chat, sizeof chat / sizeof *chat);
    const struct infer_message tag = {INFER_USER, "a<|eot_id|>", 11};
    ck_assert_int_eq(infer_chat_encode(t, &tag, 1, false, 0, &ids, NULL, &err),
                     PK_EDATA);
    infer_tokenizer_close(t);

    static const char foreign[] = "{\"chat_template\":\"<|im_start|>\"}";
    write_file(temp_path("llama3/tokenizer_config.json"), foreign,
               sizeof foreign - 1);
    ck_ok(infer_tokenizer_open(&t, dir, &err));
    ck_assert_int_eq(infer_tokenizer_chat(t), INFER_CHAT_NONE);
    ck_assert_int_eq(infer_chat_encode(t, msg, 2, false, 0, &ids, NULL, &err),
                     PK_EDATA);
    infer_tokenizer_close(t);
    infer_ids_release(&ids);
}
END_TEST

/* Ranks before place, leftmost of equals, unknown characters joined. */
START_TEST(fallback_ids)
{
    /* The byte token does not wait for the unknown ones (as in tokenizers). */
    static const int32_t want[] = {6, 5, 3, 1, 0, 2, 4};
    struct infer_tokenizer *t;
    struct infer_ids ids = {0};
    static const char text[] = "ababaxyz\n b";
    ck_ok(infer_tokenizer_open(
        &t, "tests/fuzz/corpus/json_tokenizer/fallback.json", &err));
    ck_ok(infer_tokenizer_encode(t, text, sizeof text - 1, &ids, &err));
    check_ids(&ids, want, 7);
    infer_ids_release(&ids);
    infer_tokenizer_close(t);
}
END_TEST

START_TEST(real_tokenizer_json)
{
    if (!data_dir()) {
        puts("skipped: tokenizer.json: no real data");
        return;
    }
    static const int32_t want[] = {80, 147, 201, 282, 215, 286, 64, 207, 161};
    static const char text[] = "Once upon a time, there was a little";
    char path[512], *back;
    size_t len;
    struct infer_tokenizer *t;
    struct infer_ids ids = {0};
    snprintf(path, sizeof path, "%s/weights-tinystories-656K", data_dir());
    ck_ok(infer_tokenizer_open(&t, path, &err));
    ck_ok(infer_tokenizer_encode(t, text, sizeof text - 1, &ids, &err));
    check_ids(&ids, want, 9);
    ck_ok(infer_tokenizer_decode(t, ids.id, ids.len, &back, &len, &err));
    ck_assert_str_eq(back, text);
    free(back);
    infer_ids_release(&ids);
    infer_tokenizer_close(t);
}
END_TEST

/* ---- GGUF ---------------------------------------------------------------- */

static void put_values(struct gguf_file *f, const float *w, size_t rows,
                       size_t cols, size_t head_dim)
{
    const size_t half = head_dim / 2;
    for (size_t r = 0; r < rows; r++) {
        size_t from = r;
        if (head_dim) /* a row of a pair: (i, half) to 2 i + half */
            from = r / head_dim * head_dim + r % 2 * half + r % head_dim / 2;
        pk_buf_add(&f->data, w + from * cols, cols * sizeof *w);
    }
}

static void put_config(struct gguf_file *f, const struct infer_config *c)
{
    gguf_put_str(f, "general.architecture", "llama");
    gguf_put_u32(f, "llama.embedding_length", (uint32_t)c->dim);
    gguf_put_u32(f, "llama.block_count", (uint32_t)c->layers);
    gguf_put_u32(f, "llama.feed_forward_length", (uint32_t)c->hidden);
    gguf_put_u32(f, "llama.attention.head_count", (uint32_t)c->heads);
    gguf_put_u32(f, "llama.attention.head_count_kv", (uint32_t)c->kv_heads);
    gguf_put_u32(f, "llama.context_length", (uint32_t)c->max_positions);
    gguf_put_u32(f, "llama.attention.key_length", (uint32_t)c->head_dim);
    gguf_put_u32(f, "llama.attention.value_length", (uint32_t)c->head_dim);
    gguf_put_f32(f, "llama.rope.freq_base", c->rope_theta);
    gguf_put_f32(f, "llama.attention.layer_norm_rms_epsilon", c->norm_eps);
}

static void put_model(struct gguf_file *f, const struct infer_config *c,
                      const struct infer_params *p)
{
    static const char *const names[] = {"attn_norm", "attn_q",      "attn_k",
                                        "attn_v",    "attn_output", "ffn_norm",
                                        "ffn_gate",  "ffn_up",      "ffn_down"};
    const size_t last = 1 + 9 * c->layers;
    put_config(f, c);
    for (size_t i = 0; i < infer_tensor_count(c); i++) {
        struct infer_tensor t;
        char name[64];
        infer_tensor_at(c, i, &t);
        size_t k = (i - 1) % 9;
        if (i == 0 || i >= last)
            snprintf(name, sizeof name, "%s.weight",
                     i == 0      ? "token_embd"
                     : i == last ? "output_norm"
                                 : "output");
        else
            snprintf(name, sizeof name, "blk.%zu.%s.weight", (i - 1) / 9,
                     names[k]);
        const bool rotary = i > 0 && i < last && (k == 1 || k == 2);
        gguf_put_tensor(f, name, t.rows, t.cols, 0);
        put_values(f, p->slab + t.offset, t.rows, t.cols,
                   rotary ? c->head_dim : 0);
    }
}

START_TEST(gguf_golden_model)
{
    struct golden g;
    struct gguf_file f = GGUF_FILE_INIT;
    struct pk_buf out = PK_BUF_INIT(1 << 24);
    struct gguf *file;
    struct infer_config c;
    struct infer_params *p;
    golden_open(&g, "causal");
    put_model(&f, g.c, g.p);
    gguf_file_end(&f, &out);
    char *path = temp_path("golden.gguf");
    write_file(path, out.data, out.len);
    ck_ok(infer_gguf_open(&file, path, &err));
    ck_ok(infer_gguf_load(file, &c, &p, &err));
    ck_assert(c.dim == g.c->dim && c.vocab == g.c->vocab &&
              c.kv_heads == g.c->kv_heads && c.tied == g.c->tied);
    for (size_t i = 0; i < infer_tensor_count(&c); i++) {
        struct infer_tensor t;
        infer_tensor_at(&c, i, &t);
        ck_assert_msg(memcmp(p->slab + t.offset, g.p->slab + t.offset,
                             t.rows * t.cols * sizeof(float)) == 0,
                      "%s", t.name);
    }
    infer_params_free(p);
    infer_gguf_close(file);
    for (size_t n = 0; n < out.len; n += 1 + n / 50) { /* cut off anywhere */
        write_file(path, out.data, n);
        int rc = infer_gguf_open(&file, path, &err);
        ck_assert_int_eq(rc, PK_EDATA);
    }
    pk_buf_release(&out);
    golden_close(&g);
}
END_TEST

/* A file with one more tensor in it. */
static int load_with(const char *name)
{
    struct golden g;
    struct gguf_file f = GGUF_FILE_INIT;
    struct pk_buf out = PK_BUF_INIT(1 << 24);
    struct gguf *file;
    struct infer_config c;
    struct infer_params *p;
    golden_open(&g, "causal");
    put_model(&f, g.c, g.p);
    gguf_put_tensor(&f, name, 1, 1, 0);
    gguf_put_int(&f.data, 0x3F800000, 4);
    gguf_file_end(&f, &out);
    char *path = temp_path("more.gguf");
    write_file(path, out.data, out.len);
    ck_ok(infer_gguf_open(&file, path, &err));
    int rc = infer_gguf_load(file, &c, &p, &err);
    infer_params_free(p);
    infer_gguf_close(file);
    pk_buf_release(&out);
    golden_close(&g);
    return rc;
}

START_TEST(gguf_foreign_tensors)
{
    static const char *const names[] = {
        "blk.0.attn_q.bias", "blk.0.attn_q_norm.weight", "blk.99.attn_q.weight",
        "blk.0.ffn_gate_inp.weight"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ck_assert_int_eq(load_with(names[i]), PK_EDATA);
        ck_assert_ptr_nonnull(strstr(err.text, names[i]));
    }
    ck_ok(load_with("blk.0.attn_rot_embd"));
    ck_ok(load_with("mtp.head"));
}
END_TEST

/* The factor that a file is read to scale by; of no type where it is NULL. */
static double scaled_by(const char *type, const char *key, double factor)
{
    struct golden g;
    struct gguf_file f = GGUF_FILE_INIT;
    struct pk_buf out = PK_BUF_INIT(1 << 24);
    struct gguf *file;
    struct infer_config c;
    struct infer_params *p;
    golden_open(&g, "causal");
    put_model(&f, g.c, g.p);
    if (type)
        gguf_put_str(&f, "llama.rope.scaling.type", type);
    gguf_put_f32(&f, key, factor);
    gguf_file_end(&f, &out);
    char *path = temp_path("scaled.gguf");
    write_file(path, out.data, out.len);
    ck_ok(infer_gguf_open(&file, path, &err));
    ck_ok(infer_gguf_load(file, &c, &p, &err));
    infer_params_free(p);
    infer_gguf_close(file);
    pk_buf_release(&out);
    golden_close(&g);
    ck_assert_int_eq(c.rope.kind, c.rope.factor != 1 ? INFER_ROPE_LINEAR
                                                     : INFER_ROPE_DEFAULT);
    return c.rope.factor;
}

START_TEST(gguf_rope_scaling)
{
    static const char now[] = "llama.rope.scaling.factor";
    static const char before[] = "llama.rope.scale_linear";
    ck_assert(scaled_by("linear", now, 4) == 4);
    ck_assert(scaled_by("linear", before, 4) == 4);
    ck_assert(scaled_by(NULL, now, 4) == 4); /* llama.cpp: then it is linear */
    ck_assert(scaled_by(NULL, before, 4) == 4);
    ck_assert(scaled_by("none", now, 4) == 1);
    ck_assert(scaled_by("linear", now, 0) == 1);
    ck_assert(scaled_by(NULL, now, 1) == 1);
}
END_TEST

START_TEST(gguf_types)
{
    static const int types[] = {0, 1, 30, 8};
    struct gguf_file f = GGUF_FILE_INIT;
    struct pk_buf out = PK_BUF_INIT(1 << 16);
    struct gguf *g;
    for (int k = 0; k < 4; k++) {
        char name[2] = {(char)('a' + k), 0};
        gguf_put_tensor(&f, name, 1, 32, types[k]);
        if (types[k] == 8)
            gguf_put_int(&f.data, 0x3800, 2); /* 0.5 */
        for (int i = 0; i < 32; i++)
            gguf_put_int(&f.data,
                         types[k] == 0    ? 0xBFC00000
                         : types[k] == 1  ? 0xBE00
                         : types[k] == 30 ? 0xBFC0
                                          : (uint64_t)-3,
                         types[k] == 0   ? 4
                         : types[k] == 8 ? 1
                                         : 2);
    }
    gguf_file_end(&f, &out);
    char *path = temp_path("types.gguf");
    write_file(path, out.data, out.len);
    ck_ok(infer_gguf_open(&g, path, &err));
    for (int k = 0; k < 4; k++) {
        char name[2] = {(char)('a' + k), 0};
        float x[32];
        infer_gguf_widen(x, infer_gguf_find(g, name));
        for (int i = 0; i < 32; i++)
            ck_assert(x[i] == -1.5F);
    }
    ck_assert_ptr_null(infer_gguf_find(g, "e"));
    infer_gguf_close(g);
    pk_buf_release(&out);
}
END_TEST

START_TEST(gguf_byte_level_tokenizer)
{
    struct gguf_file f = GGUF_FILE_INIT;
    struct pk_buf out = PK_BUF_INIT(1 << 16);
    struct gguf *g;
    struct infer_tokenizer *t;
    struct infer_ids ids = {0};
    static const int32_t want[] = {256, 'y'};
    gguf_put_str(&f, "tokenizer.ggml.model", "gpt2");
    gguf_put_str(&f, "tokenizer.ggml.pre", "llama-bpe");
    gguf_put_u32(&f, "tokenizer.ggml.bos_token_id", 257);
    gguf_put_u32(&f, "tokenizer.ggml.eos_token_id", 257);
    gguf_put_array(&f, "tokenizer.ggml.tokens", GGUF_STRING, 258);
    for (int i = 0; i < 256; i++) {
        const uint32_t cp = infer_json_alphabet((uint8_t)i);
        char s[2] = {(char)(cp < 0x80 ? cp : 0xC0 | cp >> 6),
                     (char)(0x80 | (cp & 63))};
        gguf_put_text(&f.meta, s, cp < 0x80 ? 1 : 2);
    }
    gguf_put_text(&f.meta, "he", 2);
    gguf_put_text(&f.meta, "<s>", 3);
    gguf_put_array(&f, "tokenizer.ggml.token_type", GGUF_I32, 258);
    for (int i = 0; i < 258; i++)
        gguf_put_int(&f.meta, i == 257 ? 3 : 1, 4);
    gguf_put_array(&f, "tokenizer.ggml.merges", GGUF_STRING, 1);
    gguf_put_text(&f.meta, "h e", 3);
    gguf_file_end(&f, &out);
    char *path = temp_path("tok.gguf"), *dir = temp_path("from-gguf");
    write_file(path, out.data, out.len);
    ck_assert_int_eq(mkdir(dir, 0777), 0);
    ck_ok(infer_gguf_open(&g, path, &err));
    ck_ok(infer_gguf_write_tokenizer(g, dir, &err));
    infer_gguf_close(g);
    ck_ok(infer_tokenizer_open(&t, dir, &err));
    ck_assert_int_eq(infer_tokenizer_eos(t), 257);
    ck_ok(infer_tokenizer_encode(t, "hey", 3, &ids, &err));
    check_ids(&ids, want, 2);
    infer_ids_release(&ids);
    infer_tokenizer_close(t);
    pk_buf_release(&out);
}
END_TEST

/* ---- verify -------------------------------------------------------------- */

static bool finds(const struct verify_report *r, const char *about)
{
    for (size_t i = 0; i < r->n_findings; i++)
        if (r->finding[i].problem && strcmp(r->finding[i].about, about) == 0)
            return true;
    return false;
}

static struct verify_report verify(const char *dir)
{
    struct verify_report r = {.bos = -1, .eos = -1, .pad = -1};
    struct verify_open o = {.dir = dir};
    ck_ok(infer_verify_files(&r, &o, &err));
    if (o.model)
        ck_ok(infer_verify_rescore(&r, &o, 2, &err));
    infer_tokenizer_close(o.tokenizer);
    infer_model_close(o.model);
    return r;
}

#define SPOIL_MODEL  "verified/config.json"
#define SPOIL_TOKENS "verified/tokenizer_config.json"
static const struct {
    const char *file, *from, *to, *about;
} spoil[] = {
    {SPOIL_MODEL, "\"regression\"", "\"single\"", "problem_type"},
    {SPOIL_MODEL, "\"pad_token_id\":\t263", "\"pad_token_id\":\t262",
     "pad_token_id"},
    {SPOIL_MODEL, "\"pad_token_id\":\t263", "\"pad_token_id\":\t97 ",
     "pad_token_id"},
    {SPOIL_MODEL, "\"id2label\"", "\"id2lable\"", "id2label"},
    {SPOIL_MODEL, "\"bos_token_id\":\t259", "\"bos_token_id\":\t258",
     "bos_token_id"},
    {SPOIL_MODEL, "\"hidden_size\":\t16", "\"hidden_size\":\t12", "model"},
    {SPOIL_TOKENS, "{", "{\"add_eos_token\": true,", "add_eos_token"},
    {SPOIL_TOKENS, "{", "{\"add_bos_token\": false,", "add_bos_token"},
};

START_TEST(verify_tells)
{
    struct infer_tokenizer *t;
    struct infer_params *p;
    char *dir = temp_path("verified"), *from = llama3_dir();
    ck_assert_int_eq(mkdir(dir, 0777), 0);
    ck_ok(infer_tokenizer_open(&t, from, &err));
    struct infer_config c = {.dim = 16,
                             .layers = 2,
                             .heads = 4,
                             .kv_heads = 2,
                             .head_dim = 4,
                             .hidden = 24,
                             .vocab = infer_tokenizer_vocab(t),
                             .max_positions = 512,
                             .norm_eps = 1e-5,
                             .rope_theta = 10000,
                             .bos = infer_tokenizer_bos(t),
                             .eos = infer_tokenizer_eos(t),
                             .pad = -1};
    infer_config_to_score(&c, t);
    infer_tokenizer_close(t);
    ck_assert_int_eq(c.pad, 263);
    ck_ok(infer_params_new(&p, &c, &err));
    infer_params_init(p, &c, 5);
    ck_ok(infer_model_save(dir, &c, &p->w, INFER_F32, from, &err));
    infer_params_free(p);
    struct verify_report r = verify(dir);
    ck_assert_msg(r.n_problems == 0, "%s: %s", r.finding[0].about,
                  r.finding[0].text);
    ck_assert_uint_eq(r.n_runs, 8);
    for (size_t i = 0; i < r.n_runs; i++)
        ck_assert_msg(r.run[i].same_bits, "%s moves a score", r.run[i].how);
    ck_assert_str_eq(r.template_sha256, r.ours_sha256);
    ck_assert_int_eq(r.chat, INFER_CHAT_LLAMA3);

    /* Each thing spoiled is found. */
    for (size_t i = 0; i < sizeof spoil / sizeof *spoil; i++) {
        char *path = temp_path(spoil[i].file);
        size_t len;
        char *good = read_file(path, &len), *at = strstr(good, spoil[i].from);
        ck_assert_msg(at != NULL, "%s in %s", spoil[i].from, good);
        struct pk_buf b = PK_BUF_INIT(1 << 16);
        pk_buf_add(&b, good, (size_t)(at - good));
        pk_buf_adds(&b, spoil[i].to);
        pk_buf_adds(&b, at + strlen(spoil[i].from));
        write_file(path, b.data, b.len);
        r = verify(dir);
        ck_assert_msg(finds(&r, spoil[i].about), "%s", spoil[i].to);
        write_file(path, good, len);
        pk_buf_release(&b);
        free(good);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("models");
    TCase *t = tcase_create("models");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, rotary_scaling);
    tcase_add_test(t, several_ends);
    tcase_add_test(t, where_a_score_is_read);
    tcase_add_loop_test(t, words, 0, CUTS);
    tcase_add_test(t, byte_level_and_llama3_chat);
    tcase_add_test(t, fallback_ids);
    tcase_add_test(t, real_tokenizer_json);
    tcase_add_test(t, gguf_golden_model);
    tcase_add_test(t, gguf_foreign_tensors);
    tcase_add_test(t, gguf_rope_scaling);
    tcase_add_test(t, gguf_types);
    tcase_add_test(t, gguf_byte_level_tokenizer);
    tcase_add_test(t, verify_tells);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
