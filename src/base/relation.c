#include "pgrehearse/base/relation.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { NAME_LIMIT = 63 }; /* NAMEDATALEN - 1 */

/* Keywords that name no column or table unless quoted (documentation, appendix C, PostgreSQL 15: reserved,
 * and those that can be a function or type). */
static const char *const RESERVED[] = {
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "binary",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "natural",
    "not",
    "notnull",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "overlaps",
    "placing",
    "primary",
    "references",
    "returning",
    "right",
    "select",
    "session_user",
    "similar",
    "some",
    "symmetric",
    "table",
    "tablesample",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    NULL,
};

/* ---- identifiers ---- */

void rh_text_append_quoted(rh_text *text, const char *identifier)
{
    rh_text_append_char(text, '"');
    for (const char *p = identifier; *p; p++) {
        if (*p == '"')
            rh_text_append_char(text, '"');
        rh_text_append_char(text, *p);
    }
    rh_text_append_char(text, '"');
}

char *rh_quote_identifier(const char *identifier)
{
    rh_text text = {0};
    rh_text_append_quoted(&text, identifier);
    return text.data;
}

static void append_identifier(rh_text *text, const char *identifier)
{
    const bool plain = *identifier && !strchr("0123456789$", *identifier) &&
                       identifier[strspn(identifier, "abcdefghijklmnopqrstuvwxyz0123456789_$")] == '\0' &&
                       !rh_is_one_of(identifier, RESERVED);
    if (plain)
        rh_text_append(text, identifier);
    else
        rh_text_append_quoted(text, identifier);
}

static const char *in_arena(rh_text *text, rh_arena *arena)
{
    const char *copy = rh_arena_strdup(arena, rh_text_string(text));
    rh_text_release(text);
    return copy;
}

const char *rh_identifier(const char *identifier, rh_arena *arena)
{
    rh_text text = {0};
    append_identifier(&text, identifier);
    return in_arena(&text, arena);
}

/* ---- relations ---- */

/* Reads one part of a qualified name and moves *AT past it. *WHOLE is true if the part is a valid identifier:
 * not empty, its quotes closed, shorter than NAMEDATALEN. */
static const char *read_part(const char **at, bool *whole, rh_arena *arena)
{
    rh_text part = {0};
    *whole = true;
    const char *p = *at;
    if (*p == '"') {
        for (p++; *p && (*p != '"' || p[1] == '"'); p++) {
            p += *p == '"';
            rh_text_append_char(&part, *p);
        }
        *whole = *p == '"';
        p += *whole;
    } else {
        for (; *p && *p != '.' && *p != '"'; p++)
            rh_text_append_char(&part, *p);
    }
    *at = p;
    *whole = *whole && part.length > 0 && part.length <= NAME_LIMIT;
    return in_arena(&part, arena);
}

bool rh_relation_parse(const char *text, rh_arena *arena, rh_relation *relation)
{
    bool whole, second = true;
    *relation = (rh_relation){.name = read_part(&text, &whole, arena)};
    if (whole && *text == '.') {
        text++;
        relation->schema = relation->name;
        relation->name = read_part(&text, &second, arena);
    }
    return whole && second && *text == '\0';
}

rh_relation rh_relation_of(const char *text, rh_arena *arena)
{
    rh_relation relation = {0};
    while (text && *text) {
        bool whole;
        relation.schema = relation.name;
        relation.name = read_part(&text, &whole, arena);
        text += *text == '.';
    }
    return relation;
}

static const char *text_of(rh_relation relation, void (*append)(rh_text *, const char *), rh_arena *arena)
{
    rh_text text = {0};
    if (!relation.name)
        return NULL;
    if (relation.schema) {
        append(&text, relation.schema);
        rh_text_append_char(&text, '.');
    }
    append(&text, relation.name);
    return in_arena(&text, arena);
}

const char *rh_relation_text(rh_relation relation, rh_arena *arena)
{
    return text_of(relation, append_identifier, arena);
}

const char *rh_relation_quote(rh_relation relation, rh_arena *arena)
{
    return text_of(relation, rh_text_append_quoted, arena);
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool rh_relation_equal(rh_relation a, rh_relation b)
{
    return same(a.schema, b.schema) && same(a.name, b.name);
}

bool rh_relation_matches(rh_relation a, rh_relation b)
{
    return a.name && same(a.name, b.name) && (!a.schema || !b.schema || same(a.schema, b.schema));
}

static bool is_name_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* The name without the schema, of LENGTH; of a quoted one the text between the quotes. */
static const char *last_part(const char *relation, size_t *length)
{
    const char *part = relation;
    bool quoted = false;
    for (const char *p = relation; *p; p++) {
        quoted ^= *p == '"';
        if (*p == '.' && !quoted)
            part = p + 1;
    }
    *length = strlen(part);
    if (*part != '"' || *length < 2)
        return part;
    *length -= 2;
    return part + 1;
}

bool rh_sql_mentions(const char *sql, const char *relation)
{
    size_t length;
    const char *name = last_part(relation, &length);
    for (const char *p = sql; length && *p; p++)
        if (strncasecmp(p, name, length) == 0 && (p == sql || !is_name_byte(p[-1])) &&
            !is_name_byte(p[length]))
            return true;
    return false;
}
