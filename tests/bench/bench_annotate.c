/* How long a labeler waits: scripts/bench_annotate.sh runs it.
 *
 *     bench_annotate rows              pairs of 2 MB as our JSON lines
 *     bench_annotate run PREFKIT DB    start and keys, on a pseudo terminal
 *
 * The time of a key is from its sending to the last byte that the screen gets
 * for it; a response is judged after its verdict is on disk. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/progress.h"
#include "tests/pty.h"

enum { STARTS = 20, ROUNDS = 40, MAX = 1000 };

struct times {
    const char *what;
    double limit, v[MAX];
    int n;
};

static int by_size(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static void add(struct times *t, double seconds)
{
    if (seconds >= 0 && t->n < MAX)
        t->v[t->n++] = seconds;
}

static void report(struct times *t)
{
    if (!t->n)
        return;
    qsort(t->v, (size_t)t->n, sizeof *t->v, by_size);
    printf("%-36s p50 %7.1f ms   p99 %7.1f ms   n %3d   (%.0f ms at most)\n",
           t->what, 1000 * t->v[t->n / 2], 1000 * t->v[t->n * 99 / 100], t->n,
           1000 * t->limit);
}

/* ---- Pairs of 2 MB ------------------------------------------------------- */

static void repeat(const char *text, const char *end)
{
    size_t n = strlen(text);
    for (size_t at = 0; at + n < (2u << 20); at += n)
        fputs(text, stdout);
    fputs(end, stdout);
}

static int rows(void)
{
    static const char *const texts[] = {
        "Words that go on, one after another, and are cut into lines. ",
        "a line\\n", "x",
        /* Japanese; its characters are two columns wide */
        "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xa7\xe3\x81\xaf",
        /* a letter with an accent of its own */
        "e\xcc\x81 "};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        printf("{\"messages\":[{\"role\":\"user\",\"content\":\"%zu\"}],"
               "\"a\":\"",
               i);
        repeat(texts[i], "one\",\"b\":\"");
        repeat(texts[i], "two\",\"source\":\"big\"}\n");
    }
    return fflush(stdout) ? 4 : 0;
}

/* ---- Start and keys ------------------------------------------------------ */

static bool start(struct pty *p, const char *prefkit, const char *db,
                  const char *who)
{
    const char *argv[] = {prefkit,       "annotate",    db,  "--dimension",
                          "helpfulness", "--annotator", who, NULL};
    return pty_start(p, argv, 40, 120, "xterm");
}

/* From the start to the effect of the first key, which is pressed as soon as
 * there is a pair to press it for. */
static int starts(const char *prefkit, const char *db, struct times *first,
                  struct times *again)
{
    for (int i = 0; i < STARTS; i++) {
        struct pty p;
        char who[16];
        double begin = pk_now();
        snprintf(who, sizeof who, "w%d", i);
        if (!start(&p, prefkit, db, who))
            return 1;
        bool there = pty_wait(&p, 0, "quit", 60) >= 0 && pty_send(&p, "2");
        if (!there || pty_wait(&p, 0, "Enter confirms", 60) < 0) {
            fprintf(stderr, "bench_annotate: no screen: %s\n",
                    p.out ? p.out : "");
            return 1;
        }
        add(i ? again : first, pk_now() - begin);
        (void)pty_send(&p, "\033q");
        (void)pty_drain(&p, 0.05, 1);
        kill(p.pid, SIGTERM);
        (void)pty_end(&p);
    }
    return 0;
}

static void key(struct pty *p, const char *keys, struct times *t)
{
    if (pty_send(p, keys))
        add(t, pty_drain(p, 0.03, 0.5));
}

/* Clock ticks that the program has used. */
static long ticks(pid_t pid)
{
    char path[64];
    long user = -1, system = -1;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return -1;
    if (fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld",
               &user, &system) != 2)
        user = -1;
    fclose(f);
    return user < 0 ? -1 : user + system;
}

static int keys(const char *prefkit, const char *db)
{
    struct times scroll = {.what = "a key that scrolls", .limit = 0.03};
    struct times pane = {.what = "a key that goes to another pane",
                         .limit = 0.03};
    struct times choose = {.what = "a choice", .limit = 0.03};
    struct times next = {.what = "a verdict on disk, the next pair",
                         .limit = 0.03};
    struct times find = {.what = "a search in the pair", .limit = 0.03};
    struct times end = {.what = "to the end and back", .limit = 0.03};
    struct pty p;
    if (!start(&p, prefkit, db, "bench"))
        return 1;
    if (pty_wait(&p, 0, "judged", 60) < 0)
        return 1;
    (void)pty_drain(&p, 0.3, 5);
    for (int i = 0; i < ROUNDS; i++) {
        key(&p, "j", &scroll);
        key(&p, " ", &scroll);
        key(&p, "G", &end);
        key(&p, "g", &end);
        key(&p, "\t", &pane);
        (void)pty_send(&p, "/on");
        (void)pty_drain(&p, 0.03, 0.5);
        key(&p, "\r", &find);
        key(&p, i % 2 ? "2" : "8", &choose);
        key(&p, "\r", &next);
    }
    long before = ticks(p.pid);
    sleep(3);
    long used = ticks(p.pid) - before;
    report(&scroll);
    report(&end);
    report(&pane);
    report(&find);
    report(&choose);
    report(&next);
    printf("%-36s %ld ms of CPU in 3 s\n", "nothing happens",
           used * 1000 / sysconf(_SC_CLK_TCK));
    kill(p.pid, SIGTERM);
    (void)pty_end(&p);
    return 0;
}

static int run(const char *prefkit, const char *db)
{
    struct times first = {.what = "the first start, first key's effect",
                          .limit = 0.1};
    struct times again = {.what = "later starts, first key's effect",
                          .limit = 0.1};
    int rc = starts(prefkit, db, &first, &again);
    report(&first);
    report(&again);
    return rc ? rc : keys(prefkit, db);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 2 && strcmp(argv[1], "rows") == 0)
        return rows();
    if (argc == 4 && strcmp(argv[1], "run") == 0)
        return run(argv[2], argv[3]);
    fputs("usage: bench_annotate rows, or bench_annotate run PREFKIT DB\n",
          stderr);
    return 2;
}
