/* The list of formats, and telling them apart. */
#include "prefdb/import/format.h"

#include <stdio.h>
#include <string.h>

/* Those with a reader of their own; the tables of pairs and rankings follow.
 * Ours first, as the earlier wins where two fit equally well. */
static const struct prefdb__format *const singles[] = {
    &prefdb__format_prefkit,      &prefdb__format_pku,
    &prefdb__format_hh,           &prefdb__format_trl,
    &prefdb__format_swift,        &prefdb__format_beavertails,
    &prefdb__format_oasst,        &prefdb__format_helpsteer2_ratings,
    &prefdb__format_rewardbench2, &prefdb__format_argilla,
    &prefdb__format_argilla2,     &prefdb__format_label_studio,
    &prefdb__format_pandalm,      &prefdb__format_qa_feedback,
    &prefdb__format_alpaca_items, &prefdb__format_llmfao_votes,
};

enum { N_SINGLES = sizeof singles / sizeof singles[0] };

const struct prefdb__format *prefdb__format_at(size_t i)
{
    static const struct prefdb__format *const tables[] = {prefdb__pair_formats,
                                                          prefdb__rank_formats};
    if (i < N_SINGLES)
        return singles[i];
    i -= N_SINGLES;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        size_t n = 0;
        while (tables[t][n].name)
            n++;
        if (i < n)
            return &tables[t][i];
        i -= n;
    }
    return NULL;
}

const struct prefdb__format *prefdb__format_named(const char *name)
{
    const struct prefdb__format *f;
    for (size_t i = 0; (f = prefdb__format_at(i)); i++)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

static bool is_type(const cJSON *v, char type)
{
    switch (type) {
    case 's':
        return cJSON_IsString(v);
    case 'n':
        return cJSON_IsNumber(v);
    case 'b':
        return cJSON_IsBool(v);
    case 'l':
        return cJSON_IsArray(v);
    case 'o':
        return cJSON_IsObject(v);
    default:
        return true;
    }
}

/* How many members the format asks for; 0 where one is missing or of another
 * type. */
static int fit(const struct prefdb__format *f, const cJSON *row)
{
    int n = 0;
    for (const char *at = f->keys; *at; at += *at == ',') {
        char name[64], type = 0;
        size_t len = strcspn(at, ",:");
        snprintf(name, sizeof name, "%.*s", (int)len, at);
        at += len;
        if (*at == ':') {
            type = at[1];
            at += 2;
        }
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(row, name);
        if (!v || (!cJSON_IsNull(v) && !is_type(v, type)))
            return 0;
        n++;
    }
    return !f->sniff ? n : f->sniff(row) ? n + 1 : 0;
}

const struct prefdb__format *prefdb__format_of(const cJSON *row)
{
    const struct prefdb__format *f, *best = NULL;
    int most = 0;
    for (size_t i = 0; (f = prefdb__format_at(i)); i++) {
        int n = fit(f, row);
        if (n > most) {
            most = n;
            best = f;
        }
    }
    return best;
}

int prefdb__format_read(const struct prefdb__format *f, cJSON *row,
                        struct prefdb__rows *rows, struct pk_err *err)
{
    prefdb__rows_reset(rows);
    int rc = f->read(f, row, rows, err);
    if (rows->no_memory)
        return pk_fail_mem(err, "a row");
    for (size_t i = 0; !rc && f->evaluation && i < rows->n; i++)
        rows->v[i].split = PREFDB_TEST;
    return rc;
}

int prefdb__label_of(const struct prefdb__format *f, const char *key,
                     const cJSON *value, struct prefdb__label *out,
                     struct pk_err *err)
{
    char text[64];
    *out = (struct prefdb__label){NULL, PREFDB__NONE, PREFDB_UNSTATED};
    if (!value || cJSON_IsNull(value))
        return 0;
    if (cJSON_IsNumber(value))
        snprintf(text, sizeof text, "%.15g", value->valuedouble);
    else
        snprintf(text, sizeof text, "%s",
                 cJSON_IsString(value) ? value->valuestring : "?");
    for (const struct prefdb__label *l = f->labels; l->value; l++) {
        if (strcmp(l->value, text) == 0) {
            *out = *l;
            return 0;
        }
    }
    return pk_fail(err, PK_EDATA, "\"%s\" is not one of %s's labels", key,
                   f->name);
}

/* ---- For people ---------------------------------------------------------- */

static void print_label(FILE *out, const struct prefdb__label *l)
{
    if (l->choice < 0)
        fprintf(out, "%s: no judgment", l->value);
    else if (l->strength == PREFDB_UNSTATED)
        fprintf(out, "%s: %s", l->value,
                prefdb_choice_name((enum prefdb_choice)l->choice));
    else
        fprintf(out, "%s: %s, strength %d", l->value,
                prefdb_choice_name((enum prefdb_choice)l->choice), l->strength);
}

static const char *dimension_text(const struct prefdb__format *f)
{
    switch (f->dimension) {
    case PREFDB__ASKED:
        return "--dimension must say";
    case PREFDB__ROW:
        return "each judgment says, or --dimension, which takes only its own";
    case PREFDB__HELPFUL:
        return "helpfulness, or --dimension";
    default:
        return "the format's own; --dimension takes only that one's "
               "judgments";
    }
}

/* "prompt:s,chosen" as "prompt, chosen". */
static void print_keys(FILE *out, const char *keys)
{
    for (; *keys; keys++) {
        if (*keys == ':')
            keys++;
        else if (*keys == ',')
            fputs(", ", out);
        else
            fputc(*keys, out);
    }
}

void prefdb__formats_print(FILE *out)
{
    const struct prefdb__format *f;
    fputs(
        "The formats that import reads. A file holds JSON lines, one JSON "
        "array, or CSV\nwith a header; plain or gzip. Its format is that of "
        "the first row that any fits:\nthe row has the members after "
        "\"told by\", with their types, and of those formats\nthe one that "
        "names the most is taken, the earlier of two equal ones; the\nsummary "
        "names it, and --format overrules it.\n\nWhat a format knows and the "
        "store has no column for is kept as JSON (\"extra\"): a\nrow's with "
        "one of its judgments, an answer's of a ranking with the response.\n"
        "A strength is given only where the source states one. Dialogues that "
        "part before\nthe last answer have no common prompt: such rows are bad "
        "rows, counted.\n",
        out);
    for (size_t i = 0; (f = prefdb__format_at(i)); i++) {
        fprintf(out, "\n%s\n    %s\n    told by    ", f->name, f->what);
        print_keys(out, f->keys);
        fprintf(out, "\n    dimension  %s\n", dimension_text(f));
        if (f->labels) {
            fprintf(out, "    %-10s ", f->label_key);
            for (const struct prefdb__label *l = f->labels; l->value; l++) {
                fputs(l == f->labels ? "" : "; ", out);
                print_label(out, l);
            }
            fputc('\n', out);
        }
        if (f->rule)
            fprintf(out, "    labels     %s\n", f->rule);
        if (f->evaluation)
            fputs("    split      test, always: it is for evaluation\n", out);
    }
}
