/* The table of a backfill by the backup's definitions and the migrations before it: no server. */
#include "script.h"
#include "refuse.h"
#include "pgrehearse/base/relation.h"
#include "pgrehearse/sql/catalog.h"
#include "pgrehearse/sql/hazards.h"
#include <string.h>

/* Types as format_type() writes them, where that differs from the parser's name. */
static const char *const NAMES[][2] = {
    {"int2", "smallint"}, {"int4", "integer"}, {"int8", "bigint"}, {"varchar", "character varying"},
    {"char", "\"char\""},
};

/* NULL: not known. */
static const char *type_text(const rh_catalog_type *type, rh_arena *arena)
{
    const char *name = type->ref.name, *schema = type->ref.schema;
    if (!name || type->unsupported)
        return NULL;
    const bool builtin = !schema || strcmp(schema, "pg_catalog") == 0;
    const char *text = builtin ? rh_identifier(name, arena) : rh_relation_text(type->ref, arena);
    for (size_t i = 0; builtin && i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(name, NAMES[i][0]) == 0)
            text = NAMES[i][1];
    if (builtin && strcmp(name, "bit") == 0 && type->mod_count > 0) /* bit alone is bit(1) */
        text = rh_arena_printf(arena, "bit(%ld)", type->mods[0]);
    return type->array ? rh_arena_printf(arena, "%s[]", text) : text;
}

/* The schema when the backfill begins. */
static rh_catalog *schema_of(const rh_backfill *b, const rh_plan *plan, rh_arena *arena)
{
    rh_hazard_context *context = rh_arena_alloc(arena, sizeof *context);
    *context = (rh_hazard_context){.arena = arena};
    rh_hazards_learn_backup(context, plan->schema, plan->schema_count);
    bool ended = false;
    for (size_t m = 0; m < plan->migration_count && !ended; m++) {
        const rh_migration *migration = &plan->migrations[m];
        const bool replaced = migration->pending && b->replaces && strcmp(migration->id, b->replaces) == 0;
        for (size_t i = 0; migration->pending && i < migration->up.statement_count; i++) {
            const rh_statement *s = &migration->up.statements[i];
            if (s->sql && !(replaced && s->ordinal >= b->replaces_statement))
                rh_catalog_learn(context->catalog, s->sql);
        }
        ended = replaced || (migration->pending && b->after && strcmp(migration->id, b->after) == 0);
    }
    return context->catalog;
}

static const rh_catalog_index *primary_key(const rh_catalog_table *table)
{
    for (size_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].constraint == 'p')
            return &table->indexes[i];
    return NULL;
}

static bool add_column(const rh_backfill *b, const rh_catalog_table *table, const char *name,
                       const rh_location *where, bool is_primary, rh_arena *arena, rh_backfill_target *target,
                       rh_error *error)
{
    const rh_catalog_column *column = rh_catalog_column_of(table, name);
    const char *type = column ? type_text(&column->of_type, arena) : NULL;
    if (!column)
        return rh_backfill_refuse(where, error,
                                  rh_arena_printf(arena,
                                                  "%s has no column \"%s\" by the backup's definitions",
                                                  target->table, name),
                                  "write key: with the columns of a unique index that cannot be null");
    if (!type)
        return rh_backfill_refuse(
            where, error,
            rh_arena_printf(arena, "the type of column \"%s\" of the key is not known from the backup", name),
            "write key: with the columns of another unique index that cannot be null");
    if (!is_primary && !column->not_null)
        return rh_backfill_refuse(where, error,
                                  rh_arena_printf(arena, "column \"%s\" of the key may be null", name),
                                  "rows in which it is null would never be processed");
    if (b->walk == RH_WALK_RANGE && strcmp(type, "smallint") != 0 && strcmp(type, "integer") != 0 &&
        strcmp(type, "bigint") != 0)
        return rh_backfill_refuse(where, error, "walk: range needs a key of one integer column",
                                  "use walk: keyset");
    target->key[target->key_count] = rh_identifier(name, arena);
    target->types[target->key_count++] = type;
    return true;
}

static bool resolve_key(const rh_backfill *b, const rh_catalog_table *table, rh_arena *arena,
                        rh_backfill_target *target, rh_error *error)
{
    const rh_catalog_index *primary = primary_key(table);
    const size_t count = b->key_count ? b->key_count : primary ? primary->column_count : 0;
    const rh_location *where = b->key_count ? &b->key_where : &b->table_where;
    if (count == 0)
        return rh_backfill_refuse(
            where, error,
            rh_arena_printf(arena, "%s has no primary key by the backup's definitions", target->table),
            "write key: with the columns of a unique index that cannot be null, such as key: [id]");
    if (count > RH_BACKFILL_KEY_MAX)
        return rh_backfill_refuse(where, error, "the primary key has too many columns",
                                  "name others with key:");
    if (b->walk == RH_WALK_RANGE && count > 1)
        return rh_backfill_refuse(where, error, "walk: range needs a key of one integer column",
                                  "use walk: keyset");
    for (size_t i = 0; i < count; i++) {
        const char *name = b->key_count ? b->key[i] : primary->columns[i];
        bool is_primary = false;
        for (size_t k = 0; primary && k < primary->column_count; k++)
            is_primary = is_primary || strcmp(primary->columns[k], name) == 0;
        if (!add_column(b, table, name, where, is_primary, arena, target, error))
            return false;
    }
    return rh_backfill_check_first(b, target, arena, error);
}

bool rh_backfill_target_of(const rh_backfill *b, const rh_plan *plan, rh_arena *arena,
                           rh_backfill_target *target, rh_error *error)
{
    rh_relation relation;
    const rh_catalog *catalog = schema_of(b, plan, arena);
    *target = (rh_backfill_target){0};
    if (!rh_relation_parse(b->table, arena, &relation))
        return rh_backfill_refuse(&b->table_where, error,
                                  rh_arena_printf(arena, "\"%s\" is not a name", b->table), NULL);
    const rh_catalog_table *table = rh_catalog_find(catalog, relation.schema, relation.name);
    if (!table || table->dropped || table->guessed)
        return rh_backfill_refuse(
            &b->table_where, error,
            rh_arena_printf(arena,
                            "table \"%s\" is not defined by the backup, nor by the migrations before "
                            "the backfill",
                            b->table),
            "its key and the types of the key must be known: name a table of the backup, with its "
            "schema");
    target->table = rh_catalog_name(table, arena);
    target->name = rh_identifier(table->name, arena);
    target->partitioned = table->is_partitioned;
    if (b->walk == RH_WALK_CTID && target->partitioned)
        return rh_backfill_refuse(&b->table_where, error, "walk: ctid needs a table that is not partitioned",
                                  "name a partition, or use walk: keyset");
    return resolve_key(b, table, arena, target, error);
}
