/* A dialogue as a draft in the store, and back. Two drafts: the dialogue with
 * its responses and the half-made verdict, and the prompt in the editor, which
 * changes with every key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/live/live.h"
#include "common/json.h"
#include "common/mem.h"

static const char *const roles[] = {"system", "user", "assistant"};

/* ---- Out ----------------------------------------------------------------- */

static bool add_turn(cJSON *list, enum prefdb_role role, const char *text)
{
    cJSON *t = cJSON_CreateObject();
    return t && cJSON_AddItemToArray(list, t) &&
           cJSON_AddStringToObject(t, "role", roles[role]) &&
           cJSON_AddStringToObject(t, "content", text);
}

static const char *text_of(const struct annotate__stream *s)
{
    return s->text.len ? s->text.data : "";
}

static bool add_turns(cJSON *j, const struct annotate__live *l, int chosen)
{
    cJSON *list = cJSON_AddArrayToObject(j, "turns");
    bool ok = list != NULL;
    for (size_t i = 0; i < l->n_turns && ok; i++)
        if (chosen != ANNOTATE__LIVE_NEW || l->turns[i].role == PREFDB_SYSTEM)
            ok = add_turn(list, l->turns[i].role, l->turns[i].text);
    if (ok && (chosen == 0 || chosen == 1))
        ok =
            add_turn(list, PREFDB_ASSISTANT, text_of(&l->sides[chosen].stream));
    return ok;
}

/* What has had its end is kept; the rest is asked for again. */
static bool add_side(cJSON *list, const struct annotate__live *l, int i)
{
    const struct annotate__answer *s = &l->sides[i];
    const struct annotate__stream *in = &s->stream;
    cJSON *j = cJSON_CreateObject();
    bool ok =
        j && cJSON_AddItemToArray(list, j) &&
        cJSON_AddStringToObject(j, "model", l->o->models[s->model].name) &&
        cJSON_AddNumberToObject(j, "temperature", s->temperature) &&
        cJSON_AddNumberToObject(j, "top_p", s->top_p) &&
        cJSON_AddNumberToObject(j, "seed", (double)s->seed) &&
        cJSON_AddStringToObject(j, "created", s->created);
    if (ok && s->discarded)
        ok = cJSON_AddItemToObject(j, "discarded",
                                   cJSON_Duplicate(s->discarded, 1));
    if (ok && in->phase == ANNOTATE__BROKEN)
        ok = cJSON_AddStringToObject(j, "broken", in->trouble);
    if (ok && (in->phase == ANNOTATE__WHOLE || in->phase == ANNOTATE__CUT))
        ok = cJSON_AddStringToObject(j, "text", text_of(in)) &&
             cJSON_AddBoolToObject(j, "cut", in->phase == ANNOTATE__CUT) &&
             cJSON_AddItemToObject(j, "record", cJSON_Duplicate(in->record, 1));
    return ok;
}

static bool add_pair(cJSON *j, const struct annotate__live *l)
{
    const struct annotate__session *s = l->s;
    struct pk_buf b = PK_BUF_INIT(2048);
    cJSON *sides = cJSON_AddArrayToObject(j, "sides");
    bool ok = sides && add_side(sides, l, 0) && add_side(sides, l, 1) &&
              !annotate__verdict_save(&b, s->revising ? &l->v : &s->v) &&
              cJSON_AddStringToObject(j, "verdict", b.data);
    pk_buf_release(&b);
    return ok;
}

int annotate__live_draft(const struct annotate__live *l, int chosen, char **out,
                         struct pk_err *err)
{
    bool now = chosen == ANNOTATE__LIVE_NOW;
    unsigned turn = chosen == ANNOTATE__LIVE_NEW ? 0 : l->turn + !now;
    cJSON *j = cJSON_CreateObject();
    bool ok = cJSON_AddNumberToObject(j, "version", 1) &&
              cJSON_AddNumberToObject(j, "turn", turn) &&
              add_turns(j, l, chosen) && (!now || !l->asked || add_pair(j, l));
    *out = ok ? cJSON_PrintUnformatted(j) : NULL;
    cJSON_Delete(j);
    return *out ? 0 : pk_fail_mem(err, "a draft");
}

static int put(struct annotate__live *l, int which, char *text,
               struct pk_err *err)
{
    if (l->saved[which] && strcmp(l->saved[which], text) == 0) {
        free(text);
        return 0;
    }
    int rc =
        prefdb_draft_put(l->s->db, l->s->annotator, l->key[which], text, err);
    free(rc ? text : l->saved[which]);
    l->saved[which] = rc ? l->saved[which] : text;
    return rc;
}

int annotate__live_store(struct annotate__live *l, struct pk_err *err)
{
    const struct pk_buf *prompt = &l->prompt.text;
    char *text;
    int rc = annotate__live_draft(l, ANNOTATE__LIVE_NOW, &text, err);
    for (int i = 0; i < 2; i++)
        l->kept[i] = l->sides[i].stream.phase;
    if (!rc)
        rc = put(l, 0, text, err);
    if (rc)
        return rc;
    text = pk_memdup0(prompt->len ? prompt->data : "", prompt->len);
    return text ? put(l, 1, text, err) : pk_fail_mem(err, "a draft");
}

int annotate__live_keep_after(struct annotate__live *l, const char *done,
                              struct pk_err *err)
{
    int rc = annotate__live_store(l, err);
    if (rc != PK_EIO)
        return rc;
    snprintf(l->said, sizeof l->said, "%snot stored: %.200s", done, err->text);
    return 0;
}

int annotate__live_keep(struct annotate__live *l, struct pk_err *err)
{
    return annotate__live_keep_after(l, "", err);
}

/* ---- Back ---------------------------------------------------------------- */

static int load_turns(struct annotate__live *l, const cJSON *list,
                      struct pk_err *err)
{
    const cJSON *t;
    int rc = 0;
    l->n_turns = 0;
    cJSON_ArrayForEach(t, list)
    {
        const char *role = NULL, *text = NULL;
        int r = 0;
        if (!rc)
            rc = pk_json_need_str(t, "role", &role, err);
        if (!rc)
            rc = pk_json_need_str(t, "content", &text, err);
        while (!rc && r < 2 && strcmp(role, roles[r]) != 0)
            r++;
        if (!rc)
            rc = annotate__live_turn(l, (enum prefdb_role)r, text, strlen(text),
                                     err);
    }
    return rc;
}

/* The model of that name, or -1: it is not among those of today. */
static int model_named(const struct annotate__live *l, const char *name)
{
    for (size_t i = 0; i < l->o->n_models; i++)
        if (strcmp(l->o->models[i].name, name) == 0)
            return (int)i;
    return -1;
}

static int load_text(struct annotate__answer *s, const cJSON *j,
                     struct pk_err *err)
{
    const cJSON *record = cJSON_GetObjectItemCaseSensitive(j, "record");
    const char *text = NULL, *broken = NULL;
    int rc = pk_json_str(j, "text", &text, err);
    if (!rc)
        rc = pk_json_str(j, "broken", &broken, err);
    if (rc || (!text && !broken))
        return rc;
    if (broken) {
        s->stream.phase = ANNOTATE__BROKEN;
        snprintf(s->stream.trouble, sizeof s->stream.trouble, "%s", broken);
        return 0;
    }
    s->stream.phase = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(j, "cut"))
                          ? ANNOTATE__CUT
                          : ANNOTATE__WHOLE;
    s->stream.record = cJSON_Duplicate(record, 1);
    return pk_buf_adds(&s->stream.text, text) ? pk_fail_mem(err, "a response")
                                              : 0;
}

static int load_side(struct annotate__live *l, int i, const cJSON *j,
                     struct pk_err *err)
{
    struct annotate__answer *s = &l->sides[i];
    const cJSON *thrown = cJSON_GetObjectItemCaseSensitive(j, "discarded");
    const char *name = NULL, *created = NULL;
    double seed = 0;
    int rc = pk_json_need_str(j, "model", &name, err);
    if (!rc)
        rc = pk_json_need_str(j, "created", &created, err);
    if (!rc)
        rc = pk_json_num(j, "temperature", 1, &s->temperature, err);
    if (!rc)
        rc = pk_json_num(j, "top_p", 1, &s->top_p, err);
    if (!rc)
        rc = pk_json_num(j, "seed", 0, &seed, err);
    if (rc)
        return rc;
    int model = model_named(l, name);
    if (model < 0)
        return PK_ENO;
    s->model = (size_t)model;
    s->seed = (int64_t)seed;
    s->discarded = thrown ? cJSON_Duplicate(thrown, 1) : NULL;
    snprintf(s->created, sizeof s->created, "%s", created);
    return load_text(s, j, err);
}

static int load_pair(struct annotate__live *l, const cJSON *j,
                     struct pk_err *err)
{
    const cJSON *sides = cJSON_GetObjectItemCaseSensitive(j, "sides");
    const char *verdict = NULL;
    if (!sides || cJSON_GetArraySize(sides) != 2 || !l->n_turns)
        return 0;
    l->asked = true;
    int rc = pk_json_str(j, "verdict", &verdict, err);
    for (int i = 0; i < 2 && !rc; i++)
        rc = load_side(l, i, cJSON_GetArrayItem(sides, i), err);
    if (rc == PK_ENO) { /* other models than then: the prompt is asked anew */
        snprintf(l->said, sizeof l->said,
                 "the models are others than before: ask again");
        return annotate__live_back(l, err);
    }
    if (rc)
        return rc;
    if (verdict)
        (void)annotate__verdict_load(&l->s->v, verdict);
    for (int i = 0; i < 2 && !rc; i++)
        if (l->sides[i].stream.phase == ANNOTATE__UNASKED)
            rc = annotate__live_start(l, i, err);
    return rc;
}

static int load_dialogue(struct annotate__live *l, const char *text,
                         struct pk_err *err)
{
    cJSON *j;
    double turn = 0, version = 0;
    int rc = pk_json_parse(&j, text, strlen(text), err);
    if (!rc)
        rc = pk_json_num(j, "version", 0, &version, err);
    if (!rc && version != 1)
        rc = pk_fail(err, PK_EDATA, "a draft of another prefkit");
    if (!rc)
        rc = pk_json_num(j, "turn", 0, &turn, err);
    l->turn = turn >= 0 && turn < 1e6 ? (unsigned)turn : 0;
    if (!rc)
        rc = load_turns(l, cJSON_GetObjectItemCaseSensitive(j, "turns"), err);
    if (!rc)
        rc = load_pair(l, j, err);
    cJSON_Delete(j);
    return rc;
}

/* A draft that cannot be read is no reason never to begin again. */
static int begin_anew(struct annotate__live *l, struct pk_err *err)
{
    snprintf(l->said, sizeof l->said,
             "the draft of the last dialogue cannot be read: a new one");
    annotate__live_drop(l, 0);
    annotate__live_drop(l, 1);
    l->s->v = (struct annotate__verdict){0};
    return annotate__live_reset(l, err);
}

int annotate__live_load(struct annotate__live *l, struct pk_err *err)
{
    char *text = NULL;
    int rc = prefdb_draft_get(l->s->db, l->s->annotator, l->key[1], &text, err);
    if (!rc && text)
        rc = annotate__editor_set(&l->prompt, text, strlen(text), err);
    free(text);
    text = NULL;
    if (!rc)
        rc = prefdb_draft_get(l->s->db, l->s->annotator, l->key[0], &text, err);
    if (!rc)
        rc = text ? load_dialogue(l, text, err) : annotate__live_reset(l, err);
    free(text);
    if (rc == PK_EDATA)
        rc = begin_anew(l, err);
    /* A prompt that is being answered is in the editor no more. */
    if (!rc && l->asked)
        rc = annotate__editor_set(&l->prompt, "", 0, err);
    if (!rc && (l->n_turns > (l->o->system != NULL) || l->prompt.text.len) &&
        !l->said[0])
        snprintf(l->said, sizeof l->said, "this is where you were");
    return rc;
}
