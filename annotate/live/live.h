/* Private to annotate/: live dialogues, as the paper collected its comparisons
 * (3.2.1). The annotator writes a prompt; two model variants answer it, at
 * temperatures of their own; one of the two is chosen, and the dialogue goes
 * on from it, each turn a comparison.
 *
 * Nothing here knows a terminal. What there is of a dialogue is a draft in the
 * store: after kill -9 it is there again, responses that had their end too; one
 * that had not is asked for again, with the same seed. */
#ifndef PREFKIT_ANNOTATE_LIVE_LIVE_H
#define PREFKIT_ANNOTATE_LIVE_LIVE_H

#include "annotate/judge/session.h"
#include "annotate/source/source.h"
#include "annotate/terminal/editor.h"
#include "common/rng.h"

#define ANNOTATE__MODELS 16

/* What the two responses are made with: "0.8" for both; "0.7,1.0", one each,
 * drawn which; "0.6..1.2", each drawn from between the two. */
struct annotate__range {
    double low, high;
    bool between;
};
bool annotate__range_parse(struct annotate__range *r, const char *text,
                           double min, double max);

struct annotate__model {
    const char *name, *where; /* a URL or a directory */
    const char *key_env;      /* NULL: PREFKIT_API_KEY */
    bool key_named;           /* that one is for this model by name */
};

struct annotate__live_options {
    struct annotate__model models[ANNOTATE__MODELS];
    size_t n_models;
    struct annotate__range temperature, top_p;
    size_t max_tokens;
    unsigned turns; /* of the annotator, in one dialogue; 0: not said */
    long stall_seconds;
    const char *system; /* a text, or NULL */
    const char *source, *batch;
    uint64_t seed; /* for all that is drawn; 0: from the system */
};

/* One of the two responses; side 0 is shown left. */
struct annotate__answer {
    size_t model; /* of the options; never shown */
    double temperature, top_p;
    int64_t seed;
    char created[32];
    struct annotate__stream stream;
    cJSON *discarded; /* what it said before it was asked again, or NULL */
};

struct annotate__live {
    struct annotate__session *s;
    const struct annotate__live_options *o;
    struct annotate__hub *hub;
    struct annotate__source *sources[ANNOTATE__MODELS];
    struct pk_rng rng;
    char key[2][64]; /* of the drafts: the dialogue; the prompt in the editor */

    /* The dialogue, its texts owned. Once it is `asked`, it ends with the
     * prompt that the two sides answer. */
    struct prefdb_turn *turns;
    size_t n_turns, cap_turns;
    unsigned turn; /* judged in this dialogue */
    bool asked;
    struct annotate__answer sides[2];
    struct annotate__editor prompt;

    struct annotate__verdict v; /* while a revision has the session's place */
    double seconds;
    char *saved[2]; /* the drafts as they are in the store */
    enum annotate__phase kept[2];
    unsigned dialogues, again; /* begun; responses thrown away */
    char said[256]; /* what a step has to say beside its result, or "" */
};

/* Opens the sources, and takes up what there was; `s` is open, for live
 * dialogues. Options and session outlive it. */
PK_NODISCARD int annotate__live_open(struct annotate__live *l,
                                     struct annotate__session *s,
                                     const struct annotate__live_options *o,
                                     struct pk_err *err);
/* The draft is kept. */
void annotate__live_close(struct annotate__live *l);

#define ANNOTATE__NO_MORE "this campaign asks for no more of you"

/* A dialogue's longest: as was asked for, but no longer than the campaign's;
 * where neither says anything, 8. */
unsigned annotate__live_turns(const struct annotate__live *l);

/* The prompt in the editor is asked, for what the campaign wants now. PK_ENO:
 * there is none, or the quota is reached. */
PK_NODISCARD int annotate__live_ask(struct annotate__live *l,
                                    struct pk_err *err);
/* Wait as annotate__hub_wait does, and keep what has had its end. Texts may
 * have moved: annotate__live_show. */
PK_NODISCARD int annotate__live_wait(struct annotate__live *l, int fd,
                                     double seconds, bool *changed,
                                     struct pk_err *err);
/* The pair in the session's hand becomes ours, with its half-made verdict. */
void annotate__live_show(struct annotate__live *l);
/* Before a revision takes its place. */
void annotate__live_leave(struct annotate__live *l);

PK_NODISCARD int annotate__live_stop(struct annotate__live *l, int side,
                                     struct pk_err *err);
/* Throw a response away, ask for another; the verdict begins anew. */
PK_NODISCARD int annotate__live_again(struct annotate__live *l, int side,
                                      struct pk_err *err);
/* Throw both away; the prompt is in the editor again. */
PK_NODISCARD int annotate__live_back(struct annotate__live *l,
                                     struct pk_err *err);
/* A new dialogue. */
PK_NODISCARD int annotate__live_new(struct annotate__live *l,
                                    struct pk_err *err);

/* May it be judged? Else why not, in `why`. */
bool annotate__live_ready(const struct annotate__live *l, char *why,
                          size_t size);
/* The verdict in the session is written, and the chosen response goes on the
 * dialogue; what still runs is stopped, and marked as cut. PK_ENO as
 * annotate__live_ready says. */
PK_NODISCARD int annotate__live_submit(struct annotate__live *l,
                                       struct pk_err *err);

/* Keep what has changed of the two drafts, at the end; and after every key and
 * wait, where a store that cannot be written to is said, and no error. */
PK_NODISCARD int annotate__live_store(struct annotate__live *l,
                                      struct pk_err *err);
PK_NODISCARD int annotate__live_keep(struct annotate__live *l,
                                     struct pk_err *err);
/* The same behind what is done and kept: "kept; what follows is ". */
PK_NODISCARD int annotate__live_keep_after(struct annotate__live *l,
                                           const char *done,
                                           struct pk_err *err);

/* "writing, 120 characters" and the like: what to say beside "Left". */
void annotate__live_status(const struct annotate__live *l, int side, char *out,
                           size_t size);

/* ---- Between the files of it ---- */

PK_NODISCARD int annotate__live_turn(struct annotate__live *l,
                                     enum prefdb_role role, const char *text,
                                     size_t len, struct pk_err *err);
/* Start what is not there yet. */
PK_NODISCARD int annotate__live_start(struct annotate__live *l, int side,
                                      struct pk_err *err);
/* Forget all turns; the system's, if any, is said anew. */
PK_NODISCARD int annotate__live_reset(struct annotate__live *l,
                                      struct pk_err *err);
void annotate__live_drop(struct annotate__live *l, int side);

/* The dialogue as a draft (draft.c): as it is, or, with `chosen` 0 or 1,
 * as it will be after that side was; 2: as a new one. */
enum { ANNOTATE__LIVE_NOW = -1, ANNOTATE__LIVE_NEW = 2 };
PK_NODISCARD int annotate__live_draft(const struct annotate__live *l,
                                      int chosen, char **out,
                                      struct pk_err *err);
PK_NODISCARD int annotate__live_load(struct annotate__live *l,
                                     struct pk_err *err);

#endif
