/* What the forms of a report share; see print.h. */
#include "rm/report/print.h"

#include "common/plain.h"

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void rm_put_html(FILE *f, const char *s, size_t len)
{
    struct pk_piece p;
    for (size_t i = 0; i < len; i += p.bytes) {
        pk_piece(s + i, len - i, &p);
        if (s[i] == '\n' || s[i] == '\t') /* shown as they are */
            snprintf(p.text, sizeof p.text, "%c", s[i]);
        for (const char *c = p.text; *c; c++)
            if (entity(*c))
                fputs(entity(*c), f);
            else
                fputc(*c, f);
    }
}

struct rm_share rm_share_of(const struct rm_hits *h)
{
    double share, low, high;
    rm_hits_share(h, &share, &low, &high);
    return (struct rm_share){100 * share, 100 * low, 100 * high};
}

const char *rm_role_name(enum prefdb_role role)
{
    static const char *const names[] = {[PREFDB_SYSTEM] = "system",
                                        [PREFDB_USER] = "user",
                                        [PREFDB_ASSISTANT] = "assistant"};
    return names[role];
}

bool rm_finder_useful(const struct rm_finder *f)
{
    return f->unsafe > 0 && f->unsafe < f->n;
}

const char *rm_gap_name(int i)
{
    return i == RM_STRENGTHS - 1 ? "unstated" : prefdb_strength_name(i);
}

void rm_put_left_out(FILE *f, const struct rm_left_out *l, const char *before)
{
    for (int i = 0; i < RM_N_REASONS; i++) {
        if (!l->n[i])
            continue;
        fprintf(f, "%s%llu %s", before, (unsigned long long)l->n[i],
                rm_reason_words((enum rm_reason)i));
        before = ", ";
    }
}
