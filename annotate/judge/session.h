/* Private to annotate/: one annotator at work on one store. What the screen
 * and the line prompts share: the pair in hand, its verdict so far, history,
 * time, the summary. Nothing here knows a terminal. */
#ifndef PREFKIT_ANNOTATE_JUDGE_SESSION_H
#define PREFKIT_ANNOTATE_JUDGE_SESSION_H

#include <time.h>

#include "annotate/judge/verdict.h"
#include "annotate/text/names.h"

struct annotate__options {
    const char *store, *annotator;
    const char *campaign;       /* NULL: one of our own, made as needed */
    const char *source, *batch; /* NULL: any */
    enum prefdb_dimension dimension;
    enum prefdb_order order;
    const char *scored_by, *against; /* for PREFDB_UNCERTAIN; or NULL */
    bool allow_tie, allow_both_bad;
    bool live; /* the pairs are made, not drawn (live.h) */
};

struct annotate__session {
    struct prefdb *db;
    int alone; /* keeps a second terminal away (alone.h); 0: nothing does */
    int64_t campaign;
    char *annotator, *campaign_name, *guideline, *guideline_text;
    enum prefdb_dimension dimension;
    bool allow_tie, allow_both_bad;
    int64_t quota, turn_limit; /* 0: none */
    bool checked;              /* gold or repeats come among the tasks */
    struct prefdb_progress progress;
    bool live;
    bool own; /* the campaign is our own, and, unless live, filled as needed: */
    struct prefdb_fill fill;

    /* The pair in hand. Its texts are our own copies, since the store lends
     * them only until the next call. */
    bool have;
    bool waiting;    /* none in hand, but others hold some that may return */
    bool ended;      /* none in hand, and the page of the end is there */
    char stuck[256]; /* none in hand, since the store cannot be written to: why;
                        or "" */
    bool again;      /* shown a second time, blind: its sides are drawn anew */
    bool anew;       /* the guideline is another than before this pair */
    int64_t comparison;
    int64_t revising; /* the judgment that this one is to replace, or 0 */
    enum prefdb_choice left; /* which response is shown left */
    struct prefdb_example x;
    struct pk_buf texts;
    struct prefdb_turn *context;
    size_t cap_context;
    struct annotate__verdict v;
    struct annotate__names names;
    char named[2][64]; /* what left and right are found to say of a model's
                          name, to be shown before they are rated; or "" */
    char saved[800];   /* the draft as it is in the store */

    double seconds, touched; /* on this pair; the last sign of life */
    int64_t laid_by; /* the pair that was in hand before one was revised, */
    double laid_by_seconds; /* and how long it had been */
    time_t began;
    unsigned judged, revised, skipped;
};

/* The strings of `o` are borrowed while the session is open. */
PK_NODISCARD int annotate__open(struct annotate__session *s,
                                const struct annotate__options *o,
                                struct pk_err *err);
/* The draft is kept; the lease is given back. */
void annotate__close(struct annotate__session *s);

/* The campaign's settings as they are now: its lead may change them. */
PK_NODISCARD int annotate__look_again(struct annotate__session *s,
                                      struct pk_err *err);
/* Said where a tie, or both bad, is not allowed. */
#define ANNOTATE__MUST_CHOOSE "this campaign asks for a choice between the two"

/* Has the annotator judged as many as are asked for? */
bool annotate__quota_reached(const struct annotate__session *s);

/* Take the next pair in hand: s->have says whether there is one. A store that
 * cannot be written to is no error where there was one before: it is looked for
 * again (s->stuck). */
PK_NODISCARD int annotate__next(struct annotate__session *s,
                                struct pk_err *err);

/* Write the verdict, which is on disk when this returns, and take the next.
 * PK_ENO: others have been quicker, or the judgment is not there to be
 * replaced any more; nothing was written, and the next pair is in hand. Any
 * other error while s->have: nothing was written, and the pair is still in
 * hand; it may be tried again. */
PK_NODISCARD int annotate__submit(struct annotate__session *s,
                                  struct pk_err *err);

/* The verdict in the store's terms; its words are in `words`. And one more to
 * count. */
struct annotate__words {
    char flags[128], draft_key[96];
    const char *word[64];
};
struct prefdb_verdict annotate__said(const struct annotate__session *s,
                                     struct annotate__words *words);
void annotate__count(struct annotate__session *s);

/* Is the pair still in hand, or the live dialogue, or the page of the end
 * there, after an error of a store that cannot be written to (the disk is full,
 * another waits too long), or of what is not there or not allowed? Then it is
 * said, and work goes on. */
bool annotate__stays(const struct annotate__session *s, int rc);

/* Not this pair; its flags and note go with the reason, and stay as a draft.
 * While revising: back to the pair that was in hand. */
PK_NODISCARD int annotate__skip(struct annotate__session *s, const char *reason,
                                struct pk_err *err);

/* The pair skipped last is in hand again; the one that was comes after it.
 * PK_ENO, and that one stays: prefdb_unskip's. */
PK_NODISCARD int annotate__unskip(struct annotate__session *s,
                                  struct pk_err *err);

/* Take an earlier judgment of one's own in this campaign up again, with its
 * words. PK_ENO: it is none. */
PK_NODISCARD int annotate__revise(struct annotate__session *s, int64_t judgment,
                                  struct pk_err *err);

/* One of one's own judgments (prefdb_history lists them), for a list. */
struct annotate__past {
    char what[64];    /* "left is better" */
    char prompt[160]; /* its beginning, made printable, on one line */
};
PK_NODISCARD int annotate__past(struct annotate__session *s, int64_t judgment,
                                struct annotate__past *out, struct pk_err *err);

/* A table of how it has gone in this session, today and in all. */
PK_NODISCARD int annotate__statistics(struct annotate__session *s,
                                      struct pk_buf *b, struct pk_err *err);

/* Keep the half-made verdict, where it has changed. Call after every key. */
PK_NODISCARD int annotate__keep(struct annotate__session *s,
                                struct pk_err *err);

/* The pair in hand comes back, with the time that was spent on it; the draft of
 * the one in hand goes. */
void annotate__lay_by(struct annotate__session *s);
PK_NODISCARD int annotate__drop_draft(struct annotate__session *s,
                                      struct pk_err *err);

/* The annotator is there: time counts, but of a pause no more than
 * ANNOTATE__IDLE seconds. `now` on the monotonic clock. */
#define ANNOTATE__IDLE 120.0
void annotate__touch(struct annotate__session *s, double now);

static inline const struct prefdb_turn *
annotate__shown(const struct annotate__session *s, bool right)
{
    return (s->left == PREFDB_A) != right ? &s->x.a : &s->x.b;
}

static inline bool annotate__shown_cut(const struct annotate__session *s,
                                       bool right)
{
    return (s->left == PREFDB_A) != right ? s->x.a_cut : s->x.b_cut;
}

/* Fill s->named. */
void annotate__find_names(struct annotate__session *s);

/* Which response of s->x is shown left: where it is judged already, as it was
 * shown then; else drawn per comparison and annotator, the same on every
 * showing: from their texts, so that nobody, the program's author included,
 * can tell a side's model from its place. */
PK_NODISCARD int annotate__draw_left(struct annotate__session *s,
                                     struct pk_err *err);

/* How many there are to judge: the quota, or the tasks of a campaign without
 * checks; 0: not known. */
int64_t annotate__goal(const struct annotate__session *s);

/* Why there is no pair in hand: "Nothing is left to judge." */
const char *annotate__ended(const struct annotate__session *s);
/* Is there anything to do then: verdicts to revise, a skip to take back, pairs
 * to wait for? */
bool annotate__lingers(const struct annotate__session *s);

/* How it went, in the numbers of annotate__statistics, on lines of 40 columns;
 * before the session is closed. */
int annotate__summary(struct annotate__session *s, struct pk_buf *b);

/* ---- Between the files of it ---- */

/* Add the names of the models behind a comparison; 0: of some of the store. */
PK_NODISCARD int annotate__know_models(struct annotate__session *s,
                                       int64_t comparison, struct pk_err *err);

/* Make, or find, the campaign of what is asked for without --campaign. */
PK_NODISCARD int annotate__own_campaign(struct annotate__session *s,
                                        const struct annotate__options *o,
                                        struct pk_err *err);
/* Its tasks come a few at a time, so that the first pair of a store of millions
 * is there at once. */
PK_NODISCARD int annotate__own_fill(struct annotate__session *s, int64_t *added,
                                    struct pk_err *err);
/* What was asked for is not there, by a slip of the finger perhaps: what was
 * made for it goes. The result is `rc`, or, where that is 0, why in err. */
PK_NODISCARD int annotate__own_drop(struct annotate__session *s, int rc,
                                    struct pk_err *err);

/* A half-made verdict comes back. */
PK_NODISCARD int annotate__load_draft(struct annotate__session *s,
                                      struct pk_err *err);
/* Its key, and NULL where the store has none. */
const char *annotate__draft_key(const struct annotate__session *s,
                                char out[96]);
/* The words of the judgment that is revised, as far as there is room to write
 * in them. */
PK_NODISCARD int annotate__recall_words(struct annotate__session *s,
                                        struct pk_err *err);

#endif
