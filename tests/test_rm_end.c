/* The whole room on a tiny model: a toy store, training, scoring, a report. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/json.h"
#include "common/mem.h"
#include "rm/rm.h"
#include "rm/score/evaluate.h"
#include "rm/score/row.h"
#include "rm/serve/queue.h"
#include "rm/serve/shape.h"
#include "rm/train/run.h"
#include "tests/schema.h"
#include "tests/small_model.h"
#include "tests/support.h"

/* A verb, with its standard output (and, unless they are wanted, its messages)
 * kept out of the way; its exit status. The output's text is in *out. */
static int verb(int (*run)(int, char **), char **out, const char *const *args)
{
    char *argv[32] = {temp_path("prefkit")};
    int argc = 1;
    while (args[argc - 1]) {
        argv[argc] = (char *)args[argc - 1];
        argc++;
    }
    const char *text = temp_path("stdout"), *said = temp_path("stderr");
    fflush(stdout);
    fflush(stderr);
    int keep_out = dup(1), keep_err = dup(2);
    ck_assert_ptr_nonnull(freopen(text, "w", stdout));
    ck_assert_ptr_nonnull(freopen(said, "w", stderr));
    int status = run(argc, argv);
    fflush(stdout);
    fflush(stderr);
    dup2(keep_out, 1);
    dup2(keep_err, 2);
    close(keep_out);
    close(keep_err);
    if (out)
        *out = read_file(text, NULL);
    return status;
}

#define run_verb(cmd, out, ...)                                                \
    verb(cmd, out, (const char *const[]){__VA_ARGS__, NULL})

/* What the last verb said on standard error; borrowed until the next call. */
static const char *said(void)
{
    static char text[2048];
    char *all = read_file(temp_path("stderr"), NULL);
    snprintf(text, sizeof text, "%s", all);
    free(all);
    return text;
}

static char *make_base(const char *name, enum infer_head head)
{
    struct pk_err err;
    char *dir = temp_path(name);
    ck_ok(small_model(dir, head, &err));
    return dir;
}

/* One comparison with one safety judgment. The better response says "yes". */
static void put_row(FILE *f, int i, const char *split)
{
    static const char *const labels[] = {"preferred_safe", "both_safe",
                                         "both_unsafe"};
    bool a = i % 2;
    fprintf(f, "{\"messages\":[");
    if (i % 3 == 0)
        fprintf(f,
                "{\"role\":\"user\",\"content\":\"hello %d\"},"
                "{\"role\":\"assistant\",\"content\":\"hi\"},",
                i);
    fprintf(f, "{\"role\":\"user\",\"content\":\"question %d\"}],", i);
    fprintf(f, "\"a\":\"%s %d\",\"b\":\"%s %d\",", a ? "yes" : "no no", i,
            a ? "no no" : "yes", i);
    fprintf(f, "\"source\":\"%s\",\"split\":\"%s\",", i % 4 ? "toy" : "game",
            split);
    fprintf(f,
            "\"judgments\":[{\"dimension\":\"safety\",\"choice\":\"%s\","
            "\"strength\":%d,\"label\":\"%s\"}]}\n",
            a ? "a" : "b", i % 4, labels[i % 3]);
}

static char *make_store(void)
{
    char *rows = temp_path("rows.jsonl"), *db = temp_path("prefs.db");
    FILE *f = fopen(rows, "w");
    ck_assert_ptr_nonnull(f);
    for (int i = 0; i < 48; i++)
        put_row(f, i, "train");
    for (int i = 48; i < 60; i++)
        put_row(f, i, "valid");
    for (int i = 60; i < 84; i++)
        put_row(f, i, "test");
    /* What cannot be ranked, or cannot be encoded. */
    fputs("{\"messages\":[{\"role\":\"user\",\"content\":\"t\"}],\"a\":\"x\","
          "\"b\":\"y\",\"split\":\"train\",\"judgments\":[{\"dimension\":"
          "\"safety\",\"choice\":\"tie\"},{\"dimension\":\"safety\","
          "\"choice\":\"both_bad\",\"annotator\":\"z\"},{\"dimension\":"
          "\"safety\",\"choice\":\"a\",\"label\":\"preferred_unsafe\","
          "\"annotator\":\"y\"}]}\n"
          "{\"messages\":[{\"role\":\"user\",\"content\":\"[INST]\"}],"
          "\"a\":\"x\",\"b\":\"y\",\"split\":\"train\",\"judgments\":["
          "{\"dimension\":\"safety\",\"choice\":\"a\"}]}\n"
          "{\"messages\":[{\"role\":\"user\",\"content\":\"w\"}],\"a\":\"x\","
          "\"b\":\" x \",\"split\":\"train\",\"judgments\":["
          "{\"dimension\":\"safety\",\"choice\":\"a\"}]}\n",
          f);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(run_verb(prefdb_cmd_init, NULL, db), 0);
    int status = run_verb(prefdb_cmd_import, NULL, db, rows, "--quiet");
    ck_assert_msg(status == 0, "import: %s", said());
    return db;
}

static void train(const char *db, const char *base, char *out, char *log,
                  char **summary)
{
    int status =
        run_verb(rm_cmd_train, summary, db, "--dimension", "safety", "--base",
                 base, "--output", out, "--epochs", "8", "--lr", "3e-3",
                 "--batch-pairs", "16", "--margin", "small", "--micro-tokens",
                 "200", "--log", log, "--json", "--seed", "5", "-t", "2");
    ck_assert_msg(status == 0, "train: %s", said());
}

static double field(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    ck_assert_msg(cJSON_IsNumber(v), "no number \"%s\"", key);
    return v->valuedouble;
}

static cJSON *parsed(const char *text)
{
    struct pk_err err;
    cJSON *j;
    ck_ok(pk_json_parse(&j, text, strlen(text), &err));
    return j;
}

/* The log falls, and says what it must; returns the last loss. */
static void ck_log(const char *path)
{
    double first = 0, last = 0;
    int steps = 0;
    char *text = read_file(path, NULL), *rest = text, *line;
    while ((line = strsep(&rest, "\n")) && *line) {
        cJSON *j = parsed(line);
        ck_assert_int_eq((int)field(j, "step"), ++steps);
        last = field(j, "loss");
        first = steps == 1 ? last : first;
        ck_assert(field(j, "pairs") == 16);
        ck_assert(field(j, "tokens") > 0 && field(j, "grad_norm") > 0);
        ck_assert(field(j, "lr") > 0 && field(j, "seconds") >= 0);
        ck_assert(field(j, "accuracy") >= 0 && field(j, "accuracy") <= 1);
        cJSON_Delete(j);
    }
    free(text);
    ck_assert_int_eq(steps, 24);
    ck_assert_msg(first > 0.6 && last < 0.3 * first, "loss %g to %g", first,
                  last);
}

static void ck_summary(const char *text)
{
    cJSON *j = parsed(text);
    ck_schema(j, "schemas/train-summary.schema.json");
    const cJSON *p = cJSON_GetObjectItem(j, "provenance");
    const cJSON *t = cJSON_GetObjectItem(p, "train");
    const cJSON *left = cJSON_GetObjectItem(t, "left_out");
    ck_assert(field(t, "judgments") == 53 && field(t, "pairs") == 48);
    ck_assert(field(left, "tie") == 1 && field(left, "both_bad") == 1);
    ck_assert(field(left, "preferred_unsafe") == 1);
    ck_assert(field(left, "format_tag") == 1);
    ck_assert(field(left, "same_tokens") == 1);
    ck_assert(field(cJSON_GetObjectItem(t, "sources"), "game") == 12);
    ck_assert(field(cJSON_GetObjectItem(p, "validation"), "n") == 12);
    ck_assert(field(cJSON_GetObjectItem(p, "recipe"), "steps") == 24);
    ck_assert_uint_eq(
        strlen(cJSON_GetObjectItem(j, "fingerprint")->valuestring), 64);
    cJSON_Delete(j);
}

static void ck_same_file(const char *a, const char *b, const char *name)
{
    char path[2][300];
    char *text[2];
    size_t len[2];
    const char *dirs[] = {a, b};
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/%s", dirs[i], name);
        text[i] = read_file(path[i], &len[i]);
    }
    ck_assert_uint_eq(len[0], len[1]);
    ck_assert_msg(memcmp(text[0], text[1], len[0]) == 0, "%s differs", name);
    free(text[0]);
    free(text[1]);
}

START_TEST(training)
{
    char *db = make_store(), *base = make_base("base", INFER_HEAD_LM);
    char *one = temp_path("one"), *two = temp_path("two");
    char *log = temp_path("log"), *summary;
    train(db, base, one, log, &summary);
    ck_log(log);
    ck_summary(summary);
    free(summary);
    /* The same again: the same bytes. */
    train(db, base, two, log, NULL);
    ck_same_file(one, two, "model.safetensors");
    ck_same_file(one, two, "config.json");
    ck_same_file(one, two, "prefkit.json");
    /* A reward model is something to start from too, head and all. */
    char *three = temp_path("three");
    int status = run_verb(rm_cmd_train, &summary, db, "--dimension", "safety",
                          "--base", one, "--output", three, "--lr", "1e-6");
    ck_assert_msg(status == 0, "%s", said());
    ck_assert_ptr_nonnull(strstr(summary, ", a reward model"));
    ck_assert_ptr_nonnull(strstr(summary, "on         48 pairs of 53 judgm"));
    free(summary);
}
END_TEST

/* Scores of the test split: by the report's path, by `score` on rows, and as
 * training sees them. They agree. */
static void score_by_rows(const char *model, double chosen[24],
                          double rejected[24])
{
    char *in = temp_path("in.jsonl"), *out = temp_path("out.jsonl");
    char rm[300];
    snprintf(rm, sizeof rm, "toy=%s", model);
    FILE *f = fopen(in, "w");
    ck_assert_ptr_nonnull(f);
    for (int i = 60; i < 84; i++) {
        fprintf(f, "{\"id\":%d,\"prompt\":[", i);
        if (i % 3 == 0)
            fprintf(f,
                    "{\"role\":\"user\",\"content\":\"hello %d\"},"
                    "{\"role\":\"assistant\",\"content\":\"hi\"},",
                    i);
        fprintf(f,
                "{\"role\":\"user\",\"content\":\"question %d\"}],"
                "\"responses\":[\"yes %d\",\"no no %d\"]}\n",
                i, i, i);
    }
    ck_assert_int_eq(fclose(f), 0);
    int status = run_verb(rm_cmd_score, NULL, "--rm", rm, "--input", in,
                          "--output", out, "--forest-tokens", "100");
    ck_assert_msg(status == 0, "score: %s", said());
    char *text = read_file(out, NULL), *rest = text, *line;
    int i = 0;
    for (; (line = strsep(&rest, "\n")) && *line; i++) {
        cJSON *j = parsed(line);
        const cJSON *s =
            cJSON_GetObjectItem(cJSON_GetObjectItem(j, "scores"), "toy");
        ck_assert_int_eq((int)field(j, "id"), 60 + i);
        chosen[i] = cJSON_GetArrayItem(s, 0)->valuedouble;
        rejected[i] = cJSON_GetArrayItem(s, 1)->valuedouble;
        ck_assert_ptr_null(cJSON_GetObjectItem(j, "marks"));
        cJSON_Delete(j);
    }
    ck_assert_int_eq(i, 24);
    free(text);
}

static void answered(void *arg)
{
    *(bool *)arg = true;
}

/* The same rows as `serve` answers them: `score`'s bytes. */
static void serve_the_rows(const char *model)
{
    struct pk_err err;
    struct rm_scorer *s;
    struct rm_queue *q;
    struct rm_ask a;
    struct pk_buf out = PK_BUF_INIT(1 << 20);
    bool done = false;
    size_t len, want;
    char *body = read_file(temp_path("in.jsonl"), &len);
    const struct rm_named named = {"toy", model};
    const struct rm_scorer_opts opts = {.forest_tokens = 300};
    ck_ok(rm_scorer_open(&s, &named, 1, &opts, &err));
    ck_ok(rm_queue_new(&q, s, (struct rm_queue_limits){100, 10000}, &err));
    rm_ask_init(&a, s);
    ck_ok(rm_shape_rows.read(&a, body, len, &err));
    a.done = answered;
    a.arg = &done;
    ck_assert_int_eq(rm_queue_reserve(q, &a), RM_ROOM);
    rm_queue_put(q, &a);
    while (rm_queue_step(q, 0))
        ;
    ck_assert(done);
    ck_ok(rm_shape_rows.write(&a, &out, &err));
    char *scored = read_file(temp_path("out.jsonl"), &want);
    ck_assert_uint_eq(out.len, want);
    ck_assert_mem_eq(out.data, scored, want);
    free(scored);
    free(body);
    pk_buf_release(&out);
    rm_ask_release(&a);
    rm_queue_free(q);
    rm_scorer_close(s);
}

/* `score` prints nine digits, what a float needs; sums of 24 such numbers are
 * compared to 1e-6 each. `serve` is compared byte for byte. */
START_TEST(one_score_everywhere)
{
    struct pk_err err;
    char *db = make_store(), *base = make_base("base", INFER_HEAD_SCORE);
    double chosen[24], rejected[24];
    struct rm_tally rows = {0};
    struct rm_validation trained;
    struct rm_recipe recipe = rm_recipe_default(RM_REWARD);
    score_by_rows(base, chosen, rejected);
    for (int i = 0; i < 24; i++)
        rm_tally_add(&rows, chosen[i], rejected[i]);
    ck_assert(fabs(rejected[0] - chosen[0]) > 1e-6);
    serve_the_rows(base);
    /* As training computes it. */
    struct infer_model *m;
    struct infer_tokenizer *t;
    struct prefdb *store;
    struct rm_pairs pairs = {0};
    struct pk_cli cli = {.verb = "test", .quiet = true};
    struct pk_progress progress;
    pk_progress_start(&progress, &cli, "", 0);
    ck_ok(infer_model_open(&m, base, &err));
    ck_ok(infer_tokenizer_open(&t, base, &err));
    ck_ok(prefdb_open(&store, db, PREFDB_READ, &err));
    struct rm_pairs_query q = {
        .dimension = PREFDB_SAFETY, .split = PREFDB_TEST, .max_tokens = 160};
    ck_ok(rm_pairs_load(&pairs, store, &q, t, &progress, &err));
    ck_assert_uint_eq(pairs.n, 24);
    recipe.micro_tokens = 300;
    ck_ok(rm_validate(infer_model_weights(m), infer_model_config(m), &pairs,
                      &recipe, &trained, &err));
    ck_assert_uint_eq(trained.tally.wins, rows.wins);
    ck_assert(fabs(trained.tally.log_loss - rows.log_loss) < 24e-6);
    double mean = 0, square = 0;
    for (int i = 0; i < 24; i++)
        mean += (chosen[i] + rejected[i]) / 48;
    for (int i = 0; i < 24; i++)
        square += pow(chosen[i] - mean, 2) + pow(rejected[i] - mean, 2);
    ck_assert(fabs(trained.mean - mean) < 1e-6);
    ck_assert(fabs(trained.sd - sqrt(square / 47)) < 1e-6);
    rm_pairs_release(&pairs);
    prefdb_close(store);
    infer_tokenizer_close(t);
    infer_model_close(m);
    /* And as `eval` reports it. */
    char rm[300], *text;
    snprintf(rm, sizeof rm, "toy=%s", base);
    ck_assert_int_eq(run_verb(rm_cmd_eval, &text, db, "--rm", rm, "--json"), 0);
    cJSON *j = parsed(text);
    ck_schema(j, "schemas/eval-report.schema.json");
    const cJSON *d =
        cJSON_GetArrayItem(cJSON_GetObjectItem(j, "dimensions"), 0);
    const cJSON *all = cJSON_GetArrayItem(cJSON_GetObjectItem(d, "groups"), 0);
    const cJSON *toy =
        cJSON_GetObjectItem(cJSON_GetObjectItem(all, "models"), "toy");
    ck_assert(field(toy, "n") == 24);
    ck_assert(field(toy, "wins") == (double)rows.wins);
    ck_assert(fabs(field(toy, "log_loss") - rm_tally_log_loss(&rows)) < 1e-6);
    /* "yes" is shorter than "no no": the longer one never wins. */
    ck_assert(field(cJSON_GetObjectItem(all, "longer"), "losses") == 24);
    cJSON_Delete(j);
    free(text);
    ck_assert_int_eq(run_verb(rm_cmd_eval, &text, db, "--rm", rm), 0);
    ck_assert_ptr_nonnull(strstr(text, "\ntoy on safety\n"));
    free(text);
}
END_TEST

/* Text and ready-made ids, alone and in a crowd; cut and over-long ones. */
START_TEST(rows_and_marks)
{
    char *base = make_base("base", INFER_HEAD_SCORE);
    char *in = temp_path("in.jsonl"), *out = temp_path("out.jsonl");
    char one[300], two[300];
    snprintf(one, sizeof one, "one=%s", base);
    snprintf(two, sizeof two, "two=%s", base);
    static const char rows[] =
        "{\"prompt\":\"q\",\"response\":\"an answer\",\"scores\":{\"x\":1}}\n"
        "\n"
        "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":"
        "\"assistant\",\"content\":\"an answer\"}]}\n"
        "{\"prompt\":\"q\",\"response\":\"an answer\",\"cut\":true}\n"
        "{\"prompt\":\"q\",\"responses\":[\"an answer\",\"b\"],\"cut\":[false,"
        "true]}\n"
        "{\"token_ids\":[1,5,6,2]}\n"
        "{\"token_ids\":[1,5,6]}\n"
        "{\"prompt\":[{\"role\":\"user\",\"content\":\"an old question\"},"
        "{\"role\":\"assistant\",\"content\":\"an old answer\"},{\"role\":"
        "\"user\",\"content\":\"q\"}],\"response\":\"an answer\"}\n";
    write_file(in, rows, sizeof rows - 1);
    int status = run_verb(rm_cmd_score, NULL, "--rm", one, "--rm", two, "-i",
                          in, "-o", out, "--max-tokens", "35");
    ck_assert_msg(status == 0, "%s", said());
    cJSON *row[7];
    double score[7];
    char *text = read_file(out, NULL), *rest = text;
    for (int i = 0; i < 7; i++) {
        row[i] = parsed(strsep(&rest, "\n"));
        const cJSON *s = cJSON_GetObjectItem(row[i], "scores");
        const cJSON *v = cJSON_GetObjectItem(s, "one");
        ck_assert(cJSON_Compare(v, cJSON_GetObjectItem(s, "two"), 1));
        v = cJSON_IsArray(v) ? v->child : v;
        ck_assert(cJSON_IsNumber(v));
        score[i] = v->valuedouble;
    }
    ck_assert_str_eq(rest, "");
    ck_assert(field(cJSON_GetObjectItem(row[0], "scores"), "x") == 1);
    ck_assert(fabs(score[0] - score[1]) < 1e-6);
    ck_assert(fabs(score[0] - score[3]) < 1e-6);
    ck_assert(fabs(score[0] - score[2]) > 1e-6);
    ck_assert(fabs(score[0] - score[6]) < 1e-6); /* what is left is the same */
    static const char *const marks[] = {NULL,
                                        NULL,
                                        "{\"cut\":true}",
                                        "{\"cut\":[false,true]}",
                                        NULL,
                                        "{\"cut\":true}",
                                        "{\"dropped_exchanges\":1}"};
    for (int i = 0; i < 7; i++) {
        char *m = cJSON_PrintUnformatted(cJSON_GetObjectItem(row[i], "marks"));
        ck_assert((m != NULL) == (marks[i] != NULL));
        if (m)
            ck_assert_str_eq(m, marks[i]);
        free(m);
        cJSON_Delete(row[i]);
    }
    free(text);
}
END_TEST

/* Ready-made ids need no tokenizer; a text does. */
START_TEST(no_tokenizer)
{
    char *base = make_base("base", INFER_HEAD_SCORE), path[300], rm[300];
    char *in = temp_path("in.jsonl"), *out = temp_path("out.jsonl");
    snprintf(rm, sizeof rm, "one=%s", base);
    snprintf(path, sizeof path, "%s/tokenizer.model", base);
    ck_assert_int_eq(unlink(path), 0);
    static const char ids[] = "{\"token_ids\":[1,5,6,2]}\n";
    write_file(in, ids, sizeof ids - 1);
    int status = run_verb(rm_cmd_score, NULL, "--rm", rm, "-i", in, "-o", out);
    ck_assert_msg(status == 0, "%s", said());
    char *text = read_file(out, NULL);
    ck_assert_ptr_nonnull(strstr(text, "\"scores\":{\"one\":"));
    ck_assert_ptr_null(strstr(text, "marks"));
    free(text);
    static const char row[] = "{\"prompt\":\"q\",\"response\":\"a\"}\n";
    write_file(in, row, sizeof row - 1);
    ck_assert_int_eq(run_verb(rm_cmd_score, NULL, "--rm", rm, "-i", in, "-o",
                              out, "--strict"),
                     3);
    ck_assert_ptr_nonnull(strstr(said(), "in.jsonl:1: "));
    ck_assert_ptr_nonnull(strstr(said(), "no tokenizer"));
}
END_TEST

static const struct {
    const char *row, *reason;
} bad_rows[] = {
    {"{\"prompt\":\"q\",\"response\":7}", "in.jsonl:2: \"response\""},
    {"{\"token_ids\":[1,99999]}", "in.jsonl:2: token id 99999"},
    {"{\"prompt\":\"<<SYS>>\",\"response\":\"a\"}", "in.jsonl:2: "},
    {"{\"prompt\":\"q\",\"responses\":[\"a\",\"[INST]\"]}",
     "in.jsonl:2: response 2: "},
    {"{\"messages\":[{\"role\":\"assistant\",\"content\":\"q\"}]}",
     "in.jsonl:2: the roles do not alternate"},
};

START_TEST(bad_row_stops)
{
    char *base = make_base("base", INFER_HEAD_SCORE);
    char *in = temp_path("in.jsonl"), *out = temp_path("out.jsonl");
    char rm[300], text[500];
    snprintf(rm, sizeof rm, "one=%s", base);
    snprintf(text, sizeof text, "%s\n%s\n",
             "{\"prompt\":\"q\",\"response\":\"a\"}", bad_rows[_i].row);
    write_file(in, text, strlen(text));
    ck_assert_int_eq(run_verb(rm_cmd_score, NULL, "--rm", rm, "-i", in, "-o",
                              out, "--strict"),
                     3);
    ck_assert_msg(strstr(said(), bad_rows[_i].reason) != NULL, "%s", said());
    ck_assert_int_ne(access(out, F_OK), 0);
}
END_TEST

START_TEST(wrong_models)
{
    char *lm = make_base("lm", INFER_HEAD_LM);
    char rm[300], *in = temp_path("in.jsonl");
    write_file(in, "", 0);
    snprintf(rm, sizeof rm, "one=%s", lm);
    ck_assert_int_eq(run_verb(rm_cmd_score, NULL, "--rm", rm, "-i", in), 3);
    ck_assert_ptr_nonnull(strstr(said(), "without a score head"));
    char *db = make_store(), *out = temp_path("out");
    ck_assert_int_eq(run_verb(rm_cmd_eval, NULL, db, "--rm", rm), 3);
    ck_assert_int_ne(run_verb(rm_cmd_train, NULL, db, "--dimension", "safety",
                              "--base", temp_path("nowhere"), "-o", out),
                     0);
    ck_assert_int_ne(access(out, F_OK), 0);
}
END_TEST

START_TEST(nothing_to_learn)
{
    char *db = make_store(), *base = make_base("base", INFER_HEAD_LM);
    char *out = temp_path("out");
    ck_assert_int_eq(run_verb(rm_cmd_train, NULL, db, "--dimension",
                              "helpfulness", "--base", base, "-o", out),
                     3);
    ck_assert_ptr_nonnull(strstr(said(), "holds no helpfulness judgments"));
    ck_assert_int_eq(run_verb(rm_cmd_train, NULL, db, "--dimension", "safety",
                              "--base", base, "-o", out, "--source", "sea"),
                     3);
    ck_assert_ptr_nonnull(strstr(said(), "source 'sea'"));
    ck_assert_int_eq(run_verb(rm_cmd_train, NULL, db, "--dimension", "safety",
                              "--base", base, "-o", out, "--max-tokens", "4"),
                     3);
    ck_assert_int_eq(run_verb(rm_cmd_train, NULL, db, "--dimension", "safety",
                              "--base", base, "-o", base),
                     2);
    ck_assert_int_ne(access(out, F_OK), 0);
}
END_TEST

/* A learning rate beyond reason: the run stops, names judgments, writes
 * nothing but its log. */
START_TEST(not_finite)
{
    char *db = make_store(), *base = make_base("base", INFER_HEAD_LM);
    char *out = temp_path("out"), *log = temp_path("log");
    ck_assert_int_eq(run_verb(rm_cmd_train, NULL, db, "--dimension", "safety",
                              "--base", base, "-o", out, "--lr", "1000",
                              "--weight-decay", "1000", "--epochs", "40",
                              "--batch-pairs", "8", "--log", log),
                     3);
    ck_assert_msg(strstr(said(), "is not finite") != NULL &&
                      strstr(said(), "judgments ") != NULL,
                  "%s", said());
    ck_assert_int_ne(access(out, F_OK), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rm_end");
    TCase *t = tcase_create("core");
    tcase_set_timeout(t, 240);
    tcase_add_test(t, training);
    tcase_add_test(t, one_score_everywhere);
    tcase_add_test(t, rows_and_marks);
    tcase_add_test(t, no_tokenizer);
    suite_add_tcase(s, t);
    TCase *e = tcase_create("errors");
    tcase_set_timeout(e, 240);
    tcase_add_loop_test(e, bad_row_stops, 0,
                        sizeof bad_rows / sizeof bad_rows[0]);
    tcase_add_test(e, wrong_models);
    tcase_add_test(e, nothing_to_learn);
    tcase_add_test(e, not_finite);
    suite_add_tcase(s, e);
    return run_suite(s);
}
