/* Hazards of adding constraints to a table in use. */
#include "subject.h"
#include <string.h>

/* Those of the index's columns of which nothing proves that they hold no NULL, with SEPARATOR between; NULL:
 * none.
 */
static const char *unproven_columns(const rh_hazard_subject *s, const rh_catalog_table *t,
                                    const rh_catalog_index *index, const char *separator)
{
    const char *columns = NULL;
    for (size_t i = 0; i < index->column_count; i++) {
        if (rh_hazard_proven_not_null(t, index->columns[i]))
            continue;
        const char *column = rh_hazard_quoted(s, index->columns[i]);
        columns = columns ? rh_arena_printf(s->arena, "%s%s%s", columns, separator, column) : column;
    }
    return columns;
}

/* PRIMARY KEY USING INDEX makes its columns NOT NULL, which reads the table unless that is proven. */
static void key_from_index_hazard(const rh_hazard_subject *s, const char *name)
{
    rh_catalog_index *index = NULL;
    const rh_catalog_table *t = rh_catalog_table_of_index(
        s->context->catalog, s->definition ? s->definition->schema : NULL, name, &index);
    const char *columns = t ? unproven_columns(s, t, index, ", ") : "its columns";
    const char *checked = t ? unproven_columns(s, t, index, " IS NOT NULL AND ") : "<column>";
    if (!columns)
        return;
    if (t)
        s->statement->class_ = RH_CLASS_HEAP_SCAN;
    RH_HAZARD(
        s, "primary-key-from-nullable",
        rh_arena_printf(
            s->arena,
            "A primary key makes %s NOT NULL: unless the column is NOT NULL already or a CHECK proves it, all of %s is read for a NULL while ACCESS EXCLUSIVE blocks every reader and writer.",
            columns, s->table),
        rh_arena_printf(
            s->arena,
            "ALTER TABLE %s ADD CONSTRAINT <name> CHECK (%s IS NOT NULL) NOT VALID; then, in a "
            "transaction of its own, VALIDATE CONSTRAINT <name>; then this statement, which needs no "
            "scan now; then drop the check. It does not apply to columns that are NOT NULL already.",
            s->table, checked));
}

static void unique_hazard(const rh_hazard_subject *s, rh_json *constraint, const char *column)
{
    const bool primary = rh_tree_is(constraint, "contype", "CONSTR_PRIMARY");
    const char *index = rh_json_string(rh_json_get(constraint, "indexname"));
    if (index && primary)
        key_from_index_hazard(s, index);
    if (index)
        return;
    const char *first = rh_tree_name_at(rh_json_get(constraint, "keys"), 0);
    const char *kind = primary ? "PRIMARY KEY" : "UNIQUE";
    const char *columns = first ? rh_hazard_quoted(s, first) : column ? column : "…";
    RH_HAZARD(
        s, "index-without-concurrently",
        rh_arena_printf(
            s->arena,
            "%s builds its index on %s under ACCESS EXCLUSIVE: reads and writes are blocked until it ends.",
            kind, s->table),
        rh_hazard_is_partitioned(s->definition)
            ? rh_arena_printf(
                  s->arena,
                  "USING INDEX is refused on a partitioned table. ALTER TABLE ONLY %s ADD %s (…); on "
                  "each partition CREATE UNIQUE INDEX CONCURRENTLY … and ADD %s USING INDEX …; then "
                  "ALTER INDEX … ATTACH PARTITION for each.",
                  s->table, kind, kind)
            : rh_arena_printf(
                  s->arena,
                  "CREATE UNIQUE INDEX CONCURRENTLY … ON %s (%s), in a file of its own; then ALTER "
                  "TABLE %s ADD %s USING INDEX ….",
                  s->table, columns, s->table, kind));
}

static void exclude_hazard(const rh_hazard_subject *s)
{
    RH_HAZARD(
        s, "exclude-constraint",
        rh_arena_printf(
            s->arena,
            "EXCLUDE builds its index on %s and compares all rows under ACCESS EXCLUSIVE: reads and writes "
            "are blocked until it ends. PostgreSQL has no form of it that blocks less.",
            s->table),
        rh_arena_printf(
            s->arena,
            "Add the constraint while %s is small or in a maintenance window, with a lock_timeout; or "
            "give a new table the constraint when it is created, fill it in batches and swap the "
            "names. It does not apply to an empty table.",
            s->table));
}

static void foreign_key_hazard(const rh_hazard_subject *s, const char *name, const char *other)
{
    RH_HAZARD(s, "foreign-key-without-not-valid",
              rh_arena_printf(s->arena,
                              "Every row of %s is looked up in %s while writes to both tables wait.",
                              s->table, other),
              rh_hazard_is_partitioned(s->definition)
                  ? rh_arena_printf(
                        s->arena,
                        "NOT VALID is refused on a partitioned table (PostgreSQL 17 and older). Add the "
                        "foreign key NOT VALID to each partition, VALIDATE CONSTRAINT each in a transaction "
                        "of its own, then add it to %s, which takes over those of the partitions.",
                        s->table)
                  : rh_arena_printf(
                        s->arena,
                        "ALTER TABLE %s ADD CONSTRAINT %s FOREIGN KEY (…) REFERENCES %s NOT VALID; then, "
                        "in a transaction of its own, ALTER TABLE %s VALIDATE CONSTRAINT %s.",
                        s->table, name, other, s->table, name));
}

void rh_hazards_of_constraint(const rh_hazard_subject *s, rh_json *constraint, const char *column)
{
    const char *type = rh_json_string(rh_json_get(constraint, "contype"));
    const char *given = rh_json_string(rh_json_get(constraint, "conname"));
    const char *name = given ? rh_identifier(given, s->arena) : "<name>";
    if (!type || rh_json_bool(rh_json_get(constraint, "skip_validation")))
        return;
    if (strcmp(type, "CONSTR_FOREIGN") == 0) {
        const char *other = rh_tree_relation(rh_json_get(constraint, "pktable"), s->arena);
        foreign_key_hazard(s, name, other);
    } else if (strcmp(type, "CONSTR_CHECK") == 0) {
        RH_HAZARD(
            s, "constraint-without-not-valid",
            rh_arena_printf(
                s->arena,
                "All of %s is read to check the constraint while ACCESS EXCLUSIVE blocks every reader and writer.",
                s->table),
            rh_arena_printf(s->arena,
                            "ALTER TABLE %s ADD CONSTRAINT %s CHECK (…) NOT VALID; then, in a transaction of "
                            "its own, ALTER TABLE %s "
                            "VALIDATE CONSTRAINT %s.",
                            s->table, name, s->table, name));
    } else if (strcmp(type, "CONSTR_UNIQUE") == 0 || strcmp(type, "CONSTR_PRIMARY") == 0) {
        unique_hazard(s, constraint, column);
    } else if (strcmp(type, "CONSTR_EXCLUSION") == 0) {
        exclude_hazard(s);
    }
}
