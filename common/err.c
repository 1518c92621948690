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

int pk_err_suffix(struct pk_err *err, const char *fmt, ...)
{
    if (!err)
        return PK_EBUG;
    size_t n = strlen(err->text);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->text + n, sizeof err->text - n, fmt, ap);
    va_end(ap);
    return err->code;
}

int pk_exit_status(int code)
{
    static const struct {
        int code, status;
    } table[] = {
#define PK_ROW(name, status, text) {PK_##name, status},
        PK_ERRORS(PK_ROW)
#undef PK_ROW
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].code == code)
            return table[i].status;
    return code >= 0 ? 0 : 5;
}
