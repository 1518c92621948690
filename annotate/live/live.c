/* A dialogue under way; see live.h. Its draft is in draft.c, its verdict
 * in submit.c. */
#include "annotate/live/live.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "annotate/live/key_rule.h"
#include "annotate/source/endpoint.h"
#include "annotate/source/local.h"
#include "common/mem.h"
#include "common/num.h"
#include "common/progress.h"

bool annotate__range_parse(struct annotate__range *r, const char *text,
                           double min, double max)
{
    char copy[64];
    if (strlen(text) >= sizeof copy)
        return false;
    snprintf(copy, sizeof copy, "%s", text);
    char *dots = strstr(copy, ".."), *comma = strchr(copy, ',');
    char *high = dots ? dots + 2 : comma ? comma + 1 : copy;
    if (dots)
        *dots = 0;
    else if (comma)
        *comma = 0;
    r->between = dots != NULL;
    return pk_parse_double(copy, min, max, &r->low) &&
           pk_parse_double(high, min, max, &r->high) && r->low <= r->high;
}

/* ---- What is drawn ------------------------------------------------------- */

static double draw_from(struct annotate__live *l,
                        const struct annotate__range *r, bool second)
{
    if (!r->between)
        return second ? r->high : r->low;
    double x = r->low + pk_rng_uniform(&l->rng) * (r->high - r->low);
    return fmin(fmax(round(x * 100) / 100, r->low), r->high);
}

/* Who answers, where, and how: nothing of it is ever shown before the verdict,
 * and all of it is kept. */
static void draw(struct annotate__live *l)
{
    size_t n = l->o->n_models, first = pk_rng_below(&l->rng, n);
    size_t other = n > 1 ? (first + 1 + pk_rng_below(&l->rng, n - 1)) % n : 0;
    bool swap_t = pk_rng_below(&l->rng, 2), swap_p = pk_rng_below(&l->rng, 2);
    for (int i = 0; i < 2; i++) {
        struct annotate__answer *side = &l->sides[i];
        side->model = i ? other : first;
        side->temperature =
            draw_from(l, &l->o->temperature, (i == 1) != swap_t);
        side->top_p = draw_from(l, &l->o->top_p, (i == 1) != swap_p);
        side->seed = (int64_t)pk_rng_below(&l->rng, (uint64_t)1 << 31);
    }
}

/* ---- Turns --------------------------------------------------------------- */

int annotate__live_turn(struct annotate__live *l, enum prefdb_role role,
                        const char *text, size_t len, struct pk_err *err)
{
    char *copy = pk_memdup0(text, len);
    if (!copy ||
        !pk_grow(&l->turns, &l->cap_turns, l->n_turns + 1, sizeof *l->turns)) {
        free(copy);
        return pk_fail_mem(err, "a dialogue");
    }
    l->turns[l->n_turns++] = (struct prefdb_turn){role, copy, len};
    return 0;
}

static void pop_turn(struct annotate__live *l)
{
    free((char *)l->turns[--l->n_turns].text);
}

int annotate__live_reset(struct annotate__live *l, struct pk_err *err)
{
    while (l->n_turns)
        pop_turn(l);
    l->turn = 0;
    l->asked = false;
    if (!l->o->system)
        return 0;
    return annotate__live_turn(l, PREFDB_SYSTEM, l->o->system,
                               strlen(l->o->system), err);
}

void annotate__live_drop(struct annotate__live *l, int side)
{
    struct annotate__answer *at = &l->sides[side];
    annotate__hub_stop(l->hub, &at->stream);
    annotate__stream_release(&at->stream);
    cJSON_Delete(at->discarded);
    at->discarded = NULL;
}

/* ---- Steps --------------------------------------------------------------- */

int annotate__live_start(struct annotate__live *l, int side, struct pk_err *err)
{
    struct annotate__answer *at = &l->sides[side];
    const struct annotate__query q = {.turns = l->turns,
                                      .n_turns = l->n_turns,
                                      .temperature = at->temperature,
                                      .top_p = at->top_p,
                                      .seed = at->seed,
                                      .max_tokens = l->o->max_tokens};
    prefdb_now(at->created);
    return annotate__hub_start(l->hub, l->sources[at->model], &q, &at->stream,
                               err);
}

unsigned annotate__live_turns(const struct annotate__live *l)
{
    int64_t most = l->s->turn_limit, wish = l->o->turns;
    if (!most && !wish)
        return 8;
    return (unsigned)(!most || (wish && wish < most) ? wish : most);
}

/* May this prompt be asked? And under which guideline. */
static int look_again(struct annotate__live *l, struct pk_err *err)
{
    struct annotate__session *s = l->s;
    if (annotate__editor_blank(&l->prompt))
        return pk_fail(err, PK_ENO, "there is no prompt yet");
    int rc = annotate__look_again(s, err);
    if (rc)
        return rc;
    if (s->anew)
        snprintf(l->said, sizeof l->said, "the guideline is now %.60s",
                 s->guideline);
    s->anew = false;
    return annotate__quota_reached(s) ? pk_fail(err, PK_ENO, ANNOTATE__NO_MORE)
                                      : 0;
}

int annotate__live_ask(struct annotate__live *l, struct pk_err *err)
{
    int rc = look_again(l, err);
    if (!rc)
        rc = annotate__live_turn(l, PREFDB_USER, l->prompt.text.data,
                                 l->prompt.text.len, err);
    if (rc)
        return rc;
    l->dialogues += l->turn == 0;
    l->asked = true;
    draw(l);
    for (int i = 0; i < 2 && !rc; i++)
        rc = annotate__live_start(l, i, err);
    if (!rc)
        rc = annotate__editor_set(&l->prompt, "", 0, err);
    l->s->v = l->v = (struct annotate__verdict){0};
    l->s->seconds = l->seconds = 0;
    l->s->touched = pk_now();
    return rc ? rc : annotate__live_keep(l, err);
}

int annotate__live_wait(struct annotate__live *l, int fd, double seconds,
                        bool *changed, struct pk_err *err)
{
    int rc = annotate__hub_wait(l->hub, fd, seconds, changed, err);
    bool ended = false;
    for (int i = 0; i < 2; i++)
        ended |= l->asked && l->kept[i] != l->sides[i].stream.phase &&
                 !annotate__running(&l->sides[i].stream);
    int failed = rc >= 0 && ended ? annotate__live_keep(l, err) : 0;
    return failed ? failed : rc;
}

static struct prefdb_turn said(const struct annotate__answer *side)
{
    const struct pk_buf *text = &side->stream.text;
    return (struct prefdb_turn){PREFDB_ASSISTANT, text->len ? text->data : "",
                                text->len};
}

void annotate__live_show(struct annotate__live *l)
{
    struct annotate__session *s = l->s;
    s->x = (struct prefdb_example){.dimension = s->dimension,
                                   .strength = PREFDB_UNSTATED,
                                   .shown_left = -1,
                                   .context = l->turns,
                                   .n_context = l->n_turns};
    s->x.a = l->asked ? said(&l->sides[0]) : (struct prefdb_turn){.text = ""};
    s->x.b = l->asked ? said(&l->sides[1]) : (struct prefdb_turn){.text = ""};
    s->x.a_cut = l->sides[0].stream.phase == ANNOTATE__CUT;
    s->x.b_cut = l->sides[1].stream.phase == ANNOTATE__CUT;
    s->left = PREFDB_A;
    if (s->revising) {
        s->v = l->v;
        s->seconds = l->seconds;
        s->touched = pk_now();
    }
    s->revising = s->comparison = 0;
    s->have = false; /* it is none of the campaign's */
}

void annotate__live_leave(struct annotate__live *l)
{
    l->v = l->s->v;
    l->seconds = l->s->seconds;
}

int annotate__live_stop(struct annotate__live *l, int side, struct pk_err *err)
{
    annotate__hub_stop(l->hub, &l->sides[side].stream);
    return annotate__live_keep(l, err);
}

/* What is thrown away is not lost: it goes beside what takes its place, with
 * what was written about it. */
static int discard(struct annotate__answer *at,
                   const struct annotate__verdict *v, struct pk_err *err)
{
    struct annotate__stream *s = &at->stream;
    cJSON *j = cJSON_CreateObject();
    if (!at->discarded)
        at->discarded = cJSON_CreateArray();
    bool ok =
        j && at->discarded &&
        cJSON_AddNumberToObject(j, "seed", (double)at->seed) &&
        cJSON_AddStringToObject(j, "created", at->created) &&
        (s->trouble[0] ? cJSON_AddStringToObject(j, "error", s->trouble)
                       : cJSON_AddStringToObject(
                             j, "content", s->text.len ? s->text.data : "")) &&
        (!v->flags[0] || cJSON_AddStringToObject(j, "flags", v->flags)) &&
        (!v->note[0] || cJSON_AddStringToObject(j, "note", v->note)) &&
        cJSON_AddItemToArray(at->discarded, j);
    if (ok)
        return 0;
    cJSON_Delete(j);
    return pk_fail_mem(err, "a response");
}

int annotate__live_again(struct annotate__live *l, int side, struct pk_err *err)
{
    struct annotate__answer *at = &l->sides[side];
    annotate__hub_stop(l->hub, &at->stream);
    int rc = discard(at, &l->s->v, err);
    l->again++;
    at->seed = (int64_t)pk_rng_below(&l->rng, (uint64_t)1 << 31);
    if (!rc) /* nothing has been said of the new texts */
        l->s->v = (struct annotate__verdict){0};
    if (!rc)
        rc = annotate__live_start(l, side, err);
    return rc ? rc : annotate__live_keep(l, err);
}

int annotate__live_back(struct annotate__live *l, struct pk_err *err)
{
    const struct prefdb_turn *last = &l->turns[l->n_turns - 1];
    int rc = annotate__editor_set(&l->prompt, last->text, last->len, err);
    if (rc)
        return rc;
    annotate__live_drop(l, 0);
    annotate__live_drop(l, 1);
    pop_turn(l);
    l->asked = false;
    l->again += 2;
    l->s->v = (struct annotate__verdict){0};
    return annotate__live_keep(l, err);
}

int annotate__live_new(struct annotate__live *l, struct pk_err *err)
{
    l->again += l->asked ? 2 : 0;
    annotate__live_drop(l, 0);
    annotate__live_drop(l, 1);
    int rc = annotate__live_reset(l, err);
    l->s->v = (struct annotate__verdict){0};
    return rc ? rc : annotate__live_keep(l, err);
}

void annotate__live_status(const struct annotate__live *l, int side, char *out,
                           size_t size)
{
    const struct annotate__stream *s = &l->sides[side].stream;
    double wait = s->retry_at - pk_now();
    switch (s->phase) {
    case ANNOTATE__WAITING:
        snprintf(out, size, "waiting for its first word");
        break;
    case ANNOTATE__RETRYING:
        snprintf(out, size, "refused, to be asked again in %.0f s",
                 ceil(wait > 0 ? wait : 0));
        break;
    case ANNOTATE__WRITING:
        snprintf(out, size, "writing");
        break;
    case ANNOTATE__CUT:
        snprintf(out, size, "cut off before its end");
        break;
    case ANNOTATE__BROKEN:
        snprintf(out, size, "broken");
        break;
    default:
        *out = 0;
        break;
    }
}

/* ---- Open, close --------------------------------------------------------- */

static int open_source(struct annotate__live *l, size_t i, struct pk_err *err)
{
    const struct annotate__model *m = &l->o->models[i];
    char why[256];
    const char *key_env = annotate__key_of(l->o, i, why, sizeof why);
    if (why[0])
        snprintf(l->said, sizeof l->said, "%s", why);
    const struct annotate__endpoint_options e = {.name = m->name,
                                                 .url = m->where,
                                                 .key_env = key_env,
                                                 .stall_seconds =
                                                     l->o->stall_seconds};
    return strstr(m->where, "://")
               ? annotate__endpoint_open(&l->sources[i], l->hub, &e, err)
               : annotate__local_open(&l->sources[i], l->hub, m->name, m->where,
                                      err);
}

int annotate__live_open(struct annotate__live *l, struct annotate__session *s,
                        const struct annotate__live_options *o,
                        struct pk_err *err)
{
    uint64_t seed = o->seed;
    *l = (struct annotate__live){.s = s, .o = o};
    for (int i = 0; i < 2; i++)
        annotate__stream_init(&l->sides[i].stream);
    annotate__editor_init(&l->prompt, ANNOTATE__PROMPT_MAX);
    snprintf(l->key[0], sizeof l->key[0], "live/%lld", (long long)s->campaign);
    snprintf(l->key[1], sizeof l->key[1], "live/%lld/prompt",
             (long long)s->campaign);
    if (!seed && getrandom(&seed, sizeof seed, 0) != sizeof seed)
        return pk_fail_errno(err, "no random numbers");
    /* With a seed of the caller's: another run does not draw the same again. */
    pk_rng_seed(&l->rng, seed, (uint64_t)s->progress.judged);
    int rc = annotate__hub_open(&l->hub, err);
    for (size_t i = 0; i < o->n_models && !rc; i++) {
        rc = annotate__names_add(&s->names, o->models[i].name, err);
        if (!rc)
            rc = open_source(l, i, err);
    }
    if (!rc)
        rc = annotate__live_load(l, err);
    if (rc) {
        annotate__live_close(l);
        return rc;
    }
    if (annotate__quota_reached(s) && !l->asked)
        snprintf(l->said, sizeof l->said, ANNOTATE__NO_MORE);
    annotate__live_show(l);
    return 0;
}

void annotate__live_close(struct annotate__live *l)
{
    if (!l->hub)
        return;
    for (int i = 0; i < 2; i++)
        annotate__live_drop(l, i);
    for (size_t i = 0; i < ANNOTATE__MODELS; i++)
        if (l->sources[i])
            l->sources[i]->kind->close(l->sources[i]);
    annotate__hub_close(l->hub);
    annotate__editor_release(&l->prompt);
    while (l->n_turns)
        pop_turn(l);
    free(l->turns);
    free(l->saved[0]);
    free(l->saved[1]);
    *l = (struct annotate__live){0};
}
