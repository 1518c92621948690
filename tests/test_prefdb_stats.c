/* stats: every number of a store small enough to count by hand; and what export
 * lets through. */
#include <stdlib.h>

#include "prefdb/export/export.h"
#include "prefdb/stats/history.h"
#include "prefdb/stats/stats.h"
#include "tests/prefdb_support.h"

/* Two sources. "s": a system turn and two user turns ("h\u00e9 ho": 5
 * characters, 2 words; "x": 1 and 1). "t": one user turn, an answer that is
 * empty. */
static const char rows[] =
    "{\"messages\":[{\"role\":\"system\",\"content\":\"be good\"},"
    "{\"role\":\"user\",\"content\":\"h\\u00e9 ho\"},"
    "{\"role\":\"assistant\",\"content\":\"ok\"},"
    "{\"role\":\"user\",\"content\":\"x\"}],"
    "\"a\":{\"content\":\"one two\",\"cut\":true},\"b\":\"three\","
    "\"source\":\"s\",\"split\":\"train\",\"judgments\":["
    "{\"dimension\":\"safety\",\"choice\":\"a\",\"strength\":2,"
    "\"label\":\"both_safe\",\"annotator\":\"p\"},"
    "{\"dimension\":\"safety\",\"choice\":\"b\",\"annotator\":\"p\"},"
    "{\"dimension\":\"safety\",\"choice\":\"tie\",\"annotator\":\"q\"},"
    "{\"dimension\":\"helpfulness\",\"choice\":\"a\",\"strength\":0}]}\n"
    "{\"messages\":[{\"role\":\"user\",\"content\":\"  q \\n\"}],"
    "\"a\":\"\",\"b\":\"words\",\"source\":\"t\",\"split\":\"test\"}\n";

static const struct prefdb__units words = {NULL, NULL};

/* A tokenizer of two tokens a byte. */
static int count_bytes(void *t, const char *text, size_t len, uint32_t *n,
                       struct pk_err *err)
{
    (void)text;
    (void)err;
    *n = *(uint32_t *)t * (uint32_t)len;
    return 0;
}

static struct prefdb *filled(void)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("stats.db");
    ck_ok(
        import_text(db, "rows.jsonl", rows, plain_import(NULL), &report, &err));
    return db;
}

static void ck_lengths(const struct prefdb__lengths *l, double example,
                       double prompt, double response)
{
    ck_assert_double_eq(l->example, example);
    ck_assert_double_eq(l->prompt, prompt);
    ck_assert_double_eq(l->response, response);
}

START_TEST(test_stats_in_tokens)
{
    static const struct prefdb_tokens tokens = {.count = count_bytes};
    struct pk_err err;
    struct prefdb__stats in_words = {0}, st = {0};
    uint32_t two = 2;
    struct prefdb *db = filled();
    ck_ok(prefdb__stats(db, &words, &in_words, &err));
    ck_ok(prefdb__stats(db, &(struct prefdb__units){&tokens, &two}, &st, &err));
    /* The last source's texts are ASCII. */
    const struct prefdb__source *s = &st.sources[st.n_sources - 1];
    ck_lengths(&s->units, 2 * s->chars.example, 2 * s->chars.prompt,
               2 * s->chars.response);
    ck_assert_double_eq(in_words.sources[0].chars.example,
                        st.sources[0].chars.example);
    prefdb__stats_release(&in_words);
    prefdb__stats_release(&st);
    prefdb_close(db);
}
END_TEST

START_TEST(test_stats)
{
    struct pk_err err;
    struct prefdb__stats st = {0};
    struct prefdb *db = filled();
    ck_ok(prefdb__stats(db, &words, &st, &err));
    ck_assert_uint_eq(st.n_sources, 2);
    ck_assert_uint_eq(st.turns, 9);
    ck_assert_uint_eq(st.responses, 4);
    ck_assert_uint_eq(st.superseded, 0);
    const struct prefdb__source *s = &st.sources[0], *t = &st.sources[1];
    ck_assert_str_eq(s->name, "s");
    ck_assert_double_eq(s->turns, 2);
    ck_lengths(&s->chars, 7 + 5 + 2 + 1 + 6, 1, 6);
    ck_lengths(&s->units, 2 + 2 + 1 + 1 + 1.5, 1, 1.5);
    ck_assert_uint_eq(s->splits[PREFDB_TRAIN], 1);
    ck_assert_uint_eq(s->cut, 1);
    ck_assert_uint_eq(s->empty, 0);
    const struct prefdb__said *x = &s->said[PREFDB_SAFETY];
    ck_assert_uint_eq(x->judgments, 3);
    ck_assert_uint_eq(x->comparisons, 1);
    ck_assert_uint_eq(x->annotators, 2);
    ck_assert_uint_eq(x->contradictory, 1);
    ck_assert_uint_eq(x->choices[PREFDB_A] + x->choices[PREFDB_B], 2);
    ck_assert_uint_eq(x->choices[PREFDB_TIE], 1);
    ck_assert_uint_eq(x->strengths[2 + 1], 1);
    ck_assert_uint_eq(x->strengths[0], 2);
    ck_assert_uint_eq(x->labels[PREFDB_BOTH_SAFE], 1);
    ck_assert_uint_eq(x->labels[PREFDB_NO_LABEL], 2);
    ck_assert_uint_eq(s->said[PREFDB_HELPFULNESS].strengths[0 + 1], 1);
    ck_assert_uint_eq(s->said[PREFDB_HELPFULNESS].annotators, 0);
    ck_assert_str_eq(t->name, "t");
    ck_lengths(&t->chars, 5 + 2.5, 5, 2.5);
    ck_lengths(&t->units, 1 + 0.5, 1, 0.5);
    ck_assert_uint_eq(t->empty, 1);
    ck_assert_uint_eq(t->splits[PREFDB_TEST], 1);
    ck_assert_uint_eq(t->said[PREFDB_SAFETY].judgments, 0);
    prefdb__stats_release(&st);
    prefdb_close(db);
}
END_TEST

/* An answer that somebody hung elsewhere has no length of its own. */
START_TEST(test_answer_elsewhere)
{
    struct pk_err err;
    struct prefdb__stats st = {0};
    struct prefdb *db = filled();
    ck_ok(prefdb__exec(db, "UPDATE response SET turn = 1 WHERE id = 1", &err));
    ck_assert_int_eq(prefdb__stats(db, &words, &st, &err), PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "prefkit check"));
    prefdb__stats_release(&st);
    prefdb_close(db);
}
END_TEST

START_TEST(test_empty_store)
{
    struct pk_err err;
    struct prefdb__stats st = {0};
    struct prefdb *db = new_store("empty.db");
    ck_ok(prefdb__stats(db, &words, &st, &err));
    ck_assert_uint_eq(st.n_sources, 0);
    prefdb__stats_release(&st);
    prefdb_close(db);
}
END_TEST

static void add_judged(struct pk_buf *b, int i, const char *batch,
                       const char *said, const char *created)
{
    pk_buf_addf(b,
                "{\"messages\":[{\"role\":\"user\",\"content\":\"q%d\"}],"
                "\"a\":\"one\",\"b\":\"two\",\"source\":\"s\","
                "\"batch\":\"%s\",\"judgments\":[{\"dimension\":"
                "\"helpfulness\",\"annotator\":\"p\",%s%s}]}\n",
                i, batch, said, created);
}

/* Batches in the order of their numbers, periods in the order of time. */
START_TEST(test_history)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb__history h = {.n_batches = 0};
    struct pk_buf b = PK_BUF_INIT(1 << 20);
    struct prefdb *db = new_store("history.db");
    add_judged(&b, 0, "week 10", "\"choice\":\"a\",\"strength\":3",
               ",\"created\":\"2026-02-01T10:00:00Z\"");
    add_judged(&b, 1, "week 9", "\"choice\":\"a\",\"strength\":0",
               ",\"created\":\"2026-01-31\"");
    add_judged(&b, 2, "week 10", "\"choice\":\"b\",\"strength\":1",
               ",\"created\":\"2026-02-01T11:00:00Z\"");
    add_judged(&b, 3, "week 10", "\"choice\":\"tie\"", "");
    ck_ok(
        import_text(db, "h.jsonl", b.data, plain_import(NULL), &report, &err));
    pk_buf_release(&b);
    ck_ok(prefdb__history(db, &h, &err));
    ck_assert_uint_eq(h.n_batches, 2);
    ck_assert_str_eq(h.batches[0].name, "week 9");
    ck_assert_uint_eq(h.batches[0].strengths[0], 1);
    ck_assert_str_eq(h.batches[1].name, "week 10");
    ck_assert_uint_eq(h.batches[1].judgments, 3);
    ck_assert_uint_eq(h.batches[1].strengths[3], 1);
    ck_assert_uint_eq(h.batches[1].strengths[1], 1);
    ck_assert_uint_eq(h.n_periods, 2);
    ck_assert_str_eq(h.periods[0].name, "2026-01-31");
    ck_assert_str_eq(h.periods[1].name, "2026-02-01");
    ck_assert_uint_eq(h.periods[1].judgments, 2);
    ck_assert_uint_eq(h.periods[1].annotators, 1);
    prefdb__history_release(&h);
    prefdb_close(db);
}
END_TEST

/* More days than fit: months. */
START_TEST(test_history_months)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb__history h = {.n_batches = 0};
    struct pk_buf b = PK_BUF_INIT(1 << 20);
    struct prefdb *db = new_store("months.db");
    for (int i = 0; i < 40; i++) {
        char created[40];
        snprintf(created, sizeof created, ",\"created\":\"2026-%02d-%02d\"",
                 1 + i / 20, 1 + i % 20);
        add_judged(&b, i, "", "\"choice\":\"a\"", created);
    }
    ck_ok(
        import_text(db, "h.jsonl", b.data, plain_import(NULL), &report, &err));
    pk_buf_release(&b);
    ck_ok(prefdb__history(db, &h, &err));
    ck_assert_uint_eq(h.n_batches, 1);
    ck_assert_uint_eq(h.n_periods, 2);
    ck_assert_str_eq(h.periods[0].name, "2026-01");
    ck_assert_uint_eq(h.periods[1].judgments, 20);
    prefdb__history_release(&h);
    prefdb_close(db);
}
END_TEST

static const struct {
    struct prefdb_query q;
    uint64_t comparisons, judgments;
} queries[] = {
    {{-1, -1, NULL}, 2, 4},
    {{PREFDB_SAFETY, -1, NULL}, 1, 3},
    {{PREFDB_HELPFULNESS, PREFDB_TRAIN, "s"}, 1, 1},
    {{-1, PREFDB_TEST, NULL}, 1, 0},
    {{-1, PREFDB_VALID, NULL}, 0, 0},
    {{-1, -1, "t"}, 1, 0},
};

START_TEST(test_export_query)
{
    struct pk_err err;
    struct prefdb__exported done;
    struct prefdb *db = filled();
    FILE *f = fopen("/dev/null", "w");
    ck_assert_ptr_nonnull(f);
    ck_ok(prefdb__export(db, &queries[_i].q, f, &done, &err));
    fclose(f);
    ck_assert_uint_eq(done.comparisons, queries[_i].comparisons);
    ck_assert_uint_eq(done.judgments, queries[_i].judgments);
    prefdb_close(db);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("prefdb_stats");
    TCase *core = tcase_create("core");
    tcase_set_timeout(core, 60);
    tcase_add_test(core, test_stats);
    tcase_add_test(core, test_stats_in_tokens);
    tcase_add_test(core, test_answer_elsewhere);
    tcase_add_test(core, test_empty_store);
    tcase_add_test(core, test_history);
    tcase_add_test(core, test_history_months);
    tcase_add_loop_test(core, test_export_query, 0,
                        (int)(sizeof queries / sizeof queries[0]));
    suite_add_tcase(s, core);
    return run_suite(s);
}
