/* A tokenizer.json (Hugging Face's tokenizers), read and checked. Private to
 * infer.
 *
 * A token's key is what text is looked up by: its name, or with a byte-level
 * tokenizer the bytes that its name spells in GPT-2's alphabet. */
#ifndef PREFKIT_INFER_TEXT_JSON_TOKENIZER_H
#define PREFKIT_INFER_TEXT_JSON_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "infer/text/merge.h"
#include "infer/text/pretoken.h"

enum json_token_type {
    JSON_TOKEN_NORMAL,
    JSON_TOKEN_BYTE,   /* "<0xHH>", with byte_fallback */
    JSON_TOKEN_SPECIAL /* an added token, or <unk>: no text gives it */
};

struct json_token {
    size_t name, name_len; /* in text */
    size_t key, key_len;
    size_t piece, piece_len; /* what it adds to running text */
    enum json_token_type type;
};

/* When a space is put before the text. */
enum json_prefix { PREFIX_NEVER, PREFIX_ALWAYS, PREFIX_UNLESS_SPACE };

struct json_tokenizer {
    struct pk_buf text; /* of all tokens */
    struct json_token *token;
    size_t n;
    uint32_t *slot; /* normal tokens by key, open addressing */
    size_t slot_mask;
    struct merge_rules rules;
    int32_t byte_id[256]; /* of "<0xHH>"; -1: none */
    int32_t unk;          /* -1: none */
    bool byte_level, byte_fallback, fuse_unk, ignore_merges;
    bool escape; /* U+2581 stands for the space */
    enum json_prefix prefix;
    struct pretoken cut; /* its rules; no text */
};

/* PK_EDATA, with the reason, for whatever would make other ids than the file
 * means; PK_EIO, PK_EMEM. On failure `t` is empty. The post-processor, padding
 * and truncation are not read: what goes round a text is the caller's. */
PK_NODISCARD int infer_json_tokenizer_read(struct json_tokenizer *t,
                                           const char *path,
                                           struct pk_err *err);
void infer_json_tokenizer_release(struct json_tokenizer *t);

/* The normal token with this key, or UINT32_MAX. */
uint32_t infer_json_tokenizer_find(const struct json_tokenizer *t,
                                   const char *key, size_t len);

/* GPT-2's alphabet (openai/gpt-2, encoder.py, bytes_to_unicode): the code
 * point that stands for a byte, and back (-1: for none). */
uint32_t infer_json_alphabet(uint8_t byte);
int infer_json_alphabet_byte(uint32_t cp);

#endif
