/* Hazards of ALTER COLUMN … TYPE: what the change of the type rewrites, rebuilds or reads. */
#include "subject.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>
#include <strings.h>

static bool is_utc(const char *zone)
{
    static const char *const names[] = {"utc",       "uct",       "gmt", "gmt0", "gmt+0", "gmt-0",  "zulu",
                                        "universal", "greenwich", "0",   "+0",   "00:00", "+00:00", NULL};
    if (zone && strncasecmp(zone, "etc/", 4) == 0)
        zone += 4;
    for (size_t i = 0; zone && names[i]; i++)
        if (strcasecmp(zone, names[i]) == 0)
            return true;
    return false;
}

/* A CHECK that names the column is checked again, for all rows. */
static bool is_checked(const rh_catalog_table *table, const char *column, rh_arena *arena)
{
    for (size_t i = 0; table && i < table->constraint_count; i++)
        if (table->constraints[i].kind == 'c' &&
            rh_clauses_mention(table->constraints[i].definition, column, arena))
            return true;
    return false;
}

/* COLUMN has an index; SPECIAL: one on an expression or with WHERE, which is rebuilt whatever the types. */
static bool is_indexed(const rh_catalog_table *table, const char *column, bool special, rh_arena *arena)
{
    for (size_t i = 0; table && i < table->index_count; i++) {
        const rh_catalog_index *index = &table->indexes[i];
        bool plain = index->constraint != 0;
        for (size_t k = 0; k < index->column_count; k++)
            plain |= strcmp(index->columns[k], column) == 0;
        const bool where = index->sql && rh_clauses_mention(index->sql, "where", arena);
        if (rh_catalog_index_uses(index, column, arena) && (!special || !plain || where))
            return true;
    }
    return false;
}

/* Both types are stored alike: what is read or rebuilt nevertheless. INDEXES: those on the column have
 * another order. */
static const char *alike_message(const rh_hazard_subject *s, const char *column, bool indexes)
{
    const char *name = rh_hazard_quoted(s, column);
    if (is_indexed(s->definition, column, !indexes, s->arena)) {
        s->statement->class_ = RH_CLASS_INDEX_BUILD;
        return rh_arena_printf(
            s->arena,
            indexes
                ? "Both types of %s are stored alike, but its indexes are rebuilt under ACCESS EXCLUSIVE on %s: their sort order differs."
                : "Both types of %s are stored alike, but an index on an expression or with WHERE "
                  "is built again under ACCESS EXCLUSIVE on %s.",
            name, s->table);
    }
    s->statement->class_ =
        is_checked(s->definition, column, s->arena) ? RH_CLASS_HEAP_SCAN : RH_CLASS_CATALOG;
    return s->statement->class_ == RH_CLASS_CATALOG
               ? NULL
               : rh_arena_printf(
                     s->arena,
                     "Both types of %s are stored alike, but a CHECK names it: all of %s is read under "
                     "ACCESS EXCLUSIVE.",
                     name, s->table);
}

static rh_type_change type_change_of(const rh_hazard_subject *s, const rh_catalog_column *c,
                                     rh_json *definition, const char *column)
{
    if (!c || rh_tree_computes(definition, column))
        return RH_TYPE_REWRITES;
    const rh_catalog_type to = rh_catalog_type_of(rh_json_get(definition, "typeName"),
                                                  rh_json_get(definition, "collClause"), s->arena);
    return rh_catalog_type_change(s->context->catalog, &c->of_type, &to);
}

/* What the change needs by the known types; the message says so. NULL: nothing. */
static const char *retype_message(const rh_hazard_subject *s, rh_json *definition, const char *column)
{
    const rh_catalog_column *c = s->definition ? rh_catalog_column_of(s->definition, column) : NULL;
    const char *name = rh_hazard_quoted(s, column);
    const char *zone = rh_session_value(&s->context->session, RH_SESSION_TIME_ZONE);
    switch (type_change_of(s, c, definition, column)) {
    case RH_TYPE_ALIKE:
        return alike_message(s, column, false);
    case RH_TYPE_INDEXES:
        return alike_message(s, column, true);
    case RH_TYPE_INDEXES_IN_UTC:
        if (is_utc(zone))
            alike_message(s, column, true);
        return rh_arena_printf(
            s->arena,
            "Only where TimeZone is UTC do the rows of %s stay as they are, and only the indexes on %s are "
            "built again; with any other TimeZone all of %s is rewritten, with other values, under ACCESS "
            "EXCLUSIVE. TimeZone here: %s.",
            s->table, name, s->table, zone && *zone ? zone : "not known from the backup");
    default:
        return rh_arena_printf(
            s->arena,
            c ? "Another type for %s is a full table rewrite of %s and its indexes under ACCESS EXCLUSIVE."
              : "Another type for %s is a full table rewrite of %s and its indexes under ACCESS EXCLUSIVE, "
                "unless both types are stored alike (varchar to a longer one or to text, numeric to a "
                "higher precision).",
            name, s->table);
    }
}

void rh_hazards_of_type_change(const rh_hazard_subject *s, rh_json *definition, const char *column)
{
    const char *name = rh_hazard_quoted(s, column), *message = retype_message(s, definition, column);
    if (!message)
        return;
    RH_HAZARD(
        s, "type-change", message,
        s->statement->class_ == RH_CLASS_INDEX_BUILD
            ? rh_arena_printf(
                  s->arena,
                  "DROP INDEX CONCURRENTLY before it and CREATE INDEX CONCURRENTLY after it, where queries on %s can do without the index until then.",
                  s->table)
            : rh_arena_printf(
                  s->arena,
                  "Add a second column of the new type to %s, write both with a trigger, fill it in "
                  "batches, let the application change over, and drop %s in a later release.",
                  s->table, name));
}
