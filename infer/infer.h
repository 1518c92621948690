/* infer: the shared Llama 2 core. Tokens and tensors; nothing here has heard of
 * a preference. The room's one door.
 *
 * Architecture: Touvron et al., "Llama 2: Open Foundation and Fine-Tuned Chat
 * Models" (arXiv 2307.09288), sections 2.2 and A.2.1: pre-norm RMSNorm, SwiGLU,
 * rotary embedding, grouped-query attention; in the file layout of Hugging
 * Face's LlamaForCausalLM and LlamaForSequenceClassification.
 *
 * Shapes are row-major and written (rows, columns), with the letters
 *
 *     N tokens in a forest   R read-outs          C model dim (hidden_size)
 *     H query heads          K key/value heads    D head dim
 *     F feed-forward dim     V vocabulary         L layers
 *
 * Threads: one OpenMP pool. A model and a tokenizer are read-only after they
 * are opened and may be shared by threads; everything else belongs to one. */
#ifndef PREFKIT_INFER_INFER_H
#define PREFKIT_INFER_INFER_H

#include "infer/infer_forest.h"
#include "infer/infer_generate.h"
#include "infer/infer_model.h"
#include "infer/infer_text.h"

/* Load OpenBLAS, which the first product would do else, with kernels for this
 * processor: where it does not know it, it falls back to its oldest. To be
 * called before there is another thread, since the environment is written to
 * meanwhile; OPENBLAS_CORETYPE there stands. PK_EIO: it is not installed;
 * PK_EMEM: there is no room for it. */
PK_NODISCARD int infer_blas_load(struct pk_err *err);
/* The kernels' name, as OpenBLAS has it; and words to put behind it where the
 * environment asked for them ("" where it did not). */
const char *infer_blas_kernel(void);
const char *infer_blas_asked(void);

/* ---- Verbs --------------------------------------------------------------- */

int infer_cmd_init_model(int argc, char **argv);
int infer_cmd_convert(int argc, char **argv);
int infer_cmd_tokenize(int argc, char **argv);
int infer_cmd_generate(int argc, char **argv);
int infer_cmd_bench(int argc, char **argv);
int infer_cmd_verify(int argc, char **argv);

#endif
