/* Errors: a negative code and one line of text.
 *
 * A function that can fail returns 0 (or a count) on success and a negative
 * PK_E* code on failure, and takes `struct pk_err *err` last. The lowest level
 * writes the message, with its subject (file, line, tensor name, SQL); upper
 * levels may put a prefix before it. Libraries never print and never exit.
 * `err` may be NULL. On failure out-parameters hold NULL or zero, and nothing
 * is half-owned.
 *
 * Messages: lower case, no full stop, what and where and, if it helps, what to
 * do: `model.safetensors: tensor 'lm_head.weight' ends beyond the file`.
 */
#ifndef PREFKIT_COMMON_ERR_H
#define PREFKIT_COMMON_ERR_H

#include <stdarg.h>

/* code, exit status, what it means */
#define PK_ERRORS(X)                                                           \
    X(ENO, 1, "it ran, and the answer is no")                                  \
    X(EUSAGE, 2, "wrong usage")                                                \
    X(EDATA, 3, "bad input data")                                              \
    X(EIO, 4, "input/output, network or database error")                       \
    X(EMEM, 5, "out of memory")                                                \
    X(EBUG, 5, "a fault of our own")                                           \
    X(EINTR, 130, "interrupted by a signal")

enum pk_code {
    PK__FIRST = -8,
#define PK_ENUM(name, status, text) PK_##name,
    PK_ERRORS(PK_ENUM)
#undef PK_ENUM
        PK_OK = 0
};
_Static_assert(PK_EINTR == -1, "PK__FIRST is one before the first error");

struct pk_err {
    int code;
    char text[1024];
};

#define PK_NODISCARD    __attribute__((warn_unused_result))
#define PK_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Fill `err` (if any) and return `code`, so that one can write
 * `return pk_fail(err, PK_EDATA, "...")`. */
int pk_fail(struct pk_err *err, int code, const char *fmt, ...) PK_PRINTF(3, 4);
int pk_failv(struct pk_err *err, int code, const char *fmt, va_list ap);

/* The same for a failed system call: appends ": strerror(errno)". Returns
 * PK_EMEM for ENOMEM, PK_EIO for everything else. */
int pk_fail_errno(struct pk_err *err, const char *fmt, ...) PK_PRINTF(2, 3);

/* Out of memory, with what was wanted. Returns PK_EMEM (here, so that a static
 * analyser sees it too). */
static inline int pk_fail_mem(struct pk_err *err, const char *what)
{
    pk_fail(err, PK_EMEM, "out of memory for %s", what);
    return PK_EMEM;
}

/* Put text before the message; returns err->code (PK_EBUG if err is NULL). */
int pk_err_prefix(struct pk_err *err, const char *fmt, ...) PK_PRINTF(2, 3);

/* The same behind it. */
int pk_err_suffix(struct pk_err *err, const char *fmt, ...) PK_PRINTF(2, 3);

/* The exit status of a code; 0 for 0 and above. */
int pk_exit_status(int code);

#endif
