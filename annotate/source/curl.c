#include "annotate/source/curl.h"

#include "common/late.h"

const struct annotate__curl *annotate__curl(struct pk_err *err)
{
    static struct annotate__curl calls;
    static struct pk_late late = PK_LATE_INIT;
#define SYMBOL(name) "curl_" #name,
    static const char *const symbols[] = {ANNOTATE__CURL(SYMBOL) NULL};
    return pk_late_load(&late, &calls, "libcurl.so.4", symbols, err) ? NULL
                                                                     : &calls;
}
