/* The score head: one number per read-out, without a bias. */
#include "infer/infer.h"

void infer_score(const struct infer_config *c, const struct infer_weights *w,
                 const float *hidden, size_t n, double *out)
{
    for (size_t r = 0; r < n; r++) {
        double sum = 0;
        for (size_t i = 0; i < c->dim; i++)
            sum += (double)hidden[r * c->dim + i] * (double)w->head.f32[i];
        out[r] = sum;
    }
}

void infer_score_backward(const struct infer_config *c,
                          const struct infer_weights *w, const float *hidden,
                          size_t n, const double *dout, float *dhidden,
                          struct infer_weights *g)
{
    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i < c->dim; i++)
            dhidden[r * c->dim + i] = (float)(dout[r] * (double)w->head.f32[i]);
    for (size_t i = 0; i < c->dim; i++) {
        double sum = 0;
        for (size_t r = 0; r < n; r++)
            sum += dout[r] * (double)hidden[r * c->dim + i];
        g->head.f32[i] += (float)sum;
    }
}
