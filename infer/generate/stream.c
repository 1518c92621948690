/* Text as its tokens come; see stream.h. */
#include "infer/generate/stream.h"

#include <string.h>

void infer_stream_start(struct infer_stream *s, const struct infer_tokenizer *t,
                        bool fresh, const char *const *stop, size_t n_stops)
{
    struct pk_buf text = s->text;
    text.max = SIZE_MAX / 4;
    pk_buf_reset(&text);
    *s = (struct infer_stream){
        .t = t, .stop = stop, .n_stops = n_stops, .text = text};
    infer_tokenizer_text_start(t, &s->state, fresh);
}

void infer_stream_release(struct infer_stream *s)
{
    pk_buf_release(&s->text);
}

/* Does the text up to `end` close a stop string? The longest of those that do:
 * where the text must end; else `end`. */
static size_t stop_at(const struct infer_stream *s, size_t end)
{
    size_t longest = 0;
    for (size_t i = 0; i < s->n_stops; i++) {
        size_t n = strlen(s->stop[i]);
        if (n > longest && n <= end &&
            memcmp(s->text.data + end - n, s->stop[i], n) == 0)
            longest = n;
    }
    return end - longest;
}

/* The bytes at the end of the text that begin a stop string. They are whole
 * characters, since a stop string's first byte begins one. */
static size_t held_back(const struct infer_stream *s)
{
    size_t held = 0;
    for (size_t i = 0; i < s->n_stops; i++) {
        size_t n = strlen(s->stop[i]);
        for (size_t k = n ? n - 1 : 0; k > held; k--)
            if (k <= s->text.len &&
                memcmp(s->text.data + s->text.len - k, s->stop[i], k) == 0)
                held = k;
    }
    return held;
}

/* The text was `from` bytes long when it was last looked at. */
static void look_for_stops(struct infer_stream *s, size_t from)
{
    for (size_t end = from + 1; end <= s->text.len; end++) {
        size_t at = stop_at(s, end);
        if (at == end)
            continue;
        s->text.len = s->sure = at;
        s->text.data[at] = 0;
        s->stopped = true;
        return;
    }
    s->sure = s->text.len - held_back(s);
}

int infer_stream_add(struct infer_stream *s, int32_t id, struct pk_err *err)
{
    size_t from = s->text.len;
    int rc = infer_tokenizer_text_add(s->t, &s->state, id, &s->text, err);
    if (!rc)
        look_for_stops(s, from);
    return rc;
}

int infer_stream_end(struct infer_stream *s, struct pk_err *err)
{
    if (s->stopped)
        return 0;
    size_t from = s->text.len;
    int rc = infer_tokenizer_text_end(&s->state, &s->text, err);
    if (!rc)
        look_for_stops(s, from);
    if (!rc)
        s->sure = s->text.len;
    return rc;
}
