/* Hazards of ADD COLUMN: a default or a type for which the table is rewritten. */
#include "pgrehearse/sql/classify.h"
#include "subject.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

/* Whatever its default, a column of a domain with a constraint is computed for every row. */
static void domain_column_hazard(const rh_hazard_subject *s, rh_json *column, const char *name)
{
    const rh_catalog_object *domain = rh_catalog_constrained_domain(
        s->context->catalog, rh_catalog_ref_of(rh_json_path(column, "typeName.names"), 0));
    if (!domain || s->statement->class_ == RH_CLASS_REWRITE)
        return;
    s->statement->class_ = RH_CLASS_REWRITE;
    RH_HAZARD(s, "constrained-domain",
              rh_arena_printf(
                  s->arena,
                  "%s.%s has a constraint, so a column of it is a full table rewrite of %s under ACCESS "
                  "EXCLUSIVE, even without a default.",
                  rh_hazard_quoted(s, domain->schema), rh_hazard_quoted(s, domain->name), s->table),
              rh_arena_printf(
                  s->arena,
                  "ALTER TABLE %s ADD COLUMN %s with the domain's base type; add the domain's condition as "
                  "CHECK … NOT VALID, and VALIDATE CONSTRAINT in a transaction of its own.",
                  s->table, name));
}

/* A function of the user's that is declared IMMUTABLE or STABLE, in all its forms. */
static bool is_declared_stable(const rh_catalog *catalog, const char *name)
{
    bool found = false;
    for (size_t i = 0; i < catalog->other_count; i++) {
        const rh_catalog_object *o = &catalog->others[i];
        if (o->dropped || o->kind != RH_CATALOG_FUNCTION || strcmp(o->name, name) != 0)
            continue;
        if (!o->stable)
            return false;
        found = true;
    }
    return found;
}

/* The default calls only functions that give one value in a statement, and the column has no other constraint
 * that would need work. */
static bool is_stable_default(const rh_hazard_subject *s, rh_json *column)
{
    rh_json *constraints = rh_json_get(column, "constraints");
    for (size_t i = 0; i < rh_json_count(constraints); i++) {
        rh_json *constraint = rh_json_get(rh_json_at(constraints, i), "Constraint");
        const char **calls = NULL;
        size_t count = 0;
        if (rh_tree_is(constraint, "contype", "CONSTR_NOTNULL"))
            continue;
        if (!rh_tree_is(constraint, "contype", "CONSTR_DEFAULT"))
            return false;
        rh_tree_calls(rh_json_get(constraint, "raw_expr"), s->arena, &calls, &count);
        for (size_t k = 0; k < count; k++)
            if (!rh_tree_is_stable(calls[k]) && !is_declared_stable(s->context->catalog, calls[k]))
                return false;
    }
    return true;
}

void rh_hazards_of_added_column(const rh_hazard_subject *s, rh_json *column)
{
    const char *name = rh_hazard_quoted(s, rh_json_string(rh_json_get(column, "colname")));
    domain_column_hazard(s, column, name);
    switch (rh_classify_added_column(column)) {
    case RH_COLUMN_VOLATILE:
        if (is_stable_default(s, column)) {
            s->statement->class_ = RH_CLASS_CATALOG;
            break;
        }
        RH_HAZARD(
            s, "volatile-default",
            rh_arena_printf(
                s->arena,
                "The default of %s differs from row to row, which is a full table rewrite of %s and its indexes while ACCESS EXCLUSIVE blocks every reader and writer.",
                name, s->table),
            rh_arena_printf(s->arena,
                            "ALTER TABLE %s ADD COLUMN %s without the default; ALTER TABLE %s ALTER COLUMN "
                            "%s SET DEFAULT …; then fill "
                            "the existing rows in batches, each committed: UPDATE %s SET %s = … WHERE %s IS "
                            "NULL AND <a range of "
                            "the primary key>.",
                            s->table, name, s->table, name, s->table, name, name));
        break;
    case RH_COLUMN_SERIAL:
        RH_HAZARD(
            s, "rewrite-access-exclusive",
            rh_arena_printf(
                s->arena,
                "The new column %s takes a number for every row: a full table rewrite of %s under ACCESS "
                "EXCLUSIVE.",
                name, s->table),
            rh_arena_printf(s->arena,
                            "ALTER TABLE %s ADD COLUMN %s bigint; CREATE SEQUENCE …; ALTER TABLE %s ALTER "
                            "COLUMN %s SET DEFAULT "
                            "nextval('…'); fill the existing rows in batches.",
                            s->table, name, s->table, name));
        break;
    case RH_COLUMN_GENERATED:
        RH_HAZARD(
            s, "rewrite-access-exclusive",
            rh_arena_printf(s->arena,
                            "The generated column %s is computed for every row: a full table rewrite of %s "
                            "under ACCESS EXCLUSIVE.",
                            name, s->table),
            rh_arena_printf(s->arena,
                            "Add %s to %s as a plain column, keep it right with a trigger, fill the existing "
                            "rows in batches; or "
                            "compute it in a view or an index.",
                            name, s->table));
        break;
    case RH_COLUMN_FREE:
        break;
    }
}
