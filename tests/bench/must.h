/* What a benchmark does with an error: it says so and ends. */
#ifndef PREFKIT_TESTS_BENCH_MUST_H
#define PREFKIT_TESTS_BENCH_MUST_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/err.h"

static struct pk_err err;

static inline void must(int rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, err.text);
    exit(pk_exit_status(rc));
}

#endif
