#include "tests/pty.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/progress.h"

bool pty_start(struct pty *p, const char *const argv[], int rows, int cols,
               const char *term)
{
    struct winsize size = {.ws_row = (unsigned short)rows,
                           .ws_col = (unsigned short)cols};
    *p = (struct pty){.fd = -1};
    p->pid = forkpty(&p->fd, NULL, NULL, &size);
    if (p->pid == 0) {
        setenv("TERM", term, 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    return p->pid > 0;
}

bool pty_send(struct pty *p, const char *keys)
{
    size_t n = strlen(keys);
    return write(p->fd, keys, n) == (ssize_t)n;
}

/* One read, after waiting at most `seconds`: bytes, 0 for none in time, -1 for
 * the end. */
static ssize_t take(struct pty *p, double seconds)
{
    struct pollfd fd = {.fd = p->fd, .events = POLLIN};
    int ms = seconds > 0 ? (int)(seconds * 1000) + 1 : 0;
    if (poll(&fd, 1, ms) <= 0)
        return 0;
    if (!pk_grow(&p->out, &p->cap, p->n + 65537, 1))
        return -1;
    ssize_t k = read(p->fd, p->out + p->n, 65536);
    if (k <= 0)
        return -1;
    p->n += (size_t)k;
    p->out[p->n] = 0;
    return k;
}

double pty_drain(struct pty *p, double quiet, double most)
{
    double start = pk_now(), last = -1, now;
    ssize_t k = 1;
    while (k >= 0 && (now = pk_now()) - start < most) {
        /* Until the first byte there is as long as there is. */
        double left =
            last < 0 ? most - (now - start) : quiet - (now - start - last);
        if (left <= 0)
            break;
        k = take(p, left);
        if (k > 0)
            last = pk_now() - start;
    }
    return last;
}

long pty_wait(struct pty *p, size_t from, const char *text, double most)
{
    double end = pk_now() + most;
    ssize_t k = 0;
    for (;;) {
        const char *at = p->n > from ? strstr(p->out + from, text) : NULL;
        if (at)
            return at - p->out;
        double left = end - pk_now();
        if (k < 0 || left <= 0)
            return -1;
        k = take(p, left);
    }
}

int pty_end(struct pty *p)
{
    int status = -1;
    close(p->fd);
    waitpid(p->pid, &status, 0);
    free(p->out);
    *p = (struct pty){.fd = -1};
    return status;
}
