/* ALTER TABLE: each subcommand has its own lock (tablecmds.c, AlterTableGetLockLevel, PostgreSQL 15); the
 * statement takes the strongest, and its class is that of its heaviest. */
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/catalog.h"
#include <string.h>

typedef struct effect {
    rh_statement_class class_;
    rh_phase phase;
    rh_lock_mode lock;
} effect;

/* What is not listed takes AccessExclusiveLock and touches the catalog only. */
static const struct {
    const char *subtype;
    effect effect;
} SUBCOMMANDS[] = {
    {"AT_DropColumn", {RH_CLASS_CATALOG, RH_PHASE_CONTRACT, RH_LOCK_ACCESS_EXCLUSIVE}},
    {"AT_SetNotNull", {RH_CLASS_HEAP_SCAN, RH_PHASE_CONTRACT, RH_LOCK_ACCESS_EXCLUSIVE}},
    {"AT_DropNotNull", {RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_ACCESS_EXCLUSIVE}},
    {"AT_DropConstraint", {RH_CLASS_CATALOG, RH_PHASE_CONTRACT, RH_LOCK_ACCESS_EXCLUSIVE}},
    {"AT_ColumnDefault", {RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_ACCESS_EXCLUSIVE}},
    {"AT_AlterColumnType", {RH_CLASS_REWRITE, RH_PHASE_CONTRACT, RH_LOCK_ACCESS_EXCLUSIVE}},
    {"AT_SetLogged", {RH_CLASS_REWRITE, RH_PHASE_NONE, RH_LOCK_ACCESS_EXCLUSIVE}},
    {"AT_SetUnLogged", {RH_CLASS_REWRITE, RH_PHASE_NONE, RH_LOCK_ACCESS_EXCLUSIVE}},
    {"AT_SetAccessMethod", {RH_CLASS_REWRITE, RH_PHASE_NONE, RH_LOCK_ACCESS_EXCLUSIVE}},
    {"AT_SetTableSpace", {RH_CLASS_REWRITE, RH_PHASE_NONE, RH_LOCK_ACCESS_EXCLUSIVE}},
    {"AT_ValidateConstraint", {RH_CLASS_VALIDATION, RH_PHASE_MIGRATE, RH_LOCK_SHARE_UPDATE_EXCLUSIVE}},
    {"AT_AttachPartition", {RH_CLASS_HEAP_SCAN, RH_PHASE_EXPAND, RH_LOCK_SHARE_UPDATE_EXCLUSIVE}},
    {"AT_SetStatistics", {RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_SHARE_UPDATE_EXCLUSIVE}},
    {"AT_SetOptions", {RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_SHARE_UPDATE_EXCLUSIVE}},
    {"AT_ResetOptions", {RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_SHARE_UPDATE_EXCLUSIVE}},
    {"AT_SetRelOptions", {RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_SHARE_UPDATE_EXCLUSIVE}},
    {"AT_ResetRelOptions", {RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_SHARE_UPDATE_EXCLUSIVE}},
    {"AT_ClusterOn", {RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_SHARE_UPDATE_EXCLUSIVE}},
    {"AT_DropCluster", {RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_SHARE_UPDATE_EXCLUSIVE}},
    {"AT_EnableTrig", {RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_SHARE_ROW_EXCLUSIVE}},
    {"AT_EnableAlwaysTrig", {RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_SHARE_ROW_EXCLUSIVE}},
    {"AT_EnableReplicaTrig", {RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_SHARE_ROW_EXCLUSIVE}},
    {"AT_EnableTrigAll", {RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_SHARE_ROW_EXCLUSIVE}},
    {"AT_EnableTrigUser", {RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_SHARE_ROW_EXCLUSIVE}},
    {"AT_DisableTrig", {RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_SHARE_ROW_EXCLUSIVE}},
    {"AT_DisableTrigAll", {RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_SHARE_ROW_EXCLUSIVE}},
    {"AT_DisableTrigUser", {RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_SHARE_ROW_EXCLUSIVE}},
};

/* How long a class holds its lock; the heaviest names the statement. */
static int weight(rh_statement_class class_)
{
    static const rh_statement_class order[] = {RH_CLASS_CATALOG,   RH_CLASS_VALIDATION,  RH_CLASS_FOREIGN_KEY,
                                               RH_CLASS_HEAP_SCAN, RH_CLASS_INDEX_BUILD, RH_CLASS_REWRITE};
    for (int i = 0; i < (int)(sizeof order / sizeof *order); i++)
        if (order[i] == class_)
            return i;
    return -1;
}

static effect heavier(effect a, effect b)
{
    effect result = weight(b.class_) > weight(a.class_) ? b : a;
    result.lock = b.lock > a.lock ? b.lock : a.lock;
    result.phase = a.phase > b.phase ? a.phase : b.phase;
    return result;
}

static effect constraint_effect(rh_json *constraint)
{
    const char *type = rh_json_string(rh_json_get(constraint, "contype"));
    bool not_valid = rh_json_bool(rh_json_get(constraint, "skip_validation"));
    if (!type)
        type = "";
    if (strcmp(type, "CONSTR_FOREIGN") == 0)
        return (effect){not_valid ? RH_CLASS_CATALOG : RH_CLASS_FOREIGN_KEY, RH_PHASE_EXPAND,
                        RH_LOCK_SHARE_ROW_EXCLUSIVE};
    if (strcmp(type, "CONSTR_UNIQUE") == 0 || strcmp(type, "CONSTR_PRIMARY") == 0 ||
        strcmp(type, "CONSTR_EXCLUSION") == 0)
        return (effect){rh_json_get(constraint, "indexname") ? RH_CLASS_CATALOG : RH_CLASS_INDEX_BUILD,
                        RH_PHASE_EXPAND, RH_LOCK_ACCESS_EXCLUSIVE};
    return (effect){not_valid ? RH_CLASS_CATALOG : RH_CLASS_HEAP_SCAN, RH_PHASE_EXPAND,
                    RH_LOCK_ACCESS_EXCLUSIVE};
}

rh_column_rewrite rh_classify_added_column(rh_json *column_def)
{
    if (rh_catalog_serial(rh_tree_last_name(rh_json_path(column_def, "typeName.names"))))
        return RH_COLUMN_SERIAL;
    rh_json *constraints = rh_json_get(column_def, "constraints");
    for (size_t i = 0; i < rh_json_count(constraints); i++) {
        rh_json *constraint = rh_json_get(rh_json_at(constraints, i), "Constraint");
        if (rh_tree_is(constraint, "contype", "CONSTR_IDENTITY"))
            return RH_COLUMN_SERIAL;
        if (rh_tree_is(constraint, "contype", "CONSTR_GENERATED"))
            return RH_COLUMN_GENERATED;
        if (rh_tree_is(constraint, "contype", "CONSTR_DEFAULT") &&
            rh_tree_volatile_function(rh_json_get(constraint, "raw_expr")))
            return RH_COLUMN_VOLATILE;
    }
    return RH_COLUMN_FREE;
}

bool rh_classify_has_default(rh_json *column_def)
{
    rh_json *constraints = rh_json_get(column_def, "constraints");
    for (size_t i = 0; i < rh_json_count(constraints); i++)
        if (rh_tree_is(rh_json_get(rh_json_at(constraints, i), "Constraint"), "contype", "CONSTR_DEFAULT"))
            return true;
    return rh_classify_added_column(column_def) != RH_COLUMN_FREE;
}

/* A new column that is NULL everywhere passes its own CHECK only after it has read the table. */
static effect added_column_effect(rh_json *column_def)
{
    effect result = {rh_classify_added_column(column_def) == RH_COLUMN_FREE ? RH_CLASS_CATALOG
                                                                            : RH_CLASS_REWRITE,
                     RH_PHASE_EXPAND, RH_LOCK_ACCESS_EXCLUSIVE};
    rh_json *constraints = rh_json_get(column_def, "constraints");
    for (size_t i = 0; i < rh_json_count(constraints); i++) {
        rh_json *constraint = rh_json_get(rh_json_at(constraints, i), "Constraint");
        const char *type = rh_json_string(rh_json_get(constraint, "contype"));
        /* A foreign key on a column without a default has nothing to look up. */
        const bool foreign =
            type && strcmp(type, "CONSTR_FOREIGN") == 0 && rh_classify_has_default(column_def);
        bool checked = type && (foreign || strcmp(type, "CONSTR_UNIQUE") == 0 ||
                                strcmp(type, "CONSTR_PRIMARY") == 0 || strcmp(type, "CONSTR_CHECK") == 0);
        if (checked)
            result = heavier(result, constraint_effect(constraint));
    }
    return result;
}

/* SET or RESET of a storage parameter that takes ACCESS EXCLUSIVE (reloptions.c). */
static bool takes_all(rh_json *command)
{
    static const char *const options[] = {
        "user_catalog_table", "security_barrier", "security_invoker", "check_option",           "fastupdate",
        "buffering",          "pages_per_range",  "autosummarize",    "gin_pending_list_limit", NULL};
    rh_json *list = rh_json_path(command, "def.List.items");
    const char *subtype = rh_json_string(rh_json_get(command, "subtype"));
    for (size_t i = 0; subtype && strstr(subtype, "RelOptions") && i < rh_json_count(list); i++) {
        const char *name = rh_json_string(rh_json_path(rh_json_at(list, i), "DefElem.defname"));
        if (name && rh_is_one_of(name, options))
            return true;
    }
    return false;
}

static effect subcommand_effect(rh_json *command)
{
    const char *subtype = rh_json_string(rh_json_get(command, "subtype"));
    if (rh_tree_is(command, "subtype", "AT_AddColumn"))
        return added_column_effect(rh_json_path(command, "def.ColumnDef"));
    if (rh_tree_is(command, "subtype", "AT_AddConstraint"))
        return constraint_effect(rh_json_path(command, "def.Constraint"));
    if (rh_tree_is(command, "subtype", "AT_DetachPartition")) {
        bool concurrently = rh_json_bool(rh_json_path(command, "def.PartitionCmd.concurrent"));
        return (effect){RH_CLASS_CATALOG, RH_PHASE_CONTRACT,
                        concurrently ? RH_LOCK_SHARE_UPDATE_EXCLUSIVE : RH_LOCK_ACCESS_EXCLUSIVE};
    }
    if (takes_all(command))
        return (effect){RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_ACCESS_EXCLUSIVE};
    for (size_t i = 0; subtype && i < sizeof SUBCOMMANDS / sizeof *SUBCOMMANDS; i++)
        if (strcmp(subtype, SUBCOMMANDS[i].subtype) == 0)
            return SUBCOMMANDS[i].effect;
    return (effect){RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_ACCESS_EXCLUSIVE};
}

rh_statement_class rh_classify_command(rh_json *command)
{
    return subcommand_effect(command).class_;
}

rh_statement_class rh_classify_heavier(rh_statement_class a, rh_statement_class b)
{
    return weight(b) > weight(a) ? b : a;
}

static const char *tag_of(rh_json *body)
{
    static const char *const types[][2] = {{"OBJECT_INDEX", "ALTER INDEX"},
                                           {"OBJECT_VIEW", "ALTER VIEW"},
                                           {"OBJECT_MATVIEW", "ALTER MATERIALIZED VIEW"},
                                           {"OBJECT_SEQUENCE", "ALTER SEQUENCE"},
                                           {"OBJECT_TYPE", "ALTER TYPE"},
                                           {"OBJECT_FOREIGN_TABLE", "ALTER FOREIGN TABLE"}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (rh_tree_is(body, "objtype", types[i][0]))
            return types[i][1];
    return "ALTER TABLE";
}

void rh_classify_alter_table(rh_statement *s, rh_json *body, rh_arena *arena)
{
    rh_json *commands = rh_json_get(body, "cmds");
    effect result = {RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE};
    for (size_t i = 0; i < rh_json_count(commands); i++) {
        rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
        result = heavier(result, subcommand_effect(command));
        if (rh_tree_is(command, "subtype", "AT_DetachPartition") &&
            rh_json_bool(rh_json_path(command, "def.PartitionCmd.concurrent")))
            s->needs_no_transaction = true;
    }
    if (rh_tree_is(body, "objtype", "OBJECT_VIEW"))
        result.lock = RH_LOCK_ACCESS_EXCLUSIVE; /* its options, too */
    rh_classify_set(s, tag_of(body), result.class_, result.phase, result.lock,
                    rh_tree_relation(rh_json_get(body, "relation"), arena));
}
