/* CREATE TABLE and ALTER TABLE. */
#include "locks.h"
#include "pgrehearse/base/text.h"
#include <string.h>

static rh_catalog_table *other_table(const rh_locks *l, rh_json *command)
{
    return rh_catalog_table_of(l->catalog, rh_json_path(command, "def.PartitionCmd.name"));
}

/* The tables that constraints of a column or table refer to. */
static void add_references(rh_locks *l, rh_json *constraints)
{
    for (size_t i = 0; i < rh_json_count(constraints); i++) {
        rh_json *constraint = rh_json_get(rh_json_at(constraints, i), "Constraint");
        rh_json *target = rh_json_get(constraint, "pktable");
        if (!rh_tree_is(constraint, "contype", "CONSTR_FOREIGN"))
            continue;
        rh_locks_add_ref(l, rh_catalog_range_ref(target), RH_LOCK_SHARE_ROW_EXCLUSIVE,
                         "referenced by a foreign key");
        rh_locks_add_children(l, rh_catalog_table_of(l->catalog, target), RH_LOCK_SHARE_ROW_EXCLUSIVE, true);
    }
}

void rh_locks_of_create_table(rh_locks *l, rh_json *body)
{
    rh_json *elements = rh_json_get(body, "tableElts"), *parents = rh_json_get(body, "inhRelations");
    if (rh_json_bool(rh_json_get(body, "if_not_exists")) &&
        rh_catalog_table_of(l->catalog, rh_json_get(body, "relation")))
        return; /* nothing is made */
    const bool partition = !rh_json_is_null(rh_json_get(body, "partbound"));
    for (size_t i = 0; i < rh_json_count(parents); i++) {
        rh_json *range = rh_json_get(rh_json_at(parents, i), "RangeVar");
        const rh_catalog_table *parent = rh_catalog_table_of(l->catalog, range);
        rh_locks_add_ref(l, rh_catalog_range_ref(range),
                         partition ? RH_LOCK_ACCESS_EXCLUSIVE : RH_LOCK_SHARE_UPDATE_EXCLUSIVE,
                         partition ? "the partitioned table" : "the parent table");
        if (partition) {
            rh_locks_add_default(l, parent, NULL);
            rh_locks_add_referenced(l, parent, NULL, RH_LOCK_SHARE_ROW_EXCLUSIVE);
        }
    }
    add_references(l, elements);
    for (size_t i = 0; i < rh_json_count(elements); i++) {
        rh_json *element = rh_json_at(elements, i);
        add_references(l, rh_json_path(element, "ColumnDef.constraints"));
        rh_json *like = rh_json_path(element, "TableLikeClause.relation");
        if (like)
            rh_locks_add_ref(l, rh_catalog_range_ref(like), RH_LOCK_ACCESS_SHARE, NULL);
    }
}

/* ---- ALTER TABLE ---- */

/* Subcommands that touch the named table alone, whatever inherits from it. */
static bool stays_alone(const char *subtype)
{
    static const char *const alone[] = {"AT_SetRelOptions",
                                        "AT_ResetRelOptions",
                                        "AT_ReplaceRelOptions",
                                        "AT_SetOptions",
                                        "AT_ResetOptions",
                                        "AT_ClusterOn",
                                        "AT_DropCluster",
                                        "AT_EnableRowSecurity",
                                        "AT_DisableRowSecurity",
                                        "AT_ForceRowSecurity",
                                        "AT_NoForceRowSecurity",
                                        "AT_ReplicaIdentity",
                                        "AT_AttachPartition",
                                        "AT_DetachPartition",
                                        "AT_DetachPartitionFinalize",
                                        "AT_ChangeOwner",
                                        "AT_SetTableSpace",
                                        "AT_SetAccessMethod",
                                        "AT_SetLogged",
                                        "AT_SetUnLogged",
                                        "AT_AddInherit",
                                        "AT_DropInherit",
                                        "AT_AddIdentity",
                                        "AT_SetIdentity",
                                        "AT_DropIdentity",
                                        "AT_AddOf",
                                        "AT_DropOf",
                                        NULL};
    return rh_is_one_of(subtype, alone);
}

static void add_constraint(rh_locks *l, const rh_catalog_table *table, rh_json *constraint, bool inherited)
{
    const char *type = rh_json_string(rh_json_get(constraint, "contype"));
    type = type ? type : "";
    if (strcmp(type, "CONSTR_FOREIGN") == 0) {
        rh_locks_add_ref(l, rh_catalog_range_ref(rh_json_get(constraint, "pktable")),
                         RH_LOCK_SHARE_ROW_EXCLUSIVE, "referenced by the foreign key");
        rh_locks_add_children(l, rh_catalog_table_of(l->catalog, rh_json_get(constraint, "pktable")),
                              RH_LOCK_SHARE_ROW_EXCLUSIVE, true);
        if (inherited)
            rh_locks_add_children(l, table, RH_LOCK_SHARE_ROW_EXCLUSIVE, true);
    } else if (strcmp(type, "CONSTR_CHECK") == 0) {
        if (inherited && !rh_json_bool(rh_json_get(constraint, "is_no_inherit")))
            rh_locks_add_children(l, table, RH_LOCK_ACCESS_EXCLUSIVE, false);
    } else if (inherited && !rh_json_get(constraint, "indexname")) {
        rh_locks_add_children(l, table, RH_LOCK_SHARE, true);
    }
}

static const rh_catalog_constraint *constraint_of(const rh_catalog_table *table, const char *name)
{
    for (size_t i = 0; table && name && i < table->constraint_count; i++)
        if (strcmp(table->constraints[i].name, name) == 0)
            return &table->constraints[i];
    return NULL;
}

static bool is_key(const rh_catalog_table *table, const char *name)
{
    for (size_t i = 0; table && name && i < table->index_count; i++)
        if (table->indexes[i].constraint && strcmp(table->indexes[i].name, name) == 0)
            return true;
    return false;
}

/* DROP CONSTRAINT, VALIDATE CONSTRAINT: the other table of a foreign key. */
static void add_named_constraint(rh_locks *l, const rh_catalog_table *table, rh_json *command, bool drop,
                                 bool inherited)
{
    const char *name = rh_json_string(rh_json_get(command, "name"));
    const rh_catalog_constraint *found = constraint_of(table, name);
    rh_lock_mode mode = drop ? RH_LOCK_ACCESS_EXCLUSIVE : RH_LOCK_ROW_SHARE;
    if (!drop && found && found->valid)
        return; /* nothing to validate */
    if (inherited)
        rh_locks_add_children(l, table, l->statement->expected_lock, false);
    if (found && found->kind == 'f') {
        rh_locks_add_ref(l, (rh_relation){found->schema, found->target}, mode,
                         "referenced by the foreign key");
        rh_locks_add_children(l, rh_catalog_find(l->catalog, found->schema, found->target), mode, true);
    }
    if (drop && l->cascade && is_key(table, name))
        rh_locks_add_referencing(l, table, RH_LOCK_ACCESS_EXCLUSIVE);
}

static bool is_in_key(const rh_catalog_table *table, const char *column)
{
    for (size_t i = 0; table && column && i < table->index_count; i++)
        for (size_t k = 0; table->indexes[i].constraint && k < table->indexes[i].column_count; k++)
            if (strcmp(table->indexes[i].columns[k], column) == 0)
                return true;
    return false;
}

/* A sequence that no default names. */
static bool is_identity(const rh_catalog_table *table, const char *column)
{
    const rh_catalog_column *c = table && column ? rh_catalog_column_of(table, column) : NULL;
    return c && c->sequence && !c->value;
}

/* Foreign keys on the column, or to it, are made again. */
static void retype_column(rh_locks *l, const rh_catalog_table *table, const char *column)
{
    rh_locks_add_referenced(l, table, column, RH_LOCK_ACCESS_EXCLUSIVE);
    if (is_identity(table, column)) /* gets the type, too */
        rh_locks_add_sequences(l, table, column, RH_LOCK_SHARE_ROW_EXCLUSIVE);
    if (is_in_key(table, column))
        rh_locks_add_referencing(l, table, RH_LOCK_ACCESS_EXCLUSIVE);
}

static void attach(rh_locks *l, const rh_catalog_table *parent, rh_json *command)
{
    const rh_catalog_table *partition = other_table(l, command);
    rh_locks_add_ref(l, rh_catalog_range_ref(rh_json_path(command, "def.PartitionCmd.name")),
                     RH_LOCK_ACCESS_EXCLUSIVE, "the partition");
    rh_locks_add_children(l, partition, RH_LOCK_ACCESS_EXCLUSIVE, false);
    rh_locks_add_default(l, parent, partition);
    rh_locks_add_referenced(l, parent, NULL, RH_LOCK_SHARE_ROW_EXCLUSIVE);
}

static void detach(rh_locks *l, const rh_catalog_table *parent, rh_json *command)
{
    const bool concurrently = rh_json_bool(rh_json_path(command, "def.PartitionCmd.concurrent"));
    rh_locks_add_ref(
        l, rh_catalog_range_ref(rh_json_path(command, "def.PartitionCmd.name")), RH_LOCK_ACCESS_EXCLUSIVE,
        concurrently ? "the partition, when no query on the table uses it any more" : "the partition");
    if (concurrently)
        return;
    rh_locks_add_default(l, parent, other_table(l, command));
    rh_locks_add_referenced(l, parent, NULL, RH_LOCK_SHARE_ROW_EXCLUSIVE);
}

static void of_command(rh_locks *l, const rh_catalog_table *table, rh_json *command, rh_lock_mode mode,
                       bool inherited)
{
    const char *subtype = rh_json_string(rh_json_get(command, "subtype"));
    const char *name = rh_json_string(rh_json_get(command, "name"));
    if (!subtype)
        return;
    l->cascade = rh_tree_is(command, "behavior", "DROP_CASCADE");
    if (strcmp(subtype, "AT_AddConstraint") == 0) {
        add_constraint(l, table, rh_json_path(command, "def.Constraint"), inherited);
        return;
    }
    const bool drop = strcmp(subtype, "AT_DropConstraint") == 0;
    if (drop || strcmp(subtype, "AT_ValidateConstraint") == 0) {
        add_named_constraint(l, table, command, drop, inherited);
        return;
    }
    if (inherited && !stays_alone(subtype))
        rh_locks_add_children(l, table, mode, strstr(subtype, "Trig") != NULL);
    if (strcmp(subtype, "AT_AddColumn") == 0)
        add_references(l, rh_json_path(command, "def.ColumnDef.constraints"));
    else if (strcmp(subtype, "AT_DropColumn") == 0)
        rh_locks_of_drop_column(l, table, name);
    else if (strcmp(subtype, "AT_AlterColumnType") == 0)
        retype_column(l, table, name);
    else if (strcmp(subtype, "AT_SetIdentity") == 0)
        rh_locks_add_sequences(l, table, name, RH_LOCK_SHARE_ROW_EXCLUSIVE);
    else if (strcmp(subtype, "AT_DropIdentity") == 0)
        rh_locks_add_sequences(l, table, name, RH_LOCK_ACCESS_EXCLUSIVE);
    else if (strcmp(subtype, "AT_AttachPartition") == 0)
        attach(l, table, command);
    else if (strcmp(subtype, "AT_DetachPartition") == 0)
        detach(l, table, command);
    else if (strcmp(subtype, "AT_AddInherit") == 0)
        rh_locks_add_ref(l, rh_catalog_range_ref(rh_json_path(command, "def.RangeVar")),
                         RH_LOCK_SHARE_UPDATE_EXCLUSIVE, "the parent table");
}

void rh_locks_of_alter_table(rh_locks *l, rh_json *body)
{
    rh_json *relation = rh_json_get(body, "relation"), *commands = rh_json_get(body, "cmds");
    const rh_catalog_table *table = rh_catalog_table_of(l->catalog, relation);
    const bool inherited = rh_json_bool(rh_json_get(relation, "inh"));
    for (size_t i = 0; i < rh_json_count(commands); i++)
        of_command(l, table, rh_json_get(rh_json_at(commands, i), "AlterTableCmd"),
                   l->statement->expected_lock, inherited);
}
