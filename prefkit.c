/* The front door: which verb is which room's, help, and nothing else. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/annotate.h"
#include "common/version.h"
#include "infer/infer.h"
#include "prefdb/prefdb.h"
#include "rm/rm.h"

static const struct verb {
    const char *name, *args, *what;
    int (*run)(int argc, char **argv);
    bool computes; /* with OpenBLAS from the start */
} verbs[] = {
    {"init", "DB", "make an empty store", prefdb_cmd_init, false},
    {"import", "DB FILE...", "read comparisons into a store", prefdb_cmd_import,
     false},
    {"export", "DB", "write a store's comparisons", rm_cmd_export, false},
    {"stats", "DB", "what a store holds, as the paper's Table 6", rm_cmd_stats,
     false},
    {"annotate", "DB", "judge pairs, in the terminal", annotate_cmd_annotate,
     false},
    {"agreement", "DB", "how far annotators agree, and their habits",
     prefdb_cmd_agreement, false},
    {"show", "DB ID", "one comparison, with all that was said of it",
     prefdb_cmd_show, false},
    {"search", "DB WORD...", "find words in prompts and responses",
     prefdb_cmd_search, false},
    {"batch", "DB [NAME]", "make a weekly batch, or list the batches",
     prefdb_cmd_batch, false},
    {"campaign", "DB [NAME]", "what labelers are to judge, and how far it is",
     prefdb_cmd_campaign, false},
    {"split", "DB", "deal the prompts to train, valid and test anew",
     prefdb_cmd_split, false},
    {"merge", "DB OTHER...", "bring other labelers' stores in",
     prefdb_cmd_merge, false},
    {"backup", "DB FILE", "copy a store that may be in use", prefdb_cmd_backup,
     false},
    {"check", "DB", "integrity, split leaks, the judgment log's hash chain",
     prefdb_cmd_check, false},
    {"init-model", "DIR", "a randomly initialised model", infer_cmd_init_model,
     false},
    {"convert", "IN DIR", "other weight formats to a model directory",
     infer_cmd_convert, false},
    {"tokenize", "", "text or dialogues to token ids and back",
     infer_cmd_tokenize, false},
    {"generate", "", "sample responses from a model", infer_cmd_generate, true},
    {"train", "DB", "train one reward model for one dimension", rm_cmd_train,
     true},
    {"score", "", "score JSON lines with one or more reward models",
     rm_cmd_score, true},
    {"serve", "", "reward models over HTTP", rm_cmd_serve, true},
    {"best", "", "the best of K scored responses to each prompt", rm_cmd_best,
     false},
    {"eval", "DB", "accuracy report of one or more reward models", rm_cmd_eval,
     true},
    {"bench", "", "this machine's limit, and how close we run to it",
     infer_cmd_bench, true},
    {"verify", "DIR", "will a model score the same here and elsewhere?",
     infer_cmd_verify, true},
};

enum { N_VERBS = sizeof verbs / sizeof verbs[0] };

static int usage(FILE *f)
{
    fputs("Usage: prefkit VERB [options] FILE...\n"
          "A store of preferences, reward models trained from it, and their "
          "scores.\n\n",
          f);
    for (int i = 0; i < N_VERBS; i++)
        fprintf(f, "  %-10s %-11s %s\n", verbs[i].name, verbs[i].args,
                verbs[i].what);
    fputs("\n`prefkit VERB --help` (or `prefkit help VERB`) tells a verb's "
          "options.\n"
          "Exit status: 0 done; 1 the answer is no; 2 wrong usage; 3 bad input "
          "data;\n4 I/O or database; 5 out of memory or our own fault.\n",
          f);
    return f == stdout ? 0 : 2;
}

static int run(const struct verb *v, int argc, char **argv)
{
    char name[64];
    struct pk_err err;
    if (v->computes && infer_blas_load(&err)) {
        fprintf(stderr, "prefkit: %s: %s\n", v->name, err.text);
        return pk_exit_status(err.code);
    }
    snprintf(name, sizeof name, "prefkit %s", v->name);
    argv[0] = name;
    return v->run(argc, argv);
}

static const struct verb *find(const char *name)
{
    for (int i = 0; i < N_VERBS; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage(stderr);
    const char *first = argv[1];
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
        puts("prefkit " PK_VERSION);
        return fflush(stdout) ? 4 : 0;
    }
    bool help = strcmp(first, "help") == 0 || strcmp(first, "--help") == 0 ||
                strcmp(first, "-h") == 0;
    if (help && argc == 2)
        return usage(stdout);
    const struct verb *v = find(help ? argv[2] : first);
    if (!v) {
        fprintf(stderr,
                "prefkit: '%s' is not a verb\n"
                "Try `prefkit help'.\n",
                help ? argv[2] : first);
        return 2;
    }
    if (help) {
        char *ask[] = {argv[0], (char[]){"--help"}, NULL};
        return run(v, 2, ask);
    }
    return run(v, argc - 1, argv + 1);
}
