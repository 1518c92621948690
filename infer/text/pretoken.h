/* Cutting text into the words that merge by themselves: what a tokenizer.json
 * calls its pre-tokenizer. Private to infer. */
#ifndef PREFKIT_INFER_TEXT_PRETOKEN_H
#define PREFKIT_INFER_TEXT_PRETOKEN_H

#include <stdbool.h>
#include <stddef.h>

enum pretoken_rule {
    PRETOKEN_WHOLE, /* not cut at all */
    PRETOKEN_SPACE, /* before every U+2581 */
    PRETOKEN_GPT2,  /* by GPT-2's regular expression */
    PRETOKEN_LLAMA3 /* by Llama 3's */
};

/* Those two, as tokenizer.json spells them. */
extern const char infer_pretoken_gpt2[], infer_pretoken_llama3[];

struct pretoken {
    enum pretoken_rule rule;
    bool digits;   /* before that, every digit is cut off by itself */
    const char *s; /* what is left of the text: valid UTF-8 */
    size_t n;
    size_t stretch; /* up to here s holds no digit to cut off; 0: not known */
};

/* The next word's length, from p->s on, which moves past it; 0 at the end. */
size_t infer_pretoken_next(struct pretoken *p);

#endif
