/* What bpe_build.c makes of a vocabulary, and bpe.c looks up. Private to those
 * two.
 *
 * A symbol is what the text is made of while it is being merged: a piece
 * (numbered as its id), or a single character that is part of pieces but none
 * itself (numbered after them). Any other character is BPE_NONE. */
#ifndef PREFKIT_INFER_TEXT_BPE_TABLES_H
#define PREFKIT_INFER_TEXT_BPE_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "infer/text/spm.h"

#define BPE_NONE UINT32_MAX

struct bpe_symbol {
    uint32_t offset, len; /* in infer_bpe.text */
    uint32_t rank;        /* 0 merges first; equal scores, equal ranks */
    bool usable;          /* ordinary text can become it */
    bool whole;           /* its text alone encodes to it */
};

struct bpe_slot {
    uint32_t hash, symbol; /* symbol BPE_NONE: free */
};

struct bpe_pair {
    uint32_t left, right, merged; /* merged BPE_NONE: free */
};

struct infer_bpe {
    const struct infer_spm *m;
    struct bpe_symbol *symbol;
    size_t symbols, symbols_cap;
    char *text; /* of all symbols, in normal form */
    size_t text_len, text_cap;
    struct bpe_slot *slot; /* usable symbols, open addressing, by text */
    size_t slot_mask;
    struct bpe_pair *pair; /* open addressing, by the two halves */
    size_t pair_mask;
    uint32_t *user; /* user-defined pieces, sorted by text */
    size_t users;
    uint32_t ascii[128]; /* the symbols of single bytes */
    bool unused;         /* there are UNUSED pieces */
    /* No piece has a space after another character, so that text may be cut
     * before every space that follows something else: no merge crosses it. */
    bool cuttable;
};

/* Eight bytes at a time; a word is hashed as often as it is read. */
static inline uint32_t bpe_hash(const char *s, size_t n)
{
    const uint64_t k = 0x9E3779B97F4A7C15u;
    uint64_t h = n * k, v = 0;
    for (; n > 8; s += 8, n -= 8) {
        __builtin_memcpy(&v, s, 8);
        h = (h ^ v) * k;
        h ^= h >> 29;
    }
    v = 0;
    if (n >= 4) {
        uint32_t lo, hi;
        __builtin_memcpy(&lo, s, 4);
        __builtin_memcpy(&hi, s + n - 4, 4);
        v = (uint64_t)hi << 32 | lo;
    } else if (n > 0) {
        v = (uint64_t)(unsigned char)s[0] |
            (uint64_t)(unsigned char)s[n / 2] << 8 |
            (uint64_t)(unsigned char)s[n - 1] << 16;
    }
    h = (h ^ v) * k;
    h ^= h >> 29;
    return (uint32_t)((h * k) >> 32);
}

static inline size_t bpe_pair_hash(uint32_t left, uint32_t right)
{
    uint64_t h = ((uint64_t)left << 32 | right) * 0x9E3779B97F4A7C15u;
    return (size_t)(h >> 32);
}

/* The usable symbol with this text, or BPE_NONE. */
static inline uint32_t bpe_find(const struct infer_bpe *b, const char *s,
                                size_t n)
{
    uint32_t h = bpe_hash(s, n);
    for (size_t i = h & b->slot_mask;; i = (i + 1) & b->slot_mask) {
        struct bpe_slot slot = b->slot[i];
        if (slot.symbol == BPE_NONE)
            return BPE_NONE;
        const struct bpe_symbol *y = &b->symbol[slot.symbol];
        if (slot.hash == h && y->len == n &&
            __builtin_memcmp(b->text + y->offset, s, n) == 0)
            return slot.symbol;
    }
}

/* What two neighbours merge into, or BPE_NONE. */
static inline uint32_t bpe_merge(const struct infer_bpe *b, uint32_t left,
                                 uint32_t right)
{
    for (size_t i = bpe_pair_hash(left, right) & b->pair_mask;;
         i = (i + 1) & b->pair_mask) {
        const struct bpe_pair *p = &b->pair[i];
        if (p->merged == BPE_NONE || (p->left == left && p->right == right))
            return p->merged;
    }
}

/* Everything but the `whole` marks. */
PK_NODISCARD int infer_bpe_build(struct infer_bpe *b, struct pk_err *err);

#endif
