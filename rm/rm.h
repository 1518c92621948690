/* rm: reward models. The only room that knows preferences and tensors both:
 * loss, training, scoring, accuracy. The room's one door. */
#ifndef PREFKIT_RM_RM_H
#define PREFKIT_RM_RM_H

#include "rm/rm_score.h"

/* ---- Verbs --------------------------------------------------------------- */

int rm_cmd_export(int argc, char **argv);
int rm_cmd_stats(int argc, char **argv);
int rm_cmd_train(int argc, char **argv);
int rm_cmd_score(int argc, char **argv);
int rm_cmd_eval(int argc, char **argv);
int rm_cmd_best(int argc, char **argv);
int rm_cmd_serve(int argc, char **argv);

#endif
