/* The one spelling of every enumeration, in files, options and reports. */
#include <string.h>

#include "prefdb/store/store.h"

static const char *const roles[] = {"system", "user", "assistant"};
static const char *const dimensions[] = {"helpfulness", "safety"};
static const char *const orders[] = {"oldest", "random", "uncertain"};
static const char *const splits[] = {"train", "valid", "test"};
static const char *const choices[] = {"a", "b", "tie", "both_bad"};
static const char *const labels[] = {"none", "preferred_safe", "both_safe",
                                     "both_unsafe", "preferred_unsafe"};
static const char *const strengths[] = {
    "unstated", "negligibly better or unsure", "slightly better", "better",
    "significantly better"};

#define COUNT(a)      (sizeof(a) / sizeof(a)[0])
#define NAME(a, i)    ((size_t)(i) < COUNT(a) ? (a)[i] : "?")
#define FIND(a, s, p) find(a, COUNT(a), s, p)

static bool find(const char *const *names, size_t n, const char *s, int *out)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], s) == 0) {
            *out = (int)i;
            return true;
        }
    }
    return false;
}

const char *prefdb__role_name(enum prefdb_role r)
{
    return NAME(roles, r);
}

const char *prefdb_dimension_name(enum prefdb_dimension d)
{
    return NAME(dimensions, d);
}

const char *prefdb_order_name(enum prefdb_order o)
{
    return NAME(orders, o);
}

const char *prefdb_split_name(enum prefdb_split s)
{
    return NAME(splits, s);
}

const char *prefdb_label_name(enum prefdb_label l)
{
    return NAME(labels, l);
}

const char *prefdb_choice_name(enum prefdb_choice c)
{
    return NAME(choices, c);
}

const char *prefdb_strength_name(int strength)
{
    return NAME(strengths, strength + 1);
}

bool prefdb_parse_dimension(const char *s, enum prefdb_dimension *out)
{
    int i;
    bool ok = FIND(dimensions, s, &i);
    if (ok)
        *out = (enum prefdb_dimension)i;
    return ok;
}

bool prefdb_parse_order(const char *s, enum prefdb_order *out)
{
    int i;
    bool ok = FIND(orders, s, &i);
    if (ok)
        *out = (enum prefdb_order)i;
    return ok;
}

bool prefdb_parse_split(const char *s, enum prefdb_split *out)
{
    int i;
    bool ok = FIND(splits, s, &i);
    if (ok)
        *out = (enum prefdb_split)i;
    return ok;
}

bool prefdb__parse_role(const char *s, enum prefdb_role *out)
{
    int i;
    bool ok = FIND(roles, s, &i);
    if (ok)
        *out = (enum prefdb_role)i;
    return ok;
}

bool prefdb__parse_choice(const char *s, int *out)
{
    return FIND(choices, s, out);
}

bool prefdb__parse_label(const char *s, enum prefdb_label *out)
{
    int i;
    bool ok = FIND(labels, s, &i);
    if (ok)
        *out = (enum prefdb_label)i;
    return ok;
}

bool prefdb__parse_strength(const char *s, int *out)
{
    int i;
    bool ok = FIND(strengths, s, &i) && i > 0;
    if (ok)
        *out = i - 1;
    return ok;
}
