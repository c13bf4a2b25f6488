/* Types: domains and their constraints, and which changes of a type leave the rows as they lie. */
#include "known.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEPTH = 32 }; /* domains over domains */

static const rh_known_object *domain_of(const rh_known *known, rh_known_ref type)
{
    return rh_known_find_object(known, 1u << RH_KNOWN_DOMAIN, type.schema, type.name);
}

const rh_known_object *rh_known_constrained(const rh_known *known, rh_known_ref type)
{
    const rh_known_object *domain = domain_of(known, type);
    for (int depth = 0; domain && depth < DEPTH; depth++) {
        if (domain->constrained)
            return domain;
        domain = domain->read_count ? domain_of(known, domain->reads[0]) : NULL;
    }
    return NULL;
}

bool rh_known_is_of_type(const rh_known *known, rh_known_ref type, const rh_known_object *wanted)
{
    const unsigned kinds = 1u << RH_KNOWN_DOMAIN | 1u << RH_KNOWN_TYPE;
    const rh_known_object *found = rh_known_find_object(known, kinds, type.schema, type.name);
    for (int depth = 0; found && depth < DEPTH; depth++) {
        if (found == wanted)
            return true;
        const bool domain = found->kind == RH_KNOWN_DOMAIN && found->read_count;
        found =
            domain ? rh_known_find_object(known, kinds, found->reads[0].schema, found->reads[0].name) : NULL;
    }
    return false;
}

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

rh_type_change rh_known_type_change(const char *from, const char *to)
{
    static const char *const stamps[] = {"timestamp without time zone", "timestamp with time zone"};
    const type a = read_type(from), b = read_type(to);
    if (are_alike(&a, &b))
        return RH_TYPE_ALIKE;
    for (size_t i = 0; i < 2; i++)
        if (strcmp(a.name, stamps[i]) == 0 && strcmp(b.name, stamps[1 - i]) == 0 && (b.a < 0 || a.a == b.a))
            return RH_TYPE_ALIKE_IN_UTC;
    return RH_TYPE_REWRITES;
}
