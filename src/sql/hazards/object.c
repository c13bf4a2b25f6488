/* Hazards for objects that the running release uses: dropped, emptied, renamed, moved; and domains. */
#include "subject.h"
#include "pgrehearse/base/text.h"
#include <string.h>

/* The names of the kinds of objects. */
static const struct kind_words {
    const char *type, *words;
    unsigned kinds; /* of rh_catalog_kind, as bits; 0: not followed */
} KINDS[] = {
    {"OBJECT_VIEW", "view", 1u << RH_CATALOG_VIEW},
    {"OBJECT_MATVIEW", "materialized view", 1u << RH_CATALOG_MATVIEW},
    {"OBJECT_SEQUENCE", "sequence", 1u << RH_CATALOG_SEQUENCE},
    {"OBJECT_FUNCTION", "function", 1u << RH_CATALOG_FUNCTION},
    {"OBJECT_PROCEDURE", "procedure", 1u << RH_CATALOG_FUNCTION},
    {"OBJECT_ROUTINE", "routine", 1u << RH_CATALOG_FUNCTION},
    {"OBJECT_AGGREGATE", "aggregate", 0},
    {"OBJECT_TYPE", "type", 1u << RH_CATALOG_TYPE},
    {"OBJECT_DOMAIN", "domain", 1u << RH_CATALOG_DOMAIN},
    {"OBJECT_SCHEMA", "schema", 0},
    {"OBJECT_EXTENSION", "extension", 0},
    {"OBJECT_FOREIGN_TABLE", "foreign table", 0},
    {"OBJECT_OPERATOR", "operator", 0},
    {"OBJECT_COLLATION", "collation", 0},
    {"OBJECT_TABLE", "table", 0},
};

static bool is_table(const struct kind_words *kind)
{
    return strcmp(kind->type, "OBJECT_TABLE") == 0;
}

static const struct kind_words *kind_of(rh_json *body, const char *key)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (rh_tree_is(body, key, KINDS[i].type))
            return &KINDS[i];
    return NULL;
}

static rh_relation ref_of(rh_json *object)
{
    rh_json *routine = rh_json_path(object, "ObjectWithArgs.objname");
    if (rh_json_path(object, "String.sval"))
        return (rh_relation){NULL, rh_json_string(rh_json_path(object, "String.sval"))};
    return rh_catalog_ref_of(routine ? routine : object, 0);
}

static const char *shown(const rh_hazard_subject *s, rh_relation ref)
{
    const rh_catalog *catalog = s->context->catalog;
    const rh_catalog_table *table = rh_catalog_find(catalog, ref.schema, ref.name);
    const rh_catalog_object *object =
        table ? NULL : rh_catalog_find_object(catalog, ~0u, ref.schema, ref.name);
    if (table && !table->guessed)
        return rh_catalog_name(table, s->arena);
    const char *schema = object ? object->schema : ref.schema, *name = rh_hazard_quoted(s, ref.name);
    return schema ? rh_arena_printf(s->arena, "%s.%s", rh_hazard_quoted(s, schema), name) : name;
}

/* The release made it itself, or IF EXISTS names what the definitions do not have. */
static bool is_unused(const rh_hazard_subject *s, const struct kind_words *kind, rh_relation ref,
                      bool missing_ok)
{
    const rh_catalog *catalog = s->context->catalog;
    const rh_catalog_table *table = rh_catalog_find(catalog, ref.schema, ref.name);
    const rh_catalog_object *object = rh_catalog_find_object(catalog, kind->kinds, ref.schema, ref.name);
    if (s->context->is_down)
        return false;
    if (is_table(kind))
        return table ? table->is_new : missing_ok && catalog->complete;
    return object ? object->is_new : missing_ok && catalog->complete && kind->kinds;
}

/* ---- DROP ---- */

static void drop_table(const rh_hazard_subject *s, const char *name)
{
    RH_HAZARD(
        s, "drop-table",
        rh_arena_printf(s->arena,
                        "The running release may still use %s: its statements fail from here on, and the "
                        "data is gone.",
                        name),
        rh_arena_printf(s->arena,
                        "Release an application that no longer uses %s first; drop it in a later "
                        "migration, with a backup at hand.",
                        name));
}

static void drop_index(const rh_hazard_subject *s, rh_json *body, rh_relation ref)
{
    const rh_catalog_table *table =
        rh_catalog_table_of_index(s->context->catalog, ref.schema, ref.name, NULL);
    const char *name = shown(s, ref);
    const bool gone =
        !table && s->context->catalog->complete && rh_json_bool(rh_json_get(body, "missing_ok"));
    if (rh_json_bool(rh_json_get(body, "concurrent")) || gone ||
        (table && table->is_new && !s->context->is_down))
        return;
    RH_HAZARD(s, "index-without-concurrently",
              rh_arena_printf(s->arena,
                              "DROP INDEX %s takes ACCESS EXCLUSIVE on %s: it waits for every "
                              "transaction, and all wait for it.",
                              name, table ? rh_catalog_name(table, s->arena) : "its table"),
              rh_hazard_is_partitioned(table)
                  ? rh_arena_printf(
                        s->arena,
                        "CONCURRENTLY is refused for an index of a partitioned table: DROP INDEX %s with a "
                        "lock_timeout of some seconds, and again when it fails.",
                        name)
                  : rh_arena_printf(
                        s->arena,
                        "DROP INDEX CONCURRENTLY %s, in a file of its own and outside a transaction.", name));
}

static void drop_object(const rh_hazard_subject *s, const struct kind_words *kind, const char *name,
                        bool cascade)
{
    const bool holds_data =
        strcmp(kind->type, "OBJECT_SCHEMA") == 0 || strcmp(kind->type, "OBJECT_MATVIEW") == 0;
    RH_HAZARD(
        s, "drop-object",
        rh_arena_printf(s->arena,
                        "The running release may still use the %s %s: its statements fail from here on%s%s.",
                        kind->words, name, cascade ? ", and what depends on it is dropped with it" : "",
                        holds_data && cascade ? ", tables and their data included" : ""),
        rh_arena_printf(
            s->arena, "Release an application that no longer uses %s first; drop it in a later migration%s.",
            name, holds_data ? ", with a backup at hand" : ""));
}

/* A table under row-level security loses its last policy. */
static void drop_policy(const rh_hazard_subject *s, rh_json *object)
{
    const rh_relation ref = rh_catalog_ref_of(object, 1);
    const rh_catalog_table *table = rh_catalog_find(s->context->catalog, ref.schema, ref.name);
    if (table && table->row_security && !table->is_new &&
        rh_catalog_policies(s->context->catalog, table) == 1)
        RH_HAZARD(s, "row-security-without-policy",
                  rh_arena_printf(
                      s->arena,
                      "Row-level security of %s is enabled and this is its last policy: roles other than its "
                      "owner see and change no row from here on.",
                      rh_catalog_name(table, s->arena)),
                  "CREATE POLICY for those roles in the same transaction, or DISABLE ROW LEVEL SECURITY.");
}

static void of_drop(const rh_hazard_subject *s, rh_json *body)
{
    rh_json *objects = rh_json_get(body, "objects");
    const bool missing_ok = rh_json_bool(rh_json_get(body, "missing_ok"));
    const struct kind_words *kind = kind_of(body, "removeType");
    for (size_t i = 0; i < rh_json_count(objects); i++) {
        const rh_relation ref = ref_of(rh_json_at(objects, i));
        const char *user =
            s->context->is_down ? NULL : rh_catalog_drop_user(s->context->catalog, body, i, s->arena);
        if (user)
            rh_hazard_refused(s, rh_arena_printf(s->arena, "drop %s", shown(s, ref)), user);
        if (rh_tree_is(body, "removeType", "OBJECT_INDEX"))
            drop_index(s, body, ref);
        else if (rh_tree_is(body, "removeType", "OBJECT_POLICY"))
            drop_policy(s, rh_json_at(objects, i));
        else if (!kind || is_unused(s, kind, ref, missing_ok))
            continue;
        else if (is_table(kind))
            drop_table(s, shown(s, ref));
        else
            drop_object(s, kind, shown(s, ref), rh_tree_is(body, "behavior", "DROP_CASCADE"));
    }
}

/* ---- RENAME, SET SCHEMA ---- */

static void renamed(const rh_hazard_subject *s, const char *from, const char *safer)
{
    RH_HAZARD(s, "rename",
              rh_arena_printf(
                  s->arena,
                  "The running release knows only the old name %s: its statements fail from here on.", from),
              safer);
}

/* A column of the release itself goes on under its other name. */
static bool follow_new_column(const rh_hazard_subject *s, const char *from, const char *to)
{
    for (size_t i = 0; from && i < s->context->expanded_count; i++) {
        rh_expansion *added = &s->context->expanded[i];
        if (!added->column || strcmp(added->column, from) != 0 || strcmp(added->table, s->table) != 0)
            continue;
        added->column = rh_arena_strdup(s->arena, to);
        return true;
    }
    return false;
}

static void rename_column(const rh_hazard_subject *s, rh_json *body)
{
    const char *column = rh_json_string(rh_json_get(body, "subname")), *from = rh_hazard_quoted(s, column);
    const char *new_name = rh_json_string(rh_json_get(body, "newname")), *to = rh_hazard_quoted(s, new_name);
    if (!follow_new_column(s, column, new_name))
        renamed(s, from,
                rh_arena_printf(s->arena,
                                "Add %s to %s beside %s, write both with a trigger, change the application "
                                "over, drop %s in a later release.",
                                to, s->table, from, from));
}

static void of_rename(const rh_hazard_subject *s, rh_json *body)
{
    const char *to = rh_hazard_quoted(s, rh_json_string(rh_json_get(body, "newname")));
    const struct kind_words *kind = kind_of(body, "renameType");
    rh_json *relation = rh_json_get(body, "relation");
    if (rh_tree_is(body, "renameType", "OBJECT_SCHEMA")) {
        const char *from = rh_hazard_quoted(s, rh_json_string(rh_json_get(body, "subname")));
        renamed(s, from, "Create the new schema beside the old one and move its objects in a later release.");
        return;
    }
    const rh_relation ref = relation ? rh_catalog_range_ref(relation) : ref_of(rh_json_get(body, "object"));
    if (rh_tree_is(body, "renameType", "OBJECT_COLUMN") ||
        rh_tree_is(body, "renameType", "OBJECT_ATTRIBUTE")) {
        if (!s->definition || !s->definition->is_new)
            rename_column(s, body);
    } else if (kind && !is_unused(s, kind, ref, rh_json_bool(rh_json_get(body, "missing_ok")))) {
        const char *from = shown(s, ref);
        const bool queried = kind->kinds == 0 || kind->kinds == 1u << RH_CATALOG_VIEW;
        renamed(
            s, from,
            queried
                ? rh_arena_printf(s->arena,
                                  "In the same transaction CREATE VIEW %s AS SELECT * FROM %s; drop the view "
                                  "in a later release.",
                                  from, to)
                : rh_arena_printf(
                      s->arena,
                      "Create %s beside %s, release an application that uses it, and drop %s in a later "
                      "release.",
                      to, from, from));
    }
}

static void of_move(const rh_hazard_subject *s, rh_json *body)
{
    const struct kind_words *kind = kind_of(body, "objectType");
    const char *schema = rh_hazard_quoted(s, rh_json_string(rh_json_get(body, "newschema")));
    rh_json *relation = rh_json_get(body, "relation");
    const rh_relation ref = relation ? rh_catalog_range_ref(relation) : ref_of(rh_json_get(body, "object"));
    if (!kind || is_unused(s, kind, ref, rh_json_bool(rh_json_get(body, "missing_ok"))))
        return;
    renamed(
        s, shown(s, ref),
        rh_arena_printf(
            s->arena,
            "Have %s in the search_path of the running release first, or leave a view under the old name in the same transaction; remove it in a later release.",
            schema));
}

/* ---- the others ---- */

static void of_truncate(const rh_hazard_subject *s, rh_json *body)
{
    rh_json *tables = rh_json_get(body, "relations");
    const char *list = "";
    const bool cascade = rh_tree_is(body, "behavior", "DROP_CASCADE");
    for (size_t i = 0; i < rh_json_count(tables); i++) {
        rh_json *range = rh_json_get(rh_json_at(tables, i), "RangeVar");
        const rh_catalog_table *table = rh_catalog_table_of(s->context->catalog, range);
        if (table && table->is_new && !s->context->is_down)
            continue;
        list = rh_arena_printf(s->arena, "%s%s%s", list, *list ? ", " : "",
                               table ? rh_catalog_name(table, s->arena) : rh_tree_relation(range, s->arena));
    }
    if (*list)
        RH_HAZARD(
            s, "truncate",
            rh_arena_printf(
                s->arena,
                "All rows of %s%s are gone once this commits, and ACCESS EXCLUSIVE blocks every reader and writer until then.",
                list, cascade ? ", and of every table that refers to it," : ""),
            "Copy the rows to another table or keep a backup at hand; DELETE in batches where the running release still reads the table. It does not apply to an unused table.");
}

static void of_enum(const rh_hazard_subject *s, rh_json *body)
{
    const rh_relation ref = rh_catalog_ref_of(rh_json_get(body, "typeName"), 0);
    const rh_catalog_object *type =
        rh_catalog_find_object(s->context->catalog, 1u << RH_CATALOG_TYPE, ref.schema, ref.name);
    if (!rh_json_get(body, "oldVal") || (type && type->is_new))
        return;
    RH_HAZARD(
        s, "rename",
        rh_arena_printf(
            s->arena,
            "The running release knows only the old value of the type %s: its statements that name it fail from here on, and it reads a value that it does not know.",
            shown(s, ref)),
        "ALTER TYPE … ADD VALUE with the new name, change the application over, UPDATE the rows in batches; the old value "
        "stays unused.");
}

static void of_domain(const rh_hazard_subject *s)
{
    const bool unused = s->context->catalog->complete && s->statement->expected_lock_count == 0;
    if (s->statement->class_ == RH_CLASS_HEAP_SCAN && unused)
        s->statement->class_ = RH_CLASS_CATALOG;
    if (s->statement->class_ != RH_CLASS_HEAP_SCAN)
        return;
    RH_HAZARD(
        s, "constrained-domain",
        "All rows of every table with a column of the domain are read while SHARE blocks writes to these tables.",
        "Leave the domain as it is: ALTER TABLE … ADD CONSTRAINT <name> CHECK (…) NOT VALID on each table, and VALIDATE "
        "CONSTRAINT each in a transaction of its own. ADD CONSTRAINT … NOT VALID on the domain reads nothing, but its "
        "VALIDATE blocks writes as this does.");
}

static void of_move_all(const rh_hazard_subject *s)
{
    if (s->statement->class_ == RH_CLASS_REWRITE)
        RH_HAZARD(
            s, "rewrite-access-exclusive",
            "Every table of the tablespace is copied in one transaction, which holds ACCESS EXCLUSIVE on all of "
            "them until the last is copied.",
            "ALTER TABLE … SET TABLESPACE table by table, each in a transaction of its own, or pg_repack "
            "--tablespace.");
}

void rh_hazards_of_object(const rh_hazard_subject *s, const char *kind, rh_json *body)
{
    if (strcmp(kind, "DropStmt") == 0)
        of_drop(s, body);
    else if (strcmp(kind, "RenameStmt") == 0)
        of_rename(s, body);
    else if (strcmp(kind, "AlterObjectSchemaStmt") == 0)
        of_move(s, body);
    else if (strcmp(kind, "TruncateStmt") == 0)
        of_truncate(s, body);
    else if (strcmp(kind, "AlterEnumStmt") == 0)
        of_enum(s, body);
    else if (strcmp(kind, "AlterDomainStmt") == 0)
        of_domain(s);
    else if (strcmp(kind, "AlterTableMoveAllStmt") == 0)
        of_move_all(s);
    else if (strcmp(kind, "DropOwnedStmt") == 0)
        RH_HAZARD(s, "drop-object",
                  "Every object that the role owns is dropped, tables and their data included.",
                  "REASSIGN OWNED to another role first, and DROP what is not needed by name.");
}
