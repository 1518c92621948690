/* Private to annotate/: libcurl, loaded with the first hub. */
#ifndef PREFKIT_ANNOTATE_SOURCE_CURL_H
#define PREFKIT_ANNOTATE_SOURCE_CURL_H

#include <curl/curl.h>

#include "common/err.h"

#define ANNOTATE__CURL(F)                                                      \
    F(easy_cleanup)                                                            \
    F(easy_getinfo)                                                            \
    F(easy_header)                                                             \
    F(easy_init)                                                               \
    F(easy_setopt)                                                             \
    F(easy_strerror)                                                           \
    F(global_cleanup)                                                          \
    F(global_init)                                                             \
    F(multi_add_handle)                                                        \
    F(multi_cleanup)                                                           \
    F(multi_info_read)                                                         \
    F(multi_init)                                                              \
    F(multi_perform)                                                           \
    F(multi_poll)                                                              \
    F(multi_remove_handle)                                                     \
    F(multi_strerror)                                                          \
    F(slist_append)                                                            \
    F(slist_free_all)

struct annotate__curl {
#define ANNOTATE__CALL(name) __typeof__(curl_##name) *(name);
    ANNOTATE__CURL(ANNOTATE__CALL)
#undef ANNOTATE__CALL
};

/* NULL with the error set where it cannot be loaded; once loaded, never. */
const struct annotate__curl *annotate__curl(struct pk_err *err);

#endif
