/* A program in a pseudo terminal: keys in, what it writes out. For the tests
 * that kill it and the benchmark that times it; what a person sees is tested in
 * tmux (tests/tui). */
#ifndef PREFKIT_TESTS_PTY_H
#define PREFKIT_TESTS_PTY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct pty {
    int fd;
    pid_t pid;
    char *out; /* all that it has written, NUL-terminated */
    size_t n, cap;
};

/* Start argv[0] on a terminal of that size, as `term`. False when it cannot be
 * started. */
bool pty_start(struct pty *p, const char *const argv[], int rows, int cols,
               const char *term);

/* Send keys; false when the program is gone. */
bool pty_send(struct pty *p, const char *keys);

/* Take what the program writes until it has been silent for `quiet` seconds or
 * `most` have gone by. The time from the call to the last byte, or -1: none. */
double pty_drain(struct pty *p, double quiet, double most);

/* Until the text comes at or after p->out[from]: its place, or -1 when it has
 * not come in `most` seconds or the program has ended. */
long pty_wait(struct pty *p, size_t from, const char *text, double most);

/* Close the terminal and wait for the program; its wait status. */
int pty_end(struct pty *p);

#endif
