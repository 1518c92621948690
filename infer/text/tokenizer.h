/* What the tokenizer's door (tokenizer.c) asks of each kind of tokenizer.
 * Private to infer. */
#ifndef PREFKIT_INFER_TEXT_TOKENIZER_H
#define PREFKIT_INFER_TEXT_TOKENIZER_H

#include "infer/infer.h"

/* What decoding must know of a token. */
enum {
    TOKEN_BYTES = 1,  /* part of a character, perhaps */
    TOKEN_SPACE = 2,  /* begins with the space that encoding may have added */
    TOKEN_SPECIAL = 4 /* no ordinary text gives it */
};

struct tokenizer_kind {
    const char *file; /* in a model directory */
    int (*encode)(const void *self, const char *text, size_t len,
                  struct infer_ids *out, struct pk_err *err);
    /* Both NULL for an id outside the vocabulary; not NUL-terminated. */
    const char *(*piece)(const void *self, int32_t id, size_t *len);
    const char *(*name)(const void *self, int32_t id, size_t *len);
    unsigned (*traits)(const void *self, int32_t id);
    void (*close)(void *self);
};

/* What decoding does with the space before the first piece. */
enum tokenizer_strip { STRIP_NONE, STRIP_ONE, STRIP_ALL };

/* A special token; its name belongs to the kind. */
struct tokenizer_special {
    const char *name;
    size_t len;
    int32_t id;
};

struct infer_tokenizer {
    const struct tokenizer_kind *kind;
    void *self;
    size_t vocab;
    int32_t bos, eos, unk; /* -1: none */
    enum tokenizer_strip strip;
    enum infer_chat_format chat;
    int32_t header, header_end;        /* INFER_CHAT_LLAMA3: round a role */
    struct tokenizer_special *special; /* the longest names first */
    size_t specials;
    bool special_starts[256]; /* bytes that some name begins with */
};

/* Fill an empty tokenizer. `dir` is the model directory, or NULL when only a
 * file was named. On failure everything is released. */
PK_NODISCARD int infer_spm_tokenizer_open(struct infer_tokenizer *t,
                                          const char *path, const char *dir,
                                          struct pk_err *err);
PK_NODISCARD int infer_json_tokenizer_open(struct infer_tokenizer *t,
                                           const char *path,
                                           struct pk_err *err);

/* Collect the special tokens of a tokenizer that is otherwise open. */
PK_NODISCARD int infer_tokenizer_specials(struct infer_tokenizer *t,
                                          struct pk_err *err);

/* Ids to text, one at a time. `out` gets whole characters only: bytes of one
 * that is not whole wait in `tail`, and what can never become one is U+FFFD.
 * All ids and an end give what infer_tokenizer_decode gives. */
struct pk_buf;
struct tokenizer_text {
    bool first; /* no text yet: the space that encoding added is dropped */
    char tail[4];
    size_t n_tail;
};

/* `fresh`: the ids begin a text. */
void infer_tokenizer_text_start(const struct infer_tokenizer *t,
                                struct tokenizer_text *x, bool fresh);
/* PK_EDATA for an id outside the vocabulary; PK_EMEM. */
PK_NODISCARD int infer_tokenizer_text_add(const struct infer_tokenizer *t,
                                          struct tokenizer_text *x, int32_t id,
                                          struct pk_buf *out,
                                          struct pk_err *err);
PK_NODISCARD int infer_tokenizer_text_end(struct tokenizer_text *x,
                                          struct pk_buf *out,
                                          struct pk_err *err);

/* The id of a token by its name, or -1. */
int32_t infer_tokenizer_find(const struct infer_tokenizer *t, const char *name);

/* From the directory's tokenizer_config.json and special_tokens_map.json: BOS
 * and EOS (only where the tokenizer has none itself), and the chat format. */
PK_NODISCARD int infer_tokenizer_settings(struct infer_tokenizer *t,
                                          const char *dir, struct pk_err *err);

#endif
