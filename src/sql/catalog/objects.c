#include "objects.h"
#include "pgrehearse/base/text.h"
#include <string.h>

rh_relation rh_catalog_resolved(const rh_catalog *catalog, rh_relation ref)
{
    const unsigned any = ~0u;
    const rh_catalog_table *table = rh_catalog_find(catalog, ref.schema, ref.name);
    if (table)
        return (rh_relation){table->schema, table->name};
    const rh_catalog_object *object = rh_catalog_find_object(catalog, any, ref.schema, ref.name);
    if (object)
        return (rh_relation){object->schema, object->name};
    return (rh_relation){
        rh_arena_strdup(catalog->arena, ref.schema ? ref.schema : rh_catalog_schema(catalog)),
        rh_arena_strdup(catalog->arena, ref.name)};
}

static rh_catalog_object *add(rh_catalog *catalog, rh_catalog_kind kind, const char *what, const char *name,
                              const char *sql)
{
    const bool other = kind >= RH_CATALOG_SEQUENCE;
    rh_catalog_object *object = rh_arena_add(catalog->arena, other ? &catalog->others : &catalog->objects,
                                             other ? &catalog->other_count : &catalog->object_count);
    *object = (rh_catalog_object){.kind = kind,
                                  .what = rh_arena_printf(catalog->arena, "%s %s", what, name ? name : "…"),
                                  .sql = rh_arena_strdup(catalog->arena, sql),
                                  .name = rh_arena_strdup(catalog->arena, name ? name : ""),
                                  .is_new = catalog->in_migrations};
    return object;
}

/* One that lives in a schema. */
static rh_catalog_object *add_named(rh_catalog *catalog, rh_catalog_kind kind, const char *what,
                                    rh_relation ref, const char *sql)
{
    if (!ref.name)
        return NULL;
    rh_catalog_object *found = rh_catalog_find_object(catalog, 1u << kind, ref.schema, ref.name);
    if (found && kind != RH_CATALOG_FUNCTION)
        return found; /* OR REPLACE, IF NOT EXISTS */
    const char *schema = ref.schema ? ref.schema : rh_catalog_schema(catalog);
    const char *shown = rh_arena_printf(catalog->arena, "%s.%s", rh_identifier(schema, catalog->arena),
                                        rh_identifier(ref.name, catalog->arena));
    rh_catalog_object *object = add(catalog, kind, what, shown, sql);
    object->schema = rh_arena_strdup(catalog->arena, schema);
    object->name = rh_arena_strdup(catalog->arena, ref.name);
    return object;
}

static void add_read(rh_catalog *catalog, rh_catalog_object *object, rh_relation ref)
{
    if (!object || !ref.name)
        return;
    ref = rh_catalog_resolved(catalog, ref);
    *rh_arena_add(catalog->arena, &object->reads, &object->read_count) = ref;
}

static void add_view(rh_catalog *catalog, rh_catalog_kind kind, rh_json *name, rh_json *query,
                     const char *sql)
{
    rh_catalog_object *view = add_named(catalog, kind, kind == RH_CATALOG_VIEW ? "view" : "materialized view",
                                        rh_catalog_range_ref(name), sql);
    rh_tree_range *ranges = NULL;
    size_t count = 0;
    rh_tree_ranges(query, catalog->arena, &ranges, &count);
    if (view)
        view->read_count = 0; /* OR REPLACE */
    for (size_t i = 0; i < count; i++)
        add_read(catalog, view, rh_catalog_range_ref(ranges[i].range));
}

static void add_on_table(rh_catalog *catalog, rh_catalog_kind kind, const char *what, const char *name,
                         rh_json *range_var, const char *sql)
{
    if (name)
        add_read(catalog, add(catalog, kind, what, rh_identifier(name, catalog->arena), sql),
                 rh_catalog_range_ref(range_var));
}

static void add_trigger(rh_catalog *catalog, const char *sql, rh_json *body)
{
    rh_catalog_table *t = rh_catalog_table_of(catalog, rh_json_get(body, "relation"));
    const char *name = rh_json_string(rh_json_get(body, "trigname"));
    if (!name)
        return;
    if (t)
        *rh_arena_add(catalog->arena, &t->triggers, &t->trigger_count) = rh_identifier(name, catalog->arena);
    rh_catalog_object *object =
        add(catalog, RH_CATALOG_TRIGGER, "trigger", rh_identifier(name, catalog->arena), sql);
    object->events = (int)rh_json_int(rh_json_get(body, "events"));
    object->calls = rh_arena_strdup(catalog->arena, rh_tree_last_name(rh_json_get(body, "funcname")));
    add_read(catalog, object, rh_catalog_range_ref(rh_json_get(body, "relation")));
}

static void add_domain(rh_catalog *catalog, const char *sql, rh_json *body)
{
    rh_catalog_object *domain = add_named(catalog, RH_CATALOG_DOMAIN, "domain",
                                          rh_catalog_ref_of(rh_json_get(body, "domainname"), 0), sql);
    rh_json *constraints = rh_json_get(body, "constraints");
    if (!domain)
        return;
    add_read(catalog, domain, rh_catalog_ref_of(rh_json_path(body, "typeName.names"), 0));
    domain->base =
        rh_catalog_type_of(rh_json_get(body, "typeName"), rh_json_get(body, "collClause"), catalog->arena);
    for (size_t i = 0; i < rh_json_count(constraints); i++) {
        rh_json *constraint = rh_json_get(rh_json_at(constraints, i), "Constraint");
        domain->constrained |= rh_tree_is(constraint, "contype", "CONSTR_CHECK") ||
                               rh_tree_is(constraint, "contype", "CONSTR_NOTNULL");
    }
}

static void alter_domain(rh_catalog *catalog, rh_json *body)
{
    const rh_relation ref = rh_catalog_ref_of(rh_json_get(body, "typeName"), 0);
    rh_catalog_object *domain =
        rh_catalog_find_object(catalog, 1u << RH_CATALOG_DOMAIN, ref.schema, ref.name);
    if (domain && (rh_tree_is(body, "subtype", "C") || rh_tree_is(body, "subtype", "O")))
        domain->constrained = true;
}

void rh_catalog_add_generated(rh_catalog *catalog, const rh_catalog_table *table, const char *column,
                              const char *words)
{
    const char *sql = rh_arena_printf(catalog->arena, "CREATE TABLE %s (%s int %s)",
                                      rh_identifier(table->name, catalog->arena),
                                      rh_identifier(column, catalog->arena), words);
    add_read(catalog, add(catalog, RH_CATALOG_GENERATED, "generated column", column, sql),
             (rh_relation){table->schema, table->name});
}

static void add_function(rh_catalog *catalog, const char *sql, rh_json *body)
{
    rh_catalog_object *function = add_named(catalog, RH_CATALOG_FUNCTION, "function",
                                            rh_catalog_ref_of(rh_json_get(body, "funcname"), 0), sql);
    rh_json *options = rh_json_get(body, "options");
    for (size_t i = 0; function && i < rh_json_count(options); i++) {
        rh_json *option = rh_json_get(rh_json_at(options, i), "DefElem");
        const char *value = rh_json_string(rh_json_path(option, "arg.String.sval"));
        if (rh_tree_is(option, "defname", "volatility"))
            function->stable = value && strcmp(value, "volatile") != 0;
    }
}

void rh_catalog_add_sequence(rh_catalog *catalog, rh_relation ref, const rh_catalog_table *table)
{
    rh_catalog_object *sequence = add_named(catalog, RH_CATALOG_SEQUENCE, "sequence", ref, "");
    if (sequence) {
        sequence->is_new = table->is_new;
        sequence->owner = table->owner;
    }
}

void rh_catalog_add_view_index(rh_catalog *catalog, rh_relation view, const char *name, const char *sql)
{
    const rh_catalog_object *object =
        rh_catalog_find_object(catalog, 1u << RH_CATALOG_MATVIEW, view.schema, view.name);
    if (object && name) {
        const rh_relation ref = {object->schema, name}, on = {object->schema, object->name};
        add_read(catalog, add_named(catalog, RH_CATALOG_INDEX, "index", ref, sql), on);
    }
}

/* The tables that a publication names; ADD, SET or DROP. */
static void learn_publication(rh_catalog *catalog, const char *sql, rh_json *body)
{
    const char *name = rh_json_string(rh_json_get(body, "pubname"));
    rh_catalog_object *publication = name ? rh_catalog_find_publication(catalog, name) : NULL;
    rh_json *objects = rh_json_get(body, "pubobjects");
    const bool drop = rh_tree_is(body, "action", "AP_DropObjects");
    if (name && !publication)
        publication = add(catalog, RH_CATALOG_PUBLICATION, "publication", name, sql);
    if (!publication)
        return;
    if (rh_tree_is(body, "action", "AP_SetObjects"))
        publication->read_count = 0;
    for (size_t i = 0; i < rh_json_count(objects); i++) {
        const rh_relation ref = rh_catalog_range_ref(
            rh_json_path(rh_json_at(objects, i), "PublicationObjSpec.pubtable.relation"));
        if (!ref.name)
            continue;
        const rh_relation found = rh_catalog_resolved(catalog, ref);
        for (size_t k = 0; drop && k < publication->read_count; k++)
            if (strcmp(publication->reads[k].name, found.name) == 0 &&
                strcmp(publication->reads[k].schema, found.schema) == 0)
                publication->reads[k--] = publication->reads[--publication->read_count];
        if (!drop)
            add_read(catalog, publication, ref);
    }
}

void rh_catalog_learn_object(rh_catalog *catalog, const char *sql, const char *kind, rh_json *body)
{
    if (strcmp(kind, "ViewStmt") == 0)
        add_view(catalog, RH_CATALOG_VIEW, rh_json_get(body, "view"), rh_json_get(body, "query"), sql);
    else if (strcmp(kind, "CreateTableAsStmt") == 0 && rh_tree_is(body, "objtype", "OBJECT_MATVIEW"))
        add_view(catalog, RH_CATALOG_MATVIEW, rh_json_path(body, "into.rel"), rh_json_get(body, "query"),
                 sql);
    else if (strcmp(kind, "CreateTrigStmt") == 0)
        add_trigger(catalog, sql, body);
    else if (strcmp(kind, "RuleStmt") == 0)
        add_on_table(catalog, RH_CATALOG_RULE, "rule", rh_json_string(rh_json_get(body, "rulename")),
                     rh_json_get(body, "relation"), sql);
    else if (strcmp(kind, "CreatePolicyStmt") == 0)
        add_on_table(catalog, RH_CATALOG_POLICY, "policy", rh_json_string(rh_json_get(body, "policy_name")),
                     rh_json_get(body, "table"), sql);
    else if (strcmp(kind, "CreateStatsStmt") == 0)
        add_read(
            catalog,
            add_named(catalog, RH_CATALOG_STATISTICS, "statistics",
                      rh_catalog_ref_of(rh_json_get(body, "defnames"), 0), sql),
            rh_catalog_range_ref(rh_json_get(rh_json_at(rh_json_get(body, "relations"), 0), "RangeVar")));
    else if (strcmp(kind, "CreateSeqStmt") == 0)
        add_named(catalog, RH_CATALOG_SEQUENCE, "sequence",
                  rh_catalog_range_ref(rh_json_get(body, "sequence")), sql);
    else if (strcmp(kind, "CreateFunctionStmt") == 0)
        add_function(catalog, sql, body);
    else if (strcmp(kind, "CreateEnumStmt") == 0 || strcmp(kind, "CreateRangeStmt") == 0)
        add_named(catalog, RH_CATALOG_TYPE, "type", rh_catalog_ref_of(rh_json_get(body, "typeName"), 0), sql);
    else if (strcmp(kind, "CompositeTypeStmt") == 0)
        add_named(catalog, RH_CATALOG_TYPE, "type", rh_catalog_range_ref(rh_json_get(body, "typevar")), sql);
    else if (strcmp(kind, "CreateDomainStmt") == 0)
        add_domain(catalog, sql, body);
    else if (strcmp(kind, "AlterDomainStmt") == 0)
        alter_domain(catalog, body);
    else if (strcmp(kind, "CreatePublicationStmt") == 0 || strcmp(kind, "AlterPublicationStmt") == 0)
        learn_publication(catalog, sql, body);
}

/* ---- what goes, and what is called differently ---- */

static bool reads(const rh_catalog_object *object, const char *schema, const char *name)
{
    for (size_t i = 0; i < object->read_count; i++)
        if (strcmp(object->reads[i].name, name) == 0 && strcmp(object->reads[i].schema, schema) == 0)
            return true;
    return false;
}

void rh_catalog_drop_readers(rh_catalog *catalog, const char *schema, const char *name)
{
    for (size_t i = 0; i < catalog->object_count; i++) {
        rh_catalog_object *object = &catalog->objects[i];
        if (object->dropped || !reads(object, schema, name))
            continue;
        object->dropped = true;
        if (object->schema)
            rh_catalog_drop_readers(catalog, object->schema, object->name);
    }
}

unsigned rh_catalog_kinds_of(rh_json *body, const char *key)
{
    static const struct {
        const char *type;
        unsigned kinds;
    } types[] = {
        {"OBJECT_VIEW", 1u << RH_CATALOG_VIEW},
        {"OBJECT_MATVIEW", 1u << RH_CATALOG_MATVIEW},
        {"OBJECT_SEQUENCE", 1u << RH_CATALOG_SEQUENCE},
        {"OBJECT_FUNCTION", 1u << RH_CATALOG_FUNCTION},
        {"OBJECT_ROUTINE", 1u << RH_CATALOG_FUNCTION},
        {"OBJECT_PROCEDURE", 1u << RH_CATALOG_FUNCTION},
        {"OBJECT_DOMAIN", 1u << RH_CATALOG_DOMAIN},
        {"OBJECT_TYPE", 1u << RH_CATALOG_TYPE | 1u << RH_CATALOG_DOMAIN},
        {"OBJECT_STATISTIC_EXT", 1u << RH_CATALOG_STATISTICS},
        {"OBJECT_INDEX", 1u << RH_CATALOG_INDEX},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (rh_tree_is(body, key, types[i].type))
            return types[i].kinds;
    return 0;
}

/* "name" of a trigger, policy or rule on SCHEMA.TABLE. */
static void drop_on_table(rh_catalog *catalog, rh_json *list)
{
    const rh_relation table = rh_catalog_resolved(catalog, rh_catalog_ref_of(list, 1));
    const char *name = rh_tree_last_name(list);
    name = name ? rh_identifier(name, catalog->arena) : NULL;
    for (size_t i = 0; name && i < catalog->object_count; i++) {
        rh_catalog_object *object = &catalog->objects[i];
        if (!object->schema && strcmp(object->name, name) == 0 && reads(object, table.schema, table.name))
            object->dropped = true;
    }
    rh_catalog_table *t = rh_catalog_find(catalog, table.schema, table.name);
    for (size_t i = 0; t && name && i < t->trigger_count; i++)
        if (strcmp(t->triggers[i], name) == 0)
            t->triggers[i--] = t->triggers[--t->trigger_count];
}

void rh_catalog_drop_objects(rh_catalog *catalog, rh_json *body)
{
    rh_json *objects = rh_json_get(body, "objects");
    const unsigned kinds = rh_catalog_kinds_of(body, "removeType");
    const bool on_table = rh_tree_is(body, "removeType", "OBJECT_TRIGGER") ||
                          rh_tree_is(body, "removeType", "OBJECT_POLICY") ||
                          rh_tree_is(body, "removeType", "OBJECT_RULE");
    for (size_t i = 0; i < rh_json_count(objects); i++) {
        rh_json *object = rh_json_at(objects, i);
        rh_json *routine = rh_json_path(object, "ObjectWithArgs.objname");
        if (rh_tree_is(body, "removeType", "OBJECT_SCHEMA"))
            rh_catalog_schema_gone(catalog, rh_json_string(rh_json_path(object, "String.sval")), NULL);
        else if (on_table)
            drop_on_table(catalog, object);
        if (!kinds)
            continue;
        const rh_relation ref = rh_catalog_ref_of(routine ? routine : object, 0);
        rh_catalog_object *found = rh_catalog_find_object(catalog, kinds, ref.schema, ref.name);
        if (found)
            found->dropped = true;
        if (found && found->kind <= RH_CATALOG_MATVIEW)
            rh_catalog_drop_readers(catalog, found->schema, found->name);
    }
}

static void schema_of_list(rh_catalog_object *list, size_t count, const char *schema, const char *to)
{
    for (size_t i = 0; i < count; i++) {
        const bool in = list[i].schema && strcmp(list[i].schema, schema) == 0;
        if (in && to)
            list[i].schema = to;
        else if (in)
            list[i].dropped = true;
        for (size_t k = 0; to && k < list[i].read_count; k++)
            if (strcmp(list[i].reads[k].schema, schema) == 0)
                list[i].reads[k].schema = to;
    }
}

void rh_catalog_schema_gone(rh_catalog *catalog, const char *schema, const char *to)
{
    if (!schema)
        return;
    to = rh_arena_strdup(catalog->arena, to);
    for (size_t i = 0; i < catalog->table_count; i++) {
        rh_catalog_table *t = catalog->tables[i];
        if (t->dropped)
            continue;
        if (strcmp(t->schema, schema) == 0) {
            if (!to)
                rh_catalog_drop_readers(catalog, t->schema, t->name);
            t->dropped = !to;
            t->schema = to ? to : t->schema;
        }
        for (size_t k = 0; to && k < t->constraint_count; k++)
            if (t->constraints[k].schema && strcmp(t->constraints[k].schema, schema) == 0)
                t->constraints[k].schema = to;
    }
    schema_of_list(catalog->objects, catalog->object_count, schema, to);
    schema_of_list(catalog->others, catalog->other_count, schema, to);
}

void rh_catalog_moved(rh_catalog *catalog, rh_relation from, rh_relation to)
{
    for (size_t i = 0; i < catalog->object_count; i++)
        for (size_t k = 0; k < catalog->objects[i].read_count; k++) {
            rh_relation *ref = &catalog->objects[i].reads[k];
            if (strcmp(ref->name, from.name) == 0 && strcmp(ref->schema, from.schema) == 0)
                *ref = to;
        }
    for (size_t i = 0; i < catalog->table_count; i++)
        for (size_t k = 0; k < catalog->tables[i]->constraint_count; k++) {
            rh_catalog_constraint *c = &catalog->tables[i]->constraints[k];
            if (c->target && strcmp(c->target, from.name) == 0 &&
                strcmp(c->schema ? c->schema : "public", from.schema) == 0) {
                c->schema = to.schema;
                c->target = to.name;
            }
        }
}

void rh_catalog_rename_object(rh_catalog *catalog, rh_json *body)
{
    const bool moves = rh_json_get(body, "newschema") != NULL;
    const unsigned kinds = rh_catalog_kinds_of(body, moves ? "objectType" : "renameType");
    const char *to = rh_json_string(rh_json_get(body, moves ? "newschema" : "newname"));
    rh_json *relation = rh_json_get(body, "relation"), *object = rh_json_get(body, "object");
    rh_json *routine = rh_json_path(object, "ObjectWithArgs.objname");
    if (!moves && rh_tree_is(body, "renameType", "OBJECT_SCHEMA"))
        rh_catalog_schema_gone(catalog, rh_json_string(rh_json_get(body, "subname")), to);
    const rh_relation ref =
        relation ? rh_catalog_range_ref(relation) : rh_catalog_ref_of(routine ? routine : object, 0);
    rh_catalog_object *found =
        kinds && to ? rh_catalog_find_object(catalog, kinds, ref.schema, ref.name) : NULL;
    if (!found)
        return;
    const rh_relation from = {found->schema, found->name};
    if (moves)
        found->schema = rh_arena_strdup(catalog->arena, to);
    else
        found->name = rh_arena_strdup(catalog->arena, to);
    rh_catalog_moved(catalog, from, (rh_relation){found->schema, found->name});
}
