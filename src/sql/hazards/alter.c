/* Hazards of the subcommands of ALTER TABLE on a table in use. */
#include "pgrehearse/sql/classify.h"
#include "subject.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

static void set_not_null_hazard(const rh_hazard_subject *s, const char *column)
{
    enum { FIRST_WITH_NOT_VALID = 18 };
    if (rh_hazard_proven_not_null(s->definition, column)) {
        s->statement->class_ = RH_CLASS_CATALOG;
        return;
    }
    const char *name = rh_hazard_quoted(s, column);
    RH_HAZARD(s, "set-not-null-scan",
              rh_arena_printf(
                  s->arena,
                  "All of %s is read for a NULL in %s while ACCESS EXCLUSIVE blocks every reader and writer.",
                  s->table, name),
              s->context->server_major >= FIRST_WITH_NOT_VALID
                  ? rh_arena_printf(
                        s->arena,
                        "ALTER TABLE %s ADD CONSTRAINT <name> NOT NULL %s NOT VALID; then ALTER TABLE %s "
                        "VALIDATE CONSTRAINT <name>, in a transaction of its own.",
                        s->table, name, s->table)
                  : rh_arena_printf(
                        s->arena,
                        "ALTER TABLE %s ADD CONSTRAINT <name> CHECK (%s IS NOT NULL) NOT VALID; then ALTER "
                        "TABLE %s VALIDATE CONSTRAINT "
                        "<name>; then ALTER TABLE %s ALTER COLUMN %s SET NOT NULL, which needs no scan now; "
                        "then drop the check.",
                        s->table, name, s->table, s->table, name));
}

/* The server refuses the subcommand, DROP COLUMN, DROP CONSTRAINT or another TYPE. */
static void refused_hazard(const rh_hazard_subject *s, rh_json *command, const char *name)
{
    const rh_catalog *catalog = s->context->catalog;
    const bool retypes = rh_tree_is(command, "subtype", "AT_AlterColumnType");
    const bool constraint = rh_tree_is(command, "subtype", "AT_DropConstraint");
    if (!s->definition || !name || s->context->is_down ||
        (!retypes && rh_tree_is(command, "behavior", "DROP_CASCADE")))
        return;
    const char *user =
        constraint ? rh_catalog_constraint_user(catalog, s->definition, name, s->gone, s->arena)
                   : rh_catalog_column_user(catalog, s->definition, name, !retypes, s->gone, s->arena);
    if (user)
        rh_hazard_refused(s,
                          rh_arena_printf(s->arena, retypes ? "change the type of %s of %s" : "drop %s of %s",
                                          rh_hazard_quoted(s, name), s->table),
                          user);
}

static void drop_column_hazard(const rh_hazard_subject *s, const char *column)
{
    const char *name = rh_hazard_quoted(s, column);
    if (rh_hazard_column_is_new(s, column))
        return;
    RH_HAZARD(
        s, "drop-column",
        rh_arena_printf(s->arena,
                        "The running release may still read or write %s of %s: its statements fail from here "
                        "on, and the data is gone.",
                        name, s->table),
        rh_arena_printf(
            s->arena, "Release an application that no longer uses %s.%s first; drop it in a later migration.",
            s->table, name));
}

/* SET LOGGED, TABLESPACE, ACCESS METHOD of a table that is so already, or has no rows of its own. */
static bool is_so_already(const rh_catalog_table *table, const char *subtype, const char *name)
{
    if (!table || table->guessed)
        return false;
    if (rh_hazard_is_partitioned(table))
        return true;
    if (strcmp(subtype, "AT_SetLogged") == 0)
        return !table->unlogged;
    if (strcmp(subtype, "AT_SetUnLogged") == 0)
        return table->unlogged;
    if (strcmp(subtype, "AT_SetAccessMethod") == 0)
        return name && strcmp(name, table->access_method ? table->access_method : "heap") == 0;
    return name && table->tablespace && strcmp(name, table->tablespace) == 0;
}

static void other_rewrite_hazard(const rh_hazard_subject *s, const char *subtype, const char *name)
{
    static const char *const rewriting[] = {"AT_SetLogged", "AT_SetUnLogged", "AT_SetAccessMethod",
                                            "AT_SetTableSpace", NULL};
    if (!rh_is_one_of(subtype, rewriting))
        return;
    if (is_so_already(s->definition, subtype, name)) {
        s->statement->class_ = RH_CLASS_CATALOG;
        return;
    }
    RH_HAZARD(s, "rewrite-access-exclusive",
              rh_arena_printf(s->arena, "A full table rewrite of %s under ACCESS EXCLUSIVE.", s->table),
              rh_arena_printf(
                  s->arena,
                  "Fill a new table beside %s in batches and swap the names, or use a maintenance window.",
                  s->table));
}

/* ---- the new and the old in one release ---- */

static void remember_expansion(const rh_hazard_subject *s, rh_json *column)
{
    rh_hazard_context *context = s->context;
    rh_expansion *added = rh_arena_add(context->arena, &context->expanded, &context->expanded_count);
    *added = (rh_expansion){
        .table = s->table,
        .column = rh_arena_strdup(context->arena, rh_json_string(rh_json_get(column, "colname"))),
    };
    rh_json *constraints = rh_json_get(column, "constraints");
    for (size_t i = 0; i < rh_json_count(constraints); i++)
        added->has_default |=
            rh_tree_is(rh_json_get(rh_json_at(constraints, i), "Constraint"), "contype", "CONSTR_DEFAULT");
}

/* Taking COLUMN away, or asking for it always, in the release that adds another column to its table, or
 * itself. */
static void expand_and_contract_hazard(const rh_hazard_subject *s, const char *column, bool taken_away)
{
    const rh_expansion *found = NULL;
    for (size_t i = 0; column && i < s->context->expanded_count; i++) {
        const rh_expansion *added = &s->context->expanded[i];
        const bool same = added->column && strcmp(added->column, column) == 0;
        if (strcmp(added->table, s->table) == 0 && (taken_away ? !same : same && !added->has_default))
            found = added;
    }
    if (!found)
        return;
    const char *name = rh_hazard_quoted(s, column), *added = rh_hazard_quoted(s, found->column);
    if (taken_away)
        RH_HAZARD(
            s, "expand-and-contract",
            rh_arena_printf(
                s->arena,
                "This release adds %s to %s and removes %s: instances of the old release and of the new one cannot run side by side.",
                added, s->table, name),
            rh_arena_printf(
                s->arena, "Keep %s for this release; remove it in a later one, once every instance uses %s.",
                name, added));
    else
        RH_HAZARD(s, "expand-and-contract",
                  rh_arena_printf(
                      s->arena,
                      "This release adds %s to %s and no longer takes rows without it: what the old release "
                      "still writes fails.",
                      name, s->table),
                  rh_arena_printf(s->arena, "Set %s of %s NOT NULL in a later release, or give it a default.",
                                  name, s->table));
}

/* ---- row-level security ---- */

/* Whether a policy comes in the same transaction is asked when the whole file is known. */
static void row_security_hazard(const rh_hazard_subject *s, bool forced)
{
    if (s->definition && rh_catalog_policies(s->context->catalog, s->definition) > 0)
        return;
    RH_HAZARD(
        s, "row-security-without-policy",
        rh_arena_printf(
            s->arena,
            "%s has no policy when row-level security is %s: %s see and change no row from here on, without an "
            "error.",
            s->table, forced ? "forced" : "enabled",
            forced ? "all roles, its owner included," : "roles other than its owner"),
        rh_arena_printf(
            s->arena,
            "CREATE POLICY … ON %s for the application's roles before it or in the same transaction. It does not "
            "apply to roles with BYPASSRLS.",
            s->table));
}

/* ---- one subcommand ---- */

/* IF NOT EXISTS of a column that is there, IF EXISTS of one that is not: nothing is done. */
static bool does_nothing(const rh_hazard_subject *s, const char *subtype, rh_json *command)
{
    const char *added = rh_json_string(rh_json_path(command, "def.ColumnDef.colname"));
    const char *name = rh_json_string(rh_json_get(command, "name"));
    if (!s->definition || !rh_json_bool(rh_json_get(command, "missing_ok")))
        return false;
    if (strcmp(subtype, "AT_AddColumn") == 0)
        return added && rh_catalog_column_of(s->definition, added);
    return strcmp(subtype, "AT_DropColumn") == 0 && s->definition->column_count > 0 && name &&
           !rh_catalog_column_of(s->definition, name);
}

/* The constraint NAME is valid already. */
static bool is_valid(const rh_catalog_table *table, const char *name)
{
    for (size_t i = 0; table && name && i < table->constraint_count; i++)
        if (strcmp(table->constraints[i].name, name) == 0)
            return table->constraints[i].valid;
    return false;
}

static void add_column(const rh_hazard_subject *s, rh_json *column)
{
    rh_json *constraints = rh_json_get(column, "constraints");
    rh_hazards_of_added_column(s, column);
    remember_expansion(s, column);
    for (size_t k = 0; k < rh_json_count(constraints); k++) {
        rh_json *constraint = rh_json_get(rh_json_at(constraints, k), "Constraint");
        if (!rh_tree_is(constraint, "contype", "CONSTR_FOREIGN") || rh_classify_has_default(column))
            rh_hazards_of_constraint(s, constraint,
                                     rh_hazard_quoted(s, rh_json_string(rh_json_get(column, "colname"))));
    }
}

static void of_command(const rh_hazard_subject *s, rh_json *command)
{
    const char *subtype = rh_json_string(rh_json_get(command, "subtype"));
    const char *name = rh_json_string(rh_json_get(command, "name"));
    rh_json *column = rh_json_path(command, "def.ColumnDef");
    if (!subtype)
        return;
    if (does_nothing(s, subtype, command)) {
        s->statement->class_ = RH_CLASS_CATALOG;
    } else if (strcmp(subtype, "AT_AddColumn") == 0) {
        add_column(s, column);
    } else if (strcmp(subtype, "AT_AddConstraint") == 0) {
        rh_hazards_of_constraint(s, rh_json_path(command, "def.Constraint"), NULL);
    } else if (strcmp(subtype, "AT_SetNotNull") == 0) {
        set_not_null_hazard(s, name);
        expand_and_contract_hazard(s, name, false);
    } else if (strcmp(subtype, "AT_AlterColumnType") == 0) {
        rh_hazards_of_type_change(s, column, name);
        refused_hazard(s, command, name);
    } else if (strcmp(subtype, "AT_DropColumn") == 0) {
        drop_column_hazard(s, name);
        refused_hazard(s, command, name);
        expand_and_contract_hazard(s, name, true);
    } else if (strcmp(subtype, "AT_DropConstraint") == 0) {
        refused_hazard(s, command, name);
        other_rewrite_hazard(s, subtype, name);
    } else if (strcmp(subtype, "AT_ValidateConstraint") == 0) {
        if (is_valid(s->definition, name))
            s->statement->class_ = RH_CLASS_CATALOG;
    } else if (strcmp(subtype, "AT_AttachPartition") == 0) {
        rh_hazards_of_partition(s, rh_json_path(command, "def.PartitionCmd.bound"), s->definition,
                                rh_catalog_range_ref(rh_json_path(command, "def.PartitionCmd.name")));
    } else if (strcmp(subtype, "AT_DetachPartition") == 0) {
        rh_hazards_of_detach(s, command);
    } else if (strcmp(subtype, "AT_EnableRowSecurity") == 0 || strcmp(subtype, "AT_ForceRowSecurity") == 0) {
        if (!rh_hazard_is(s->statement, "row-security-without-policy"))
            row_security_hazard(s, strcmp(subtype, "AT_ForceRowSecurity") == 0);
    } else {
        other_rewrite_hazard(s, subtype, name);
    }
}

/* What COMMANDS drop before the one at INDEX is executed: columns and constraints are dropped first of all.
 */
static const char *const *gone_before(rh_json *commands, size_t index, rh_arena *arena)
{
    static const char *const drops[] = {"AT_DropColumn", "AT_DropConstraint", NULL};
    const char **gone = rh_arena_alloc(arena, (rh_json_count(commands) + 1) * sizeof *gone);
    size_t count = 0;
    rh_json *at = rh_json_get(rh_json_at(commands, index), "AlterTableCmd");
    const char *subtype = rh_json_string(rh_json_get(at, "subtype"));
    const size_t end = subtype && rh_is_one_of(subtype, drops) ? index : rh_json_count(commands);
    for (size_t i = 0; i < end; i++) {
        rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
        const char *other = rh_json_string(rh_json_get(command, "subtype"));
        const char *name = rh_json_string(rh_json_get(command, "name"));
        if (other && name && rh_is_one_of(other, drops))
            gone[count++] = name;
    }
    return gone;
}

void rh_hazards_of_alter_table(const rh_hazard_subject *s, rh_json *body)
{
    rh_json *commands = rh_json_get(body, "cmds");
    rh_statement *statement = s->statement;
    const size_t before = statement->hazard_count;
    rh_statement_class heaviest = RH_CLASS_CATALOG;
    for (size_t i = 0; i < rh_json_count(commands); i++) {
        rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
        statement->class_ = rh_classify_command(command);
        rh_hazard_subject at = *s;
        at.gone = gone_before(commands, i, s->arena);
        of_command(&at, command);
        heaviest = rh_classify_heavier(heaviest, statement->class_);
    }
    statement->class_ = heaviest;
    if (s->definition && s->definition->is_new && !s->context->is_down &&
        !rh_hazard_is(statement, "blocked-by-dependents"))
        statement->hazard_count = before; /* no session uses it yet */
}
