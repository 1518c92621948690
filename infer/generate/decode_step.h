/* Inside infer_kv: its arrays, and what a step needs beside them. */
#ifndef PREFKIT_INFER_GENERATE_DECODE_STEP_H
#define PREFKIT_INFER_GENERATE_DECODE_STEP_H

#include "infer/files/config.h"
#include "infer/forest/lora.h"
#include "infer/forest/tape.h"
#include "infer/generate/decode.h"

/* Tokens start..start+n of the arrays, at the positions that follow those of
 * the piece before it. */
struct infer_piece {
    size_t start, n;
};

/* Memory of a step of up to `rows` sequences, made once. */
struct infer_step {
    size_t rows, threads;
    float *mem;                /* everything below that is f32 */
    float *rope;               /* (positions, D/2, 2) */
    float *x, *h;              /* (rows, C) */
    float *q, *att;            /* (rows, H D) */
    float *k, *v;              /* (rows, K D) */
    float *gate, *up, *act;    /* (rows, F) */
    float *p;                  /* (threads, H, positions) */
    size_t *row, *depth;       /* (rows): 0, 1, 2..., and positions */
    struct infer_piece *piece; /* of all rows, each one's path in order */
    size_t cap_pieces, *first; /* (rows + 1): a row's pieces */
    struct infer_lora_work lora;
};

struct infer_kv {
    const struct infer_config *c;
    const struct infer_weights *w;
    size_t slots;
    float *k, *v; /* (L, slots, K D) */
    int32_t *token;
    size_t *depth, *slot;     /* (slots): a token's position; 0, 1, 2... */
    struct infer_span **span; /* by start */
    size_t n_spans, cap_spans;

    struct infer_tape tape; /* of prompts */
    struct infer_segment *segment;
    size_t cap_segments, *first, cap_first;

    struct infer_step step;
};

PK_NODISCARD int infer_step_new(struct infer_kv *kv, size_t rows,
                                struct pk_err *err);
void infer_step_release(struct infer_kv *kv);

#endif
