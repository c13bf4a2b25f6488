/* Reads the definitions of a schema's objects, and compares two such lists. */
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/snapshot/snapshot.h"
#include "embedded/snapshot.h"
#include <stdlib.h>
#include <string.h>

typedef struct schema_object {
    const char *object, *definition;
    bool is_column_order; /* lists a relation's columns, one a line (sql/schema_objects.sql) */
    bool is_hidden;       /* comments and values are not shown */
} schema_object;

struct rh_schema {
    rh_arena *arena;
    schema_object *objects; /* sorted by strcmp */
    size_t count;
};

/* What is shown of a definition, in bytes. */
enum { SHOWN_MAX = 600, SHOWN_BEFORE = 120 };

static bool add_rows(rh_pg *pg, const char *sql, rh_schema *schema, rh_error *error)
{
    rh_pg_result *result = rh_pg_query_again(pg, sql, 0, NULL, error);
    for (size_t i = 0; result && i < rh_pg_rows(result); i++) {
        schema_object *object = rh_arena_add(schema->arena, &schema->objects, &schema->count);
        *object = (schema_object){rh_arena_strdup(schema->arena, rh_pg_value(result, i, 0)),
                                  rh_arena_strdup(schema->arena, rh_pg_value(result, i, 1)),
                                  rh_pg_bool(result, i, 2), rh_pg_bool(result, i, 3)};
    }
    rh_pg_result_free(result);
    return result != NULL;
}

static int by_object(const void *left, const void *right)
{
    const schema_object *a = left, *b = right;
    int order = strcmp(a->object, b->object);
    return order ? order : strcmp(a->definition, b->definition);
}

rh_schema *rh_schema_read(rh_pg *pg, rh_error *error)
{
    /* One snapshot, and a search_path that qualifies every name. */
    if (!rh_pg_execute(
            pg,
            "begin isolation level repeatable read read only;"
            " set local search_path = pg_catalog; set local statement_timeout = 0; set local role none",
            error))
        return NULL;
    rh_arena *arena = rh_arena_new();
    rh_schema *schema = rh_arena_alloc(arena, sizeof *schema);
    *schema = (rh_schema){.arena = arena};
    bool ok = add_rows(pg, rh_sql_schema_objects, schema, error) &&
              (rh_pg_server_version(pg) < 150000 || add_rows(pg, rh_sql_schema_publications, schema, error));
    ok = rh_pg_execute(pg, "rollback", error) && ok;
    if (ok) {
        if (schema->count > 0)
            qsort(schema->objects, schema->count, sizeof *schema->objects, by_object);
        return schema;
    }
    rh_schema_free(schema);
    rh_error_context(error, "reading the schema");
    return NULL;
}

void rh_schema_free(rh_schema *schema)
{
    if (schema)
        rh_arena_free(schema->arena);
}

size_t rh_schema_object_count(const rh_schema *schema)
{
    return schema->count;
}

static size_t boundary(const char *text, size_t at)
{
    while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
        at--;
    return at;
}

/* TEXT from a little before its FIRST different byte. */
static const char *excerpt(const char *text, size_t first, rh_arena *arena)
{
    size_t length = strlen(text);
    if (length <= SHOWN_MAX)
        return rh_arena_strdup(arena, text);
    size_t start = boundary(text, first > SHOWN_BEFORE ? first - SHOWN_BEFORE : 0);
    size_t end = length - start > SHOWN_MAX ? boundary(text, start + SHOWN_MAX) : length;
    return rh_arena_printf(arena, "%s%.*s%s", start > 0 ? "…" : "", (int)(end - start), text + start,
                           end < length ? "…" : "");
}

static size_t first_difference(const char *a, const char *b)
{
    size_t at = 0;
    while (a[at] && a[at] == b[at])
        at++;
    return at;
}

/* A definition as the report shows it: without literals, which may be data or a password. A function's body
 * is one literal to SQL; without its quotes it reads as code. */
static const char *readable(const schema_object *object, rh_arena *arena)
{
    static const char *const quotes[] = {"$function$", "$procedure$"};
    char *text = rh_arena_strdup(arena, object->definition);
    for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++)
        for (char *at; (at = strstr(text, quotes[i])) != NULL;)
            memset(at, ' ', strlen(quotes[i]));
    return rh_sql_redact(text, arena);
}

static void add_difference(rh_arena *arena, rh_difference **differences, size_t *count,
                           const schema_object *before, const schema_object *after)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): one of the two is there */
    const schema_object *object = before ? before : after;
    const char *was = before && !object->is_hidden ? readable(before, arena) : NULL;
    const char *is = after && !object->is_hidden ? readable(after, arena) : NULL;
    size_t first = was && is ? first_difference(was, is) : 0;
    bool hidden = was && is && was[first] == '\0' && is[first] == '\0';
    rh_difference *difference = rh_arena_add(arena, differences, count);
    *difference = (rh_difference){
        .object = rh_arena_strdup(arena, object->object),
        .change = !before                   ? RH_CHANGE_ADDED
                  : !after                  ? RH_CHANGE_MISSING
                  : object->is_column_order ? RH_CHANGE_MOVED
                                            : RH_CHANGE_CHANGED,
        .before = was ? excerpt(was, first, arena) : NULL,
        .after = hidden ? "(the same but for a literal or a comment, which are not shown)"
                 : is   ? excerpt(is, first, arena)
                        : NULL,
    };
}

/* The next line of a list, without its end; NULL after the last. */
static const char *next_line(const char **at, size_t *length)
{
    const char *line = *at;
    if (*line == '\0')
        return NULL;
    *length = strcspn(line, "\n");
    *at = line + *length + (line[*length] == '\n');
    *length -= *length > 0 && line[*length - 1] == ',';
    return line;
}

static bool list_has(const char *list, const char *name, size_t length)
{
    size_t found;
    for (const char *line; (line = next_line(&list, &found)) != NULL;)
        if (found == length && strncmp(line, name, length) == 0)
            return true;
    return false;
}

/* The next name in *AT that OTHER has too. */
static const char *next_common(const char **at, const char *other, size_t *length)
{
    const char *name;
    while ((name = next_line(at, length)) != NULL && !list_has(other, name, *length))
        ;
    return name;
}

/* Two lists of columns: those that both have stand in the same order. */
static bool same_order(const char *was, const char *is)
{
    const char *before = was, *after = is, *a, *b;
    size_t a_length, b_length;
    do {
        a = next_common(&before, is, &a_length);
        b = next_common(&after, was, &b_length);
        if (a && b && (a_length != b_length || strncmp(a, b, a_length) != 0))
            return false;
    } while (a && b);
    return true;
}

static bool same(const schema_object *was, const schema_object *is)
{
    return strcmp(was->definition, is->definition) == 0 ||
           (was->is_column_order && same_order(was->definition, is->definition));
}

void rh_schema_compare(const rh_schema *before, const rh_schema *after, rh_arena *arena,
                       rh_difference **differences, size_t *count)
{
    *differences = NULL;
    *count = 0;
    size_t b = 0, a = 0;
    while (b < before->count || a < after->count) {
        const schema_object *was = b < before->count ? &before->objects[b] : NULL;
        const schema_object *is = a < after->count ? &after->objects[a] : NULL;
        int order = !was ? 1 : !is ? -1 : strcmp(was->object, is->object);
        /* of a created or dropped table, the columns' order is not reported as well */
        if (order != 0 && !(order > 0 ? is : was)->is_column_order)
            add_difference(arena, differences, count, order < 0 ? was : NULL, order > 0 ? is : NULL);
        else if (order == 0 && !same(was, is))
            add_difference(arena, differences, count, was, is);
        b += order <= 0;
        a += order >= 0;
    }
}
