/* From a vocabulary to the tables that merging looks up; see bpe_tables.h. */
#include "infer/text/bpe_tables.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"

static const char *text_of(const struct infer_bpe *b, uint32_t symbol)
{
    return b->text + b->symbol[symbol].offset;
}

/* Append a symbol, its text in normal form. */
static int add_symbol(struct infer_bpe *b, const char *s, size_t n, bool usable,
                      struct pk_err *err)
{
    if (!pk_grow(&b->symbol, &b->symbols_cap, b->symbols + 1,
                 sizeof *b->symbol) ||
        !pk_grow(&b->text, &b->text_cap, b->text_len + n + 1, 1))
        return pk_fail_mem(err, "a tokenizer");
    const size_t from = b->text_len;
    for (size_t i = 0; i < n;) {
        bool space = n - i >= 3 && memcmp(s + i, SPM_SPACE, 3) == 0;
        b->text[b->text_len] = s[i];
        if (space)
            b->text[b->text_len] = ' ';
        b->text_len++;
        i += space ? 3 : 1;
    }
    b->symbol[b->symbols++] =
        (struct bpe_symbol){.offset = (uint32_t)from,
                            .len = (uint32_t)(b->text_len - from),
                            .rank = BPE_NONE,
                            .usable = usable};
    return 0;
}

static void insert_text(struct infer_bpe *b, uint32_t symbol)
{
    const struct bpe_symbol *y = &b->symbol[symbol];
    uint32_t h = bpe_hash(b->text + y->offset, y->len);
    size_t i = h & b->slot_mask;
    while (b->slot[i].symbol != BPE_NONE)
        i = (i + 1) & b->slot_mask;
    b->slot[i] = (struct bpe_slot){h, symbol};
}

/* A hash table's size: a power of two at most half filled by n. */
static size_t table_size(size_t n)
{
    size_t size = 16;
    while (size < 2 * n)
        size *= 2;
    return size;
}

/* A table for all present symbols and `more` to come. */
static int make_slots(struct infer_bpe *b, size_t more, struct pk_err *err)
{
    size_t size = table_size(b->symbols + more);
    b->slot = pk_calloc(size, sizeof *b->slot);
    if (!b->slot)
        return pk_fail_mem(err, "a tokenizer");
    b->slot_mask = size - 1;
    for (size_t i = 0; i < size; i++)
        b->slot[i].symbol = BPE_NONE;
    for (size_t i = 0; i < b->symbols; i++)
        if (b->symbol[i].usable)
            insert_text(b, (uint32_t)i);
    return 0;
}

static int compare_text(const struct infer_bpe *b, uint32_t x, uint32_t y)
{
    size_t n = b->symbol[x].len, m = b->symbol[y].len;
    int c = memcmp(text_of(b, x), text_of(b, y), n < m ? n : m);
    return c ? c : (n > m) - (n < m);
}

static int by_text(const void *x, const void *y, void *bpe)
{
    return compare_text(bpe, *(const uint32_t *)x, *(const uint32_t *)y);
}

static int by_score(const void *x, const void *y, void *model)
{
    const struct spm_piece *piece = ((const struct infer_spm *)model)->piece;
    float a = piece[*(const uint32_t *)x].score;
    float b = piece[*(const uint32_t *)y].score;
    return (a < b) - (a > b);
}

/* Two pieces of one text: SentencePiece refuses them, or tells them apart by
 * rules that changed between its versions. */
static int check_repeats(struct infer_bpe *b, uint32_t *order,
                         struct pk_err *err)
{
    qsort_r(order, b->symbols, sizeof *order, by_text, b);
    for (size_t i = 1; i < b->symbols; i++) {
        const struct spm_piece *p = &b->m->piece[order[i - 1]];
        const struct spm_piece *q = &b->m->piece[order[i]];
        if (p->len == q->len && memcmp(p->text, q->text, p->len) == 0)
            return pk_fail(err, PK_EDATA, "pieces %u and %u are the same",
                           order[i - 1], order[i]);
    }
    return 0;
}

static int sort_pieces(struct infer_bpe *b, struct pk_err *err)
{
    const size_t n = b->symbols;
    uint32_t *order = pk_calloc(n, sizeof *order);
    b->user = pk_calloc(n, sizeof *b->user);
    if (!order || !b->user) {
        free(order);
        return pk_fail_mem(err, "a tokenizer");
    }
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    int rc = check_repeats(b, order, err);
    for (size_t i = 0; i < n; i++)
        if (b->m->piece[order[i]].type == SPM_USER_DEFINED)
            b->user[b->users++] = order[i];
    qsort_r(order, n, sizeof *order, by_score, (void *)b->m);
    uint32_t rank = 0;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && by_score(&order[i - 1], &order[i], (void *)b->m) != 0)
            rank++;
        b->symbol[order[i]].rank = rank;
    }
    free(order);
    return rc;
}

static bool is_user(const struct infer_bpe *b, uint32_t symbol)
{
    return symbol < b->m->n && b->m->piece[symbol].type == SPM_USER_DEFINED;
}

/* Length of the character at s: normal form is valid UTF-8. */
static size_t char_len(const char *s)
{
    unsigned char c = (unsigned char)*s;
    return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/* Characters that only occur inside pieces. */
static int add_characters(struct infer_bpe *b, struct pk_err *err)
{
    const size_t pieces = b->symbols;
    size_t room = 0;
    for (size_t i = 0; i < pieces; i++)
        for (size_t at = 0; b->symbol[i].usable && at < b->symbol[i].len;) {
            char s[4];
            size_t n = char_len(text_of(b, (uint32_t)i) + at);
            memcpy(s, text_of(b, (uint32_t)i) + at, n);
            at += n;
            if (bpe_find(b, s, n) != BPE_NONE)
                continue;
            int rc = add_symbol(b, s, n, true, err);
            if (rc)
                return rc;
            if (room == 0) { /* the table is full enough: double it */
                free(b->slot);
                room = b->symbols;
                rc = make_slots(b, room, err);
                if (rc)
                    return rc;
            } else {
                room--;
                insert_text(b, (uint32_t)b->symbols - 1);
            }
        }
    return 0;
}

struct pair_list {
    struct bpe_pair *pair;
    size_t n, cap;
};

/* Every way in which two symbols can make one piece. User-defined pieces are
 * found before merging, so they are never made and never a half. */
static int split_piece(const struct infer_bpe *b, uint32_t whole,
                       struct pair_list *list, struct pk_err *err)
{
    const char *s = text_of(b, whole);
    const size_t len = b->symbol[whole].len;
    for (size_t at = char_len(s); at < len; at += char_len(s + at)) {
        uint32_t left = bpe_find(b, s, at);
        if (left == BPE_NONE || is_user(b, left))
            continue;
        uint32_t right = bpe_find(b, s + at, len - at);
        if (right == BPE_NONE || is_user(b, right))
            continue;
        if (!pk_grow(&list->pair, &list->cap, list->n + 1, sizeof *list->pair))
            return pk_fail_mem(err, "a tokenizer");
        list->pair[list->n++] = (struct bpe_pair){left, right, whole};
    }
    return 0;
}

static int make_pairs(struct infer_bpe *b, const struct pair_list *list,
                      struct pk_err *err)
{
    size_t size = table_size(list->n);
    b->pair = pk_calloc(size, sizeof *b->pair);
    if (!b->pair)
        return pk_fail_mem(err, "a tokenizer");
    b->pair_mask = size - 1;
    for (size_t i = 0; i < size; i++)
        b->pair[i].merged = BPE_NONE;
    for (size_t k = 0; k < list->n; k++) {
        const struct bpe_pair *p = &list->pair[k];
        size_t i = bpe_pair_hash(p->left, p->right) & b->pair_mask;
        while (b->pair[i].merged != BPE_NONE)
            i = (i + 1) & b->pair_mask;
        b->pair[i] = *p;
    }
    return 0;
}

static int add_pairs(struct infer_bpe *b, struct pk_err *err)
{
    struct pair_list list = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < b->m->n; i++)
        if (b->symbol[i].usable && !is_user(b, (uint32_t)i))
            rc = split_piece(b, (uint32_t)i, &list, err);
    if (!rc)
        rc = make_pairs(b, &list, err);
    free(list.pair);
    return rc;
}

static bool has_inner_space(const struct infer_bpe *b, uint32_t symbol)
{
    const char *s = text_of(b, symbol);
    for (size_t i = 1; i < b->symbol[symbol].len; i++)
        if (s[i] == ' ' && s[i - 1] != ' ')
            return true;
    return false;
}

static void note_properties(struct infer_bpe *b)
{
    b->cuttable = true;
    for (size_t i = 0; i < b->m->n; i++) {
        if (b->m->piece[i].type == SPM_UNUSED)
            b->unused = true;
        if (b->symbol[i].usable && has_inner_space(b, (uint32_t)i))
            b->cuttable = false;
    }
    /* How an unused piece is taken apart again depends on the whole text. */
    if (b->unused)
        b->cuttable = false;
    for (int c = 0; c < 128; c++)
        b->ascii[c] = bpe_find(b, &(char){(char)c}, 1);
}

int infer_bpe_build(struct infer_bpe *b, struct pk_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < b->m->n; i++) {
        const struct spm_piece *p = &b->m->piece[i];
        bool ordinary = p->type == SPM_NORMAL || p->type == SPM_USER_DEFINED ||
                        p->type == SPM_UNUSED;
        /* Text to merge holds no plain space, so such a piece never fits. */
        bool usable = ordinary && !memchr(p->text, ' ', p->len);
        rc = add_symbol(b, p->text, p->len, usable, err);
    }
    if (!rc)
        rc = sort_pieces(b, err);
    if (!rc)
        rc = make_slots(b, 0, err);
    if (!rc)
        rc = add_characters(b, err);
    if (!rc)
        rc = add_pairs(b, err);
    if (!rc)
        note_properties(b);
    return rc;
}
