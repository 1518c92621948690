#include "annotate/source/url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void annotate__url_host(const char *url, char out[256])
{
    const char *at = strstr(url, "://");
    out[0] = 0;
    if (!at)
        return;
    at += 3;
    const char *end = at + strcspn(at, "/?#");
    const char *name = memrchr(at, '@', (size_t)(end - at));
    at = name ? name + 1 : at;
    bool six = *at == '[';
    at += six;
    size_t n = strcspn(at, six ? "]" : ":");
    n = n < (size_t)(end - at) ? n : (size_t)(end - at);
    snprintf(out, 256, "%.*s", (int)(n < 255 ? n : 255), at);
}

/* Names are not looked up: what they stand for may change. "localhost" is this
 * machine by RFC 6761, and to libcurl. */
bool annotate__loopback(const char *url)
{
    char host[256];
    struct in_addr v4;
    struct in6_addr v6;
    annotate__url_host(url, host);
    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}
