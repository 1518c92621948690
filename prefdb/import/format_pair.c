/* The reader of rows that are one prompt, two answers and a verdict. */
#include "prefdb/import/format_pair.h"

#include <math.h>
#include <string.h>

#include "common/json.h"

/* ---- Prompts ------------------------------------------------------------- */

/* "text\n<extra_id_1>Assistant\ntext\n<extra_id_1>User\ntext". */
static int add_marked_turns(struct prefdb__rows *rows, const char *text,
                            struct pk_err *err)
{
    static const char mark[] = "<extra_id_1>";
    enum prefdb_role role = PREFDB_USER;
    for (;;) {
        const char *end = strstr(text, mark);
        size_t n = end ? (size_t)(end - text) : strlen(text);
        if (end && n && text[n - 1] == '\n')
            n--;
        int rc = prefdb__record_turn(&rows->base, role, text, n, err);
        if (rc || !end)
            return rc;
        text = end + sizeof mark - 1;
        size_t word = strcspn(text, "\n");
        if (word == 9 && strncmp(text, "Assistant", 9) == 0)
            role = PREFDB_ASSISTANT;
        else if (word == 4 && strncmp(text, "User", 4) == 0)
            role = PREFDB_USER;
        else
            return pk_fail(err, PK_EDATA,
                           "a turn in \"prompt\" is neither the user's nor the "
                           "assistant's");
        text += word + (text[word] == '\n');
    }
}

/* [[question, answer], ...] before the prompt. */
static int add_history(struct prefdb__rows *rows, cJSON *row, const char *key,
                       struct pk_err *err)
{
    const cJSON *pair, *list = prefdb__take(rows, row, key);
    int rc = 0;
    cJSON_ArrayForEach(pair, list)
    {
        const cJSON *q = cJSON_GetArrayItem(pair, 0);
        const cJSON *a = cJSON_GetArrayItem(pair, 1);
        if (!cJSON_IsString(q) || !cJSON_IsString(a))
            return pk_fail(err, PK_EDATA,
                           "\"%s\" is not a list of question and answer", key);
        rc = prefdb__add_turn(&rows->base, PREFDB_USER, q->valuestring, err);
        if (!rc)
            rc = prefdb__add_turn(&rows->base, PREFDB_ASSISTANT, a->valuestring,
                                  err);
        if (rc)
            break;
    }
    return rc;
}

int prefdb__add_instruction(struct prefdb__rows *rows, cJSON *row,
                            const char *prompt, const char *input,
                            const char *history, struct pk_err *err)
{
    const char *text, *more = NULL;
    int rc = history ? add_history(rows, row, history, err) : 0;
    if (!rc)
        rc = prefdb__need_text(rows, row, prompt, &text, err);
    if (!rc && input)
        rc = prefdb__take_text(rows, row, input, &more, err);
    if (rc)
        return rc;
    if (more && *more) {
        struct pk_buf b = PK_BUF_INIT(SIZE_MAX / 2);
        pk_buf_addf(&b, "%s\n%s", text, more);
        text = b.failed ? NULL : prefdb__own_text(rows, b.data, b.len);
        pk_buf_release(&b);
        if (!text)
            return pk_fail_mem(err, "a prompt");
    }
    return prefdb__add_turn(&rows->base, PREFDB_USER, text, err);
}

/* A JSON list of one text, as a text. */
static int decode(struct prefdb__rows *rows, cJSON *row, const char *key,
                  const char **out, struct pk_err *err)
{
    const char *text;
    cJSON *list = NULL;
    int rc = prefdb__need_text(rows, row, key, &text, err);
    if (!rc)
        rc = pk_json_parse(&list, text, strlen(text), err);
    if (rc) {
        pk_err_prefix(err, "\"%s\": ", key);
        return rc;
    }
    if (!(list = prefdb__own(rows, list)))
        return pk_fail_mem(err, "a row");
    if (cJSON_GetArraySize(list) > 1)
        return pk_fail(err, PK_EDATA,
                       "the dialogues part before the last answer");
    const cJSON *first = cJSON_GetArrayItem(list, 0);
    if (!cJSON_IsString(first))
        return pk_fail(err, PK_EDATA, "\"%s\" holds no text", key);
    *out = first->valuestring;
    return 0;
}

static int add_prompt(const struct prefdb__pair_spec *s,
                      struct prefdb__rows *rows, cJSON *row, struct pk_err *err)
{
    const char *text = NULL;
    int rc = 0;
    if (s->system)
        rc = prefdb__take_text(rows, row, s->system, &text, err);
    if (!rc && text && *text)
        rc = prefdb__add_turn(&rows->base, PREFDB_SYSTEM, text, err);
    if (!rc && s->compose)
        rc = s->compose(rows, row, err);
    if (rc || !s->prompt)
        return rc;
    if (s->prompt_form == PREFDB__ENCODED) {
        rc = decode(rows, row, s->prompt, &text, err);
        return rc ? rc : prefdb__add_turn(&rows->base, PREFDB_USER, text, err);
    }
    cJSON *v = prefdb__find(row, s->prompt);
    if (cJSON_IsArray(v))
        return prefdb__take_messages(rows, &rows->base, v, s->prompt, SIZE_MAX,
                                     err);
    if (s->prompt_form != PREFDB__TURNS)
        return prefdb__add_instruction(rows, row, s->prompt, s->input,
                                       s->history, err);
    rc = prefdb__need_text(rows, row, s->prompt, &text, err);
    return rc ? rc : add_marked_turns(rows, text, err);
}

/* ---- Answers ------------------------------------------------------------- */

/* A text, a message, or a list of one message. */
static int answer_text(const struct prefdb__pair_spec *s,
                       struct prefdb__rows *rows, cJSON *row, const char *key,
                       const char **out, struct pk_err *err)
{
    if (s->form == PREFDB__ENCODED)
        return decode(rows, row, key, out, err);
    cJSON *v = prefdb__find(row, key);
    if (cJSON_IsArray(v) && cJSON_GetArraySize(v) == 1)
        v = cJSON_GetArrayItem(v, 0);
    if (!cJSON_IsObject(v))
        return prefdb__need_text(rows, row, key, out, err);
    (void)prefdb__take(rows, v, "role");
    (void)prefdb__take(rows, v, "from");
    int rc = prefdb__take_content(rows, v, out, err);
    if (rc)
        pk_err_prefix(err, "\"%s\": ", key);
    return rc;
}

static int add_dialogues(const struct prefdb__pair_spec *s,
                         struct prefdb__rows *rows, cJSON *row,
                         struct prefdb__record *r, struct pk_err *err)
{
    double n = NAN;
    int rc = s->length ? pk_json_num(row, s->length, NAN, &n, err) : 0;
    size_t limit = n >= 1 && n < 1e6 ? 2 * (size_t)n : SIZE_MAX;
    if (!rc)
        rc = prefdb__take_messages(rows, r, prefdb__find(row, s->a), s->a,
                                   limit, err);
    size_t n_a = r->n_context;
    if (!rc)
        rc = prefdb__take_messages(rows, r, prefdb__find(row, s->b), s->b,
                                   limit, err);
    return rc ? rc : prefdb__split_dialogues(r, n_a, err);
}

static int add_answers(const struct prefdb__pair_spec *s,
                       struct prefdb__rows *rows, cJSON *row,
                       struct prefdb__record *r, struct pk_err *err)
{
    const char *a = NULL, *b = NULL;
    if (s->form == PREFDB__DIALOGUE)
        return add_dialogues(s, rows, row, r, err);
    int rc = answer_text(s, rows, row, s->a, &a, err);
    if (!rc)
        rc = answer_text(s, rows, row, s->b, &b, err);
    if (rc)
        return rc;
    if (!a || !b)
        return pk_fail_mem(err, "an answer");
    r->a.turn = (struct prefdb_turn){PREFDB_ASSISTANT, a, strlen(a)};
    r->b.turn = (struct prefdb_turn){PREFDB_ASSISTANT, b, strlen(b)};
    return 0;
}

/* ---- A row --------------------------------------------------------------- */

static int take_names(const struct prefdb__pair_spec *s,
                      struct prefdb__rows *rows, cJSON *row,
                      struct prefdb__record *r, struct pk_err *err)
{
    int rc = 0;
    if (s->model_a)
        rc = prefdb__take_name(rows, row, s->model_a, &r->a.model, err);
    if (!rc && s->model_b)
        rc = prefdb__take_name(rows, row, s->model_b, &r->b.model, err);
    if (!rc && s->batch)
        rc = prefdb__take_name(rows, row, s->batch, &r->batch, err);
    const cJSON *split = !rc && s->split ? prefdb__find(row, s->split) : NULL;
    if (split && cJSON_IsString(split))
        r->split = prefdb__split_named(split->valuestring);
    return rc;
}

static int judge(const struct prefdb__format *f, struct prefdb__rows *rows,
                 cJSON *row, struct prefdb__record *r, struct pk_err *err)
{
    const struct prefdb__pair_spec *s = f->pair;
    struct prefdb__label label = {NULL, PREFDB__NONE, PREFDB_UNSTATED};
    int rc = 0;
    if (s->judge)
        rc = s->judge(row, &label, err);
    else
        rc = prefdb__label_of(f, f->label_key, prefdb__find(row, f->label_key),
                              &label, err);
    if (rc || label.choice == PREFDB__NONE)
        return rc;
    if (f->labels) /* the list says it all */
        (void)prefdb__take(rows, row, f->label_key);
    struct prefdb__judgment *j =
        prefdb__record_judgment(r, prefdb__rows_dimension(rows), label.choice);
    if (!j)
        return pk_fail_mem(err, "a judgment");
    j->strength = label.strength;
    const char *who = NULL;
    if (s->annotator)
        rc = prefdb__take_name(rows, row, s->annotator, &who, err);
    if (!rc && s->note)
        rc = prefdb__take_text(rows, row, s->note, &j->note, err);
    j->annotator = who ? who : "";
    if (!rc && s->created)
        prefdb__take_time(rows, row, s->created, &j->created);
    return rc;
}

/* Ratings on a scale that the format does not state. */
static int rate(const struct prefdb__pair_spec *s, const cJSON *row,
                struct prefdb__record *r, struct pk_err *err)
{
    struct prefdb__mark a = {s->rating, 0, PREFDB__UNKNOWN, PREFDB__UNKNOWN};
    struct prefdb__mark b = a;
    int rc =
        prefdb__read_rating(row, s->rate_a, -INFINITY, INFINITY, &a.value, err);
    if (!rc)
        rc = prefdb__read_rating(row, s->rate_b, -INFINITY, INFINITY, &b.value,
                                 err);
    if (!rc)
        rc = prefdb__rate(&r->a, a, err);
    return rc ? rc : prefdb__rate(&r->b, b, err);
}

/* A list whose elements belong to a and b becomes two marked members. */
static void part_list(cJSON *row, const char *key)
{
    cJSON *list = cJSON_GetObjectItemCaseSensitive(row, key);
    for (int i = 0; i < 2 && cJSON_GetArraySize(list); i++) {
        cJSON *e = cJSON_DetachItemFromArray(list, 0);
        char name[64];
        snprintf(name, sizeof name, "%s%s", key, i ? "__b" : "__a");
        if (!cJSON_AddItemToObject(row, name, e))
            cJSON_Delete(e);
    }
}

int prefdb__read_pair(const struct prefdb__format *f, cJSON *row,
                      struct prefdb__rows *rows, struct pk_err *err)
{
    const struct prefdb__pair_spec *s = f->pair;
    int rc = add_prompt(s, rows, row, err);
    if (rc)
        return rc;
    struct prefdb__record *r = prefdb__rows_add(rows);
    if (!r)
        return pk_fail_mem(err, "a comparison");
    rc = add_answers(s, rows, row, r, err);
    if (!rc)
        rc = take_names(s, rows, row, r, err);
    if (!rc)
        rc = judge(f, rows, row, r, err);
    if (!rc && s->rating)
        rc = rate(s, row, r, err);
    if (!rc && s->list)
        part_list(row, s->list);
    return rc ? rc : prefdb__keep(rows, row, s->marks, err);
}
