/* Writing a SentencePiece model (sentencepiece_model.proto) from a vocabulary
 * that came in another file. Private to infer. */
#ifndef PREFKIT_INFER_TEXT_SPM_WRITE_H
#define PREFKIT_INFER_TEXT_SPM_WRITE_H

#include "infer/text/spm.h"

/* Append one piece, whose text has U+2581 for spaces. */
void infer_spm_put_piece(struct pk_buf *out, const struct spm_piece *p);

/* Names of the special pieces; NULL texts keep SentencePiece's own. */
struct spm_specs {
    size_t vocab;
    bool dummy_prefix;
    struct spm_span unk, bos, eos;
};
/* After the pieces: BPE with byte fallback, text not normalized. */
void infer_spm_put_specs(struct pk_buf *out, const struct spm_specs *s);

#endif
