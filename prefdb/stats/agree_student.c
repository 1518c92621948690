/* Student's t distribution, through the regularised incomplete beta function
 * (its continued fraction, by Lentz's method). */
#include "prefdb/stats/agree.h"

#include <math.h>

static double not_zero(double x)
{
    return fabs(x) < 1e-300 ? 1e-300 : x;
}

/* The continued fraction of I_x(a, b); converges fast for x < (a+1)/(a+b+2). */
static double fraction(double a, double b, double x)
{
    double c = 1, d = 1 / not_zero(1 - (a + b) * x / (a + 1)), h = d;
    for (int m = 1; m < 10000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd =
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / not_zero(1 + even * d);
        c = not_zero(1 + even / c);
        h *= d * c;
        d = 1 / not_zero(1 + odd * d);
        c = not_zero(1 + odd / c);
        h *= d * c;
        if (fabs(d * c - 1) < 1e-15)
            break;
    }
    return h;
}

static double log_gamma(double x)
{
    int sign; /* lgamma would write a global */
    return lgamma_r(x, &sign);
}

/* I_x(a, b); y = 1 - x, given so that none of it is lost. */
static double beta(double a, double b, double x, double y)
{
    if (x <= 0 || y <= 0)
        return x <= 0 ? 0 : 1;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) +
                       a * log(x) + b * log(y));
    return x < (a + 1) / (a + b + 2) ? front * fraction(a, b, x) / a
                                     : 1 - front * fraction(b, a, y) / b;
}

double prefdb__t_tail(double t, double df)
{
    double half =
        0.5 * beta(0.5 * df, 0.5, df / (df + t * t), t * t / (df + t * t));
    return t >= 0 ? half : 1 - half;
}

double prefdb__t_quantile(double tail, double df)
{
    double low = 0, high = 1;
    while (prefdb__t_tail(high, df) > tail && high < 1e300) {
        low = high;
        high *= 2;
    }
    for (int i = 0; i < 100 && high - low > 1e-15 * high; i++) {
        double mid = 0.5 * (low + high);
        if (prefdb__t_tail(mid, df) > tail)
            low = mid;
        else
            high = mid;
    }
    return 0.5 * (low + high);
}
