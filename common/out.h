/* Outputs that appear whole or not at all.
 *
 *     struct pk_out *o;
 *     pk_out_open(&o, path, err);          "-": standard output
 *     fprintf(pk_out_file(o), ...);
 *     rc = pk_out_commit(&o, err);         or pk_out_abort(&o)
 *
 * A regular file is written beside its final place under a temporary name,
 * flushed to disk and renamed; an existing file is replaced at that moment,
 * with its mode, and behind a symbolic link that leads to it; one whose name
 * ends in .gz is compressed. Standard output, pipes and devices are written
 * directly. A directory is built the same way, and must not exist before. Both
 * handles become NULL. */
#ifndef PREFKIT_COMMON_OUT_H
#define PREFKIT_COMMON_OUT_H

#include <stdio.h>

#include "common/err.h"

struct pk_out;

PK_NODISCARD int pk_out_open(struct pk_out **out, const char *path,
                             struct pk_err *err);
FILE *pk_out_file(struct pk_out *o);
PK_NODISCARD int pk_out_commit(struct pk_out **slot, struct pk_err *err);
void pk_out_abort(struct pk_out **slot); /* of NULL is fine */

struct pk_outdir;

/* Fails with PK_EUSAGE when `path` is there already and is not an empty
 * directory. */
PK_NODISCARD int pk_outdir_open(struct pk_outdir **out, const char *path,
                                struct pk_err *err);
/* Where to write now, folders too; borrowed. */
const char *pk_outdir_path(const struct pk_outdir *d);
PK_NODISCARD int pk_outdir_commit(struct pk_outdir **slot, struct pk_err *err);
void pk_outdir_abort(struct pk_outdir **slot);

/* Remove a folder and all that is in it; 0, or -1 with errno. */
int pk_remove_folder(const char *path);

/* Flush and close a stream opened for writing, seeing every error (a full disk
 * shows itself only here). */
PK_NODISCARD int pk_fclose(FILE *f, const char *name, struct pk_err *err);

#endif
