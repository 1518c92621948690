/* Private to annotate/: whose server a URL means. */
#ifndef PREFKIT_ANNOTATE_SOURCE_URL_H
#define PREFKIT_ANNOTATE_SOURCE_URL_H

#include <stdbool.h>

/* The host of a URL as it is written, without a name to log in by, brackets and
 * port; "" for a directory. One too long for `out` is cut off. */
void annotate__url_host(const char *url, char out[256]);

/* Is it sure from the URL alone that its server is this machine? */
bool annotate__loopback(const char *url);

#endif
