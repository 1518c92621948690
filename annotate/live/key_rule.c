#include "annotate/live/key_rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "annotate/source/url.h"

static bool elsewhere(const struct annotate__model *m)
{
    return strstr(m->where, "://") && !annotate__loopback(m->where);
}

/* Are there models, of those that no key is named for, at another host? */
static bool several_hosts(const struct annotate__live_options *o,
                          const char *host)
{
    char other[256];
    for (size_t i = 0; i < o->n_models; i++) {
        annotate__url_host(o->models[i].where, other);
        if (!o->models[i].key_named && elsewhere(&o->models[i]) &&
            strcasecmp(host, other) != 0)
            return true;
    }
    return false;
}

const char *annotate__key_of(const struct annotate__live_options *o, size_t i,
                             char *why, size_t size)
{
    const struct annotate__model *m = &o->models[i];
    const char *variable = m->key_env ? m->key_env : "PREFKIT_API_KEY";
    const char *key = getenv(variable);
    char host[256];
    annotate__url_host(m->where, host);
    why[0] = 0;
    if (!key || !*key || !elsewhere(m))
        return variable;
    bool plain = strncmp(m->where, "https://", 8) != 0;
    if (plain && m->key_named)
        snprintf(
            why, size,
            "the key of model '%.40s' goes to %.80s over plain http, where "
            "it can be read on the way",
            m->name, host);
    if (m->key_named)
        return variable;
    if (plain)
        snprintf(why, size,
                 "no key is sent to %.80s over plain http; --key-env "
                 "%.40s=%.40s sends it all the same",
                 host, m->name, variable);
    else if (several_hosts(o, host))
        snprintf(why, size,
                 "no key is sent to %.80s, as there are several hosts; "
                 "--key-env %.40s=VAR says which is whose",
                 host, m->name);
    return why[0] ? NULL : variable;
}
