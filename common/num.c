/* Number parsing and the one interval that every room prints; see num.h. */
#include "common/num.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

bool pk_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
    char *end;
    if (!isdigit((unsigned char)s[0]))
        return false;
    errno = 0;
    unsigned long long v = strtoull(s, &end, 10);
    if (errno || *end || v < min || v > max)
        return false;
    *out = v;
    return true;
}

bool pk_parse_double(const char *s, double min, double max, double *out)
{
    char *end;
    if (!s[0] || isspace((unsigned char)s[0]))
        return false;
    errno = 0;
    double v = strtod(s, &end);
    if (errno || *end || !(v >= min && v <= max))
        return false;
    *out = v;
    return true;
}

void pk_wilson(uint64_t k, uint64_t n, double *low, double *high)
{
    pk_wilson_of(n ? (double)k / (double)n : 0, (double)n, low, high);
}

void pk_wilson_of(double p, double n, double *low, double *high)
{
    const double z = 1.959963984540054;
    *low = 0;
    *high = 1;
    if (!(n > 0))
        return;
    double d = 1 + z * z / n, centre = (p + z * z / (2 * n)) / d;
    double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d;
    *low = fmax(0, centre - half);
    *high = fmin(1, centre + half);
}
