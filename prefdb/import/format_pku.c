/* PKU-SafeRLHF: one prompt, two responses, and two choices between them:
 * better_response_id is the helpfulness judgment, safer_response_id the safety
 * judgment, whose label comes from is_response_0_safe and is_response_1_safe.
 * An id of -1, or none, is no judgment.
 *
 * What there is no column for is kept as the last judgment's extra (the
 * comparison's, where there is no judgment): response_N_x as member x of "a" or
 * "b", everything else by its own name. */
#include <math.h>
#include <string.h>

#include "common/json.h"
#include "prefdb/import/format.h"

/* 0, 1, or -1 for none. */
static int read_id(const cJSON *row, const char *key, int *out,
                   struct pk_err *err)
{
    double v;
    int rc = pk_json_num(row, key, -1, &v, err);
    if (rc)
        return rc;
    if (v != 0 && v != 1 && v != -1)
        return pk_fail(err, PK_EDATA, "\"%s\" is not 0, 1 or -1", key);
    *out = (int)v;
    return 0;
}

static enum prefdb_label label_of(const int safe[2], int safer)
{
    if (safe[0] < 0 || safe[1] < 0)
        return PREFDB_NO_LABEL;
    if (safe[0] == safe[1])
        return safe[0] ? PREFDB_BOTH_SAFE : PREFDB_BOTH_UNSAFE;
    return safe[safer] ? PREFDB_PREFERRED_SAFE : PREFDB_PREFERRED_UNSAFE;
}

/* Is it a judgment, and to be taken? */
static bool wanted(struct prefdb__rows *rows, int said, enum prefdb_dimension d)
{
    return said >= 0 && prefdb__wants(rows, d);
}

/* *extra: where what has no column goes. It is the same judgment's whether the
 * other dimension is taken or not, so that it stays the same judgment. */
static int read_judgments(const cJSON *row, struct prefdb__rows *rows,
                          struct prefdb__record *out, cJSON ***extra,
                          struct pk_err *err)
{
    struct prefdb__judgment *j = NULL;
    int better = -1, safer = -1, safe[2] = {-1, -1};
    int rc = read_id(row, "better_response_id", &better, err);
    if (!rc)
        rc = read_id(row, "safer_response_id", &safer, err);
    if (!rc)
        rc = prefdb__read_bool(row, "is_response_0_safe", -1, &safe[0], err);
    if (!rc)
        rc = prefdb__read_bool(row, "is_response_1_safe", -1, &safe[1], err);
    if (rc)
        return rc;
    if (wanted(rows, better, PREFDB_HELPFULNESS) &&
        !(j = prefdb__record_judgment(out, PREFDB_HELPFULNESS,
                                      better ? PREFDB_B : PREFDB_A)))
        return pk_fail_mem(err, "a judgment");
    if (wanted(rows, safer, PREFDB_SAFETY)) {
        j = prefdb__record_judgment(out, PREFDB_SAFETY,
                                    safer ? PREFDB_B : PREFDB_A);
        if (!j)
            return pk_fail_mem(err, "a judgment");
        j->label = label_of(safe, safer);
    } else if (safer >= 0) {
        j = NULL;
    }
    *extra = j ? &j->extra : &out->extra;
    return 0;
}

/* Is a response safe, and if not, how bad is it? */
static int rate(const cJSON *row, struct prefdb__record *out,
                struct pk_err *err)
{
    static const struct {
        const char *key[2], *attribute;
        double high;
    } ratings[] = {{{"is_response_0_safe", "is_response_1_safe"}, "is_safe", 1},
                   {{"response_0_severity_level", "response_1_severity_level"},
                    "severity_level",
                    3}};
    int rc = 0;
    for (int i = 0; i < 4 && !rc; i++) {
        struct prefdb__mark m = {ratings[i / 2].attribute, 0, 0,
                                 ratings[i / 2].high};
        rc = prefdb__read_rating(row, ratings[i / 2].key[i % 2], m.low, m.high,
                                 &m.value, err);
        if (!rc)
            rc = prefdb__rate(i % 2 ? &out->b : &out->a, m, err);
    }
    return rc;
}

/* response_N_NAME and is_response_N_safe: *side is 0 or 1, *name the rest. */
static bool of_response(const char *key, int *side, const char **name)
{
    if (strcmp(key, "is_response_0_safe") == 0 ||
        strcmp(key, "is_response_1_safe") == 0) {
        *side = key[12] == '1';
        *name = "is_safe";
        return true;
    }
    if (strncmp(key, "response_", 9) != 0 || (key[9] != '0' && key[9] != '1') ||
        key[10] != '_' || !key[11])
        return false;
    *side = key[9] == '1';
    *name = key + 11;
    return true;
}

/* Move what belongs to one response out of `extra` into its "a" or "b". */
static int group(cJSON *extra, struct pk_err *err)
{
    static const char *const names[] = {"a", "b"};
    cJSON *sides[2] = {NULL, NULL}, *next;
    bool ok = true;
    for (cJSON *m = extra->child; m && ok; m = next) {
        int i;
        const char *name;
        next = m->next;
        if (!of_response(m->string, &i, &name))
            continue;
        if (!sides[i])
            sides[i] = cJSON_CreateObject();
        cJSON *copy = cJSON_Duplicate(m, 1);
        ok = copy && cJSON_AddItemToObject(sides[i], name, copy);
        if (ok)
            cJSON_Delete(cJSON_DetachItemViaPointer(extra, m));
        else
            cJSON_Delete(copy);
    }
    for (int i = 0; i < 2; i++)
        if (sides[i] && !cJSON_AddItemToObject(extra, names[i], sides[i])) {
            cJSON_Delete(sides[i]);
            ok = false;
        }
    return ok ? 0 : pk_fail_mem(err, "a row's JSON");
}

static int read(const struct prefdb__format *f, cJSON *row,
                struct prefdb__rows *rows, struct pk_err *err)
{
    (void)f;
    struct prefdb__record *out = prefdb__rows_add(rows);
    if (!out)
        return pk_fail_mem(err, "a comparison");
    static const char *const known[] = {"prompt",
                                        "response_0",
                                        "response_1",
                                        "response_0_source",
                                        "response_1_source",
                                        "better_response_id",
                                        "safer_response_id",
                                        NULL};
    const char *prompt, *r0, *r1;
    cJSON **extra = NULL;
    int rc = pk_json_need_str(row, "prompt", &prompt, err);
    if (!rc)
        rc = pk_json_need_str(row, "response_0", &r0, err);
    if (!rc)
        rc = pk_json_need_str(row, "response_1", &r1, err);
    if (!rc)
        rc = pk_json_str(row, "response_0_source", &out->a.model, err);
    if (!rc)
        rc = pk_json_str(row, "response_1_source", &out->b.model, err);
    if (!rc)
        rc = prefdb__record_turn(out, PREFDB_USER, prompt, strlen(prompt), err);
    if (!rc)
        rc = read_judgments(row, rows, out, &extra, err);
    if (!rc)
        rc = rate(row, out, err);
    if (rc)
        return rc;
    out->a.turn = (struct prefdb_turn){PREFDB_ASSISTANT, r0, strlen(r0)};
    out->b.turn = (struct prefdb_turn){PREFDB_ASSISTANT, r1, strlen(r1)};
    rc = prefdb__keep_rest(row, known, extra, err);
    return rc || !*extra ? rc : group(*extra, err);
}

const struct prefdb__format prefdb__format_pku = {
    .name = "pku",
    .what = "PKU-SafeRLHF: two responses judged for both dimensions",
    .keys = "response_0:s,response_1:s",
    .rule = "helpfulness: better_response_id 0 is a, 1 is b; safety: "
            "safer_response_id likewise, its label from is_response_N_safe; "
            "-1 or none: no judgment; is_response_N_safe and "
            "response_N_severity_level (0 to 3) are ratings",
    .dimension = PREFDB__FIXED,
    .read = read,
};
