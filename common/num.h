/* Numbers from text, with every check: the whole string, in range. */
#ifndef PREFKIT_COMMON_NUM_H
#define PREFKIT_COMMON_NUM_H

#include <stdbool.h>
#include <stdint.h>

/* False when `s` is not one number, or is outside [min, max]. */
bool pk_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out);
bool pk_parse_double(const char *s, double min, double max, double *out);

/* The Wilson score interval of k successes in n trials, z = 1.959963984540054
 * (95%), clipped to [0, 1]. n = 0 gives [0, 1]. (Wilson 1927.) */
void pk_wilson(uint64_t k, uint64_t n, double *low, double *high);
/* The same for a share p of n trials, where n is an effective number. */
void pk_wilson_of(double p, double n, double *low, double *high);

#endif
