/* A folder for the files of a target that cannot read memory; it goes with the
 * process. */
#ifndef PREFKIT_TESTS_FUZZ_TEMPDIR_H
#define PREFKIT_TESTS_FUZZ_TEMPDIR_H

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char tempdir_made[] = "/tmp/prefkit-fuzz-XXXXXX";

static inline int tempdir_one(const char *path, const struct stat *st, int kind,
                              struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline void tempdir_gone(void)
{
    nftw(tempdir_made, tempdir_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Its path, the same every time. */
static inline const char *tempdir(void)
{
    static bool made;
    if (!made && (!mkdtemp(tempdir_made) || atexit(tempdir_gone) != 0))
        abort();
    made = true;
    return tempdir_made;
}

#endif
