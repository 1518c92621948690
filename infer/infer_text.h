/* From text to token ids: tokenizers and chat formats. A part of the door,
 * infer/infer.h. */
#ifndef PREFKIT_INFER_INFER_TEXT_H
#define PREFKIT_INFER_INFER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "infer/infer_model.h"

/* ---- Tokenizer ----------------------------------------------------------- */

struct infer_ids {
    int32_t *id; /* owned; infer_ids_release */
    size_t len, cap;
};

PK_NODISCARD int infer_ids_add(struct infer_ids *ids, int32_t id,
                               struct pk_err *err);
void infer_ids_release(struct infer_ids *ids);

struct infer_tokenizer;

/* A SentencePiece BPE model (tokenizer.model), or a tokenizer.json of BPE with
 * bytes or byte fallback, or a directory that holds one (the first goes before
 * the second). In a directory, added_tokens.json adds tokens after the last
 * piece; beside a tokenizer.json, tokenizer_config.json names BOS and EOS. */
PK_NODISCARD int infer_tokenizer_open(struct infer_tokenizer **out,
                                      const char *path, struct pk_err *err);
void infer_tokenizer_close(struct infer_tokenizer *t);
/* Does a directory hold one, good or bad? */
bool infer_tokenizer_present(const char *dir);

/* Append the ids of len bytes of text: exactly SentencePiece's own, or those of
 * Hugging Face's tokenizers, whatever the bytes (also NUL and malformed UTF-8).
 * No BOS or EOS is added, and no special token is recognised in the text.
 * Thread-safe. */
PK_NODISCARD int infer_tokenizer_encode(const struct infer_tokenizer *t,
                                        const char *text, size_t len,
                                        struct infer_ids *out,
                                        struct pk_err *err);

/* The same for a text that has its chat format written around it, as programs
 * send each other dialogues: a special token that it spells out ("<s>"; the
 * longest of several) becomes that token, and every stretch between two of them
 * is encoded by itself. A dialogue as its template writes it gets the ids that
 * infer_chat_encode gives it. */
PK_NODISCARD int infer_tokenizer_encode_marked(const struct infer_tokenizer *t,
                                               const char *text, size_t len,
                                               struct infer_ids *out,
                                               struct pk_err *err);

/* Text of n ids, NUL-terminated, *len bytes; caller frees. Control and added
 * tokens give nothing; the first piece's leading space is dropped, and bytes
 * that make no UTF-8 are U+FFFD, as SentencePiece has it. PK_EDATA for an id
 * outside the vocabulary. */
PK_NODISCARD int infer_tokenizer_decode(const struct infer_tokenizer *t,
                                        const int32_t *ids, size_t n,
                                        char **text, size_t *len,
                                        struct pk_err *err);

/* The bytes that one id adds to running text, *len of them, not terminated;
 * borrowed from the tokenizer. Control and added tokens give none. NULL for an
 * id outside the vocabulary. */
const char *infer_tokenizer_piece(const struct infer_tokenizer *t, int32_t id,
                                  size_t *len);

/* A token's name, *len bytes without a NUL, as special_tokens_map.json spells
 * it ("<s>", "[PAD]"); NULL for an id outside the vocabulary. Borrowed from the
 * tokenizer. */
const char *infer_tokenizer_name(const struct infer_tokenizer *t, int32_t id,
                                 size_t *len);

size_t infer_tokenizer_vocab(const struct infer_tokenizer *t);
int32_t infer_tokenizer_bos(const struct infer_tokenizer *t); /* -1: none */
/* The token that closes an answer (in Llama 3's chat format, <|eot_id|>). */
int32_t infer_tokenizer_eos(const struct infer_tokenizer *t);
int32_t infer_tokenizer_unk(const struct infer_tokenizer *t);
/* A token to pad with, which no dialogue gives; -1: there is none. */
int32_t infer_tokenizer_pad(const struct infer_tokenizer *t);
/* SHA-256 over what it makes of texts and dialogues: every token with what
 * decoding does to it, BOS, EOS, the chat format, and the ids of a fixed text
 * (for how it splits, normalizes and merges); 64 hex digits and a NUL. */
PK_NODISCARD int infer_tokenizer_fingerprint(const struct infer_tokenizer *t,
                                             char out[65], struct pk_err *err);
/* "tokenizer.model" or "tokenizer.json". Static. */
const char *infer_tokenizer_file(const struct infer_tokenizer *t);

/* ---- Chat format --------------------------------------------------------- */

/* The formats there are. A tokenizer has Llama 3's when it has that format's
 * header tokens; else Llama 2's, unless its directory comes with a template
 * that is neither: then it has none, and infer_chat_encode says so. */
enum infer_chat_format {
    INFER_CHAT_NONE,
    INFER_CHAT_LLAMA2,
    INFER_CHAT_LLAMA3
};

enum infer_chat_format infer_tokenizer_chat(const struct infer_tokenizer *t);

/* "none", "llama2" or "llama3"; and the format as a Jinja template, for
 * tokenizer_config.json (NULL for none). Static. */
const char *infer_chat_name(enum infer_chat_format f);
const char *infer_chat_jinja(enum infer_chat_format f);

enum infer_role { INFER_SYSTEM, INFER_USER, INFER_ASSISTANT };

struct infer_message {
    enum infer_role role;
    const char *text;
    size_t len; /* bytes */
};

/* Messages in order; the array is owned, the texts are borrowed. Start from
 * {0}; set n = 0 to use it again. */
struct infer_dialogue {
    struct infer_message *msg;
    size_t n, cap;
};

PK_NODISCARD int infer_dialogue_add(struct infer_dialogue *d,
                                    enum infer_role role, const char *text,
                                    size_t len, struct pk_err *err);

/* Append a JSON array of {"role": "system|user|assistant", "content": "..."},
 * or "content": [{"type": "text", "text": "..."}];
 * borrows the JSON's strings. PK_EDATA names the message that is wrong, one
 * with tool calls too. */
struct cJSON;
PK_NODISCARD int infer_dialogue_read(struct infer_dialogue *d,
                                     const struct cJSON *array,
                                     struct pk_err *err);
void infer_dialogue_release(struct infer_dialogue *d);

/* PK_EDATA where this tokenizer can write no dialogue: it comes with another
 * template, or has no BOS or EOS. */
PK_NODISCARD int infer_chat_check(const struct infer_tokenizer *t,
                                  struct pk_err *err);

/* What infer_chat_encode did. */
struct infer_chat {
    size_t dropped; /* oldest exchanges left out to fit */
    bool closed;    /* ends with the EOS that closes the last answer */
};

/* Append the ids of a dialogue in the tokenizer's chat format, as Meta's
 * reference code does: [system] user (assistant user)* [assistant]. Texts are
 * stripped of white space at both ends. Llama 2's (llama/generation.py):
 * each exchange tokenized by itself with its BOS and EOS, the system text in
 * the first user message. Llama 3's (llama3/llama/tokenizer.py): one BOS, each
 * message under its header and closed by <|eot_id|>.
 *
 * A dialogue that ends with an answer is closed by EOS (the read-out of a
 * reward) unless `cut` says that the answer was cut off before its end; then
 * there is neither EOS nor the space before it. One that ends with a user turn
 * is left open for generation.
 *
 * If it is longer than max_tokens (0: no limit), the oldest exchanges are
 * dropped, never part of the answer; the system text stays. PK_EDATA when the
 * tokenizer has no format, when the
 * last exchange alone does not fit, when roles do not alternate, or when a
 * text holds one of the format's own tags; then `out` is as it was. */
PK_NODISCARD int infer_chat_encode(const struct infer_tokenizer *t,
                                   const struct infer_message *msgs, size_t n,
                                   bool cut, size_t max_tokens,
                                   struct infer_ids *out,
                                   struct infer_chat *what, struct pk_err *err);

#endif
