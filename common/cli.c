/* What every verb shares; see cli.h. */
#include "common/cli.h"

#include <errno.h>
#include <omp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/num.h"
#include "common/plain.h"

static volatile sig_atomic_t caught;

static const struct argp_option options[] = {
    {"quiet", 'q', NULL, 0, "No progress and no notes on standard error", 100},
    {"threads", 't', "N", 0, "Threads to use (default: one per core)", 100},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct pk_cli *cli = state->input;
    uint64_t n;
    switch (key) {
    case 'q':
        cli->quiet = true;
        return 0;
    case 't':
        if (!pk_parse_u64(arg, 1, 4096, &n))
            argp_error(state, "--threads takes a whole number from 1 to 4096");
        else
            cli->threads = (size_t)n;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp shared = {.options = options, .parser = parse};

/* The parent of the verb's parser and of the shared one; argp hands a child
 * no input unless its parent does so. */
static error_t parse_top(int key, char *arg, struct argp_state *state)
{
    (void)arg;
    if (key != ARGP_KEY_INIT)
        return ARGP_ERR_UNKNOWN;
    for (int i = 0; i < 2; i++)
        state->child_inputs[i] = state->input;
    return 0;
}

void pk_cli_parse(const struct argp *argp, int argc, char **argv,
                  struct pk_cli *cli)
{
    struct argp own = *argp;
    own.doc = own.args_doc = NULL;
    struct argp_child children[] = {
        {&own, 0, NULL, 0}, {&shared, 0, NULL, 0}, {0}};
    struct argp top = {.parser = parse_top,
                       .args_doc = argp->args_doc,
                       .doc = argp->doc,
                       .children = children};
    argp_err_exit_status = 2;
    argp_parse(&top, argc, argv, 0, NULL, cli);
    if (cli->threads)
        omp_set_num_threads((int)cli->threads);
}

static void say(const struct pk_cli *cli, const char *fmt, va_list ap)
{
    char *text = NULL;
    fprintf(stderr, "prefkit: %s: ", cli->verb);
    /* It may quote a file: that must not speak to the terminal. */
    if (vasprintf(&text, fmt, ap) >= 0) {
        pk_plain_name(stderr, text);
        free(text);
    }
    fputc('\n', stderr);
}

error_t pk_cli_args(int key, char *arg, struct argp_state *state,
                    const struct pk_cli_arg *args)
{
    if (key != ARGP_KEY_ARG && key != ARGP_KEY_END)
        return ARGP_ERR_UNKNOWN;
    while (args->name && *args->slot)
        args++;
    if (key == ARGP_KEY_ARG && !args->name)
        argp_error(state, "'%s' is one argument too many", arg);
    else if (key == ARGP_KEY_ARG)
        *args->slot = arg;
    else if (args->name)
        argp_error(state, "%s is missing", args->name);
    return 0;
}

const char **pk_cli_list(int argc, const struct pk_cli *cli)
{
    struct pk_err err;
    const char **list = pk_calloc((size_t)argc, sizeof *list);
    if (!list) {
        pk_fail_mem(&err, "the arguments");
        exit(pk_cli_fail(cli, &err));
    }
    return list;
}

void pk_note(const struct pk_cli *cli, const char *fmt, ...)
{
    va_list ap;
    if (cli->quiet)
        return;
    va_start(ap, fmt);
    say(cli, fmt, ap);
    va_end(ap);
}

void pk_note_anew(const struct pk_cli *cli, const char *output)
{
    if (access(output, F_OK) == 0)
        pk_note(cli,
                "no run into %s is unfinished, and it is there: computing it "
                "anew",
                output);
}

void pk_warn(const struct pk_cli *cli, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(cli, fmt, ap);
    va_end(ap);
}

int pk_cli_fail(const struct pk_cli *cli, const struct pk_err *err)
{
    pk_warn(cli, "%s", err->text);
    if (err->code == PK_EINTR && caught) {
        signal(caught, SIG_DFL);
        raise(caught);
    }
    return pk_exit_status(err->code);
}

int pk_cli_finish(const struct pk_cli *cli, int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    pk_warn(cli, "cannot write standard output: %s", strerror(errno));
    return 4;
}

static void on_signal(int sig)
{
    caught = sig;
}

void pk_catch_signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal,
                           .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    /* Under nohup it stays ignored. */
    struct sigaction hup;
    if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &sa, NULL);
}

bool pk_interrupted(void)
{
    return caught != 0;
}

int pk_check_interrupt(struct pk_err *err)
{
    return caught
               ? pk_fail(err, PK_EINTR, "interrupted by signal %d", (int)caught)
               : 0;
}
