/* Identity: what the hashes of record.h are made of. Every hash begins with the
 * name of what it hashes; every field has its length before it. */
#include <math.h>
#include <string.h>

#include "prefdb/store/record.h"

static void start(struct pk_sha256 *h, const char *what)
{
    pk_sha256_reset(h);
    pk_sha256_field(h, what, strlen(what));
}

/* NULL differs from "". */
static void opt_text(struct pk_sha256 *h, const char *s)
{
    pk_sha256_u64(h, s != NULL);
    if (s)
        pk_sha256_field(h, s, strlen(s));
}

/* NaN is "not stated"; -0 is 0. */
static void real(struct pk_sha256 *h, double x)
{
    uint64_t bits = 0;
    x += 0.0;
    if (!isnan(x))
        memcpy(&bits, &x, sizeof bits);
    pk_sha256_u64(h, !isnan(x));
    pk_sha256_u64(h, bits);
}

static void finish(struct pk_sha256 *h, uint8_t uid[PREFDB__UID])
{
    uint8_t full[32];
    pk_sha256_final(h, full);
    memcpy(uid, full, PREFDB__UID);
}

void prefdb__content_hash(struct pk_sha256 *h, const char *text, size_t len,
                          uint8_t out[32])
{
    start(h, "content");
    pk_sha256_field(h, text, len);
    pk_sha256_final(h, out);
}

void prefdb__turn_uid(struct pk_sha256 *h, const uint8_t *parent,
                      enum prefdb_role role, const uint8_t content[32],
                      uint8_t out[PREFDB__UID])
{
    start(h, "turn");
    pk_sha256_field(h, parent, parent ? PREFDB__UID : 0);
    opt_text(h, prefdb__role_name(role));
    pk_sha256_field(h, content, 32);
    finish(h, out);
}

void prefdb__response_uid(struct pk_sha256 *h, const uint8_t turn[PREFDB__UID],
                          const struct prefdb__response *r, const char *extra,
                          uint8_t out[PREFDB__UID])
{
    start(h, "response");
    pk_sha256_field(h, turn, PREFDB__UID);
    opt_text(h, r->model);
    real(h, r->temperature);
    real(h, r->top_p);
    pk_sha256_u64(h, r->has_seed);
    pk_sha256_u64(h, r->has_seed ? (uint64_t)r->seed : 0);
    opt_text(h, r->created);
    pk_sha256_u64(h, r->cut);
    opt_text(h, extra);
    finish(h, out);
}

void prefdb__comparison_uid(struct pk_sha256 *h,
                            const uint8_t prompt[PREFDB__UID],
                            const uint8_t a[PREFDB__UID],
                            const uint8_t b[PREFDB__UID], const char *source,
                            uint8_t out[PREFDB__UID])
{
    start(h, "comparison");
    pk_sha256_field(h, prompt, PREFDB__UID);
    pk_sha256_field(h, a, PREFDB__UID);
    pk_sha256_field(h, b, PREFDB__UID);
    opt_text(h, source);
    finish(h, out);
}

void prefdb__judgment_digest(struct pk_sha256 *h,
                             const uint8_t comparison[PREFDB__UID],
                             const struct prefdb__judgment *j,
                             const char *flags, const char *extra,
                             uint8_t out[32])
{
    start(h, "judgment");
    pk_sha256_field(h, comparison, PREFDB__UID);
    opt_text(h, prefdb_dimension_name(j->dimension));
    opt_text(h, j->choice < 0
                    ? NULL
                    : prefdb_choice_name((enum prefdb_choice)j->choice));
    pk_sha256_u64(h, (uint64_t)j->strength + 1);
    opt_text(h, j->label ? prefdb_label_name(j->label) : NULL);
    opt_text(h, j->shown_left < 0
                    ? NULL
                    : prefdb_choice_name((enum prefdb_choice)j->shown_left));
    real(h, j->seconds);
    opt_text(h, j->note);
    opt_text(h, flags);
    opt_text(h, j->guideline);
    opt_text(h, j->annotator);
    opt_text(h, j->created);
    pk_sha256_field(h, j->supersedes, j->has_supersedes ? PREFDB__UID : 0);
    opt_text(h, extra);
    pk_sha256_final(h, out);
}

void prefdb__rating_uid(struct pk_sha256 *h,
                        const uint8_t response[PREFDB__UID],
                        const struct prefdb__rating *r, const char *extra,
                        uint8_t out[PREFDB__UID])
{
    start(h, "rating");
    pk_sha256_field(h, response, PREFDB__UID);
    opt_text(h, r->attribute);
    real(h, r->value);
    real(h, r->low);
    real(h, r->high);
    opt_text(h, r->annotator);
    opt_text(h, r->created);
    opt_text(h, extra);
    finish(h, out);
}

void prefdb__chain_hash(struct pk_sha256 *h, const uint8_t origin[PREFDB__UID],
                        int64_t seq, const uint8_t prev[32],
                        const uint8_t digest[32], uint8_t out[32])
{
    start(h, "chain");
    pk_sha256_field(h, origin, PREFDB__UID);
    pk_sha256_u64(h, (uint64_t)seq);
    pk_sha256_field(h, prev, 32);
    pk_sha256_field(h, digest, 32);
    pk_sha256_final(h, out);
}

static bool keep(unsigned char c)
{
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

void prefdb__root_key(struct pk_sha256 *h, const char *text, size_t len,
                      uint8_t out[PREFDB__UID])
{
    char part[256];
    size_t n = 0;
    bool any = false;
    start(h, "root");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!keep(c))
            continue;
        any = true;
        part[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        if (n == sizeof part) {
            pk_sha256_raw(h, part, n);
            n = 0;
        }
    }
    pk_sha256_raw(h, part, n);
    if (!any)
        pk_sha256_raw(h, text, len);
    finish(h, out);
}

enum prefdb_split prefdb__split_of(const uint8_t root[PREFDB__UID])
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | root[i];
    v %= 10;
    return v < 8 ? PREFDB_TRAIN : v == 8 ? PREFDB_VALID : PREFDB_TEST;
}
