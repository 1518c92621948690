/* Errors as values; see err.h for the rules. */
#include "common/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int pk_failv(struct pk_err *err, int code, const char *fmt, va_list ap)
{
    if (err) {
        err->code = code;
        vsnprintf(err->text, sizeof err->text, fmt, ap);
    }
    return code;
}

int pk_fail(struct pk_err *err, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    pk_failv(err, code, fmt, ap);
    va_end(ap);
    return code;
}

int pk_fail_errno(struct pk_err *err, const char *fmt, ...)
{
    int saved = errno, code = saved == ENOMEM ? PK_EMEM : PK_EIO;
    va_list ap;
    va_start(ap, fmt);
    pk_failv(err, code, fmt, ap);
    va_end(ap);
    if (err) {
        size_t n = strlen(err->text);
        snprintf(err->text + n, sizeof err->text - n, ": %s", strerror(saved));
    }
    return code;
}

int pk_fail_mem(struct pk_err *err, const char *what)
{
    return pk_fail(err, PK_EMEM, "out of memory for %s", what);
}

int pk_err_prefix(struct pk_err *err, const char *fmt, ...)
{
    if (!err)
        return PK_EBUG;
    char old[sizeof err->text];
    memcpy(old, err->text, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    size_t n = strlen(err->text);
    snprintf(err->text + n, sizeof err->text - n, "%s", old);
    return err->code;
}

int pk_exit_status(int code)
{
    switch (code) {
#define PK_CASE(name, status, text)                                            \
    case PK_##name:                                                            \
        return status;
        PK_ERRORS(PK_CASE)
#undef PK_CASE
    default:
        return code >= 0 ? 0 : 5;
    }
}
