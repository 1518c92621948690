/* Private to prefdb/: a comparison on its way into the store, whatever format
 * it came in, and the identity of its parts.
 *
 * Text is borrowed from the row that was read, and lives as long as it. Every
 * `extra` is owned by the record. */
#ifndef PREFKIT_PREFDB_STORE_RECORD_H
#define PREFKIT_PREFDB_STORE_RECORD_H

#include <math.h>

#include <cjson/cJSON.h>

#include "prefdb/store/store.h"

#define PREFDB__UID     16
#define PREFDB__UNKNOWN ((double)NAN) /* a number that is not stated */

/* A number that was said of one response by itself. */
struct prefdb__rating {
    const char *attribute;
    double value, low, high; /* the scale's ends, or PREFDB__UNKNOWN */
    const char *annotator;
    const char *created; /* NULL: not stated */
    cJSON *extra;
};

struct prefdb__response {
    struct prefdb_turn turn;
    const char *model, *created; /* NULL: not stated */
    double temperature, top_p;   /* or PREFDB__UNKNOWN */
    int64_t seed;
    bool has_seed, cut;
    cJSON *extra;
    struct prefdb__rating *ratings;
    size_t n_ratings, cap_ratings;
};

#define PREFDB__WITHDRAWN (-1) /* a choice: it only takes another one back */

struct prefdb__judgment {
    enum prefdb_dimension dimension;
    int choice; /* enum prefdb_choice or PREFDB__WITHDRAWN */
    int strength;
    enum prefdb_label label;
    int shown_left; /* PREFDB_A, PREFDB_B or -1: not stated */
    double seconds; /* or PREFDB__UNKNOWN */
    const char *annotator;
    const char *note, *guideline, *created; /* NULL: not stated */
    bool has_supersedes;
    uint8_t supersedes[PREFDB__UID];
    cJSON *flags; /* an array of strings, owned, or NULL */
    cJSON *extra;
};

struct prefdb__record {
    bool single; /* a response without a comparison: a, and nothing else */
    struct prefdb_turn *context; /* root first */
    size_t n_context, cap_context;
    struct prefdb__response a, b;
    struct prefdb__judgment *judgments;
    size_t n_judgments, cap_judgments;
    const char *source, *batch; /* NULL: not stated */
    int split;                  /* enum prefdb_split, or -1: by hash */
    cJSON *extra;
};

/* Empty it, keeping its arrays; all zeroes is a valid record to reset. */
void prefdb__record_reset(struct prefdb__record *r);
void prefdb__record_release(struct prefdb__record *r);

/* Append a turn. 0 or PK_EMEM. */
int prefdb__record_turn(struct prefdb__record *r, enum prefdb_role role,
                        const char *text, size_t len, struct pk_err *err);

/* A new judgment with nothing stated. NULL when out of memory. */
struct prefdb__judgment *prefdb__record_judgment(struct prefdb__record *r,
                                                 enum prefdb_dimension d,
                                                 int choice);

/* A new rating of a response, with nothing else stated. NULL when out of
 * memory. */
struct prefdb__rating *prefdb__response_rating(struct prefdb__response *r,
                                               const char *attribute,
                                               double value);

/* What no format may hand over: PK_EDATA with the reason. */
PK_NODISCARD int prefdb__record_check(const struct prefdb__record *r,
                                      struct pk_err *err);

/* The same for one judgment: do its parts go together? */
PK_NODISCARD int prefdb__judgment_check(const struct prefdb__judgment *j,
                                        struct pk_err *err);

/* Call b what was a, and a what was b. */
void prefdb__record_swap(struct prefdb__record *r);

/* ---- Identity (ids.c) ---------------------------------------------------- */

void prefdb__content_hash(struct pk_sha256 *h, const char *text, size_t len,
                          uint8_t out[32]);

/* `parent` NULL for a root. */
void prefdb__turn_uid(struct pk_sha256 *h, const uint8_t *parent,
                      enum prefdb_role role, const uint8_t content[32],
                      uint8_t out[PREFDB__UID]);

/* `extra`: the response's, as text, or NULL. */
void prefdb__response_uid(struct pk_sha256 *h, const uint8_t turn[PREFDB__UID],
                          const struct prefdb__response *r, const char *extra,
                          uint8_t out[PREFDB__UID]);

void prefdb__comparison_uid(struct pk_sha256 *h,
                            const uint8_t prompt[PREFDB__UID],
                            const uint8_t a[PREFDB__UID],
                            const uint8_t b[PREFDB__UID], const char *source,
                            uint8_t out[PREFDB__UID]);

/* Everything a judgment says, and about what; its first bytes are its uid. */
void prefdb__judgment_digest(struct pk_sha256 *h,
                             const uint8_t comparison[PREFDB__UID],
                             const struct prefdb__judgment *j,
                             const char *flags, const char *extra,
                             uint8_t out[32]);

void prefdb__rating_uid(struct pk_sha256 *h,
                        const uint8_t response[PREFDB__UID],
                        const struct prefdb__rating *r, const char *extra,
                        uint8_t out[PREFDB__UID]);

/* Its link in the chain of the store that wrote it; seq counts from 1, and
 * `prev` of the first is zero. */
void prefdb__chain_hash(struct pk_sha256 *h, const uint8_t origin[PREFDB__UID],
                        int64_t seq, const uint8_t prev[32],
                        const uint8_t digest[32], uint8_t out[32]);

/* The root prompt's letters and digits, ASCII in lower case, other bytes as
 * they are, hashed: prompts that differ in case, space or punctuation only
 * have one key. A prompt without any is taken whole. */
void prefdb__root_key(struct pk_sha256 *h, const char *text, size_t len,
                      uint8_t out[PREFDB__UID]);

/* 80% train, 10% valid, 10% test. */
enum prefdb_split prefdb__split_of(const uint8_t root[PREFDB__UID]);

#endif
