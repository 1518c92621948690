/* Private to rm/: libmicrohttpd, loaded by the first server. */
#ifndef PREFKIT_RM_SERVE_MHD_H
#define PREFKIT_RM_SERVE_MHD_H

#include <microhttpd.h>

#include "common/err.h"

#define RM_MHD(F)                                                              \
    F(add_response_header)                                                     \
    F(create_response_from_buffer)                                             \
    F(destroy_response)                                                        \
    F(lookup_connection_value)                                                 \
    F(queue_response)                                                          \
    F(quiesce_daemon)                                                          \
    F(resume_connection)                                                       \
    F(start_daemon)                                                            \
    F(stop_daemon)                                                             \
    F(suspend_connection)

struct rm_mhd {
#define RM_CALL(name) __typeof__(MHD_##name) *(name);
    RM_MHD(RM_CALL)
#undef RM_CALL
};

/* NULL with the error set where it cannot be loaded; once loaded, never. */
const struct rm_mhd *rm_mhd(struct pk_err *err);

#endif
