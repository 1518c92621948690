/* Bytes from a terminal: a paste has begun and ended in turn, holds text alone,
 * and ends where its end is, whatever was in it. */
#include <stdint.h>
#include <stdlib.h>

#include "annotate/terminal/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool so)
{
    if (!so)
        abort();
}

static void check(const struct annotate__input *in, int key, bool was)
{
    if (key == ANNOTATE__PASTE)
        must(!was && in->pasting);
    else if (key == ANNOTATE__PASTED)
        must(was && !in->pasting);
    else
        must(key >= 0 && key < ANNOTATE__KEY_NONE && was == in->pasting);
    if (was && key > 0)
        must((key >= 0x20 && key < ANNOTATE__KEY_UP && key != 0x7F) ||
             key == '\r' || key == '\t');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char end[] = "\033[201~";
    struct annotate__input in;
    double now = 0;
    annotate__input_init(&in);
    for (size_t i = 0; i < size; i++) {
        bool was = in.pasting;
        check(&in, annotate__input_code(&in, data[i], now), was);
        now += data[i] / 100.0;
        if (data[i] % 3 == 0)
            must(annotate__input_rest(&in, now) == 0 || !in.pasting);
    }
    if (in.pasting) {
        int key = 0;
        for (const char *p = end; *p; p++) {
            must(in.pasting);
            key = annotate__input_code(&in, *p, now);
        }
        must(key == ANNOTATE__PASTED);
    }
    return 0;
}
