/* Import: what each format's rows become, what is refused and why, and that
 * importing again, or what was exported, changes nothing. */
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/json.h"
#include "prefdb/export.h"
#include "tests/prefdb_support.h"

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

/* ---- HH ------------------------------------------------------------------ */

#define HH(chosen, rejected)                                                   \
    "{\"chosen\":\"\\n\\nHuman: " chosen                                       \
    "\",\"rejected\":\"\\n\\nHuman: " rejected "\"}\n"

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
    struct prefdb__import o = plain_import(NULL);
    o.dimension = PREFDB_SAFETY;
    ck_assert_int_eq(
        import_text(db, "pku.jsonl",
                    "{\"prompt\":\"p\",\"response_0\":\"x\","
                    "\"response_1\":\"y\",\"better_response_id\":0}",
                    o, &report, &err),
        PK_EUSAGE);
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

START_TEST(test_pku)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb_example x;
    struct prefdb *db = new_store("pku.db");
    ck_ok(import_text(
        db, "pku.jsonl",
        "{\"prompt\":\"p\",\"response_0\":\"x\",\"response_1\":\"y\","
        "\"prompt_source\":\"ps\",\"response_0_source\":\"m0\","
        "\"is_response_0_safe\":true,\"is_response_1_safe\":false,"
        "\"response_1_severity_level\":3,\"better_response_id\":1,"
        "\"safer_response_id\":0}",
        plain_import(NULL), &report, &err));
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

/* Everything that a row can say. */
static const char full_row[] =
    "{\"messages\":[{\"role\":\"system\",\"content\":\"Be kind.\"},"
    "{\"role\":\"user\",\"content\":\"H\\u00e9 \\\"you\\\"\\t\\u2028\"}],"
    "\"a\":{\"content\":\"first\",\"model\":\"m\",\"temperature\":0.7,"
    "\"top_p\":0.95,\"seed\":9007199254740991,"
    "\"created\":\"2026-01-31T12:00:00Z\",\"cut\":true,"
    "\"extra\":{\"k\":[1,2.5,null]}},\"b\":\"second\",\"source\":\"src\","
    "\"batch\":\"week 1\",\"split\":\"test\",\"extra\":{\"a\":{\"x\":1},"
    "\"z\":0.1},\"judgments\":["
    "{\"annotator\":\"ann\",\"dimension\":\"safety\",\"choice\":\"a\","
    "\"strength\":0,\"label\":\"preferred_unsafe\",\"shown_left\":\"b\","
    "\"seconds\":12.3456789012345,\"note\":\"hm\",\"flags\":[\"spam\",\"x\"],"
    "\"guideline\":\"v2\",\"created\":\"2026-02-01\","
    "\"extra\":{\"b\":2,\"a\":1}},"
    "{\"dimension\":\"helpfulness\",\"choice\":\"tie\"},"
    "{\"dimension\":\"helpfulness\",\"choice\":\"both_bad\","
    "\"annotator\":\"bob\"},"
    "{\"dimension\":\"helpfulness\",\"choice\":\"b\","
    "\"strength\":\"significantly better\",\"annotator\":\"eve\"}]}\n";

static void export_to(struct prefdb *db, const char *path)
{
    struct pk_err err;
    struct prefdb__exported done;
    struct prefdb_query q = {-1, -1, NULL};
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_ok(prefdb__export(db, &q, f, &done, &err));
    ck_assert_int_eq(fclose(f), 0);
}

/* Exported and imported elsewhere: the same content, the same bytes again. */
static void ck_round_trip(struct prefdb *db)
{
    struct pk_err err;
    struct prefdb__report *report = calloc(1, sizeof *report);
    struct prefdb *copy = new_store("copy.db");
    char *first = temp_path("first.jsonl"), *second = temp_path("second.jsonl");
    char before[65], after[65];
    export_to(db, first);
    struct prefdb__import o = plain_import(first);
    ck_ok(prefdb__import_file(copy, &o, report, &err));
    export_to(copy, second);
    ck_ok(prefdb_fingerprint(db, before, &err));
    ck_ok(prefdb_fingerprint(copy, after, &err));
    ck_assert_str_eq(before, after);
    char *x = read_file(first, NULL), *y = read_file(second, NULL);
    ck_assert_str_eq(x, y);
    free(x);
    free(y);
    free(report);
    prefdb_close(copy);
}

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

/* ---- Bad rows ------------------------------------------------------------ */

#define OWN(rest)                                                              \
    "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],\"a\":\"x\","       \
    "\"b\":\"y\"" rest "}"
#define JUDGED(rest) OWN(",\"judgments\":[{" rest "}]")

static const struct {
    const char *format, *row, *reason;
} bad_rows[] = {
    {"prefkit", "7", "not a JSON object"},
    {"prefkit", "{\"messages\":", "not valid JSON"},
    {"prefkit", "{\"a\":\"x\\u0000\"}", "u0000"},
    {"prefkit", "{\"a\":\"\xff\"}", "not UTF-8"},
    {"prefkit", "{}", "\"messages\" is not a list"},
    {"prefkit", "{\"messages\":[],\"a\":\"x\",\"b\":\"y\"}", "no prompt"},
    {"prefkit", "{\"messages\":[1],\"a\":\"x\",\"b\":\"y\"}", "not an object"},
    {"prefkit",
     "{\"messages\":[{\"role\":\"boss\",\"content\":\"\"}],\"a\":\"x\","
     "\"b\":\"y\"}",
     "role"},
    {"prefkit", "{\"messages\":[{\"role\":\"user\"}],\"a\":\"x\",\"b\":\"y\"}",
     "\"content\" is missing"},
    {"prefkit", OWN(",\"sauce\":\"s\""), "\"sauce\" is not a member"},
    {"prefkit", OWN(",\"b\":\"z\""), "\"b\" is there twice"},
    {"prefkit", OWN(",\"split\":\"tset\""), "\"split\" is not"},
    {"prefkit", OWN(",\"source\":5"), "\"source\" is not a string"},
    {"prefkit", OWN(",\"extra\":[]"), "\"extra\" is not an object"},
    {"prefkit", OWN(",\"judgments\":{}"), "\"judgments\" is not a list"},
    {"prefkit", OWN(",\"judgments\":[7]"), "not an object"},
    {"prefkit", JUDGED("\"choice\":\"a\""), "\"dimension\" is missing"},
    {"prefkit", JUDGED("\"dimension\":\"safety\""), "no choice"},
    {"prefkit", JUDGED("\"dimension\":\"fun\",\"choice\":\"a\""),
     "not helpfulness or safety"},
    {"prefkit", JUDGED("\"dimension\":\"safety\",\"choice\":\"c\""),
     "\"choice\" is not"},
    {"prefkit",
     JUDGED("\"dimension\":\"safety\",\"choice\":\"a\",\"strength\":4"),
     "\"strength\""},
    {"prefkit",
     JUDGED("\"dimension\":\"safety\",\"choice\":\"tie\",\"strength\":0"),
     "prefers neither"},
    {"prefkit",
     JUDGED("\"dimension\":\"helpfulness\",\"choice\":\"a\","
            "\"label\":\"both_safe\""),
     "safety label"},
    {"prefkit",
     JUDGED("\"dimension\":\"safety\",\"choice\":\"tie\","
            "\"label\":\"preferred_safe\""),
     "preferred"},
    {"prefkit",
     JUDGED("\"dimension\":\"safety\",\"choice\":\"a\",\"seconds\":-1"),
     "out of range"},
    {"prefkit",
     JUDGED("\"dimension\":\"safety\",\"choice\":\"a\",\"flags\":[1]"),
     "\"flags\""},
    {"prefkit",
     JUDGED("\"dimension\":\"safety\",\"choice\":\"a\",\"created\":\"now\""),
     "\"created\""},
    {"prefkit",
     JUDGED("\"dimension\":\"safety\",\"choice\":\"a\",\"shown_left\":"
            "\"tie\""),
     "\"shown_left\""},
    {"prefkit",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],\"a\":\"x\","
     "\"b\":\"x\"}",
     "the same"},
    {"prefkit",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],\"a\":"
     "{\"content\":\"x\",\"top_p\":2},\"b\":\"y\"}",
     "\"a\": \"top_p\" is out of range"},
    {"prefkit",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],\"a\":"
     "{\"content\":\"x\",\"seed\":1.5},\"b\":\"y\"}",
     "\"seed\""},
    {"hh", "{\"chosen\":\"\\n\\nHuman: q\\n\\nAssistant: a\"}",
     "\"rejected\" is missing"},
    {"hh", "{\"chosen\":\"x\",\"rejected\":\"y\",\"chosen\":\"z\"}",
     "\"chosen\" is there twice"},
    {"hh", "{\"chosen\":5,\"rejected\":\"\"}", "\"chosen\" is not a string"},
    {"hh", "{\"chosen\":\"Hi\",\"rejected\":\"Ho\"}", "does not begin"},
    {"hh", HH("q\\n\\nAssistant: a", "q\\n\\nAssistant: a"), "the same"},
    {"hh", HH("p\\n\\nAssistant: a", "q\\n\\nAssistant: b"), "part before"},
    {"hh", HH("q\\n\\nAssistant: a\\n\\nAssistant: b", "q\\n\\nAssistant: c"),
     "part before"},
    {"hh", HH("q\\n\\nAssistant: a\\n\\nHuman: x", "q\\n\\nAssistant: c"),
     "does not end with the assistant"},
    {"hh",
     "{\"chosen\":\"\\n\\nAssistant: a\",\"rejected\":"
     "\"\\n\\nAssistant: b\"}",
     "no prompt"},
    {"trl", "{\"chosen\":\"x\",\"rejected\":\"y\"}", "\"prompt\" is missing"},
    {"trl", "{\"prompt\":\"p\",\"chosen\":1,\"rejected\":\"y\"}",
     "neither text nor a list"},
    {"trl", "{\"prompt\":\"p\",\"chosen\":\"x\"}", "\"rejected\" is missing"},
    {"trl", "{\"prompt\":\"p\",\"chosen\":[],\"rejected\":\"y\"}",
     "does not end with the assistant"},
    {"pku", "{\"prompt\":\"p\",\"response_0\":\"x\"}",
     "\"response_1\" is missing"},
    {"pku",
     "{\"prompt\":\"p\",\"response_0\":\"x\",\"response_1\":\"y\","
     "\"better_response_id\":2}",
     "not 0, 1 or -1"},
    {"pku",
     "{\"prompt\":\"p\",\"response_0\":\"x\",\"response_1\":\"y\","
     "\"is_response_0_safe\":\"yes\"}",
     "not true or false"},
    {"shp",
     "{\"history\":\"q\",\"human_ref_A\":\"x\",\"human_ref_B\":\"y\","
     "\"labels\":1,\"a\":{\"score\":1},\"score_A\":2}",
     "\"score\" is there twice"},
    {NULL, "{\"question\":\"q\"}", "no format"},
};

START_TEST(test_bad_row)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("bad.db");
    struct prefdb__import o = plain_import(NULL);
    const char *format = bad_rows[_i].format;
    if (format)
        o.format = prefdb__format_named(format);
    if (o.format && o.format->dimension == PREFDB__ASKED)
        o.dimension = PREFDB_SAFETY;
    int rc = import_text(db, "bad.jsonl", bad_rows[_i].row, o, &report, &err);
    ck_assert_int_eq(rc, PK_EDATA);
    ck_assert_msg(strstr(err.text, bad_rows[_i].reason) != NULL, "%s: %s",
                  bad_rows[_i].row, err.text);
    ck_assert_msg(strstr(err.text, "bad.jsonl:1: ") != NULL, "%s", err.text);
    ck_assert_ptr_null(strchr(err.text, '\n'));
    ck_assert_int_eq(number(db, "SELECT (SELECT count(*) FROM turn) +"
                                " (SELECT count(*) FROM import_log)"),
                     0);
    prefdb_close(db);
}
END_TEST

/* One bad row among good ones: nothing, or all but it, with its number. */
START_TEST(test_skip_bad)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("skip.db");
    const char *text = OWN() "\n\n{oops\n" JUDGED("\"choice\":\"a\"") "\n";
    ck_assert_int_eq(
        import_text(db, "m.jsonl", text, plain_import(NULL), &report, &err),
        PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "m.jsonl:3: "));
    ck_assert_int_eq(number(db, "SELECT count(*) FROM comparison"), 0);
    struct prefdb__import o = plain_import(NULL);
    o.skip_bad = true;
    char *rejects = temp_path("rejects.jsonl");
    o.rejects = fopen(rejects, "wb");
    ck_ok(import_text(db, "m.jsonl", text, o, &report, &err));
    ck_assert_int_eq(fclose(o.rejects), 0);
    ck_assert_uint_eq(report.rows, 3);
    ck_assert_uint_eq(report.bad, 2);
    ck_assert_uint_eq(report.n_reasons, 2);
    ck_assert_uint_eq(report.reasons[0].lines[0], 3);
    ck_assert_uint_eq(report.reasons[1].lines[0], 4);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM comparison"), 1);
    char *got = read_file(rejects, NULL);
    ck_assert_ptr_nonnull(strstr(got, "\"line\":3,"));
    ck_assert_ptr_nonnull(strstr(got, "\"text\":\"{oops\"}\n"));
    ck_assert_ptr_nonnull(strstr(got, "\"line\":4,"));
    ck_assert_ptr_nonnull(strstr(got, "\"row\":{\"messages\""));
    free(got);
    prefdb_close(db);
}
END_TEST

START_TEST(test_repeats)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("rep.db");
    struct prefdb__import o = plain_import(NULL);
    o.dimension = PREFDB_SAFETY;
    const char *text =
        "{\"prompt\":\"p\",\"chosen\":\"x\",\"rejected\":\"y\"}\n"
        "{\"prompt\":\"p\",\"chosen\":\"x\",\"rejected\":\"y\"}\n"
        "{\"prompt\":\"p\",\"chosen\":\"y\",\"rejected\":\"x\"}\n";
    ck_ok(import_text(db, "r.jsonl", text, o, &report, &err));
    ck_assert_uint_eq(report.counts.comparisons, 1);
    ck_assert_uint_eq(report.counts.known, 2);
    ck_assert_uint_eq(report.counts.judgments, 2);
    ck_assert_uint_eq(report.counts.repeats, 1);
    ck_assert_uint_eq(report.counts.contradictory, 1);
    char before[65], after[65];
    ck_ok(prefdb_fingerprint(db, before, &err));
    ck_ok(import_text(db, "r.jsonl", text, o, &report, &err));
    ck_assert_uint_eq(report.counts.judgments, 0);
    ck_assert_uint_eq(report.counts.repeats, 3);
    /* Another split for what is there is not taken, and counted. */
    o.split = number(db, "SELECT split = 'test' FROM comparison") ? PREFDB_TRAIN
                                                                  : PREFDB_TEST;
    ck_ok(import_text(db, "r.jsonl", text, o, &report, &err));
    ck_assert_uint_eq(report.counts.kept, 3);
    ck_ok(prefdb_fingerprint(db, after, &err));
    ck_assert_str_eq(before, after);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM import_log"), 3);
    prefdb_close(db);
}
END_TEST

/* Within one row, where the comparison is new. */
START_TEST(test_repeats_in_a_row)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("row.db");
    const char *text =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"p\"}],\"a\":\"x\","
        "\"b\":"
        "\"y\",\"source\":\"s\",\"judgments\":["
        "{\"dimension\":\"safety\",\"choice\":\"a\",\"annotator\":\"ann\"},"
        "{\"dimension\":\"safety\",\"choice\":\"a\",\"annotator\":\"ann\"},"
        "{\"dimension\":\"safety\",\"choice\":\"b\",\"annotator\":\"ann\"}]}\n";
    ck_ok(
        import_text(db, "row.jsonl", text, plain_import(NULL), &report, &err));
    ck_assert_uint_eq(report.counts.judgments, 2);
    ck_assert_uint_eq(report.counts.repeats, 1);
    ck_assert_uint_eq(report.counts.contradictory, 1);
    ck_assert_int_eq(number(db, "PRAGMA foreign_keys"), 1);
    prefdb_close(db);
}
END_TEST

/* Numbers that no double holds are kept as they were written. */
START_TEST(test_digits)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("digits.db");
    const char *text =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"p\"}],\"a\":\"x\","
        "\"b\":"
        "\"y\",\"source\":\"s\",\"extra\":{\"id\":12345678901234567890,\"p\":"
        "0.10000000000000000001,\"q\":0.5}}\n";
    ck_ok(import_text(db, "d.jsonl", text, plain_import(NULL), &report, &err));
    ck_assert_int_eq(
        number(db, "SELECT extra = '{\"id\":12345678901234567890,\"p\":"
                   "0.10000000000000000001,\"q\":0.5}' FROM comparison"),
        1);
    ck_round_trip(db);
    prefdb_close(db);
}
END_TEST

/* A dialogue that goes on with either answer, turns back and begins anew, its
 * rows all in one file and each in a file of its own: what a row shares with
 * the one before need be neither hashed nor looked for again. */
START_TEST(test_shared_turns)
{
    static const char *const contexts[] = {
        "\"p\"",
        "\"p\",\"x\",\"q\"",
        "\"p\",\"x\",\"q\",\"y\",\"r\"",
        "\"p\",\"x\",\"q\",\"y\",\"r\",\"x\"",
        "\"p\",\"x\",\"q\",\"y\",\"s\"",
        "\"p\",\"y\",\"q\"",
        "\"p\",\"z\",\"q\"",
        "\"p\",\"x\"",
        "\"P\"",
        "\"p\"",
        "\"x\"",
        "\"p\",\"x\",\"q\"",
        "\"p\",\"x\",\"q\",\"y\",\"r\""};
    enum { N = sizeof contexts / sizeof *contexts };
    struct pk_err err;
    struct prefdb__report report;
    char row[N][1024], all[N * 1024] = "", one[65], many[65];
    struct prefdb *db = new_store("apart.db");
    for (int i = 0; i < N; i++) {
        const char *c = contexts[i];
        size_t n = 0;
        n += (size_t)snprintf(row[i], sizeof row[i], "{\"messages\":[");
        for (int k = 0; *c; k++, c += *c == ',')
            n += (size_t)snprintf(row[i] + n, sizeof row[i] - n,
                                  "%s{\"role\":\"%s\",\"content\":\"%.1s\"}",
                                  k ? "," : "", k % 2 ? "assistant" : "user",
                                  (c += 3) - 2);
        snprintf(row[i] + n, sizeof row[i] - n,
                 "],\"a\":\"%s\",\"b\":\"%s\",\"source\":\"s%d\","
                 "\"judgments\":[{\"dimension\":\"safety\",\"choice\":\"a\"}]}"
                 "\n",
                 i % 2 ? "y" : "x", i % 2 ? "x" : "y", i / 9);
        strcat(all, row[i]);
        ck_ok(import_text(db, "row.jsonl", row[i], plain_import(NULL), &report,
                          &err));
    }
    ck_ok(prefdb_fingerprint(db, many, &err));
    int64_t turns = number(db, "SELECT count(*) FROM turn");
    prefdb_close(db);
    db = new_store("together.db");
    ck_ok(import_text(db, "all.jsonl", all, plain_import(NULL), &report, &err));
    ck_ok(prefdb_fingerprint(db, one, &err));
    ck_assert_str_eq(one, many);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM turn"), turns);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM comparison"), N);
    ck_round_trip(db);
    prefdb_close(db);
}
END_TEST

/* What an import did without is there again when it is done. */
START_TEST(test_guards)
{
    static const struct {
        const char *what;
        int64_t is;
    } guards[] = {{"PRAGMA foreign_keys", 1},
                  {"PRAGMA ignore_check_constraints", 0},
                  {"SELECT journal_mode = 'wal' FROM pragma_journal_mode", 1},
                  {"PRAGMA cache_size", -65536}};
    struct prefdb *db = dialogue_store("guards.db");
    for (size_t i = 0; i < sizeof guards / sizeof *guards; i++)
        ck_assert_int_eq(number(db, guards[i].what), guards[i].is);
    ck_assert_int_eq(
        sqlite3_exec(db->sql, "UPDATE judgment SET choice = 'b'", 0, 0, 0),
        SQLITE_CONSTRAINT);
    ck_assert_int_eq(
        sqlite3_exec(db->sql, "UPDATE comparison SET split = 'x'", 0, 0, 0),
        SQLITE_CONSTRAINT);
    prefdb_close(db);
}
END_TEST

/* A new store that somebody has open is filled too; they see it all at once. */
START_TEST(test_open_elsewhere)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *other, *db = new_store("both.db");
    ck_ok(prefdb_open(&other, temp_path("both.db"), PREFDB_READ, &err));
    ck_assert_int_eq(number(other, "SELECT count(*) FROM turn"), 0);
    ck_ok(import_text(db, "two.jsonl", two_rows, plain_import(NULL), &report,
                      &err));
    ck_assert_int_eq(number(other, "SELECT count(*) FROM comparison"), 2);
    prefdb_close(other);
    prefdb_close(db);
}
END_TEST

static off_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : 0;
}

/* Import from a pipe that has no end, until the store is killed when much of it
 * is in the file. */
static void import_and_die(const char *path, off_t size)
{
    int fd[2];
    static char row[1 << 16];
    ck_assert_int_eq(pipe(fd), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct pk_err err;
        struct prefdb *db;
        struct prefdb__report report;
        struct prefdb__import o = plain_import("-");
        close(fd[1]);
        dup2(fd[0], STDIN_FILENO);
        _exit(prefdb_open(&db, path, PREFDB_WRITE, &err) == 0 &&
              prefdb__import_file(db, &o, &report, &err) == 0);
    }
    close(fd[0]);
    for (int i = 0; size_of(path) < size; i++) {
        char text[32768];
        memset(text, 'a' + i % 26, sizeof text - 1);
        text[sizeof text - 1] = 0;
        int n = snprintf(row, sizeof row,
                         "{\"messages\":[{\"role\":\"user\",\"content\":"
                         "\"%d\"}],\"a\":\"%s\",\"b\":\"no\"}\n",
                         i, text);
        ck_assert_int_eq(write(fd[1], row, (size_t)n), n);
    }
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    close(fd[1]);
}

/* Killed when pages of the import are in the store's file already. */
START_TEST(test_killed_midway)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("midway.db");
    char *path = temp_path("midway.db");
    char journal[600];
    prefdb_close(db);
    import_and_die(path, 1 << 20);
    snprintf(journal, sizeof journal, "%s-journal", path);
    ck_assert_int_gt(size_of(journal), 0);
    ck_ok(prefdb_open(&db, path, PREFDB_READ, &err));
    ck_assert_int_eq(number(db, "SELECT count(*) FROM turn"), 0);
    prefdb_close(db);
    import_and_die(path, 1 << 20);
    ck_ok(prefdb_open(&db, path, PREFDB_WRITE, &err));
    ck_assert_int_eq(size_of(journal), 0);
    ck_assert_int_eq(
        number(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM turn"), 0);
    ck_ok(import_text(db, "two.jsonl", two_rows, plain_import(NULL), &report,
                      &err));
    ck_assert_int_eq(number(db, "SELECT count(*) FROM comparison"), 2);
    prefdb_close(db);
}
END_TEST

START_TEST(test_dry_run)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("dry.db");
    struct prefdb__import o = plain_import(NULL);
    o.dry_run = true;
    ck_ok(import_text(db, "own.jsonl", full_row, o, &report, &err));
    ck_assert_uint_eq(report.counts.comparisons, 1);
    ck_assert_int_eq(number(db, "SELECT (SELECT count(*) FROM turn) +"
                                " (SELECT count(*) FROM import_log)"),
                     0);
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
    tcase_add_test(formats, test_hh);
    tcase_add_test(formats, test_needs_dimension);
    tcase_add_loop_test(formats, test_trl, 0,
                        (int)(sizeof trl_rows / sizeof trl_rows[0]));
    tcase_add_test(formats, test_trl_of_best);
    tcase_add_test(formats, test_pku);
    tcase_add_loop_test(formats, test_pku_label, 0,
                        (int)(sizeof pku_labels / sizeof pku_labels[0]));
    tcase_add_test(formats, test_prefkit);
    tcase_add_test(formats, test_swapped);
    tcase_add_test(formats, test_supersede);
    suite_add_tcase(s, formats);
    TCase *rows = tcase_create("rows");
    tcase_set_timeout(rows, 60);
    tcase_add_loop_test(rows, test_bad_row, 0,
                        (int)(sizeof bad_rows / sizeof bad_rows[0]));
    tcase_add_test(rows, test_skip_bad);
    tcase_add_test(rows, test_repeats);
    tcase_add_test(rows, test_repeats_in_a_row);
    tcase_add_test(rows, test_digits);
    tcase_add_test(rows, test_shared_turns);
    tcase_add_test(rows, test_dry_run);
    suite_add_tcase(s, rows);
    TCase *bulk = tcase_create("bulk");
    tcase_set_timeout(bulk, 120);
    tcase_add_test(bulk, test_guards);
    tcase_add_test(bulk, test_open_elsewhere);
    tcase_add_test(bulk, test_killed_midway);
    suite_add_tcase(s, bulk);
    TCase *real = tcase_create("real");
    tcase_set_timeout(real, 300);
    tcase_add_test(real, test_real);
    suite_add_tcase(s, real);
    return run_suite(s);
}
