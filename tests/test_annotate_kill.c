/* annotate killed with -9 at random moments, and two labelers at one store, in
 * pseudo terminals: what was confirmed is there, and nothing else. The seed is
 * printed; PREFKIT_SEED repeats a run. */
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/num.h"
#include "common/progress.h"
#include "common/rng.h"
#include "prefdb/store/check.h"
#include "tests/prefdb_support.h"
#include "tests/pty.h"

enum { ROUNDS = 50, PAIRS = 400 };

/* build/MODE/tests/test_annotate_kill goes with build/MODE/prefkit. */
static const char *prefkit(void)
{
    static char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 10);
    ck_assert_int_gt(n, 0);
    path[n] = 0;
    for (int i = 0; i < 2; i++)
        *strrchr(path, '/') = 0;
    strcat(path, "/prefkit");
    return path;
}

static void make_store(const char *name, int n)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store(name);
    struct pk_buf b = PK_BUF_INIT(1 << 22);
    for (int i = 0; i < n; i++)
        pk_buf_addf(&b,
                    "{\"messages\":[{\"role\":\"user\",\"content\":\"What is "
                    "%d?\"}],\"a\":\"A number, %d.\",\"b\":\"No idea.\"}\n",
                    i, i);
    ck_ok(import_text(db, "rows.jsonl", b.data, plain_import(NULL), &report,
                      &err));
    pk_buf_release(&b);
    prefdb_close(db);
}

static int64_t ask(const char *store, const char *sql)
{
    struct pk_err err;
    struct prefdb *db;
    ck_ok(prefdb_open(&db, temp_path(store), PREFDB_WRITE, &err));
    int64_t n = number(db, sql);
    prefdb_close(db);
    return n;
}

static int found_any;
static void on_found(void *ctx, const struct prefdb__found *f)
{
    (void)ctx;
    if (strcmp(f->kind, "split") != 0)
        found_any++;
}

static void ck_sound(const char *store)
{
    struct pk_err err;
    struct prefdb *db;
    struct prefdb__listener to = {.found = on_found};
    found_any = 0;
    ck_ok(prefdb_open(&db, temp_path(store), PREFDB_WRITE, &err));
    ck_ok(prefdb__check(db, &to, &err));
    ck_assert_int_eq(found_any, 0);
    prefdb_close(db);
}

/* ---- Killed -------------------------------------------------------------- */

static int64_t count_kept(const struct pty *p)
{
    int64_t n = 0;
    for (const char *s = p->n ? p->out : ""; (s = strstr(s, "kept\r\n")); s++)
        n++;
    return n;
}

/* The largest N of "N judged" that the screen has shown. */
static int64_t last_shown(const struct pty *p)
{
    int64_t most = 0;
    for (const char *s = p->n ? p->out : ""; (s = strstr(s, " judged")); s++) {
        const char *digit = s;
        while (digit > p->out && digit[-1] >= '0' && digit[-1] <= '9')
            digit--;
        int64_t n = strtoll(digit, NULL, 10);
        most = n > most ? n : most;
    }
    return most;
}

/* One life: some verdicts' keys, then death. ^L has the screen drawn anew, so
 * that what it says stands in its output. */
static void life(struct pk_rng *rng, bool plain, int64_t *judged)
{
    const char *argv[] = {prefkit(),
                          "annotate",
                          temp_path("kill.db"),
                          "--annotator",
                          "ana",
                          "--dimension",
                          "helpfulness",
                          plain ? "--plain" : NULL,
                          NULL};
    struct pty p;
    int sent = 1 + (int)pk_rng_below(rng, 8);
    ck_assert(pty_start(&p, argv, 24, 80, "xterm"));
    ck_assert_msg(pty_wait(&p, 0, plain ? "verdict> " : " judged", 60) >= 0,
                  "no start: %s", p.n ? p.out : "");
    for (int i = 0; i < sent; i++)
        ck_assert(pty_send(&p, plain ? "2\n\n" : "2\r\f"));
    double until = (double)pk_rng_below(rng, 60000) * 1e-6;
    (void)pty_drain(&p, until, until);
    kill(p.pid, SIGKILL);
    (void)pty_drain(&p, 0.2, 5); /* it had been written before */
    int64_t told = plain ? *judged + count_kept(&p) : last_shown(&p);
    int status = pty_end(&p);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    int64_t now = ask("kill.db", "SELECT count(*) FROM live_judgment");
    ck_assert_int_ge(now, told);
    ck_assert_int_ge(now, *judged);
    ck_assert_int_le(now, *judged + sent);
    *judged = now;
}

START_TEST(killed_at_any_moment)
{
    struct pk_rng rng;
    int64_t judged = 0;
    uint64_t seed = (uint64_t)(pk_now() * 1e6);
    const char *given = getenv("PREFKIT_SEED");
    if (given)
        ck_assert(pk_parse_u64(given, 0, UINT64_MAX, &seed));
    printf("PREFKIT_SEED=%llu\n", (unsigned long long)seed);
    fflush(stdout);
    pk_rng_seed(&rng, seed, 0);
    make_store("kill.db", PAIRS);
    for (int i = 0; i < ROUNDS; i++)
        life(&rng, i % 2 == 0, &judged);
    ck_assert_int_gt(judged, 0);
    ck_assert_int_eq(ask("kill.db", "SELECT count(DISTINCT comparison) FROM"
                                    " judgment"),
                     judged);
    ck_sound("kill.db");
}
END_TEST

/* ---- Two at once --------------------------------------------------------- */

/* Until it says this; false where it does not. */
static bool says(struct pty *p, size_t *from, const char *text)
{
    long at = pty_wait(p, *from, text, 60);
    if (at >= 0)
        *from = (size_t)at + 1;
    return at >= 0;
}

START_TEST(two_labelers_one_store)
{
    enum { TASKS = 40 };
    struct pk_err err;
    struct prefdb *db;
    struct prefdb_campaign c = {
        .name = "both", .overlap = 1, .lease_seconds = 600};
    struct prefdb_fill f = {.order = PREFDB_RANDOM};
    struct pty p[2];
    size_t from[2] = {0};
    int64_t n;
    make_store("two.db", TASKS);
    ck_ok(prefdb_open(&db, temp_path("two.db"), PREFDB_WRITE, &err));
    ck_ok(prefdb_campaign_put(db, &c, &err));
    ck_ok(prefdb_campaign_fill(db, c.id, &f, &n, &err));
    prefdb_close(db);
    for (int i = 0; i < 2; i++) {
        const char *argv[] = {
            prefkit(),     "annotate",        temp_path("two.db"),
            "--plain",     "--campaign",      "both",
            "--annotator", i ? "bob" : "ann", NULL};
        ck_assert(pty_start(&p[i], argv, 24, 80, "dumb"));
        ck_assert_int_ge(pty_wait(&p[i], 0, "verdict> ", 60), 0);
    }
    for (int round = 0; round < TASKS / 2; round++) {
        for (int i = 0; i < 2; i++)
            ck_assert(pty_send(&p[i], i ? "8\n\n" : "2\n\n"));
        for (int i = 0; i < 2; i++) /* what comes before it asks is not taken */
            ck_assert(
                says(&p[i], &from[i], "kept\r\n") &&
                (round == TASKS / 2 - 1 || says(&p[i], &from[i], "verdict> ")));
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_ge(pty_wait(&p[i], 0, "end> ", 60), 0);
        ck_assert(pty_send(&p[i], "q\n"));
        ck_assert_int_ge(pty_wait(&p[i], 0, "judged, 0 revised", 60), 0);
        int status = pty_end(&p[i]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    ck_assert_int_eq(ask("two.db", "SELECT count(*) FROM judgment"), TASKS);
    ck_assert_int_eq(ask("two.db", "SELECT count(DISTINCT comparison) FROM"
                                   " judgment"),
                     TASKS);
    ck_sound("two.db");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("annotate, killed");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, killed_at_any_moment);
    tcase_add_test(t, two_labelers_one_store);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
