/* Formats whose rows carry several people's words on one pair: PandaLM's test
 * set, Argilla's and Label Studio's exports. */
#include <math.h>
#include <string.h>

#include "common/json.h"
#include "prefdb/import/format_pair.h"

/* One comparison of two texts of the row. */
static struct prefdb__record *add_texts(struct prefdb__rows *rows, cJSON *obj,
                                        const char *a, const char *b,
                                        struct pk_err *err)
{
    struct prefdb__item x = {.score = PREFDB__UNKNOWN}, y = x;
    int rc = prefdb__need_text(rows, obj, a, &x.text, err);
    if (!rc)
        rc = prefdb__need_text(rows, obj, b, &y.text, err);
    if (!rc && (!x.text || !y.text))
        rc = pk_fail_mem(err, "an answer");
    struct prefdb__record *r = rc ? NULL : prefdb__rows_add(rows);
    if (!r) {
        if (!rc)
            pk_fail_mem(err, "a comparison");
        return NULL;
    }
    r->a.turn = (struct prefdb_turn){PREFDB_ASSISTANT, x.text, strlen(x.text)};
    r->b.turn = (struct prefdb_turn){PREFDB_ASSISTANT, y.text, strlen(y.text)};
    return r;
}

static int fail_code(const struct prefdb__rows *rows)
{
    return rows->no_memory ? PK_EMEM : PK_EDATA;
}

static struct prefdb__judgment *judge(struct prefdb__rows *rows,
                                      struct prefdb__record *r, int choice,
                                      const char *annotator)
{
    struct prefdb__judgment *j =
        prefdb__record_judgment(r, prefdb__rows_dimension(rows), choice);
    if (!j)
        rows->no_memory = true;
    else
        j->annotator = annotator ? annotator : "";
    return j;
}

/* ---- PandaLM ------------------------------------------------------------- */

static int read_pandalm(const struct prefdb__format *f, cJSON *row,
                        struct prefdb__rows *rows, struct pk_err *err)
{
    int rc =
        prefdb__add_instruction(rows, row, "instruction", "input", NULL, err);
    if (rc)
        return rc;
    struct prefdb__record *r =
        add_texts(rows, row, "response1", "response2", err);
    if (!r)
        return fail_code(rows);
    for (int i = 1; i <= 9; i++) {
        struct prefdb__label l;
        char key[24];
        snprintf(key, sizeof key, "annotator%d", i);
        rc = prefdb__label_of(f, key, prefdb__find(row, key), &l, err);
        if (rc)
            return rc;
        if (l.choice == PREFDB__NONE)
            continue;
        (void)prefdb__take(rows, row, key);
        if (!judge(rows, r, l.choice, prefdb__own_text(rows, key, strlen(key))))
            return pk_fail_mem(err, "a judgment");
    }
    return prefdb__keep(rows, row, NULL, err);
}

static const struct prefdb__label pandalm_labels[] = {
    {"0", PREFDB_TIE, PREFDB_UNSTATED},
    {"1", PREFDB_A, PREFDB_UNSTATED},
    {"2", PREFDB_B, PREFDB_UNSTATED},
    {0}};

const struct prefdb__format prefdb__format_pandalm = {
    .name = "pandalm",
    .what = "PandaLM's test set: annotator1 to annotator3",
    .keys = "instruction:s,response1,response2,annotator1:n",
    .dimension = PREFDB__HELPFUL,
    .label_key = "annotatorN",
    .labels = pandalm_labels,
    .rule = "one judgment each",
    .read = read_pandalm,
};

/* ---- Argilla ------------------------------------------------------------- */

static const char *const answers[] = {"response1", "response2"};

/* The place of a name among the two; -1 where it is none of them. */
static int place_of(const cJSON *v)
{
    for (int i = 0; i < 2; i++)
        if (cJSON_IsString(v) && strcmp(v->valuestring, answers[i]) == 0)
            return i;
    return -1;
}

static void set_rank(const cJSON *name, const cJSON *rank, double ranks[2])
{
    int i = place_of(name);
    if (i >= 0 && cJSON_IsNumber(rank))
        ranks[i] = rank->valuedouble;
}

/* A ranking, in any of the ways it is written: {"rank": [], "value": []}, a
 * list of {"value", "rank"}, a list of names, best first, or the name of the
 * better. */
static int choice_of(const cJSON *value)
{
    double ranks[2] = {NAN, NAN};
    const cJSON *e;
    int n = 0;
    if (cJSON_IsString(value)) {
        int i = place_of(value);
        return i < 0 ? PREFDB__NONE : i ? PREFDB_B : PREFDB_A;
    }
    if (cJSON_IsObject(value)) {
        const cJSON *names = cJSON_GetObjectItemCaseSensitive(value, "value");
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(value, "rank");
        for (int i = 0; i < 2; i++)
            set_rank(cJSON_GetArrayItem(names, i), cJSON_GetArrayItem(list, i),
                     ranks);
    } else {
        cJSON_ArrayForEach(e, value)
        {
            cJSON place = {.type = cJSON_Number, .valuedouble = n++};
            if (cJSON_IsObject(e))
                set_rank(cJSON_GetObjectItemCaseSensitive(e, "value"),
                         cJSON_GetObjectItemCaseSensitive(e, "rank"), ranks);
            else
                set_rank(e, &place, ranks);
        }
    }
    return ranks[0] < ranks[1]    ? PREFDB_A
           : ranks[0] > ranks[1]  ? PREFDB_B
           : ranks[0] == ranks[1] ? PREFDB_TIE
                                  : PREFDB__NONE;
}

/* One person's response: only what was submitted counts. */
static int add_response(struct prefdb__rows *rows, struct prefdb__record *r,
                        cJSON *o, struct pk_err *err)
{
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(o, "status");
    const char *who = NULL;
    if (!cJSON_IsObject(o))
        return pk_fail(err, PK_EDATA, "a response is not an object");
    if (cJSON_IsString(status) && strcmp(status->valuestring, "submitted") != 0)
        return 0;
    int choice = choice_of(cJSON_GetObjectItemCaseSensitive(o, "value"));
    if (choice == PREFDB__NONE)
        return pk_fail(err, PK_EDATA,
                       "a response does not rank response1 and response2");
    (void)prefdb__take(rows, o, "value");
    (void)prefdb__take(rows, o, "status");
    int rc = prefdb__take_name(rows, o, "user_id", &who, err);
    if (rc)
        return rc;
    struct prefdb__judgment *j = judge(rows, r, choice, who);
    if (!j)
        return pk_fail_mem(err, "a judgment");
    const cJSON *rest = prefdb__rest_of(o);
    if (rest && !(j->extra = cJSON_Duplicate(rest, 1)))
        return pk_fail_mem(err, "a row's JSON");
    while (o->child)
        cJSON_Delete(cJSON_DetachItemViaPointer(o, o->child));
    return 0;
}

static int add_responses(struct prefdb__rows *rows, struct prefdb__record *r,
                         cJSON *list, struct pk_err *err)
{
    cJSON *o;
    int rc = 0;
    cJSON_ArrayForEach(o, list) if (!rc) rc = add_response(rows, r, o, err);
    return rc;
}

static int read_argilla(const struct prefdb__format *f, cJSON *row,
                        struct prefdb__rows *rows, struct pk_err *err)
{
    (void)f;
    int rc = prefdb__add_instruction(rows, row, "prompt", NULL, NULL, err);
    if (rc)
        return rc;
    struct prefdb__record *r =
        add_texts(rows, row, answers[0], answers[1], err);
    if (!r)
        return fail_code(rows);
    rc = add_responses(rows, r, prefdb__find(row, "preference"), err);
    return rc ? rc : prefdb__keep(rows, row, NULL, err);
}

static int read_argilla2(const struct prefdb__format *f, cJSON *row,
                         struct prefdb__rows *rows, struct pk_err *err)
{
    (void)f;
    cJSON *fields = prefdb__find(row, "fields"), *question;
    int rc = prefdb__add_instruction(
        rows, fields, prefdb__has(fields, "prompt") ? "prompt" : "instruction",
        NULL, NULL, err);
    if (rc)
        return rc;
    struct prefdb__record *r =
        add_texts(rows, fields, answers[0], answers[1], err);
    if (!r)
        return fail_code(rows);
    /* A question that ranks nothing (a comment) stays in the row. */
    cJSON_ArrayForEach(question, prefdb__find(row, "responses"))
    {
        const cJSON *value = prefdb__find(question, "0.value");
        if (choice_of(value) == PREFDB__NONE)
            continue;
        rc = add_responses(rows, r, question, err);
        if (rc)
            return rc;
    }
    return prefdb__keep(rows, row, NULL, err);
}

#define ARGILLA_RULE                                                           \
    "one judgment for each submitted response: the lower rank is preferred; "  \
    "equal: tie; suggestions, drafts and discarded responses are kept, and "   \
    "are no judgments"

const struct prefdb__format prefdb__format_argilla = {
    .name = "argilla",
    .what = "Argilla 1, as on the Hub: response1, response2, a ranking "
            "called preference",
    .keys = "prompt:s,response1:s,response2:s,preference:l",
    .dimension = PREFDB__ASKED,
    .rule = ARGILLA_RULE,
    .read = read_argilla,
};

const struct prefdb__format prefdb__format_argilla2 = {
    .name = "argilla2",
    .what = "Argilla 2, records.to_list: fields and responses by question",
    .keys = "fields:o,responses:o",
    .dimension = PREFDB__ASKED,
    .rule = ARGILLA_RULE,
    .read = read_argilla2,
};

/* ---- Label Studio -------------------------------------------------------- */

/* The first pairwise result: 0 for none, else PREFDB_A or PREFDB_B + 1. */
static int selected(const cJSON *annotation)
{
    const cJSON *e;
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(annotation, "result");
    cJSON_ArrayForEach(e, list)
    {
        const cJSON *side = prefdb__find(e, "value.selected");
        if (!cJSON_IsString(side))
            continue;
        if (strcmp(side->valuestring, "left") == 0)
            return PREFDB_A + 1;
        if (strcmp(side->valuestring, "right") == 0)
            return PREFDB_B + 1;
    }
    return 0;
}

/* The names in data of what was on the left and right, by the first result
 * that says; answer1 and answer2 where none does. */
static void sides_of(const cJSON *annotations, const char *sides[2])
{
    static const char *const keys[] = {"to_name", "toName"};
    const cJSON *e;
    sides[0] = "answer1";
    sides[1] = "answer2";
    cJSON_ArrayForEach(e, annotations)
    {
        const cJSON *result = prefdb__find(e, "result.0");
        for (int i = 0; i < 2; i++) {
            const cJSON *names =
                cJSON_GetObjectItemCaseSensitive(result, keys[i]);
            const cJSON *x = cJSON_GetArrayItem(names, 0);
            const cJSON *y = cJSON_GetArrayItem(names, 1);
            if (!cJSON_IsString(x) || !cJSON_IsString(y))
                continue;
            sides[0] = x->valuestring;
            sides[1] = y->valuestring;
            return;
        }
    }
}

static int add_annotation(struct prefdb__rows *rows, struct prefdb__record *r,
                          cJSON *o, struct pk_err *err)
{
    const char *who = NULL;
    int cancelled, side = selected(o);
    double seconds;
    if (!cJSON_IsObject(o))
        return pk_fail(err, PK_EDATA, "an annotation is not an object");
    int rc = prefdb__read_bool(o, "was_cancelled", 0, &cancelled, err);
    if (rc || cancelled || !side)
        return rc; /* it stays in the row */
    if (!cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(o, "completed_by")))
        rc = prefdb__take_name(rows, o, "completed_by", &who, err);
    else
        rc = prefdb__take_name(rows, o, "completed_by.id", &who, err);
    if (!rc)
        rc = pk_json_num(o, "lead_time", PREFDB__UNKNOWN, &seconds, err);
    if (rc)
        return rc;
    struct prefdb__judgment *j = judge(rows, r, side - 1, who);
    if (!j)
        return pk_fail_mem(err, "a judgment");
    if (seconds >= 0 && seconds <= 1e9) {
        j->seconds = seconds;
        (void)prefdb__take(rows, o, "lead_time");
    }
    j->shown_left = PREFDB_A;
    prefdb__take_time(rows, o, "created_at", &j->created);
    const cJSON *rest = prefdb__rest_of(o);
    if (rest && !(j->extra = cJSON_Duplicate(rest, 1)))
        return pk_fail_mem(err, "a row's JSON");
    while (o->child)
        cJSON_Delete(cJSON_DetachItemViaPointer(o, o->child));
    return 0;
}

static int read_label_studio(const struct prefdb__format *f, cJSON *row,
                             struct prefdb__rows *rows, struct pk_err *err)
{
    (void)f;
    cJSON *data = prefdb__find(row, "data"), *o;
    cJSON *annotations = prefdb__find(row, "annotations");
    const char *sides[2];
    int rc = prefdb__add_instruction(rows, data, "prompt", NULL, NULL, err);
    if (rc)
        return rc;
    sides_of(annotations, sides);
    struct prefdb__record *r = add_texts(rows, data, sides[0], sides[1], err);
    if (!r)
        return fail_code(rows);
    cJSON_ArrayForEach(o, annotations) if (!rc) rc =
        add_annotation(rows, r, o, err);
    return rc ? rc : prefdb__keep(rows, row, NULL, err);
}

const struct prefdb__format prefdb__format_label_studio = {
    .name = "label-studio",
    .what = "Label Studio, pairwise comparison tasks",
    .keys = "data:o,annotations:l",
    .dimension = PREFDB__ASKED,
    .rule = "one judgment for each annotation: left is a, right is b, in the "
            "order of to_name; cancelled and empty ones are kept, and are no "
            "judgments; there is no tie",
    .read = read_label_studio,
};
