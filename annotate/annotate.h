/* annotate: ranking stored pairs in the terminal. The room's one door. */
#ifndef PREFKIT_ANNOTATE_ANNOTATE_H
#define PREFKIT_ANNOTATE_ANNOTATE_H

int annotate_cmd_annotate(int argc, char **argv);

#endif
