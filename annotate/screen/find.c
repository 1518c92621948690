/* Search on the screen: /, n and N, through the panes in the order of Tab. What
 * is sought stays sought in the pairs that follow, but nothing in them is
 * marked before n or N asks for it. */
#include <stdio.h>
#include <string.h>

#include "annotate/screen/view.h"

static int find_all(struct annotate__view *v, struct pk_err *err)
{
    int rc = 0;
    annotate__hits_release(&v->hits);
    for (int pane = 0; pane < ANNOTATE__N_PANES && !rc; pane++) {
        const struct annotate__doc *d = &v->docs[pane];
        for (size_t i = 0; i < d->n_parts && !rc; i++)
            rc = annotate__hits_add(&v->hits, &v->sought, pane, i,
                                    d->parts[i].text, d->parts[i].len, err);
    }
    v->hits.at = v->hits.n;
    return rc;
}

static void go(struct annotate__view *v, size_t to, bool around)
{
    static const char *const where[] = {"left", "right", "conversation"};
    const struct annotate__hit *h = &v->hits.v[to];
    v->hits.at = to;
    annotate__view_show(v, h->pane, h->part, h->from);
    snprintf(v->message, sizeof v->message, "match %zu of %zu, %s%s", to + 1,
             v->hits.n, where[h->pane], around ? ", from the other end" : "");
}

/* The first match from the top of the pane in focus on, or the last before. */
static void go_from_here(struct annotate__view *v, bool back)
{
    size_t n = v->hits.n;
    size_t at = annotate__hits_after(
        &v->hits, (int)v->focus, v->tops[v->focus].part, v->tops[v->focus].at);
    if (back)
        go(v, at ? at - 1 : n - 1, at == 0);
    else
        go(v, at < n ? at : 0, at == n);
}

int annotate__view_find(struct annotate__view *v, bool back, struct pk_err *err)
{
    if (!v->sought.n) {
        snprintf(v->message, sizeof v->message, "/ searches");
        return 0;
    }
    int rc = v->hits.n ? 0 : find_all(v, err);
    size_t n = v->hits.n, at = v->hits.at;
    if (rc)
        return rc;
    if (!n)
        snprintf(v->message, sizeof v->message, "not found in this pair");
    else if (at == n)
        go_from_here(v, back);
    else if (back)
        go(v, at ? at - 1 : n - 1, at == 0);
    else
        go(v, at + 1 < n ? at + 1 : 0, at + 1 == n);
    return 0;
}

int annotate__view_search(struct annotate__view *v, struct pk_err *err)
{
    char text[256] = "";
    bool ok;
    int rc = annotate__ask_line(v, "/", text, sizeof text, &ok, err);
    if (rc || !ok)
        return rc;
    annotate__hits_release(&v->hits);
    if (!*text) { /* the marks go, what was sought stays */
        snprintf(v->message, sizeof v->message, "nothing is marked");
        return 0;
    }
    if (!annotate__pattern(&v->sought, text)) {
        snprintf(v->message, sizeof v->message, "that is too long to search");
        return 0;
    }
    return annotate__view_find(v, false, err);
}
