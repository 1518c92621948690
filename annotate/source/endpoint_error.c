#include "annotate/source/endpoint_error.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/source/curl.h"
#include "annotate/source/reply.h"
#include "common/mem.h"

/* ---- Names --------------------------------------------------------------- */

static int bad_url(const struct annotate__endpoint_options *o, const char *what,
                   struct pk_err *err)
{
    return pk_fail(err, PK_EUSAGE, "the URL of model '%.60s' %s", o->name,
                   what);
}

static int check_url(const struct annotate__endpoint_options *o,
                     struct pk_err *err)
{
    const char *s = strstr(o->url, "://"), *end;
    if (strncmp(o->url, "http://", 7) != 0 &&
        strncmp(o->url, "https://", 8) != 0)
        return bad_url(o, "starts with neither http:// nor https://", err);
    for (const char *p = o->url; *p; p++)
        if (*p <= ' ' || *p > '~')
            return bad_url(o, "has a space or a character that is not ASCII",
                           err);
    end = s + 3 + strcspn(s + 3, "/#?");
    if (end == s + 3)
        return bad_url(o, "names no server", err);
    if (memchr(s + 3, '@', (size_t)(end - s - 3)) || strchr(o->url, '?'))
        return bad_url(o,
                       "carries a password or a query, which would be kept "
                       "in the store; use --key-env",
                       err);
    return 0;
}

int annotate__endpoint_name(struct annotate__endpoint_names *n,
                            const struct annotate__endpoint_options *o,
                            char **url, char **base, struct pk_err *err)
{
    int rc = check_url(o, err);
    if (rc)
        return rc;
    const char *host = strstr(o->url, "://") + 3, *model = strchr(o->url, '#');
    size_t len = model ? (size_t)(model - o->url) : strlen(o->url);
    while (len && o->url[len - 1] == '/')
        len--;
    bool bare = host + strcspn(host, "/#") >= o->url + len;
    struct pk_buf b = PK_BUF_INIT(4096);
    pk_buf_add(&b, o->url, len);
    pk_buf_adds(&b, bare ? "/v1" : "");
    *base = b.failed ? NULL : pk_strdup(b.data);
    pk_buf_adds(&b, "/chat/completions");
    *url = b.failed ? NULL : pk_strdup(b.data);
    pk_buf_release(&b);
    n->name = pk_strdup(o->name);
    n->served = pk_strdup(model && model[1] ? model + 1 : o->name);
    n->host = pk_memdup0(host, strcspn(host, ":/#"));
    n->key_env = pk_strdup(o->key_env ? o->key_env : "");
    return *base && *url && n->name && n->served && n->host && n->key_env
               ? 0
               : pk_fail_mem(err, "an endpoint");
}

void annotate__endpoint_names_release(struct annotate__endpoint_names *n)
{
    free(n->name);
    free(n->served);
    free(n->host);
    free(n->key_env);
}

/* A name is one only as a whole word: a model may be called "a". */
static size_t starts(const char *text, const char *name)
{
    size_t n = strlen(name);
    bool same = n && strncasecmp(text, name, n) == 0;
    return same && !isalnum((unsigned char)text[n]) ? n : 0;
}

static size_t starts_host(const char *text, const char *host)
{
    size_t n = starts(text, host);
    if (n && text[n] == ':')
        n += 1 + strspn(text + n + 1, "0123456789");
    return n;
}

void annotate__endpoint_mask(const struct annotate__endpoint_names *n,
                             const char *text, char *out, size_t size)
{
    size_t at = 0;
    bool inside = false; /* of a word */
    while (*text && at + 1 < size) {
        size_t name = inside ? 0 : starts(text, n->served),
               host = inside ? 0 : starts_host(text, n->host);
        if (!name && !inside)
            name = starts(text, n->name);
        inside = isalnum((unsigned char)*text);
        const char *mask = name ? "[model]" : host ? "[server]" : NULL;
        if (!mask) {
            out[at++] = *text++;
            continue;
        }
        int wrote = snprintf(out + at, size - at, "%s", mask);
        at += (size_t)wrote < size - at ? (size_t)wrote : size - at - 1;
        text += name ? name : host;
        inside = true;
    }
    out[at] = 0;
}

/* ---- Words --------------------------------------------------------------- */

/* What to do about it. */
static const char *advice(long status, bool has_key)
{
    if (status == 401 || status == 403)
        return has_key ? "is the key right?" : "it wants a key";
    if (status == 404)
        return "is the URL right, up to /v1, and the model's name?";
    if (status == 408 || status == 429)
        return "too many ask at once; ask again in a while";
    if (status >= 300 && status < 400)
        return "the server has moved: give the URL that it has now";
    if (status >= 500)
        return "the server is in trouble; ask again in a while";
    if (status >= 400)
        return "the server does not take this request";
    return "it is no stream of events: is this a chat endpoint?";
}

void annotate__endpoint_refusal(long status,
                                const struct annotate__endpoint_names *n,
                                const char *body, size_t len, char *out,
                                size_t size)
{
    char message[240];
    const char *key = n->key_env[0] ? getenv(n->key_env) : NULL;
    annotate__reply_error(body, len, message, sizeof message);
    snprintf(out, size, "HTTP %ld%s%s (%s)", status, message[0] ? ": " : "",
             message, advice(status, key && *key));
}

/* Did it not even come to a connection? */
static bool unconnected(CURL *easy, CURLcode result)
{
    curl_off_t connected = 0;
    annotate__curl(NULL)->easy_getinfo(easy, CURLINFO_CONNECT_TIME_T,
                                       &connected);
    return result == CURLE_COULDNT_CONNECT ||
           result == CURLE_COULDNT_RESOLVE_HOST ||
           (result == CURLE_OPERATION_TIMEDOUT && connected == 0);
}

bool annotate__endpoint_transient(CURL *easy, CURLcode result)
{
    return unconnected(easy, result) || result == CURLE_SEND_ERROR ||
           result == CURLE_RECV_ERROR || result == CURLE_GOT_NOTHING ||
           result == CURLE_PARTIAL_FILE;
}

void annotate__endpoint_failure(CURL *easy, CURLcode result, long stall,
                                char *out, size_t size)
{
    if (unconnected(easy, result))
        snprintf(out, size, "no connection to the server (is it running?)");
    else if (result == CURLE_OPERATION_TIMEDOUT)
        snprintf(out, size, "nothing came from the server for %ld s", stall);
    else if (annotate__endpoint_transient(easy, result))
        snprintf(out, size, "the connection was lost");
    else
        snprintf(out, size, "%s", annotate__curl(NULL)->easy_strerror(result));
}
