#include "rm/serve/mhd.h"

#include "common/late.h"

const struct rm_mhd *rm_mhd(struct pk_err *err)
{
    static struct rm_mhd calls;
    static struct pk_late late = PK_LATE_INIT;
#define SYMBOL(name) "MHD_" #name,
    static const char *const symbols[] = {RM_MHD(SYMBOL) NULL};
    return pk_late_load(&late, &calls, "libmicrohttpd.so.12", symbols, err)
               ? NULL
               : &calls;
}
