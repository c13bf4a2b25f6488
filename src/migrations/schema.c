/* What a schema looks like, and how two differ. */
#include "pgrehearse/migrations/migrations.h"
#include "sql/migrations.h"
#include <string.h>

typedef struct schema_object {
    const char *object, *definition;
} schema_object;

struct rh_schema {
    rh_arena *arena;
    schema_object *objects; /* sorted by strcmp */
    size_t count;
};

/* What is shown of a definition, in bytes. */
enum { SHOWN_MAX = 600, SHOWN_BEFORE = 120 };

static rh_schema *from_rows(const rh_pg_result *result)
{
    rh_arena *arena = rh_arena_new();
    rh_schema *schema = rh_arena_alloc(arena, sizeof *schema);
    schema->arena = arena;
    schema->count = rh_pg_rows(result);
    schema->objects = rh_arena_alloc(arena, (schema->count + 1) * sizeof *schema->objects);
    for (size_t i = 0; i < schema->count; i++)
        schema->objects[i] = (schema_object){rh_arena_strdup(arena, rh_pg_value(result, i, 0)),
                                             rh_arena_strdup(arena, rh_pg_value(result, i, 1))};
    return schema;
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
    rh_pg_result *result = rh_pg_query(pg, rh_sql_schema_objects, 0, NULL, error);
    bool ended = rh_pg_execute(pg, "rollback", error);
    rh_schema *schema = result && ended ? from_rows(result) : NULL;
    rh_pg_result_free(result);
    if (!schema)
        rh_error_context(error, "reading the schema");
    return schema;
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

static void add_difference(rh_arena *arena, rh_difference **differences, size_t *count,
                           const schema_object *before, const schema_object *after)
{
    const char *was = before ? before->definition : NULL, *is = after ? after->definition : NULL;
    size_t first = was && is ? first_difference(was, is) : 0;
    rh_difference *difference = rh_arena_add(arena, differences, count, sizeof *difference);
    *difference = (rh_difference){
        .object = rh_arena_strdup(arena, before ? before->object : after->object),
        .change = !before  ? "added"
                  : !after ? "missing"
                           : "changed",
        .before = was ? excerpt(was, first, arena) : NULL,
        .after = is ? excerpt(is, first, arena) : NULL,
    };
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
        if (order < 0)
            add_difference(arena, differences, count, was, NULL);
        else if (order > 0)
            add_difference(arena, differences, count, NULL, is);
        else if (strcmp(was->definition, is->definition) != 0)
            add_difference(arena, differences, count, was, is);
        b += order <= 0;
        a += order >= 0;
    }
}
