/* Progress on standard error: a line that is redrawn (rate, ETA) when that is
 * a terminal, a plain line every ten seconds when it is not, nothing with
 * --quiet or before the first second has passed.
 *
 *     struct pk_progress p;
 *     pk_progress_start(&p, cli, "rows", total);   total 0: not known
 *     pk_progress_at(&p, done);                    cheap; call it often
 *     pk_progress_end(&p);                         takes the line away
 */
#ifndef PREFKIT_COMMON_PROGRESS_H
#define PREFKIT_COMMON_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cli.h"

struct pk_progress {
    const struct pk_cli *cli;
    const char *unit;
    uint64_t total, skipped;
    double started, drawn; /* seconds, monotonic */
    bool tty, shown;
};

void pk_progress_start(struct pk_progress *p, const struct pk_cli *cli,
                       const char *unit, uint64_t total);
/* So much was done before: it counts, and tells nothing of the rate. */
void pk_progress_skip(struct pk_progress *p, uint64_t done);
void pk_progress_at(struct pk_progress *p, uint64_t done);
/* The same where the total is not known in that unit: `part` of the whole work
 * is done, 0 to 1; 0 when that is not known either. */
void pk_progress_part(struct pk_progress *p, uint64_t done, double part);
void pk_progress_end(struct pk_progress *p);

/* Seconds on the monotonic clock. */
double pk_now(void);

#endif
