/* Texts as one model's ids: the kinds, where each is read, what is marked. */
#include <string.h>

#include "rm/data/coder.h"
#include "tests/support.h"

#define TOKENIZER "tests/fixtures/tokenizer"

static struct pk_err err;
static struct infer_config config = {
    .vocab = 1000, .max_positions = 60, .eos = 2, .bos = 1, .pad = 0};
static struct rm_coder coder;

static void setup(void)
{
    coder = (struct rm_coder){.name = "m",
                              .dir = "dir",
                              .config = &config,
                              .max_tokens = config.max_positions};
    ck_ok(infer_tokenizer_open(&coder.tokenizer, TOKENIZER, &err));
}

static void teardown(void)
{
    infer_tokenizer_close(coder.tokenizer);
}

/* Encode behind one id that must stay; the rest is in *ids. */
static int encode(const struct rm_text *text, struct infer_ids *ids,
                  struct rm_code *what)
{
    enum rm_reason why;
    struct infer_ids all = {0};
    ck_ok(infer_ids_add(&all, 77, &err));
    int rc = rm_coder_encode(&coder, text, &all, what, &why, &err);
    ck_assert_int_eq(all.id[0], 77);
    ck_assert_uint_eq(all.len, rc ? 1 : 1 + what->n);
    ids->len = 0;
    for (size_t i = 1; i < all.len; i++)
        ck_ok(infer_ids_add(ids, all.id[i], &err));
    infer_ids_release(&all);
    return rc;
}

static int encode_marked(const char *s, struct infer_ids *ids,
                         struct rm_code *what)
{
    struct rm_text t = {.marked = s, .marked_len = strlen(s)};
    return encode(&t, ids, what);
}

static void encode_pair(bool cut, struct infer_ids *ids, struct rm_code *what)
{
    struct rm_dialogue d = {.cut = cut};
    ck_ok(infer_dialogue_add(&d.all, INFER_USER, "q", 1, &err));
    ck_ok(infer_dialogue_add(&d.all, INFER_ASSISTANT, "a", 1, &err));
    struct rm_text t = {.dialogue = &d};
    ck_ok(encode(&t, ids, what));
    infer_dialogue_release(&d.all);
}

static void ck_same(const struct infer_ids *a, const struct infer_ids *b)
{
    ck_assert_uint_eq(a->len, b->len);
    ck_assert_mem_eq(a->id, b->id, a->len * sizeof *a->id);
}

/* What it is, written out, is what it is as messages: with and without BOS,
 * with padding, line ends or more of BOS and EOS around it. */
static const char *const closed[] = {"<s>[INST] q [/INST] a </s>",
                                     "[INST] q [/INST] a </s>",
                                     "<s>[INST] q [/INST] a </s>\n",
                                     "<s>[INST] q [/INST] a </s><unk><unk>",
                                     "<s>[INST] q [/INST] a </s> <unk>\n",
                                     "\n <s>[INST] q [/INST] a </s>",
                                     " [INST] q [/INST] a </s>",
                                     "<unk><unk><s>[INST] q [/INST] a </s>",
                                     "</s></s><s>[INST] q [/INST] a </s>",
                                     "<s><s>[INST] q [/INST] a </s>",
                                     "<s> <s> [INST] q [/INST] a </s>",
                                     "<s>[INST] q [/INST] a </s></s>",
                                     "<s>[INST] q [/INST] a </s> </s><unk>"};

/* And one that is cut off. */
static const char *const open[] = {
    "<s>[INST] q [/INST] a", "[INST] q [/INST] a \n",
    "<unk><s>[INST] q [/INST] a", "<s>[INST] q [/INST] a<unk> <unk>"};

START_TEST(closed_texts)
{
    struct infer_ids want = {0}, got = {0};
    struct rm_code what;
    encode_pair(false, &want, &what);
    ck_assert(!what.cut && want.id[want.len - 1] == 2);
    ck_ok(encode_marked(closed[_i], &got, &what));
    ck_same(&got, &want);
    ck_assert(!what.cut && what.dropped == 0);
    infer_ids_release(&want);
    infer_ids_release(&got);
}
END_TEST

START_TEST(texts_without_an_end)
{
    const char *s = open[_i];
    struct infer_ids want = {0}, got = {0};
    struct rm_code what;
    encode_pair(true, &want, &what);
    ck_ok(encode_marked(s, &got, &what));
    ck_same(&got, &want);
    ck_assert(what.cut);
    coder.unclosed = RM_UNCLOSED_CLOSE;
    encode_pair(false, &want, &what);
    ck_ok(encode_marked(s, &got, &what));
    ck_same(&got, &want);
    ck_assert(!what.cut);
    coder.unclosed = RM_UNCLOSED_REFUSE;
    ck_assert_int_eq(encode_marked(s, &got, &what), PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "does not end"));
    ck_ok(encode_marked(closed[0], &got, &what));
    infer_ids_release(&want);
    infer_ids_release(&got);
}
END_TEST

START_TEST(no_bos_when_told)
{
    struct infer_ids with = {0}, without = {0};
    struct rm_code what;
    struct rm_text t = {.marked = closed[1], .marked_len = strlen(closed[1])};
    ck_ok(encode(&t, &with, &what));
    t.no_bos = true;
    ck_ok(encode(&t, &without, &what));
    ck_assert_uint_eq(with.len, without.len + 1);
    ck_assert_mem_eq(with.id + 1, without.id, without.len * sizeof *with.id);
    infer_ids_release(&with);
    infer_ids_release(&without);
}
END_TEST

START_TEST(refusals)
{
    static const int32_t far[] = {5, 1000}, negative[] = {-1};
    int32_t many[61] = {0};
    char text[400];
    struct infer_ids ids = {0};
    struct rm_code what;
    const struct {
        struct rm_text text;
        const char *says;
    } bad[] = {
        {{.ids = far, .n_ids = 2}, "outside the vocabulary of m (1000)"},
        {{.ids = negative, .n_ids = 1}, "token id -1"},
        {{.ids = many, .n_ids = 61}, "61 tokens, more than the 60 that m"},
        {{.ids = many}, "no token ids"},
        {{.marked = "", .marked_len = 0}, "empty"},
        {{.marked = " \n", .marked_len = 2}, "empty"},
        {{.marked = "<s> </s>", .marked_len = 8}, "empty"},
        {{.marked = text, .marked_len = sizeof text}, "more than the 60"},
    };
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(encode(&bad[i].text, &ids, &what), PK_EDATA);
        ck_assert_msg(strstr(err.text, bad[i].says), "%s", err.text);
    }
    infer_ids_release(&ids);
}
END_TEST

/* Where programs read before the end, what follows the read-out is left off. */
START_TEST(read_before_the_end)
{
    struct infer_ids ids = {0};
    struct rm_code what;
    struct infer_config before = config;
    before.pad = before.eos;
    before.read_out = INFER_READ_BEFORE_EOS;
    coder.config = &before;
    ck_ok(encode_marked(closed[0], &ids, &what));
    ck_assert_int_ne(ids.id[ids.len - 1], 2);
    ck_assert(!what.cut);
    infer_ids_release(&ids);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rm_coder");
    TCase *t = tcase_create("core");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, closed_texts, 0, sizeof closed / sizeof *closed);
    tcase_add_loop_test(t, texts_without_an_end, 0, sizeof open / sizeof *open);
    tcase_add_test(t, no_bos_when_told);
    tcase_add_test(t, refusals);
    tcase_add_test(t, read_before_the_end);
    suite_add_tcase(s, t);
    return run_suite(s);
}
