#include "common/late.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

static int fill(void *table, const char *soname, const char *const symbols[],
                struct pk_err *err)
{
    void *library = dlopen(soname, RTLD_LAZY | RTLD_LOCAL);
    if (!library) /* the loader's words begin with the name */
        return pk_fail(err, PK_EIO, "cannot load a library: %s", dlerror());
    for (size_t i = 0; symbols[i]; i++) {
        void *at = dlsym(library, symbols[i]);
        if (!at)
            return pk_fail(err, PK_EIO, "cannot load a library: %s", dlerror());
        memcpy((char *)table + i * sizeof at, &at, sizeof at);
    }
    return 0;
}

int pk_late_load(struct pk_late *l, void *table, const char *soname,
                 const char *const symbols[], struct pk_err *err)
{
    if (atomic_load_explicit(&l->loaded, memory_order_acquire))
        return 0;
    pthread_mutex_lock(&l->lock);
    int rc = atomic_load(&l->loaded) ? 0 : fill(table, soname, symbols, err);
    if (!rc)
        atomic_store_explicit(&l->loaded, true, memory_order_release);
    pthread_mutex_unlock(&l->lock);
    return rc;
}
