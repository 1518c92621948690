/* Warm-up and cosine; see schedule.h. */
#include "rm/train/schedule.h"

#include <math.h>

struct rm_schedule rm_schedule_make(double max, size_t steps, double warmup)
{
    enum { LEAST = 5 };
    /* The small subtraction keeps 3% of 200 at 6, not ceil(6.0000000000001). */
    double w = ceil(warmup * (double)steps - 1e-9);
    return (struct rm_schedule){.max = max,
                                .floor = 0.1,
                                .steps = steps,
                                .warmup = w < LEAST ? LEAST : (size_t)w};
}

double rm_schedule_at(const struct rm_schedule *s, size_t step)
{
    const double pi = 3.14159265358979323846;
    if (step <= s->warmup)
        return s->max * (double)step / (double)s->warmup;
    double done = (double)(step - s->warmup) / (double)(s->steps - s->warmup);
    double cosine = 0.5 * (1 + cos(pi * done));
    return s->max * (s->floor + (1 - s->floor) * cosine);
}
