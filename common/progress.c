/* Progress on standard error; see progress.h. */
#include "common/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

double pk_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void pk_progress_start(struct pk_progress *p, const struct pk_cli *cli,
                       const char *unit, uint64_t total)
{
    *p = (struct pk_progress){.cli = cli,
                              .unit = unit,
                              .total = total,
                              .started = pk_now(),
                              .tty = isatty(STDERR_FILENO)};
    p->drawn = p->started;
}

/* Draw, if it is time to. */
static void draw(struct pk_progress *p, uint64_t done, double part)
{
    if (p->cli->quiet)
        return;
    double now = pk_now(), spent = now - p->started;
    double wait = !p->tty ? 10 : p->shown ? 0.2 : 1;
    if (now - p->drawn < wait)
        return;
    p->drawn = now;
    p->shown = true;
    uint64_t here = done > p->skipped ? done - p->skipped : 0;
    double rate = (double)here / spent;
    fprintf(stderr, "%sprefkit: %s: %llu", p->tty ? "\r" : "", p->cli->verb,
            (unsigned long long)done);
    if (p->total)
        fprintf(stderr, " of %llu", (unsigned long long)p->total);
    fprintf(stderr, " %s, %.*f a second", p->unit, rate < 10, rate);
    if (part > 0 && part <= 1)
        fprintf(stderr, ", %.0f s left", spent / part - spent);
    fputs(p->tty ? "\033[K" : "\n", stderr);
}

void pk_progress_skip(struct pk_progress *p, uint64_t done)
{
    p->skipped = done;
}

void pk_progress_at(struct pk_progress *p, uint64_t done)
{
    double left = (double)p->total - (double)p->skipped;
    bool known = left > 0 && done > p->skipped;
    draw(p, done, known ? (double)(done - p->skipped) / left : 0);
}

void pk_progress_part(struct pk_progress *p, uint64_t done, double part)
{
    draw(p, done, part);
}

void pk_progress_end(struct pk_progress *p)
{
    if (p->shown && p->tty)
        fputs("\r\033[K", stderr);
}
