/* Bradley-Terry: does a finite maximum exist, and where is it; see ranking.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "prefdb/stats/ranking.h"

double prefdb__elo(double theta)
{
    return 1000 + 400 / log(10) * theta;
}

double prefdb__elo_expected(double a, double b)
{
    return 1 / (1 + pow(10, (b - a) / 400));
}

double prefdb__elo_after(double rating, const double *others,
                         const double *scores, size_t n, double k)
{
    double more = 0; /* than was expected */
    for (size_t i = 0; i < n; i++)
        more += scores[i] - prefdb__elo_expected(rating, others[i]);
    return rating + k * more;
}

/* How many models are reached from model 0 along wins (or losses). */
static size_t reach(const struct prefdb__battles *b, bool losses, bool *seen,
                    size_t *stack)
{
    size_t n = b->n, depth = 1, count = 1;
    memset(seen, 0, n);
    seen[0] = true;
    stack[0] = 0;
    while (depth) {
        size_t i = stack[--depth];
        for (size_t j = 0; j < n; j++) {
            double w = losses ? b->wins[j * n + i] : b->wins[i * n + j];
            if (seen[j] || w <= 0)
                continue;
            seen[j] = true;
            stack[depth++] = j;
            count++;
        }
    }
    return count;
}

int prefdb__bt_finite(const struct prefdb__battles *b, bool *finite,
                      struct pk_err *err)
{
    *finite = b->n > 0;
    if (b->n < 2)
        return 0;
    bool *seen = pk_calloc(b->n, sizeof *seen);
    size_t *stack = pk_calloc(b->n, sizeof *stack);
    bool ok = seen && stack;
    if (ok)
        *finite = reach(b, false, seen, stack) == b->n &&
                  reach(b, true, seen, stack) == b->n;
    free(seen);
    free(stack);
    return ok ? 0 : pk_fail_mem(err, "the models");
}

static double log_sigma(double x)
{
    return x >= 0 ? -log1p(exp(-x)) : x - log1p(exp(x));
}

double prefdb__bt_log_likelihood(const struct prefdb__battles *b,
                                 const double *theta)
{
    double sum = 0;
    for (size_t i = 0; i < b->n; i++)
        for (size_t j = 0; j < b->n; j++)
            if (b->wins[i * b->n + j] > 0)
                sum += b->wins[i * b->n + j] * log_sigma(theta[i] - theta[j]);
    return sum;
}

static double objective(const struct prefdb__battles *b, double penalty,
                        const double *theta)
{
    double squares = 0;
    for (size_t i = 0; i < b->n; i++)
        squares += theta[i] * theta[i];
    return prefdb__bt_log_likelihood(b, theta) - 0.5 * penalty * squares;
}

/* The gradient, and the negated Hessian h (n, n). Without a penalty the
 * likelihood does not see a common shift; `ridge` on every entry pins the sum
 * of theta at zero and changes nothing else. */
static void derive(const struct prefdb__battles *b, double penalty,
                   const double *theta, double *gradient, double *h)
{
    size_t n = b->n;
    double ridge = penalty > 0 ? 0 : 1;
    for (size_t i = 0; i < n; i++) {
        gradient[i] = -penalty * theta[i];
        for (size_t j = 0; j < n; j++)
            h[i * n + j] = ridge + (i == j ? penalty : 0);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            double won = b->wins[i * n + j];
            double times = won + b->wins[j * n + i];
            if (times <= 0)
                continue;
            double p = 1 / (1 + exp(theta[j] - theta[i]));
            double info = times * p * (1 - p);
            gradient[i] += won - times * p;
            gradient[j] -= won - times * p;
            h[i * n + i] += info;
            h[j * n + j] += info;
            h[i * n + j] -= info;
            h[j * n + i] -= info;
        }
}

/* h = L L', in its lower half. False when h is not positive definite. */
static bool cholesky(double *h, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++) {
            double s = h[i * n + j];
            for (size_t k = 0; k < j; k++)
                s -= h[i * n + k] * h[j * n + k];
            if (i == j && !(s > 0))
                return false;
            h[i * n + j] = i == j ? sqrt(s) : s / h[j * n + j];
        }
    }
    return true;
}

/* x becomes the solution of L L' y = x. */
static void solve(const double *l, size_t n, double *x)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            x[i] -= l[i * n + k] * x[k];
        x[i] /= l[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            x[i] -= l[k * n + i] * x[k];
        x[i] /= l[i * n + i];
    }
}

/* The errors of abilities relative to the base (or to the mean of all): a
 * contrast sees nothing of the pinned shift. */
static void errors(const double *l, size_t n, int64_t base, double *x,
                   double *se)
{
    for (size_t i = 0; i < n; i++) {
        double mean = 0, of_base;
        for (size_t k = 0; k < n; k++)
            x[k] = (k == i) - (base < 0 ? 1 / (double)n : k == (size_t)base);
        solve(l, n, x);
        for (size_t k = 0; k < n; k++)
            mean += x[k] / (double)n;
        of_base = base < 0 ? mean : x[base];
        se[i] = sqrt(fmax(0, x[i] - of_base));
    }
}

struct newton {
    double *step, *next, *h;
};

static int iterate(const struct prefdb__battles *b, double penalty,
                   double *theta, const struct newton *w, struct pk_err *err)
{
    size_t n = b->n;
    double at = objective(b, penalty, theta);
    for (int round = 0; round < 200; round++) {
        double largest = 0, scale = 1, to;
        derive(b, penalty, theta, w->step, w->h);
        if (!cholesky(w->h, n))
            return pk_fail(err, PK_EDATA,
                           "the models' wins have no finite fit");
        solve(w->h, n, w->step);
        do {
            for (size_t i = 0; i < n; i++)
                w->next[i] = theta[i] + scale * w->step[i];
            to = objective(b, penalty, w->next);
            scale *= 0.5;
        } while (to < at - 1e-13 * fabs(at) && scale > 1e-9);
        for (size_t i = 0; i < n; i++)
            largest = fmax(largest, fabs(w->next[i] - theta[i]));
        memcpy(theta, w->next, n * sizeof *theta);
        at = to;
        if (largest < 1e-10)
            break;
    }
    return 0;
}

int prefdb__bt_fit(const struct prefdb__battles *b, double penalty,
                   int64_t base, double *theta, double *se, struct pk_err *err)
{
    struct newton w = {pk_calloc(b->n, sizeof(double)),
                       pk_calloc(b->n, sizeof(double)), NULL};
    size_t cells;
    double zero = 0;
    w.h =
        pk_mul_size(b->n, b->n, &cells) ? pk_calloc(cells, sizeof *w.h) : NULL;
    int rc = w.step && w.next && w.h ? iterate(b, penalty, theta, &w, err)
                                     : pk_fail_mem(err, "the models");
    if (!rc && se)
        errors(w.h, b->n, base, w.step, se);
    for (size_t i = 0; i < b->n && base < 0; i++)
        zero += theta[i] / (double)b->n;
    if (base >= 0)
        zero = theta[base];
    for (size_t i = 0; i < b->n; i++)
        theta[i] -= zero;
    free(w.step);
    free(w.next);
    free(w.h);
    return rc;
}
