/* Import: what each format's rows become, what is refused and why, and that
 * importing again, or what was exported, changes nothing. */
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/json.h"
#include "tests/prefdb_rows.h"

/* The linker puts this in pk_calloc's place (Makefile): while it is set, what
 * is of this size is not to be had. */
static size_t not_to_be_had;
void *__real_pk_calloc(size_t n, size_t size);
void *__wrap_pk_calloc(size_t n, size_t size);

void *__wrap_pk_calloc(size_t n, size_t size)
{
    return not_to_be_had && n * size == not_to_be_had
               ? NULL
               : __real_pk_calloc(n, size);
}

/* The only judgment of that dimension. */
static void only(struct prefdb *db, enum prefdb_dimension d,
                 struct prefdb_example *x)
{
    struct pk_err err;
    struct prefdb_query q = {.dimension = (int)d, .split = -1};
    int64_t *ids;
    size_t n;
    ck_ok(prefdb_list(db, &q, &ids, &n, &err));
    ck_assert_uint_eq(n, 1);
    ck_ok(prefdb_get(db, ids[0], x, &err));
    free(ids);
}

static const struct prefdb_turn *preferred(const struct prefdb_example *x)
{
    return x->choice == PREFDB_A ? &x->a : &x->b;
}

static const struct prefdb_turn *other(const struct prefdb_example *x)
{
    return x->choice == PREFDB_A ? &x->b : &x->a;
}

/* A row is bad, and there is no room for the reason. */
START_TEST(test_no_memory)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("memory.db");
    struct prefdb__import o = plain_import(NULL);
    char text[sizeof two_rows + 16];
    snprintf(text, sizeof text, "%s[]\n", two_rows);
    o.skip_bad = true;
    not_to_be_had = sizeof err;
    int rc = import_text(db, "memory.jsonl", text, o, &report, &err);
    not_to_be_had = 0;
    ck_assert_int_eq(rc, PK_EMEM);
    ck_ok(import_text(db, "memory.jsonl", text, o, &report, &err));
    ck_assert_uint_eq(report.bad, 1);
    prefdb_close(db);
}
END_TEST

/* ---- HH ------------------------------------------------------------------ */

START_TEST(test_hh)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb_example x;
    struct prefdb *db = new_store("hh.db");
    struct prefdb__import o = plain_import(NULL);
    o.dimension = PREFDB_SAFETY;
    ck_ok(import_text(db, "hh.jsonl",
                      HH("one\\n\\ntwo\\n\\nAssistant: A\\n\\nAssistant: "
                         "B\\n\\nHuman: q\\n\\nAssistant: good\\n\\nend",
                         "one\\n\\ntwo\\n\\nAssistant: A\\n\\nAssistant: "
                         "B\\n\\nHuman: q\\n\\nAssistant:"),
                      o, &report, &err));
    ck_assert_str_eq(report.format->name, "hh");
    ck_assert_str_eq(report.source, "hh");
    ck_assert_uint_eq(report.counts.comparisons, 1);
    ck_assert_uint_eq(report.counts.empty, 1);
    only(db, PREFDB_SAFETY, &x);
    ck_assert_uint_eq(x.n_context, 4);
    ck_text(x.context[0], "one\n\ntwo");
    ck_assert_int_eq(x.context[1].role, PREFDB_ASSISTANT);
    ck_assert_int_eq(x.context[2].role, PREFDB_ASSISTANT);
    ck_text(x.context[2], "B");
    ck_text(x.context[3], "q");
    ck_text(*preferred(&x), "good\n\nend");
    ck_text(*other(&x), "");
    ck_assert_int_eq(x.strength, PREFDB_UNSTATED);
    prefdb_close(db);
}
END_TEST

START_TEST(test_needs_dimension)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("dim.db");
    const char *text = HH("q\\n\\nAssistant: a", "q\\n\\nAssistant: b");
    ck_assert_int_eq(
        import_text(db, "hh.jsonl", text, plain_import(NULL), &report, &err),
        PK_EUSAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "--dimension"));
    ck_assert_int_eq(number(db, "SELECT count(*) FROM turn"), 0);
    prefdb_close(db);
}
END_TEST

/* ---- TRL ----------------------------------------------------------------- */

static const char *const trl_rows[] = {
    "{\"prompt\":\"p\",\"chosen\":\"x\",\"rejected\":\"y\",\"margin\":1.5}",
    "{\"prompt\":[{\"role\":\"user\",\"content\":\"p\"}],\"chosen\":"
    "[{\"role\":\"assistant\",\"content\":\"x\"}],\"rejected\":"
    "[{\"role\":\"assistant\",\"content\":\"y\"}],\"margin\":1.5}",
    "{\"chosen\":[{\"role\":\"user\",\"content\":\"p\"},"
    "{\"role\":\"assistant\",\"content\":\"x\"}],\"rejected\":"
    "[{\"role\":\"user\",\"content\":\"p\"},"
    "{\"role\":\"assistant\",\"content\":\"y\"}],\"margin\":1.5}",
};

START_TEST(test_trl)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb_example x;
    struct prefdb *db = new_store("trl.db");
    struct prefdb__import o = plain_import(NULL);
    o.dimension = PREFDB_HELPFULNESS;
    o.source = "s";
    ck_ok(import_text(db, "trl.jsonl", trl_rows[_i], o, &report, &err));
    ck_assert_str_eq(report.format->name, "trl");
    only(db, PREFDB_HELPFULNESS, &x);
    ck_assert_uint_eq(x.n_context, 1);
    ck_text(x.context[0], "p");
    ck_text(*preferred(&x), "x");
    ck_text(*other(&x), "y");
    ck_assert_int_eq(number(db, "SELECT extra = '{\"margin\":1.5}'"
                                " FROM judgment"),
                     1);
    prefdb_close(db);
}
END_TEST

/* What a message holds beside its words is kept, in its place; null is
 * nothing. */
START_TEST(test_trl_messages)
{
    static const char row[] =
        "{\"prompt\":[{\"role\":\"user\",\"content\":\"p\",\"name\":null}],"
        "\"chosen\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"text\","
        "\"text\":\"x\"}],\"reasoning_content\":\"r\",\"weight\":null}],"
        "\"rejected\":[{\"role\":\"assistant\",\"content\":\"y\"}]}";
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb_example x;
    struct prefdb *db = new_store("messages.db");
    struct prefdb__import o = plain_import(NULL);
    o.dimension = PREFDB_HELPFULNESS;
    ck_ok(import_text(db, "messages.jsonl", row, o, &report, &err));
    ck_assert_str_eq(report.format->name, "trl");
    only(db, PREFDB_HELPFULNESS, &x);
    ck_assert_uint_eq(x.n_context, 1);
    ck_text(x.context[0], "p");
    ck_text(*preferred(&x), "x");
    ck_text(*other(&x), "y");
    ck_assert_str_eq(x.extra, "{\"chosen\":[{\"reasoning_content\":\"r\"}]}");
    prefdb_close(db);
}
END_TEST

/* How best's responses were made; what is no such thing is only kept. */
START_TEST(test_trl_of_best)
{
    static const char row[] =
        "{\"prompt\":\"p\",\"chosen\":\"x\",\"rejected\":\"y\",\"chosen_cut\":"
        "true,\"chosen_generation\":{\"model\":\"m\",\"temperature\":0.7,"
        "\"top_p\":0.9,\"seed\":5,\"finish\":\"length\"},"
        "\"rejected_generation\":{\"model\":3,\"temperature\":-1,\"seed\":0.5}"
        "}";
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("best.db");
    struct prefdb__import o = plain_import(NULL);
    o.dimension = PREFDB_HELPFULNESS;
    ck_ok(import_text(db, "best.jsonl", row, o, &report, &err));
    ck_assert_str_eq(report.format->name, "trl");
    ck_assert_int_eq(
        number(db, "SELECT count(*) FROM response WHERE model = 'm' AND "
                   "temperature = 0.7 AND top_p = 0.9 AND seed = 5 AND cut"),
        1);
    ck_assert_int_eq(
        number(db, "SELECT count(*) FROM response WHERE model IS NULL AND "
                   "temperature IS NULL AND seed IS NULL AND NOT cut"),
        1);
    ck_assert_int_eq(
        number(db, "SELECT extra ->> '$.chosen_generation.finish' = 'length' "
                   "FROM judgment"),
        1);
    prefdb_close(db);
}
END_TEST

/* ---- PKU ----------------------------------------------------------------- */

static const char pku_row[] =
    "{\"prompt\":\"p\",\"response_0\":\"x\",\"response_1\":\"y\","
    "\"prompt_source\":\"ps\",\"response_0_source\":\"m0\","
    "\"is_response_0_safe\":true,\"is_response_1_safe\":false,"
    "\"response_1_severity_level\":3,\"better_response_id\":1,"
    "\"safer_response_id\":0}";

/* --dimension takes only that one's judgments, and they are the same as when
 * both are taken. _i is the dimension. */
START_TEST(test_pku_one_dimension)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb_example x;
    struct prefdb *db = new_store("one.db");
    struct prefdb__import o = plain_import(NULL);
    o.dimension = _i;
    ck_ok(import_text(db, "pku.jsonl", pku_row, o, &report, &err));
    ck_assert_uint_eq(report.counts.judgments, 1);
    ck_assert_uint_eq(report.other, 1);
    only(db, (enum prefdb_dimension)_i, &x);
    ck_text(*preferred(&x), _i == PREFDB_SAFETY ? "x" : "y");
    ck_assert_int_eq(number(db, "SELECT count(*) FROM comparison AS c,"
                                " judgment AS j WHERE coalesce(j.extra,"
                                " c.extra) ->> 'prompt_source' = 'ps'"),
                     1);
    o.dimension = -1;
    ck_ok(import_text(db, "pku.jsonl", pku_row, o, &report, &err));
    ck_assert_uint_eq(report.counts.judgments, 1);
    ck_assert_uint_eq(report.counts.repeats, 1);
    ck_assert_uint_eq(report.other, 0);
    prefdb_close(db);
}
END_TEST

START_TEST(test_pku)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb_example x;
    struct prefdb *db = new_store("pku.db");
    ck_ok(import_text(db, "pku.jsonl", pku_row, plain_import(NULL), &report,
                      &err));
    ck_assert_str_eq(report.format->name, "pku");
    ck_assert_uint_eq(report.counts.judgments, 2);
    only(db, PREFDB_HELPFULNESS, &x);
    ck_text(*preferred(&x), "y");
    ck_assert_int_eq(x.label, PREFDB_NO_LABEL);
    only(db, PREFDB_SAFETY, &x);
    ck_text(*preferred(&x), "x");
    ck_assert_int_eq(x.label, PREFDB_PREFERRED_SAFE);
    /* What belongs to a response stays with it. */
    ck_assert_int_eq(
        number(db, "SELECT json_extract(j.extra, CASE t.content WHEN 'y'"
                   " THEN '$.a.severity_level' ELSE '$.b.severity_level' END)"
                   " FROM judgment AS j, comparison AS c, response AS r,"
                   " turn AS t WHERE j.dimension = 'safety' AND"
                   " c.id = j.comparison AND r.id = c.a AND t.id = r.turn"),
        3);
    ck_assert_int_eq(number(db, "SELECT json_extract(extra, '$.prompt_source')"
                                " = 'ps' FROM judgment"
                                " WHERE dimension = 'safety'"),
                     1);
    ck_assert_int_eq(
        number(db, "SELECT count(*) FROM response WHERE model = 'm0'"), 1);
    prefdb_close(db);
}
END_TEST

static const struct {
    const char *safe0, *safe1;
    int safer;
    enum prefdb_label label;
} pku_labels[] = {{"true", "true", 1, PREFDB_BOTH_SAFE},
                  {"false", "false", 0, PREFDB_BOTH_UNSAFE},
                  {"true", "false", 0, PREFDB_PREFERRED_SAFE},
                  {"true", "false", 1, PREFDB_PREFERRED_UNSAFE},
                  {"true", "null", 1, PREFDB_NO_LABEL}};

START_TEST(test_pku_label)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb_example x;
    struct prefdb *db = new_store("label.db");
    char row[512];
    snprintf(row, sizeof row,
             "{\"prompt\":\"p\",\"response_0\":\"x\",\"response_1\":\"y\","
             "\"is_response_0_safe\":%s,\"is_response_1_safe\":%s,"
             "\"better_response_id\":-1,\"safer_response_id\":%d}",
             pku_labels[_i].safe0, pku_labels[_i].safe1, pku_labels[_i].safer);
    ck_ok(import_text(db, "pku.jsonl", row, plain_import(NULL), &report, &err));
    ck_assert_uint_eq(report.counts.judgments, 1);
    only(db, PREFDB_SAFETY, &x);
    ck_assert_int_eq(x.label, pku_labels[_i].label);
    prefdb_close(db);
}
END_TEST

/* ---- Our own form -------------------------------------------------------- */

START_TEST(test_prefkit)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb_example x;
    struct prefdb *db = new_store("own.db");
    ck_ok(import_text(db, "own.jsonl", full_row, plain_import(NULL), &report,
                      &err));
    ck_assert_str_eq(report.format->name, "prefkit");
    ck_assert_uint_eq(report.counts.judgments, 4);
    only(db, PREFDB_SAFETY, &x);
    ck_assert_int_eq(x.split, PREFDB_TEST);
    ck_assert_str_eq(x.batch, "week 1");
    ck_assert_str_eq(x.source, "src");
    ck_assert_str_eq(x.annotator, "ann");
    ck_assert_int_eq(x.strength, 0);
    ck_assert_int_eq(x.label, PREFDB_PREFERRED_UNSAFE);
    ck_text(*preferred(&x), "first");
    ck_text(x.context[0], "Be kind.");
    ck_text(x.context[1], "H\xc3\xa9 \"you\"\t\xe2\x80\xa8");
    ck_assert(x.choice == PREFDB_A ? x.a_cut && !x.b_cut : x.b_cut && !x.a_cut);
    ck_assert_int_eq(
        number(db, "SELECT count(*) FROM judgment WHERE strength = 3"), 1);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM response WHERE"
                                " seed = 9007199254740991"),
                     1);
    ck_round_trip(db);
    prefdb_close(db);
}
END_TEST

/* The same row with a and b, and all that names them, exchanged. */
START_TEST(test_swapped)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("swap.db");
    static const char row[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],"
        "\"a\":\"x\",\"b\":\"y\",\"extra\":{\"a\":1,\"b\":2,\"c\":3},"
        "\"judgments\":[{\"dimension\":\"safety\",\"choice\":\"a\","
        "\"shown_left\":\"a\",\"extra\":{\"a\":\"ex\"}}]}\n"
        "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],"
        "\"a\":\"y\",\"b\":\"x\",\"extra\":{\"a\":2,\"b\":1,\"c\":3},"
        "\"judgments\":[{\"dimension\":\"safety\",\"choice\":\"b\","
        "\"shown_left\":\"b\",\"extra\":{\"b\":\"ex\"}}]}\n";
    ck_ok(import_text(db, "s.jsonl", row, plain_import(NULL), &report, &err));
    ck_assert_uint_eq(report.counts.comparisons, 1);
    ck_assert_uint_eq(report.counts.known, 1);
    ck_assert_uint_eq(report.counts.kept, 0);
    ck_assert_uint_eq(report.counts.judgments, 1);
    ck_assert_uint_eq(report.counts.repeats, 1);
    ck_round_trip(db);
    prefdb_close(db);
}
END_TEST

START_TEST(test_supersede)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("undo.db");
    static const char head[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],\"a\":\"x\","
        "\"b\":\"y\",\"source\":\"s\",\"judgments\":[";
    char row[1024], uid[33] = {0};
    snprintf(row, sizeof row, "%s{\"dimension\":\"safety\",\"choice\":\"a\"}]}",
             head);
    ck_ok(import_text(db, "u.jsonl", row, plain_import(NULL), &report, &err));
    sqlite3_stmt *s;
    ck_ok(
        prefdb__prepare(db, &s, "SELECT lower(hex(uid)) FROM judgment", &err));
    ck_assert_int_eq(prefdb__step(db, s, &err), 1);
    snprintf(uid, sizeof uid, "%s", prefdb__text(s, 0));
    sqlite3_finalize(s);
    snprintf(row, sizeof row,
             "%s{\"dimension\":\"safety\",\"supersedes\":\"%s\"}]}", head, uid);
    ck_ok(import_text(db, "u.jsonl", row, plain_import(NULL), &report, &err));
    ck_assert_uint_eq(report.counts.contradictory, 0);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM judgment"), 2);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM live_judgment"), 0);
    ck_round_trip(db);
    /* One that is not there makes the row bad, and nothing of it stays. */
    snprintf(row, sizeof row,
             "{\"messages\":[{\"role\":\"user\",\"content\":\"new\"}],"
             "\"a\":\"x\",\"b\":\"y\",\"judgments\":[{\"dimension\":"
             "\"safety\",\"choice\":\"a\"},{\"dimension\":\"safety\","
             "\"supersedes\":\"%s\"}]}",
             uid);
    struct prefdb__import o = plain_import(NULL);
    o.skip_bad = true;
    ck_ok(import_text(db, "u.jsonl", row, o, &report, &err));
    ck_assert_uint_eq(report.bad, 1);
    ck_assert_uint_eq(report.counts.comparisons, 0);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM turn"), 3);
    prefdb_close(db);
}
END_TEST

/* ---- Real data ----------------------------------------------------------- */

START_TEST(test_real)
{
    struct pk_err err;
    struct prefdb__report report;
    const char *data = data_dir();
    if (!data) {
        puts("skipped: the real data is not there");
        return;
    }
    char path[512];
    struct prefdb *db = new_store("real.db");
    struct prefdb__import o = plain_import(path);
    o.dimension = PREFDB_SAFETY;
    snprintf(path, sizeof path, "%s/hh-rlhf-harmless/pairs.jsonl.gz", data);
    ck_assert_int_eq(prefdb__import_file(db, &o, &report, &err), PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, ":772: "));
    o.skip_bad = true;
    o.source = "hh";
    ck_ok(prefdb__import_file(db, &o, &report, &err));
    ck_assert_uint_eq(report.rows, 1389);
    ck_assert_uint_eq(report.counts.comparisons, 1384);
    ck_assert_uint_eq(report.counts.empty, 3);
    ck_assert_uint_eq(report.bad, 5);
    ck_assert_uint_eq(report.n_reasons, 1);
    ck_assert_str_eq(report.format->name, "hh");
    o.skip_bad = false;
    o.source = "pku";
    snprintf(path, sizeof path, "%s/pku-saferlhf-safety/pairs.jsonl.gz", data);
    ck_ok(prefdb__import_file(db, &o, &report, &err));
    ck_assert_str_eq(report.format->name, "trl");
    ck_assert_uint_eq(report.rows, 3062);
    ck_assert_uint_eq(report.counts.comparisons, 2038);
    ck_assert_uint_eq(report.counts.judgments, 2125);
    ck_assert_uint_eq(report.counts.repeats, 937);
    ck_assert_uint_eq(report.counts.contradictory, 87);
    ck_round_trip(db);
    prefdb_close(db);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("prefdb_import");
    TCase *formats = tcase_create("formats");
    tcase_set_timeout(formats, 60);
    tcase_add_test(formats, test_no_memory);
    tcase_add_test(formats, test_hh);
    tcase_add_test(formats, test_needs_dimension);
    tcase_add_loop_test(formats, test_trl, 0,
                        (int)(sizeof trl_rows / sizeof trl_rows[0]));
    tcase_add_test(formats, test_trl_messages);
    tcase_add_test(formats, test_trl_of_best);
    tcase_add_test(formats, test_pku);
    tcase_add_loop_test(formats, test_pku_one_dimension, PREFDB_HELPFULNESS,
                        PREFDB_SAFETY + 1);
    tcase_add_loop_test(formats, test_pku_label, 0,
                        (int)(sizeof pku_labels / sizeof pku_labels[0]));
    tcase_add_test(formats, test_prefkit);
    tcase_add_test(formats, test_swapped);
    tcase_add_test(formats, test_supersede);
    suite_add_tcase(s, formats);
    TCase *real = tcase_create("real");
    tcase_set_timeout(real, 300);
    tcase_add_test(real, test_real);
    suite_add_tcase(s, real);
    return run_suite(s);
}
