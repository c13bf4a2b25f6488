/* What a statement is expected to do and to lock, from its parse: PostgreSQL 15, documentation section 13.3.1
 * and the pages of the commands. ALTER TABLE is in classify_alter_table.c, what needs no look inside in
 * classify_fixed.c. */
#include "classify_fixed.h"
#include "pgrehearse/sql/classify.h"
#include <string.h>
#include <strings.h>

void rh_classify_set(rh_statement *s, const char *tag, rh_statement_class class_, rh_phase phase,
                     rh_lock_mode lock, const char *relation)
{
    s->command_tag = tag;
    s->class_ = class_;
    s->phase = phase;
    s->expected_lock = relation ? lock : RH_LOCK_NONE;
    s->expected_relation = lock ? relation : NULL;
}

/* The first foreign key's other table in a list of table elements. */
static const char *referenced_table(rh_json *elements, rh_arena *arena)
{
    for (size_t i = 0; i < rh_json_count(elements); i++) {
        rh_json *element = rh_json_at(elements, i), *constraint = rh_json_get(element, "Constraint");
        const char *found = NULL;
        if (rh_tree_is(constraint, "contype", "CONSTR_FOREIGN"))
            found = rh_tree_relation(rh_json_get(constraint, "pktable"), arena);
        else
            found = referenced_table(rh_json_path(element, "ColumnDef.constraints"), arena);
        if (found)
            return found;
    }
    return NULL;
}

/* A new table needs no lock wait, but a foreign key locks the other table, and a partition its parent. */
static void classify_create_table(rh_statement *s, rh_json *body, rh_arena *arena)
{
    const char *parent = rh_classify_relation(body, "inhRelations", arena);
    const char *other = referenced_table(rh_json_get(body, "tableElts"), arena);
    bool partition = !rh_json_is_null(rh_json_get(body, "partbound"));
    if (parent)
        rh_classify_set(s, "CREATE TABLE", RH_CLASS_CATALOG, RH_PHASE_EXPAND,
                        partition ? RH_LOCK_ACCESS_EXCLUSIVE : RH_LOCK_SHARE_UPDATE_EXCLUSIVE, parent);
    else
        rh_classify_set(s, "CREATE TABLE", RH_CLASS_CATALOG, RH_PHASE_EXPAND, RH_LOCK_SHARE_ROW_EXCLUSIVE,
                        other);
}

static void classify_index(rh_statement *s, rh_json *body, rh_arena *arena)
{
    const char *table = rh_classify_relation(body, "relation", arena);
    s->needs_no_transaction = rh_json_bool(rh_json_get(body, "concurrent"));
    if (s->needs_no_transaction)
        rh_classify_set(s, "CREATE INDEX", RH_CLASS_INDEX_CONCURRENT, RH_PHASE_EXPAND,
                        RH_LOCK_SHARE_UPDATE_EXCLUSIVE, table);
    else
        rh_classify_set(s, "CREATE INDEX", RH_CLASS_INDEX_BUILD, RH_PHASE_EXPAND, RH_LOCK_SHARE, table);
}

static void classify_rename(rh_statement *s, rh_json *body, rh_arena *arena)
{
    bool index = rh_tree_is(body, "renameType", "OBJECT_INDEX");
    rh_classify_set(s, index ? "ALTER INDEX" : "ALTER TABLE", RH_CLASS_CATALOG, RH_PHASE_CONTRACT,
                    index ? RH_LOCK_SHARE_UPDATE_EXCLUSIVE : RH_LOCK_ACCESS_EXCLUSIVE,
                    rh_classify_relation(body, "relation", arena));
    if (!rh_json_get(body, "relation"))
        s->command_tag = NULL;
}

static void classify_drop(rh_statement *s, rh_json *body, rh_arena *arena)
{
    static const struct {
        const char *type, *tag;
        bool locked; /* the object named is a relation */
    } types[] = {
        {"OBJECT_TABLE", "DROP TABLE", true},        {"OBJECT_INDEX", "DROP INDEX", true},
        {"OBJECT_VIEW", "DROP VIEW", true},          {"OBJECT_MATVIEW", "DROP MATERIALIZED VIEW", true},
        {"OBJECT_SEQUENCE", "DROP SEQUENCE", true},  {"OBJECT_FOREIGN_TABLE", "DROP FOREIGN TABLE", true},
        {"OBJECT_FUNCTION", "DROP FUNCTION", false}, {"OBJECT_TYPE", "DROP TYPE", false},
        {"OBJECT_SCHEMA", "DROP SCHEMA", false},     {"OBJECT_EXTENSION", "DROP EXTENSION", false},
        {"OBJECT_TRIGGER", "DROP TRIGGER", false},   {"OBJECT_POLICY", "DROP POLICY", false},
        {"OBJECT_RULE", "DROP RULE", false},         {"OBJECT_DOMAIN", "DROP DOMAIN", false},
    };
    rh_json *object = rh_json_at(rh_json_get(body, "objects"), 0);
    s->needs_no_transaction = rh_json_bool(rh_json_get(body, "concurrent"));
    rh_classify_set(s, NULL, RH_CLASS_CATALOG, RH_PHASE_CONTRACT, RH_LOCK_NONE, NULL);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (rh_tree_is(body, "removeType", types[i].type))
            rh_classify_set(s, types[i].tag, RH_CLASS_CATALOG, RH_PHASE_CONTRACT,
                            s->needs_no_transaction ? RH_LOCK_SHARE_UPDATE_EXCLUSIVE
                                                    : RH_LOCK_ACCESS_EXCLUSIVE,
                            types[i].locked ? rh_tree_name(object, arena) : NULL);
    bool on_table = rh_tree_is(body, "removeType", "OBJECT_TRIGGER") ||
                    rh_tree_is(body, "removeType", "OBJECT_POLICY") ||
                    rh_tree_is(body, "removeType", "OBJECT_RULE");
    rh_json *names = rh_json_path(object, "List.items");
    if (on_table && rh_json_count(names) > 1) { /* table name, then its own */
        const char *table = NULL;
        for (size_t i = 0; i + 1 < rh_json_count(names); i++) {
            const char *part = rh_tree_name_at(names, i);
            part = part ? rh_identifier(part, arena) : "";
            table = table ? rh_arena_printf(arena, "%s.%s", table, part) : part;
        }
        rh_classify_set(s, s->command_tag, RH_CLASS_CATALOG, RH_PHASE_CONTRACT, RH_LOCK_ACCESS_EXCLUSIVE,
                        table);
    }
}

/* WITH x AS (UPDATE … RETURNING …) SELECT …: the table that is changed. */
static const char *changed_within(rh_json *query, rh_arena *arena)
{
    rh_tree_range *ranges = NULL;
    size_t count = 0;
    rh_tree_ranges(query, arena, &ranges, &count);
    for (size_t i = 0; i < count; i++)
        if (ranges[i].changed_by)
            return rh_tree_relation(ranges[i].range, arena);
    return NULL;
}

static void classify_select(rh_statement *s, rh_json *body, rh_arena *arena)
{
    const char *changed = changed_within(body, arena), *from = NULL;
    rh_tree_range *ranges = NULL;
    size_t count = 0;
    rh_tree_ranges(rh_json_get(body, "fromClause"), arena, &ranges, &count);
    rh_json *with = rh_json_path(body, "withClause.ctes");
    for (size_t i = 0; i < count && !from; i++) {
        bool is_with = false;
        for (size_t k = 0; k < rh_json_count(with); k++)
            is_with |= rh_tree_is(rh_json_get(rh_json_at(with, k), "CommonTableExpr"), "ctename",
                                  rh_json_string(rh_json_get(ranges[i].range, "relname")));
        from = is_with ? NULL : rh_tree_relation(ranges[i].range, arena);
    }
    if (rh_json_get(body, "intoClause"))
        rh_classify_set(s, "SELECT", RH_CLASS_DATA_CHANGE, RH_PHASE_EXPAND,
                        changed ? RH_LOCK_ROW_EXCLUSIVE : RH_LOCK_ACCESS_SHARE, changed ? changed : from);
    else if (changed)
        rh_classify_set(s, "SELECT", RH_CLASS_DATA_CHANGE, RH_PHASE_MIGRATE, RH_LOCK_ROW_EXCLUSIVE, changed);
    else
        rh_classify_set(s, "SELECT", RH_CLASS_QUERY, RH_PHASE_NONE,
                        rh_json_get(body, "lockingClause") ? RH_LOCK_ROW_SHARE : RH_LOCK_ACCESS_SHARE, from);
}

static void classify_change(rh_statement *s, rh_json *body, rh_arena *arena)
{
    const bool update = !rh_json_is_null(rh_json_get(body, "targetList"));
    rh_classify_set(s, update ? "UPDATE" : "DELETE",
                    rh_tree_is_bounded(body) ? RH_CLASS_BACKFILL_BATCH : RH_CLASS_DATA_CHANGE,
                    RH_PHASE_MIGRATE, RH_LOCK_ROW_EXCLUSIVE, rh_classify_relation(body, "relation", arena));
}

static void classify_copy(rh_statement *s, rh_json *body, rh_arena *arena)
{
    bool from = rh_json_bool(rh_json_get(body, "is_from"));
    const char *changed = changed_within(rh_json_get(body, "query"), arena);
    if (changed) {
        rh_classify_set(s, "COPY", RH_CLASS_DATA_CHANGE, RH_PHASE_MIGRATE, RH_LOCK_ROW_EXCLUSIVE, changed);
        return;
    }
    rh_classify_set(
        s, "COPY", from ? RH_CLASS_DATA_CHANGE : RH_CLASS_QUERY, from ? RH_PHASE_MIGRATE : RH_PHASE_NONE,
        from ? RH_LOCK_ROW_EXCLUSIVE : RH_LOCK_ACCESS_SHARE, rh_classify_relation(body, "relation", arena));
}

rh_lock_mode rh_classify_vacuum_mode(rh_json *body)
{
    const bool full = rh_json_bool(rh_json_get(body, "is_vacuumcmd")) &&
                      rh_tree_has_option(rh_json_get(body, "options"), "full");
    return full ? RH_LOCK_ACCESS_EXCLUSIVE : RH_LOCK_SHARE_UPDATE_EXCLUSIVE;
}

static void classify_vacuum(rh_statement *s, rh_json *body, rh_arena *arena)
{
    bool vacuum = rh_json_bool(rh_json_get(body, "is_vacuumcmd"));
    rh_json *first = rh_json_at(rh_json_get(body, "rels"), 0);
    rh_classify_set(s, vacuum ? "VACUUM" : "ANALYZE", RH_CLASS_MAINTENANCE, RH_PHASE_NONE,
                    rh_classify_vacuum_mode(body),
                    rh_tree_relation(rh_json_path(first, "VacuumRelation.relation"), arena));
    s->needs_no_transaction = vacuum;
}

static void classify_reindex(rh_statement *s, rh_json *body, rh_arena *arena)
{
    bool concurrently = rh_tree_has_option(rh_json_get(body, "params"), "concurrently");
    bool one =
        rh_tree_is(body, "kind", "REINDEX_OBJECT_INDEX") || rh_tree_is(body, "kind", "REINDEX_OBJECT_TABLE");
    bool index = rh_tree_is(body, "kind", "REINDEX_OBJECT_INDEX");
    rh_classify_set(s, "REINDEX", RH_CLASS_MAINTENANCE, RH_PHASE_NONE,
                    concurrently ? RH_LOCK_SHARE_UPDATE_EXCLUSIVE
                                 : (index ? RH_LOCK_ACCESS_EXCLUSIVE : RH_LOCK_SHARE),
                    rh_classify_relation(body, "relation", arena));
    s->needs_no_transaction = concurrently || !one;
}

static void classify_refresh(rh_statement *s, rh_json *body, rh_arena *arena)
{
    rh_classify_set(s, "REFRESH MATERIALIZED VIEW", RH_CLASS_MAINTENANCE, RH_PHASE_MIGRATE,
                    rh_json_bool(rh_json_get(body, "concurrent")) ? RH_LOCK_EXCLUSIVE
                                                                  : RH_LOCK_ACCESS_EXCLUSIVE,
                    rh_classify_relation(body, "relation", arena));
}

static void classify_cluster(rh_statement *s, rh_json *body, rh_arena *arena)
{
    const char *table = rh_classify_relation(body, "relation", arena);
    rh_classify_set(s, "CLUSTER", RH_CLASS_MAINTENANCE, RH_PHASE_NONE, RH_LOCK_ACCESS_EXCLUSIVE, table);
    s->needs_no_transaction = !table;
}

rh_lock_mode rh_lock_mode_of_statement(rh_json *lock)
{
    const int64_t mode = rh_json_int(rh_json_get(lock, "mode"));
    return mode > RH_LOCK_NONE && mode < RH_LOCK_MODE_COUNT ? (rh_lock_mode)mode : RH_LOCK_NONE;
}

static void classify_lock(rh_statement *s, rh_json *body, rh_arena *arena)
{
    rh_classify_set(s, "LOCK TABLE", RH_CLASS_TRANSACTION, RH_PHASE_NONE, rh_lock_mode_of_statement(body),
                    rh_classify_relation(body, "relations", arena));
}

static void classify_create_as(rh_statement *s, rh_json *body, rh_arena *arena)
{
    (void)arena;
    bool view = rh_tree_is(body, "objtype", "OBJECT_MATVIEW");
    rh_classify_set(s, view ? "CREATE MATERIALIZED VIEW" : "CREATE TABLE AS", RH_CLASS_DATA_CHANGE,
                    RH_PHASE_EXPAND, RH_LOCK_NONE, NULL);
}

/* Adding a constraint to a domain reads every column of that type. */
static void classify_alter_domain(rh_statement *s, rh_json *body, rh_arena *arena)
{
    (void)arena;
    bool scan = (rh_tree_is(body, "subtype", "C") &&
                 !rh_json_bool(rh_json_path(body, "def.Constraint.skip_validation"))) ||
                rh_tree_is(body, "subtype", "V") || rh_tree_is(body, "subtype", "O");
    rh_classify_set(s, "ALTER DOMAIN", scan ? RH_CLASS_HEAP_SCAN : RH_CLASS_CATALOG, RH_PHASE_NONE,
                    RH_LOCK_NONE, NULL);
}

/* ALTER TABLE ALL IN TABLESPACE: each is copied. */
static void classify_move_all(rh_statement *s, rh_json *body, rh_arena *arena)
{
    (void)arena;
    const char *from = rh_json_string(rh_json_get(body, "orig_tablespacename"));
    const char *to = rh_json_string(rh_json_get(body, "new_tablespacename"));
    const bool copies = from && to && strcmp(from, to) != 0;
    rh_classify_set(s, "ALTER TABLE", copies ? RH_CLASS_REWRITE : RH_CLASS_CATALOG, RH_PHASE_NONE,
                    RH_LOCK_NONE, NULL);
}

/* Commands on databases, tablespaces, the whole server. */
static void classify_outside_transaction(rh_statement *s, rh_json *body, rh_arena *arena)
{
    (void)body;
    (void)arena;
    rh_classify_set(s, NULL, RH_CLASS_CATALOG, RH_PHASE_NONE, RH_LOCK_NONE, NULL);
    s->needs_no_transaction = true;
}

static const struct special_rule {
    const char *kind;
    void (*classify)(rh_statement *s, rh_json *body, rh_arena *arena);
} SPECIAL[] = {
    {"AlterTableStmt", rh_classify_alter_table},
    {"CreateStmt", classify_create_table},
    {"CreateForeignTableStmt", classify_create_as},
    {"CreateTableAsStmt", classify_create_as},
    {"IndexStmt", classify_index},
    {"UpdateStmt", classify_change},
    {"DeleteStmt", classify_change},
    {"RenameStmt", classify_rename},
    {"DropStmt", classify_drop},
    {"SelectStmt", classify_select},
    {"CopyStmt", classify_copy},
    {"VacuumStmt", classify_vacuum},
    {"ReindexStmt", classify_reindex},
    {"RefreshMatViewStmt", classify_refresh},
    {"ClusterStmt", classify_cluster},
    {"LockStmt", classify_lock},
    {"AlterDomainStmt", classify_alter_domain},
    {"AlterTableMoveAllStmt", classify_move_all},
    {"CreatedbStmt", classify_outside_transaction},
    {"DropdbStmt", classify_outside_transaction},
    {"CreateTableSpaceStmt", classify_outside_transaction},
    {"DropTableSpaceStmt", classify_outside_transaction},
    {"AlterSystemStmt", classify_outside_transaction},
    {"CreateSubscriptionStmt", classify_outside_transaction},
    {"DropSubscriptionStmt", classify_outside_transaction},
};

/* What does not parse, or is too long to: a list of rows is known by its first word. */
static void classify_by_words(rh_statement *s)
{
    s->class_ = RH_CLASS_UNCLASSIFIED;
    if (rh_transaction_verb_of(s->sql) != RH_VERB_NONE)
        s->class_ = RH_CLASS_TRANSACTION;
    else if (strlen(s->sql) > RH_PARSE_LIMIT && strncasecmp(s->sql, "insert", 6) == 0)
        rh_classify_set(s, "INSERT", RH_CLASS_DATA_CHANGE, RH_PHASE_MIGRATE, RH_LOCK_NONE, NULL);
}

void rh_classify(rh_statement *statement, rh_json *tree, rh_arena *arena)
{
    rh_json *body;
    const char *kind = rh_tree_kind(tree, &body);
    if (!kind) {
        classify_by_words(statement);
        return;
    }
    if (rh_classify_fixed(statement, kind, body, arena))
        return;
    for (size_t i = 0; i < sizeof SPECIAL / sizeof *SPECIAL; i++) {
        if (strcmp(kind, SPECIAL[i].kind) == 0) {
            SPECIAL[i].classify(statement, body, arena);
            return;
        }
    }
    statement->class_ = RH_CLASS_UNCLASSIFIED;
}
