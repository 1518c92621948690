/* Private to prefdb/: a record's uids, and its JSON as text: all that can be
 * worked out without a store, and so beside one that is busy writing. */
#ifndef PREFKIT_PREFDB_STORE_KEYS_H
#define PREFKIT_PREFDB_STORE_KEYS_H

#include "prefdb/store/record.h"

struct prefdb__turn_key {
    uint8_t uid[PREFDB__UID], hash[32];
};

struct prefdb__rating_key {
    uint8_t uid[PREFDB__UID];
    char *extra; /* owned, or NULL */
};

struct prefdb__response_key {
    struct prefdb__turn_key turn;
    uint8_t uid[PREFDB__UID];
    char *extra; /* owned, or NULL */
    struct prefdb__rating_key *ratings;
    size_t n_ratings, cap_ratings;
};

struct prefdb__judgment_key {
    uint8_t digest[32];  /* its first bytes are the uid */
    char *flags, *extra; /* owned, or NULL */
};

struct prefdb__keys {
    struct prefdb__turn_key *turns; /* of the context */
    size_t n_turns, cap_turns;
    struct prefdb__response_key a, b;
    uint8_t comparison[PREFDB__UID], root[PREFDB__UID];
    char *extra;
    struct prefdb__judgment_key *judgments;
    size_t n_judgments, cap_judgments;
};

/* A record that has its keys. */
struct prefdb__keyed {
    const struct prefdb__record *record; /* NULL: none */
    const struct prefdb__keys *keys;
};

/* Fill the keys (all zeroes, or used before) of a checked record, whose a and
 * b are exchanged where the store has them the other way round. The turns that
 * it begins with as `before` does need not be hashed again. */
PK_NODISCARD int prefdb__keys_of(struct prefdb__keys *k, struct pk_sha256 *h,
                                 struct prefdb__record *r,
                                 const struct prefdb__keyed *before,
                                 struct pk_err *err);
void prefdb__keys_release(struct prefdb__keys *k);

/* One judgment's, on the comparison with that uid. Release also after an
 * error. */
PK_NODISCARD int prefdb__judgment_key_of(struct prefdb__judgment_key *k,
                                         struct pk_sha256 *h,
                                         const uint8_t comparison[PREFDB__UID],
                                         const struct prefdb__judgment *j,
                                         struct pk_err *err);
void prefdb__judgment_key_release(struct prefdb__judgment_key *k);

#endif
