/* A shared library that is loaded when it is first needed. OpenBLAS, oneDNN,
 * libcurl and libmicrohttpd bring thirty others with them; linked in, they were
 * three quarters of the start of every verb that needs none of them.
 *
 * Its functions are listed once, without their prefix, and called through a
 * table of pointers of their own types:
 *
 *     #define CALLS(F) F(easy_init) F(easy_setopt)
 *     struct calls {
 *     #define CALL(name) __typeof__(curl_##name) *name;
 *         CALLS(CALL)
 *     #undef CALL
 *     };
 *     #define SYMBOL(name) "curl_" #name,
 *     static const char *const symbols[] = {CALLS(SYMBOL) NULL};
 *
 * A library that was loaded stays. */
#ifndef PREFKIT_COMMON_LATE_H
#define PREFKIT_COMMON_LATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/err.h"

/* One for each table, both static. */
struct pk_late {
    pthread_mutex_t lock;
    atomic_bool loaded;
};
#define PK_LATE_INIT                                                           \
    {                                                                          \
        .lock = PTHREAD_MUTEX_INITIALIZER                                      \
    }

/* Fill `table`, which holds nothing but pointers to functions, with those of
 * symbols[] (up to NULL) from the library of that soname, unless that has been
 * done. From any thread. PK_EIO: it is not installed, or is another version. */
PK_NODISCARD int pk_late_load(struct pk_late *l, void *table,
                              const char *soname, const char *const symbols[],
                              struct pk_err *err);

#endif
