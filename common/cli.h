/* What every verb shares: its messages, its options through argp, signals.
 *
 * A verb is `int room_cmd_name(int argc, char **argv)`, argv[0] being
 * "prefkit name", and returns an exit status. It parses with
 *
 *     static struct args { struct pk_cli cli; ... } a = {.cli.verb = "import"};
 *     pk_cli_parse(&argp, argc, argv, &a.cli);
 *
 * `struct pk_cli` is the first member of the verb's own arguments, which its
 * parser gets as state->input. Wrong usage (argp_error, or a missing argument)
 * ends the program with status 2 and two lines on standard error. */
#ifndef PREFKIT_COMMON_CLI_H
#define PREFKIT_COMMON_CLI_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/err.h"

struct pk_cli {
    const char *verb; /* "import" */
    bool quiet;       /* --quiet: no progress, no notes */
    size_t threads;   /* --threads N; 0: one per core */
};

/* Parse the verb's own options and --quiet and --threads, then set the number
 * of OpenMP threads. Does not return on wrong usage. `cli` is handed to the
 * verb's parser as state->input. */
void pk_cli_parse(const struct argp *argp, int argc, char **argv,
                  struct pk_cli *cli);

/* What a verb takes beside its options: `name` as args_doc has it, and where it
 * goes; ended by one without a name. */
struct pk_cli_arg {
    const char *name, **slot;
};

/* For the default of a verb's parser: each of these arguments once. One too few
 * or too many is wrong usage. */
error_t pk_cli_args(int key, char *arg, struct argp_state *state,
                    const struct pk_cli_arg *args);

/* Room for all arguments there can be, for the caller to free. Does not return
 * when out of memory. */
const char **pk_cli_list(int argc, const struct pk_cli *cli);

/* "prefkit: VERB: text" on standard error. Notes are silenced by --quiet. */
void pk_note(const struct pk_cli *cli, const char *fmt, ...) PK_PRINTF(2, 3);
void pk_warn(const struct pk_cli *cli, const char *fmt, ...) PK_PRINTF(2, 3);

/* A note, where --resume finds no unfinished run but an output that is whole:
 * all of it is computed again. */
void pk_note_anew(const struct pk_cli *cli, const char *output);

/* Print the error, and return the exit status for it. */
int pk_cli_fail(const struct pk_cli *cli, const struct pk_err *err);

/* The exit status after results went to standard output: `status`, or 4 with a
 * message when standard output could not be written. */
int pk_cli_finish(const struct pk_cli *cli, int status);

/* SIGINT, SIGTERM and SIGHUP set a flag, polled at safe points with
 * pk_interrupted; a second one ends the program at once. When work has ended
 * cleanly because of it, return PK_EINTR upwards: pk_cli_fail says so and
 * re-raises the signal. */
void pk_catch_signals(void);
bool pk_interrupted(void);

/* PK_EINTR with its message when a signal has come, else 0. */
int pk_check_interrupt(struct pk_err *err);

#endif
