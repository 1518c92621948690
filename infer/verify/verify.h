/* Will a model directory score the same here and elsewhere? What there is to
 * find, and the numbers behind it. Private to infer. */
#ifndef PREFKIT_INFER_VERIFY_VERIFY_H
#define PREFKIT_INFER_VERIFY_VERIFY_H

#include "infer/infer.h"

enum { VERIFY_FINDINGS = 32, VERIFY_RUNS = 16 };

struct verify_finding {
    bool problem;      /* could change a score elsewhere; else a remark */
    const char *about; /* "pad_token_id"; static */
    char text[512];
};

/* One way of computing the fixed texts' numbers, against the first way in the
 * same precision. */
struct verify_run {
    enum infer_precision precision;
    const char *how; /* static */
    int threads;
    double difference; /* the largest */
    bool same_bits;
};

struct verify_report {
    bool score_head;
    int32_t bos, eos, pad;                     /* the config's; -1: none */
    char template_sha256[65], ours_sha256[65]; /* "": none */
    enum infer_chat_format chat;
    size_t vocab, tokens; /* rows of the embedding; tokenizer; 0: not known */
    size_t texts;
    double lowest, highest; /* of the fixed texts' numbers */
    struct verify_run run[VERIFY_RUNS];
    size_t n_runs;
    struct verify_finding finding[VERIFY_FINDINGS];
    size_t n_findings, n_problems;
};

void infer_verify_add(struct verify_report *r, bool problem, const char *about,
                      const char *fmt, ...) PK_PRINTF(4, 5);

/* What the files say; the model and the tokenizer are NULL where they cannot be
 * opened (which is a finding). PK_EIO when there is no config.json, nor
 * adapters with a base that has one; PK_EMEM. */
struct verify_open {
    const char *dir;
    enum infer_read_out read_out;
    enum infer_precision precision; /* asked for */
    struct infer_model *model;
    struct infer_tokenizer *tokenizer;
};
PK_NODISCARD int infer_verify_files(struct verify_report *r,
                                    struct verify_open *o, struct pk_err *err);

/* Fixed texts computed alone, together, in another order and beside longer
 * ones, with one thread and with `threads`: in fp32, and in bf16 as well where
 * what was asked for comes to that. The number is the score, or the
 * largest logit of a language model. */
PK_NODISCARD int infer_verify_rescore(struct verify_report *r,
                                      const struct verify_open *o, int threads,
                                      struct pk_err *err);

#endif
