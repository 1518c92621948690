/* Judgments as pairs of token paths. */
#include "rm/data/pairs.h"
#include "tests/prefdb_support.h"
#include "tests/small_model.h"

static struct pk_err err;

/* One dialogue of twelve exchanges, each with words of its own, whose chosen
 * response is short and whose rejected one is long. */
static struct prefdb *long_store(void)
{
    char text[4096], *s = text;
    s += sprintf(s, "{\"messages\":[{\"role\":\"system\",\"content\":\"Be "
                    "kind\"}");
    for (int i = 0; i < 12; i++)
        s += sprintf(s, ",{\"role\":\"user\",\"content\":\"about %d\"}%s%c", i,
                     i < 11 ? ",{\"role\":\"assistant\",\"content\":\"nice\"}"
                            : "",
                     i < 11 ? ' ' : ']');
    sprintf(s, ",\"a\":\"yes\",\"b\":\"no no no no no no no no no no no no\","
               "\"split\":\"train\",\"judgments\":[{\"dimension\":"
               "\"safety\",\"choice\":\"a\"}]}\n");
    struct prefdb__report report;
    struct prefdb *db = new_store("long.db");
    ck_ok(
        import_text(db, "long.jsonl", text, plain_import(NULL), &report, &err));
    ck_assert_uint_eq(report.counts.comparisons, 1);
    return db;
}

static void load(struct rm_pairs *p, struct prefdb *db, size_t max_tokens,
                 bool answers)
{
    struct infer_tokenizer *t;
    struct pk_cli cli = {.verb = "test", .quiet = true};
    struct pk_progress progress;
    struct rm_pairs_query q = {.dimension = PREFDB_SAFETY,
                               .split = PREFDB_TRAIN,
                               .answers = answers,
                               .max_tokens = max_tokens};
    *p = (struct rm_pairs){0};
    pk_progress_start(&progress, &cli, "", 0);
    ck_ok(infer_tokenizer_open(&t, SMALL_TOKENIZER, &err));
    ck_ok(rm_pairs_load(p, db, &q, t, &progress, &err));
    ck_assert_uint_eq(p->n, 1);
    infer_tokenizer_close(t);
}

/* What both paths begin with. */
static size_t shared(const struct rm_pairs *p)
{
    const struct rm_pair *x = &p->pair[0];
    return rm_shared(p->ids.id + x->chosen, x->n_chosen,
                     p->ids.id + x->rejected, x->n_rejected);
}

/* The longer response alone has to lose exchanges, or loses more: the prompt is
 * one, whatever the limit, since the loss is of two responses to one. */
START_TEST(one_prompt_where_a_dialogue_is_too_long)
{
    struct rm_pairs p;
    struct prefdb *db = long_store();
    load(&p, db, 4096, false);
    const size_t prompt = shared(&p), longest = p.pair[0].n_rejected;
    const size_t chosen = p.pair[0].n_chosen - prompt,
                 rejected = longest - prompt;
    ck_assert_uint_eq(p.shortened, 0);
    ck_assert_uint_lt(chosen + 10, rejected);
    rm_pairs_release(&p);
    for (size_t most = longest / 2; most < longest; most++) {
        load(&p, db, most, false);
        ck_assert_uint_le(p.pair[0].n_rejected, most);
        ck_assert_msg(p.pair[0].n_chosen - shared(&p) == chosen &&
                          p.pair[0].n_rejected - shared(&p) == rejected,
                      "two prompts at %zu tokens", most);
        ck_assert_uint_eq(p.shortened, 1); /* pair, not response */
        rm_pairs_release(&p);
    }
    prefdb_close(db);
}
END_TEST

/* A language model learns the chosen path alone, which is as long as fits. */
START_TEST(an_answer_keeps_what_fits)
{
    struct rm_pairs p;
    struct prefdb *db = long_store();
    load(&p, db, 4096, true);
    const struct rm_pair whole = p.pair[0];
    rm_pairs_release(&p);
    load(&p, db, whole.n_chosen, true);
    ck_assert_uint_eq(p.pair[0].n_chosen, whole.n_chosen);
    ck_assert_uint_eq(p.pair[0].answer, whole.answer);
    ck_assert_uint_eq(p.shortened, 0);
    rm_pairs_release(&p);
    load(&p, db, whole.n_chosen - 1, true);
    ck_assert_uint_eq(p.pair[0].n_chosen - p.pair[0].answer,
                      whole.n_chosen - whole.answer);
    ck_assert_uint_eq(p.shortened, 1);
    rm_pairs_release(&p);
    prefdb_close(db);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rm_pairs");
    TCase *t = tcase_create("core");
    tcase_add_test(t, one_prompt_where_a_dialogue_is_too_long);
    tcase_add_test(t, an_answer_keeps_what_fits);
    suite_add_tcase(s, t);
    return run_suite(s);
}
