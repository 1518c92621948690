/* The ranking loss: Llama 2 (arXiv 2307.09288), equations 1 and 2, Table 27. */
#include "rm/loss.h"

#include <math.h>
#include <string.h>

#include "prefdb/prefdb.h"

static const struct {
    const char *name;
    double by_strength[4]; /* negligibly .. significantly better */
} margins[] = {
    [RM_MARGIN_NONE] = {"none", {0, 0, 0, 0}},
    [RM_MARGIN_SMALL] = {"small", {0, 1.0 / 3, 2.0 / 3, 1}},
    [RM_MARGIN_LARGE] = {"large", {0, 1, 2, 3}},
};

enum { N_MARGINS = sizeof margins / sizeof margins[0] };

const char *rm_margin_name(enum rm_margin m)
{
    return margins[m].name;
}

bool rm_parse_margin(const char *s, enum rm_margin *out)
{
    for (int i = 0; i < N_MARGINS; i++) {
        if (strcmp(s, margins[i].name) == 0) {
            *out = (enum rm_margin)i;
            return true;
        }
    }
    return false;
}

double rm_margin_of(enum rm_margin m, int strength)
{
    if (strength == PREFDB_UNSTATED)
        return 0;
    return margins[m].by_strength[strength];
}

double rm_loss(double chosen, double rejected, double margin, double *slope)
{
    double z = chosen - rejected - margin;
    /* e <= 1 whatever the sign of z, so nothing overflows. */
    double e = exp(-fabs(z));
    if (slope)
        *slope = z > 0 ? -e / (1 + e) : -1 / (1 + e);
    return z > 0 ? log1p(e) : log1p(e) - z;
}
