/* Which changes of a type leave the rows as they lie. */
#include "safer.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A type's name, in lower case and without its length, and the length's numbers; −1: none. */
typedef struct type {
    char name[64];
    long a, b;
} type;

static type read_type(const char *text)
{
    static const char *const longer[][2] = {{"character varying", "varchar"},
                                            {"bit varying", "varbit"},
                                            {"decimal", "numeric"},
                                            {"timestamptz", "timestamp with time zone"},
                                            {"timetz", "time with time zone"}};
    type t = {.a = -1, .b = -1};
    size_t length = 0;
    if (strncasecmp(text, "pg_catalog.", 11) == 0)
        text += 11;
    for (const char *p = text; *p && length + 1 < sizeof t.name; p++) {
        if (*p == '(') {
            char *end;
            t.a = strtol(p + 1, &end, 10);
            t.b = *end == ',' ? strtol(end + 1, &end, 10) : -1;
            p = strchr(p, ')');
            if (!p)
                break;
        } else if (!isspace((unsigned char)*p) || (length && t.name[length - 1] != ' '))
            t.name[length++] = isspace((unsigned char)*p) ? ' ' : (char)tolower((unsigned char)*p);
    }
    while (length && t.name[length - 1] == ' ')
        t.name[--length] = '\0';
    for (size_t i = 0; i < sizeof longer / sizeof *longer; i++)
        if (strcmp(t.name, longer[i][0]) == 0)
            snprintf(t.name, sizeof t.name, "%s", longer[i][1]);
    if (strcmp(t.name, "timestamp") == 0 || strcmp(t.name, "time") == 0)
        strncat(t.name, " without time zone", sizeof t.name - strlen(t.name) - 1);
    return t;
}

/* ATColumnChangeRequiresRewrite (tablecmds.c, PostgreSQL 15) for the types that people lengthen. */
static bool are_alike(const type *from, const type *to)
{
    const bool varying = strcmp(from->name, "varchar") == 0;
    const bool longer = to->a < 0 || (from->a >= 0 && to->a >= from->a);
    if (strcmp(to->name, "text") == 0)
        return varying || strcmp(from->name, "text") == 0;
    if (strcmp(from->name, "text") == 0)
        return strcmp(to->name, "varchar") == 0 && to->a < 0;
    if (strcmp(from->name, to->name) != 0)
        return false;
    if (strcmp(from->name, "numeric") == 0)
        return to->a < 0 ||
               (from->a >= 0 && to->a >= from->a && (to->b > 0 ? to->b : 0) == (from->b > 0 ? from->b : 0));
    if (varying || strcmp(from->name, "varbit") == 0 || strncmp(from->name, "time", 4) == 0)
        return longer;
    return from->a == to->a && from->b == to->b;
}

const char *rh_safer_new_type(const rh_safer_list *list, const rh_safer_retyped *r)
{
    return rh_known_new_type(list->statement->sql, r->definition, r->offset + strlen(r->words), list->arena);
}

bool rh_safer_type_alike(rh_safer_list *list, const rh_safer_retyped *r)
{
    const rh_known_table *table = rh_known_table_of(list->known, r->relation);
    const rh_known_column *column = table ? rh_known_column_of(table, r->column) : NULL;
    const char *to = rh_safer_new_type(list, r);
    if (!column || !column->type || !to || rh_json_get(r->definition, "raw_default"))
        return false;
    const type a = read_type(column->type), b = read_type(to);
    return are_alike(&a, &b);
}
