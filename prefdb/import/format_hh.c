/* Anthropic's HH-RLHF: {"chosen": TEXT, "rejected": TEXT}, each a whole
 * dialogue whose turns are marked "\n\nHuman: " and "\n\nAssistant: ".
 *
 * A turn's text may hold blank lines, may be empty, and may follow a turn of
 * the same role; it is kept byte for byte, without the one space after the
 * marker. Dialogues that part before the last answer have no common prompt and
 * are refused. */
#include <string.h>

#include "common/json.h"
#include "prefdb/import/format.h"

/* The length of a marker at s, 0 where there is none. */
static size_t marker(const char *s, enum prefdb_role *role)
{
    static const char human[] = "\n\nHuman:", bot[] = "\n\nAssistant:";
    size_t n = 0;
    if (strncmp(s, human, sizeof human - 1) == 0) {
        n = sizeof human - 1;
        *role = PREFDB_USER;
    } else if (strncmp(s, bot, sizeof bot - 1) == 0) {
        n = sizeof bot - 1;
        *role = PREFDB_ASSISTANT;
    }
    if (n && s[n] == ' ')
        return n + 1;
    return n && (s[n] == '\n' || s[n] == 0) ? n : 0;
}

int prefdb__read_hh(const char *text, const char *key,
                    struct prefdb__record *out, struct pk_err *err)
{
    enum prefdb_role role, next = PREFDB_USER;
    size_t skip = marker(text, &role);
    if (!skip)
        return pk_fail(err, PK_EDATA,
                       "\"%s\" does not begin with \"\\n\\nHuman: \" or "
                       "\"\\n\\nAssistant: \"",
                       key);
    while (skip) {
        const char *start = text + skip, *end = start;
        while ((end = strstr(end, "\n\n")) && !(skip = marker(end, &next)))
            end++;
        if (!end) {
            end = start + strlen(start);
            skip = 0;
        }
        int rc =
            prefdb__record_turn(out, role, start, (size_t)(end - start), err);
        if (rc)
            return rc;
        text = end;
        role = next;
    }
    return 0;
}

static bool sniff(const cJSON *row)
{
    const cJSON *chosen = cJSON_GetObjectItemCaseSensitive(row, "chosen");
    enum prefdb_role role;
    return cJSON_IsString(chosen) && marker(chosen->valuestring, &role) &&
           !prefdb__has(row, "prompt");
}

static int read(const struct prefdb__format *f, cJSON *row,
                struct prefdb__rows *rows, struct pk_err *err)
{
    (void)f;
    struct prefdb__record *out = prefdb__rows_add(rows);
    if (!out)
        return pk_fail_mem(err, "a comparison");
    static const char *const known[] = {"chosen", "rejected", NULL};
    const char *chosen, *rejected;
    int rc = pk_json_need_str(row, "chosen", &chosen, err);
    if (!rc)
        rc = pk_json_need_str(row, "rejected", &rejected, err);
    if (!rc)
        rc = prefdb__read_hh(chosen, "chosen", out, err);
    size_t n_a = out->n_context;
    if (!rc)
        rc = prefdb__read_hh(rejected, "rejected", out, err);
    if (!rc)
        rc = prefdb__split_dialogues(out, n_a, err);
    return rc ? rc
              : prefdb__judge_chosen(row, rows->dimension, known, out, err);
}

const struct prefdb__format prefdb__format_hh = {
    .name = "hh",
    .what = "Anthropic HH-RLHF: whole dialogues, chosen and rejected",
    .keys = "chosen:s",
    .sniff = sniff,
    .rule = "chosen is preferred; no strength",
    .dimension = PREFDB__ASKED,
    .read = read,
};
