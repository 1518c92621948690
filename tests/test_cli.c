/* common/cli and common/progress: wrong usage, messages, signals. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cli.h"
#include "common/progress.h"
#include "tests/support.h"

struct args {
    struct pk_cli cli; /* first */
    const char *file;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    if (key == ARGP_KEY_ARG && !a->file)
        a->file = arg;
    else if (key == ARGP_KEY_ARG || (key == ARGP_KEY_END && !a->file))
        argp_error(state, "name one file");
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static const struct argp argp = {
    .parser = parse, .args_doc = "FILE", .doc = "Read a file."};

static void verb(char **argv)
{
    struct args a = {.cli.verb = "read"};
    int argc = 0;
    while (argv[argc])
        argc++;
    pk_cli_parse(&argp, argc, argv, &a.cli);
    printf("%s quiet=%d threads=%zu\n", a.file, a.cli.quiet, a.cli.threads);
    exit(pk_cli_finish(&a.cli, 0));
}

/* What the last child wrote. */
static char out[1 << 14], said[1 << 14];

static void slurp(const char *path, char *to, size_t size)
{
    size_t n;
    char *text = read_file(path, &n);
    ck_assert_uint_lt(n, size);
    memcpy(to, text, n + 1);
    free(text);
}

static void redirect(int fd, const char *path)
{
    int to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (to < 0 || dup2(to, fd) < 0)
        _exit(98);
    close(to);
}

/* Run `body` in a child; its wait status. */
static int run(void (*body)(char **), char **argv)
{
    char *out_path = temp_path("out"), *err_path = temp_path("err");
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        redirect(STDOUT_FILENO, out_path);
        redirect(STDERR_FILENO, err_path);
        body(argv);
        _exit(99);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    slurp(out_path, out, sizeof out);
    slurp(err_path, said, sizeof said);
    return status;
}

/* The exit status of the verb with one or two arguments. */
static int try_verb(const char *one, const char *two)
{
    char name[] = "prefkit read", a[64], b[64];
    snprintf(a, sizeof a, "%s", one ? one : "");
    snprintf(b, sizeof b, "%s", two ? two : "");
    char *argv[] = {name, one ? a : NULL, two ? b : NULL, NULL};
    int status = run(verb, argv);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(options)
{
    ck_assert_int_eq(try_verb("f", NULL), 0);
    ck_assert_str_eq(out, "f quiet=0 threads=0\n");
    ck_assert_str_eq(said, "");
    ck_assert_int_eq(try_verb("-q", "f"), 0);
    ck_assert_str_eq(out, "f quiet=1 threads=0\n");
    ck_assert_int_eq(try_verb("--threads=2", "f"), 0);
    ck_assert_str_eq(out, "f quiet=0 threads=2\n");
    ck_assert_int_eq(try_verb("--", "-q"), 0);
    ck_assert_str_eq(out, "-q quiet=0 threads=0\n");
}
END_TEST

START_TEST(wrong_usage)
{
    static const char *const bad[][2] = {
        {NULL, NULL},          {"f", "g"},
        {"--no-such", "f"},    {"--threads=0", "f"},
        {"--threads=-1", "f"}, {"--threads=4097", "f"},
        {"--threads=2x", "f"}, {"--quiet=1", "f"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(try_verb(bad[i][0], bad[i][1]), 2);
        ck_assert_str_eq(out, "");
        char *first = strchr(said, '\n');
        ck_assert_msg(first && strchr(first + 1, '\n') &&
                          !strchr(first + 1, '\n')[1],
                      "not two lines: %s", said);
        ck_assert_ptr_nonnull(strstr(said, "prefkit read"));
    }
}
END_TEST

START_TEST(help)
{
    ck_assert_int_eq(try_verb("--help", NULL), 0);
    ck_assert_ptr_nonnull(strstr(out, "Usage: prefkit read"));
    ck_assert_ptr_nonnull(strstr(out, "FILE"));
    ck_assert_ptr_nonnull(strstr(out, "Read a file."));
    ck_assert_ptr_nonnull(strstr(out, "--threads=N"));
    ck_assert_str_eq(said, "");
}
END_TEST

static void speak(char **argv)
{
    (void)argv;
    struct pk_cli cli = {.verb = "score"};
    struct pk_err err;
    pk_note(&cli, "read %d rows", 3);
    cli.quiet = true;
    pk_note(&cli, "unseen");
    pk_warn(&cli, "%s", "one row was cut");
    pk_fail(&err, PK_EDATA, "f:17: \"rejected\" is missing");
    exit(pk_cli_fail(&cli, &err));
}

START_TEST(messages)
{
    int status = run(speak, NULL);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    ck_assert_str_eq(out, "");
    ck_assert_str_eq(said, "prefkit: score: read 3 rows\n"
                           "prefkit: score: one row was cut\n"
                           "prefkit: score: f:17: \"rejected\" is missing\n");
}
END_TEST

static void full(char **argv)
{
    (void)argv;
    struct pk_cli cli = {.verb = "stats"};
    if (!freopen("/dev/full", "w", stdout))
        exit(98);
    printf("a result\n");
    exit(pk_cli_finish(&cli, 0));
}

START_TEST(full_output)
{
    int status = run(full, NULL);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 4);
    ck_assert_ptr_nonnull(strstr(said, "cannot write standard output"));
}
END_TEST

static void stop_cleanly(char **argv)
{
    (void)argv;
    struct pk_cli cli = {.verb = "train"};
    struct pk_err err;
    pk_catch_signals();
    if (pk_interrupted() || pk_check_interrupt(&err) != 0)
        exit(97);
    raise(SIGINT);
    if (pk_interrupted() && pk_check_interrupt(&err) == PK_EINTR)
        exit(pk_cli_fail(&cli, &err));
}

static void stop_twice(char **argv)
{
    (void)argv;
    pk_catch_signals();
    raise(SIGTERM);
    raise(SIGTERM);
}

START_TEST(signals)
{
    int status = run(stop_cleanly, NULL);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    ck_assert_ptr_nonnull(strstr(said, "prefkit: train: interrupted"));
    status = run(stop_twice, NULL);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}
END_TEST

static void advance(char **argv)
{
    struct pk_cli cli = {.verb = "score", .quiet = argv != NULL};
    struct pk_progress p;
    pk_progress_start(&p, &cli, "rows", 200);
    pk_progress_at(&p, 1);
    p.started -= 20; /* as if twenty seconds had passed */
    p.drawn -= 20;
    pk_progress_at(&p, 100);
    pk_progress_at(&p, 101);
    pk_progress_end(&p);
    exit(0);
}

/* What was done before tells nothing of the rate. */
static void advance_again(char **argv)
{
    struct pk_cli cli = {.verb = "train", .quiet = argv != NULL};
    struct pk_progress p;
    pk_progress_start(&p, &cli, "pairs", 300);
    pk_progress_skip(&p, 100);
    p.started -= 20;
    p.drawn -= 20;
    pk_progress_at(&p, 200);
    pk_progress_end(&p);
    exit(0);
}

START_TEST(progress_after_a_stop)
{
    int rate = 0, left = 0;
    ck_assert_int_eq(run(advance_again, NULL), 0);
    ck_assert_int_eq(sscanf(said,
                            "prefkit: train: 200 of 300 pairs, %d.%*d a "
                            "second, %d s left",
                            &rate, &left),
                     2);
    ck_assert(rate >= 4 && rate <= 5); /* 100 in 20 s, or a little more */
    ck_assert(left >= 20 && left <= 25);
}
END_TEST

/* Not a terminal: one plain line, and nothing when quiet. */
START_TEST(progress)
{
    char *none[] = {NULL};
    ck_assert_int_eq(run(advance, NULL), 0);
    ck_assert_ptr_nonnull(strstr(said, "prefkit: score: 100 of 200 rows, "));
    ck_assert_ptr_nonnull(strstr(said, " s left\n"));
    ck_assert_ptr_eq(strchr(said, '\n') + 1, said + strlen(said));
    ck_assert_ptr_null(strchr(said, '\r'));
    ck_assert_int_eq(run(advance, none), 0);
    ck_assert_str_eq(said, "");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("cli");
    TCase *t = tcase_create("cli");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, options);
    tcase_add_test(t, wrong_usage);
    tcase_add_test(t, help);
    tcase_add_test(t, messages);
    tcase_add_test(t, full_output);
    tcase_add_test(t, signals);
    tcase_add_test(t, progress);
    tcase_add_test(t, progress_after_a_stop);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
