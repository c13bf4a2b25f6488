/* The subcommands of ALTER TABLE. */
#include "tables.h"
#include "pgrehearse/sql/catalog.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

static void drop_column(rh_catalog *catalog, rh_catalog_table *t, const char *name)
{
    size_t kept = 0;
    rh_arena *arena = catalog->arena;
    for (size_t i = 0; i < t->column_count; i++)
        if (strcmp(t->columns[i].name, name) != 0)
            t->columns[kept++] = t->columns[i];
    t->column_count = kept;
    kept = 0;
    for (size_t i = 0; i < t->index_count; i++)
        if (!rh_catalog_index_uses(&t->indexes[i], name, arena))
            t->indexes[kept++] = t->indexes[i];
    t->index_count = kept;
    kept = 0;
    for (size_t i = 0; i < t->constraint_count; i++)
        if (!rh_clauses_mention(t->constraints[i].definition, name, arena))
            t->constraints[kept++] = t->constraints[i];
    t->constraint_count = kept;
}

static void drop_constraint(rh_catalog *catalog, rh_catalog_table *t, const char *name)
{
    size_t kept = 0;
    t->constraint_dropped = rh_arena_strdup(catalog->arena, name);
    for (size_t i = 0; i < t->index_count; i++)
        if (!t->indexes[i].constraint || strcmp(t->indexes[i].name, name) != 0)
            t->indexes[kept++] = t->indexes[i];
    t->index_count = kept;
    kept = 0;
    for (size_t i = 0; i < t->constraint_count; i++)
        if (strcmp(t->constraints[i].name, name) != 0)
            t->constraints[kept++] = t->constraints[i];
    t->constraint_count = kept;
}

/* ADD CONSTRAINT … USING INDEX gives the index the constraint's name. */
static bool adopt_index(rh_catalog *catalog, rh_catalog_table *t, rh_json *constraint)
{
    const char *index = rh_json_string(rh_json_get(constraint, "indexname"));
    const char *name = rh_json_string(rh_json_get(constraint, "conname"));
    for (size_t i = 0; index && i < t->index_count; i++) {
        if (strcmp(t->indexes[i].name, index) != 0)
            continue;
        t->indexes[i].unsupported = RH_UNSUPPORTED_FORMER_INDEX;
        t->indexes[i].constraint = rh_tree_is(constraint, "contype", "CONSTR_PRIMARY") ? 'p' : 'u';
        if (name)
            t->indexes[i].name = rh_arena_strdup(catalog->arena, name);
    }
    return index != NULL;
}

/* The words behind KEYWORD in PIECE. */
static const char *behind(const char *piece, const char *keyword, rh_arena *arena)
{
    rh_sql_token *tokens = NULL;
    size_t count = 0;
    rh_clauses_scan(piece, arena, &tokens, &count);
    for (size_t i = 0; i + 1 < count; i++)
        if (rh_sql_token_is(piece, &tokens[i], keyword))
            return piece + tokens[i + 1].start;
    return NULL;
}

const char *rh_catalog_new_type(const char *sql, rh_json *definition, size_t end, rh_arena *arena)
{
    int64_t type_at = rh_json_int(rh_json_path(definition, "typeName.location"));
    if (type_at <= 0 || (size_t)type_at >= end)
        return NULL;
    const char *words = rh_arena_strndup(arena, sql + type_at, end - (size_t)type_at);
    const char *using = behind(words, "using", arena);
    if (!using)
        return rh_catalog_trimmed(words, 0, strlen(words), arena);
    words = rh_catalog_trimmed(words, 0, (size_t)(using - words), arena);
    return rh_catalog_trimmed(words, 0, strlen(words) - strlen("using"), arena);
}

static void alter_column(rh_catalog *catalog, rh_catalog_table *t, rh_json *command, const char *sql,
                         const char *piece, size_t end)
{
    const char *subtype = rh_json_string(rh_json_get(command, "subtype"));
    const char *name = rh_json_string(rh_json_get(command, "name"));
    rh_catalog_column *c = name ? rh_catalog_column_of(t, name) : NULL;
    if (!c)
        return;
    if (strcmp(subtype, "AT_ColumnDefault") == 0) {
        const char *value = rh_json_get(command, "def") ? behind(piece, "default", catalog->arena) : NULL;
        c->default_dropped = !value && c->value;
        c->value = value;
    } else if (strcmp(subtype, "AT_SetNotNull") == 0)
        c->not_null = true;
    else if (strcmp(subtype, "AT_DropNotNull") == 0)
        c->not_null = false;
    else if (strcmp(subtype, "AT_AlterColumnType") == 0) {
        c->type = rh_catalog_new_type(sql, rh_json_path(command, "def.ColumnDef"), end, catalog->arena);
        c->type_name = rh_catalog_copied_ref(
            rh_catalog_ref_of(rh_json_path(command, "def.ColumnDef.typeName.names"), 0), catalog->arena);
        c->of_type = rh_catalog_type_of(rh_json_path(command, "def.ColumnDef.typeName"),
                                        rh_json_path(command, "def.ColumnDef.collClause"), catalog->arena);
    } else if (strcmp(subtype, "AT_AddIdentity") == 0)
        rh_catalog_make_identity(catalog, t, c, rh_json_path(command, "def.Constraint"));
    else if (strcmp(subtype, "AT_DropIdentity") == 0)
        c->sequence = NULL;
    else if (strcmp(subtype, "AT_DropExpression") == 0)
        c->unsupported = RH_UNSUPPORTED_ALTERED;
    else if (strcmp(subtype, "AT_SetStatistics") == 0 || strcmp(subtype, "AT_SetStorage") == 0 ||
             strcmp(subtype, "AT_SetOptions") == 0 || strcmp(subtype, "AT_SetCompression") == 0)
        c->unsupported = RH_UNSUPPORTED_STORAGE_OPTIONS;
}

/* A partition or child that is a table of its own again. */
static void detach(rh_catalog_table *table)
{
    if (!table)
        return;
    table->parent_count = 0;
    table->is_partition = table->is_default = false;
}

/* OWNER TO; NULL: CURRENT_USER and the like. */
static const char *owner_of(rh_json *command, rh_arena *arena)
{
    return rh_arena_strdup(arena, rh_json_string(rh_json_path(command, "newowner.rolename")));
}

/* OWNER TO of a view or a sequence. */
static void alter_object(rh_catalog *catalog, rh_json *body)
{
    const rh_relation ref = rh_catalog_range_ref(rh_json_get(body, "relation"));
    rh_catalog_object *object = rh_catalog_find_object(catalog, ~0u, ref.schema, ref.name);
    rh_json *commands = rh_json_get(body, "cmds");
    for (size_t i = 0; object && i < rh_json_count(commands); i++) {
        rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
        if (rh_tree_is(command, "subtype", "AT_ChangeOwner"))
            object->owner = owner_of(command, catalog->arena);
    }
}

static void alter_table_command(rh_catalog *catalog, rh_catalog_table *t, rh_json *command, const char *sql,
                                const char *piece, size_t from)
{
    const char *subtype = rh_json_string(rh_json_get(command, "subtype"));
    const char *name = rh_json_string(rh_json_get(command, "name"));
    rh_json *constraint = rh_json_path(command, "def.Constraint");
    if (!subtype)
        return;
    if (strcmp(subtype, "AT_AddColumn") == 0)
        rh_catalog_add_column(catalog, t, sql, rh_json_path(command, "def.ColumnDef"), from + strlen(piece));
    else if (strcmp(subtype, "AT_DropColumn") == 0 && name)
        drop_column(catalog, t, name);
    else if (strcmp(subtype, "AT_AddConstraint") == 0 && constraint) {
        if (!adopt_index(catalog, t, constraint))
            rh_catalog_add_constraint(catalog, t, constraint, piece + strspn(piece + 3, " \t\r\n") + 3, NULL);
    } else if (strcmp(subtype, "AT_DropConstraint") == 0 && name)
        drop_constraint(catalog, t, name);
    else if (strcmp(subtype, "AT_ValidateConstraint") == 0 && name) {
        for (size_t i = 0; i < t->constraint_count; i++)
            t->constraints[i].valid |= strcmp(t->constraints[i].name, name) == 0;
    } else if (strcmp(subtype, "AT_AttachPartition") == 0) {
        rh_catalog_table *child =
            rh_catalog_table_of(catalog, rh_json_path(command, "def.PartitionCmd.name"));
        t->unsupported = RH_UNSUPPORTED_PARTITIONED;
        t->is_partitioned = true;
        if (child) {
            child->unsupported = RH_UNSUPPORTED_PARTITION;
            child->is_partition = true;
            child->is_default = rh_json_bool(rh_json_path(command, "def.PartitionCmd.bound.is_default"));
            rh_catalog_add_parent(catalog, child, t);
        }
    } else if (strcmp(subtype, "AT_DetachPartition") == 0)
        detach(rh_catalog_table_of(catalog, rh_json_path(command, "def.PartitionCmd.name")));
    else if (strcmp(subtype, "AT_AddInherit") == 0) {
        t->unsupported = RH_UNSUPPORTED_INHERITS;
        rh_catalog_add_parent(catalog, t,
                              rh_catalog_table_of(catalog, rh_json_path(command, "def.RangeVar")));
    } else if (strcmp(subtype, "AT_DropInherit") == 0)
        detach(t);
    else if (strcmp(subtype, "AT_EnableRowSecurity") == 0 || strcmp(subtype, "AT_DisableRowSecurity") == 0)
        t->row_security = strcmp(subtype, "AT_EnableRowSecurity") == 0;
    else if (strcmp(subtype, "AT_ClusterOn") == 0 || strcmp(subtype, "AT_DropCluster") == 0) {
        t->clustered = strcmp(subtype, "AT_ClusterOn") == 0;
        t->unsupported = t->unsupported || !t->clustered ? t->unsupported : RH_UNSUPPORTED_CLUSTERED;
    } else if (strcmp(subtype, "AT_ChangeOwner") == 0)
        t->owner = owner_of(command, catalog->arena);
    else if (strcmp(subtype, "AT_ReplicaIdentity") == 0)
        t->unsupported = t->unsupported ? t->unsupported : RH_UNSUPPORTED_REPLICA_IDENTITY;
    else if (strcmp(subtype, "AT_SetLogged") == 0 || strcmp(subtype, "AT_SetUnLogged") == 0)
        t->unlogged = strcmp(subtype, "AT_SetUnLogged") == 0;
    else if (strcmp(subtype, "AT_SetTableSpace") == 0)
        t->tablespace = rh_arena_strdup(catalog->arena, name);
    else if (strcmp(subtype, "AT_SetAccessMethod") == 0)
        t->access_method = rh_arena_strdup(catalog->arena, name);
    else
        alter_column(catalog, t, command, sql, piece, from + strlen(piece));
}

void rh_catalog_alter_table(rh_catalog *catalog, const char *sql, rh_json *body)
{
    rh_catalog_table *t = rh_catalog_table_of(catalog, rh_json_get(body, "relation"));
    rh_clauses pieces;
    if (!t) {
        alter_object(catalog, body);
        return;
    }
    if (!rh_clauses_of_alter_table(sql, body, catalog->arena, &pieces)) {
        if (rh_tree_is(body, "objtype", "OBJECT_TABLE"))
            t->unsupported = RH_UNSUPPORTED_ALTERED;
        return;
    }
    rh_json *commands = rh_json_get(body, "cmds");
    for (size_t i = 0; i < pieces.count; i++)
        alter_table_command(catalog, t, rh_json_get(rh_json_at(commands, i), "AlterTableCmd"), sql,
                            pieces.words[i], pieces.offsets[i]);
}
