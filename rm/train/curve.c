/* The course of a training run as a drawing; see curve.h. */
#include "rm/train/curve.h"

#include <math.h>

#include "common/out.h"

enum { WIDTH = 720, LEFT = 60, RIGHT = 20, PANEL = 200, TOP = 40, GAP = 40 };

/* One of the two drawings. */
struct panel {
    FILE *f;
    const struct rm_record *r;
    const char *name;
    size_t train, valid; /* offsets in struct rm_point */
    double low, high;    /* of the axis */
    double y0;           /* its upper edge */
};

static double value(const struct rm_point *p, size_t offset)
{
    return *(const double *)(const void *)((const char *)p + offset);
}

static double x_of(const struct rm_record *r, double step)
{
    double last = r->n > 1 ? r->point[r->n - 1].step : 2;
    return LEFT + (WIDTH - LEFT - RIGHT) * (step - 1) / (last - 1);
}

static double y_of(const struct panel *p, double v)
{
    return p->y0 + PANEL * (p->high - v) / (p->high - p->low);
}

/* The range of all finite values. */
static void find_range(struct panel *p)
{
    p->low = INFINITY;
    p->high = -INFINITY;
    for (size_t i = 0; i < p->r->n; i++) {
        double v[2] = {value(&p->r->point[i], p->train),
                       value(&p->r->point[i], p->valid)};
        for (int k = 0; k < 2; k++) {
            if (!isfinite(v[k]))
                continue;
            p->low = v[k] < p->low ? v[k] : p->low;
            p->high = v[k] > p->high ? v[k] : p->high;
        }
    }
    if (!(p->high > p->low)) {
        p->low = isfinite(p->low) ? p->low - 0.5 : 0;
        p->high = p->low + 1;
    }
}

static void put_axes(const struct panel *p)
{
    enum { LINES = 4 };
    fprintf(p->f, "<text x=\"%d\" y=\"%g\" class=\"name\">%s</text>\n",
            (int)LEFT, p->y0 - 8, p->name);
    for (int i = 0; i <= LINES; i++) {
        double v = p->low + (p->high - p->low) * i / LINES, y = y_of(p, v);
        fprintf(p->f,
                "<path d=\"M%d %.1fH%d\" class=\"grid\"/>"
                "<text x=\"%d\" y=\"%.1f\" class=\"tick\">%.3g</text>\n",
                (int)LEFT, y, WIDTH - RIGHT, LEFT - 6, y + 4, v);
    }
}

/* A line through the training values, each the mean of those up to `back`
 * before it. */
static void put_line(const struct panel *p, size_t back, const char *class)
{
    fprintf(p->f, "<path class=\"%s\" d=\"", class);
    char move = 'M';
    for (size_t i = 0; i < p->r->n; i++) {
        double sum = 0, n = 0;
        for (size_t j = i > back ? i - back : 0; j <= i; j++) {
            double v = value(&p->r->point[j], p->train);
            if (isfinite(v)) {
                sum += v;
                n++;
            }
        }
        if (n == 0)
            continue;
        fprintf(p->f, "%c%.1f %.1f", move, x_of(p->r, p->r->point[i].step),
                y_of(p, sum / n));
        move = 'L';
    }
    fputs("\"/>\n", p->f);
}

static void put_dots(const struct panel *p, size_t offset, const char *class)
{
    for (size_t i = 0; i < p->r->n; i++) {
        double v = value(&p->r->point[i], offset);
        if (isfinite(v))
            fprintf(p->f,
                    "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\">"
                    "<title>step %g: %.4f</title></circle>\n",
                    class, x_of(p->r, p->r->point[i].step), y_of(p, v),
                    p->r->point[i].step, v);
    }
}

static void put_panel(struct panel *p)
{
    find_range(p);
    put_axes(p);
    put_line(p, 0, "batch");
    put_line(p, p->r->n / 20, "mean");
    if (p->r->n == 1) /* no line goes through one point */
        put_dots(p, p->train, "only");
    put_dots(p, p->valid, "valid");
}

static void put_text(FILE *f, const char *s)
{
    for (; *s; s++) {
        if (*s == '<' || *s == '>' || *s == '&')
            fprintf(f, "&#%d;", *s);
        else
            fputc(*s, f);
    }
}

static void put_drawing(FILE *f, const struct rm_record *r, const char *title)
{
    int height = TOP + 2 * PANEL + GAP + 50;
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
            "font-family=\"sans-serif\" font-size=\"12\">\n<style>"
            "text{fill:#333}.name{font-weight:bold}.tick{text-anchor:end}"
            ".grid{stroke:#ddd}path{fill:none}.batch{stroke:#9bb8d9}"
            ".mean{stroke:#1f5fa8;stroke-width:2}.only{fill:#1f5fa8}"
            ".valid{fill:#c8452b;stroke:#fff}</style>\n"
            "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n<title>",
            (int)WIDTH, height, (int)WIDTH, height);
    put_text(f, title);
    fputs("</title>\n", f);
    struct panel loss = {.f = f,
                         .r = r,
                         .name = "loss (nats)",
                         .train = offsetof(struct rm_point, loss),
                         .valid = offsetof(struct rm_point, valid_loss),
                         .y0 = TOP};
    struct panel accuracy = {.f = f,
                             .r = r,
                             .name = "accuracy",
                             .train = offsetof(struct rm_point, accuracy),
                             .valid = offsetof(struct rm_point, valid_accuracy),
                             .y0 = TOP + PANEL + GAP};
    put_panel(&loss);
    put_panel(&accuracy);
    fprintf(f,
            "<text x=\"%d\" y=\"%d\">steps 1 to %zu; blue: training batches, "
            "red dots: validation; ",
            (int)LEFT, height - 20, r->n);
    put_text(f, title);
    fputs("</text>\n</svg>\n", f);
}

int rm_curve_write(const char *path, const struct rm_record *r,
                   const char *title, struct pk_err *err)
{
    struct pk_out *out;
    int rc = pk_out_open(&out, path, err);
    if (rc)
        return rc;
    put_drawing(pk_out_file(out), r, title);
    return pk_out_commit(&out, err);
}
