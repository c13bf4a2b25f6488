/* Types: domains and their constraints, and changes of type that do not rewrite the table. */
#include "pgrehearse/sql/catalog.h"
#include "pgrehearse/base/text.h"
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 32 }; /* domains over domains */

static const rh_catalog_object *domain_of(const rh_catalog *catalog, rh_relation type)
{
    return rh_catalog_find_object(catalog, 1u << RH_CATALOG_DOMAIN, type.schema, type.name);
}

const rh_catalog_object *rh_catalog_constrained_domain(const rh_catalog *catalog, rh_relation type)
{
    const rh_catalog_object *domain = domain_of(catalog, type);
    for (int depth = 0; domain && depth < DEPTH; depth++) {
        if (domain->constrained)
            return domain;
        domain = domain->read_count ? domain_of(catalog, domain->reads[0]) : NULL;
    }
    return NULL;
}

bool rh_catalog_is_of_type(const rh_catalog *catalog, rh_relation type, const rh_catalog_object *wanted)
{
    const unsigned kinds = 1u << RH_CATALOG_DOMAIN | 1u << RH_CATALOG_TYPE;
    const rh_catalog_object *found = rh_catalog_find_object(catalog, kinds, type.schema, type.name);
    for (int depth = 0; found && depth < DEPTH; depth++) {
        if (found == wanted)
            return true;
        const bool domain = found->kind == RH_CATALOG_DOMAIN && found->read_count;
        found = domain ? rh_catalog_find_object(catalog, kinds, found->reads[0].schema, found->reads[0].name)
                       : NULL;
    }
    return false;
}

/* ---- types as they are written ---- */

static bool is_built_in(const char *name)
{
    static const char *const names[] = {
        "text",    "varchar",       "bpchar",       "name",        "int2",
        "int4",    "int8",          "oid",          "regclass",    "regproc",
        "regtype", "regrole",       "inet",         "cidr",        "bit",
        "varbit",  "numeric",       "timestamp",    "timestamptz", "time",
        "timetz",  "interval",      "xml",          "json",        "jsonb",
        "bool",    "date",          "uuid",         "bytea",       "float4",
        "float8",  "regconfig",     "regnamespace", "regoperator", "regprocedure",
        "regoper", "regdictionary", "regcollation", NULL};
    return rh_is_one_of(name, names);
}

const rh_serial *rh_catalog_serial(const char *type)
{
    static const rh_serial serials[] = {{"bigserial", "bigint", "int8"},     {"serial8", "bigint", "int8"},
                                        {"serial", "integer", "int4"},       {"serial4", "integer", "int4"},
                                        {"smallserial", "smallint", "int2"}, {"serial2", "smallint", "int2"}};
    for (size_t i = 0; type && i < sizeof serials / sizeof *serials; i++)
        if (strcmp(type, serials[i].name) == 0)
            return &serials[i];
    return NULL;
}

rh_catalog_type rh_catalog_type_of(rh_json *type_name, rh_json *collation, rh_arena *arena)
{
    const rh_relation ref = rh_catalog_ref_of(rh_json_get(type_name, "names"), 0);
    rh_json *mods = rh_json_get(type_name, "typmods");
    const char *collated = rh_tree_last_name(rh_json_get(collation, "collname"));
    rh_catalog_type type = {
        .ref = {rh_arena_strdup(arena, ref.schema), rh_arena_strdup(arena, ref.name)},
        .array = rh_json_count(rh_json_get(type_name, "arrayBounds")) > 0,
        .collation = collated && strcmp(collated, "default") != 0 ? rh_arena_strdup(arena, collated) : NULL};
    type.unsupported = !ref.name || rh_json_count(mods) > 2 ||
                       rh_json_bool(rh_json_get(type_name, "pct_type")) ||
                       rh_json_bool(rh_json_get(type_name, "setof"));
    for (size_t i = 0; i < rh_json_count(mods) && !type.unsupported; i++) {
        const char *number = rh_tree_constant(rh_json_at(mods, i), arena);
        char *end = NULL;
        type.mods[type.mod_count++] = number ? strtol(number, &end, 10) : 0;
        type.unsupported = !number || *end;
    }
    const rh_serial *serial = rh_catalog_serial(ref.name);
    if (serial)
        type.ref = (rh_relation){"pg_catalog", serial->internal};
    return type;
}

/* ---- domains ---- */

/* The domain of TYPE; NULL: it is none. */
static const rh_catalog_object *domain_under(const rh_catalog *catalog, const rh_catalog_type *type)
{
    const bool system = type->ref.schema ? strcmp(type->ref.schema, "pg_catalog") == 0
                                         : type->ref.name && is_built_in(type->ref.name);
    return system || type->array ? NULL : domain_of(catalog, type->ref);
}

/* The type below the domains. */
static rh_catalog_type base_of(const rh_catalog *catalog, rh_catalog_type type)
{
    const rh_catalog_object *domain = domain_under(catalog, &type);
    for (int depth = 0; domain && depth < DEPTH; depth++) {
        const char *collation = type.collation;
        type = domain->base;
        type.collation = collation ? collation : type.collation;
        domain = domain_under(catalog, &type);
    }
    return type;
}

/* ---- what a change needs (ATColumnChangeRequiresRewrite and the support functions of the casts, PostgreSQL
 * 15; tests/server/migrations/test_plan_classes.c compares) ---- */

static bool same_mods(const rh_catalog_type *a, const rh_catalog_type *b)
{
    return a->mod_count == b->mod_count && (a->mod_count < 1 || a->mods[0] == b->mods[0]) &&
           (a->mod_count < 2 || a->mods[1] == b->mods[1]);
}

static bool is_named(const rh_catalog_type *type, const char *name)
{
    return strcmp(type->ref.name, name) == 0;
}

/* The last field of an interval: 0 SECOND, 1 MINUTE … 5 YEAR; INTERVAL_MASK of the parser. */
static int least_field(const rh_catalog_type *type)
{
    static const int fields[] = {12, 11, 10, 3, 1, 2}; /* SECOND, MINUTE, HOUR, DAY, MONTH, YEAR */
    for (int i = 0; type->mod_count && i < 6; i++)
        if (type->mods[0] & (1L << fields[i]))
            return i;
    return 0;
}

/* The precision of seconds; 6: all. */
static long precision_of(const rh_catalog_type *type, size_t at)
{
    return type->mod_count > at && type->mods[at] < 6 ? type->mods[at] : 6;
}

/* FROM and TO are one type but for their lengths: TO keeps every value as it is. */
static bool keeps_length(const rh_catalog_type *from, const rh_catalog_type *to)
{
    static const char *const seconds[] = {"timestamp", "timestamptz", "time", "timetz", NULL};
    if (same_mods(from, to))
        return true;
    if (rh_is_one_of(to->ref.name, seconds))
        return precision_of(to, 0) >= precision_of(from, 0);
    if (is_named(to, "interval"))
        return least_field(to) <= least_field(from) && precision_of(to, 1) >= precision_of(from, 1);
    if (to->mod_count == 0)
        return true;
    if (is_named(to, "numeric"))
        return from->mod_count && to->mods[0] >= from->mods[0] && to->mods[1] == from->mods[1];
    return (is_named(to, "varchar") || is_named(to, "varbit")) && from->mod_count &&
           to->mods[0] >= from->mods[0];
}

static bool is_string(const rh_catalog_type *type)
{
    return is_named(type, "text") || is_named(type, "varchar");
}

static bool is_citext(const rh_catalog_type *type)
{
    return is_named(type, "citext");
}

static bool is_reg(const rh_catalog_type *type)
{
    return is_named(type, "oid") || strncmp(type->ref.name, "reg", 3) == 0;
}

/* Another type, stored alike (pg_cast.castmethod 'b'). A length of TO is checked for each row. */
static rh_type_change change_name(const rh_catalog_type *from, const rh_catalog_type *to)
{
    const bool times = (is_named(from, "timestamp") && is_named(to, "timestamptz")) ||
                       (is_named(from, "timestamptz") && is_named(to, "timestamp"));
    if (times)
        return precision_of(to, 0) == 6 ? RH_TYPE_INDEXES_IN_UTC : RH_TYPE_REWRITES;
    if (to->mod_count)
        return RH_TYPE_REWRITES;
    if ((is_string(from) || is_named(from, "xml")) && is_string(to))
        return RH_TYPE_ALIKE;
    if (is_named(from, "cidr") && is_named(to, "inet"))
        return RH_TYPE_ALIKE;
    if (is_reg(from) && is_reg(to))
        return is_named(from, "oid") || is_named(to, "oid") ? RH_TYPE_ALIKE : RH_TYPE_REWRITES;
    if ((is_named(from, "int4") && is_reg(to)) || (is_reg(from) && is_named(to, "int4")))
        return RH_TYPE_INDEXES;
    if ((is_string(from) && (is_named(to, "bpchar") || is_citext(to))) ||
        (is_citext(from) && is_string(to)) || (is_named(from, "bit") && is_named(to, "varbit")))
        return RH_TYPE_INDEXES;
    return RH_TYPE_REWRITES;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_name(rh_relation a, rh_relation b)
{
    return strcmp(a.name, b.name) == 0 && (!a.schema || !b.schema || strcmp(a.schema, b.schema) == 0);
}

rh_type_change rh_catalog_type_change(const rh_catalog *catalog, const rh_catalog_type *from,
                                      const rh_catalog_type *to)
{
    if (from->unsupported || to->unsupported || !from->ref.name || !to->ref.name || from->array != to->array)
        return RH_TYPE_REWRITES;
    const bool same = same_name(from->ref, to->ref);
    const rh_catalog_type a = base_of(catalog, *from), b = base_of(catalog, *to);
    const rh_type_change collated = same_text(a.collation, b.collation) ? RH_TYPE_ALIKE : RH_TYPE_INDEXES;
    if (same && same_mods(from, to))
        return collated;
    if (from->array ||
        (!same && domain_under(catalog, to) && rh_catalog_constrained_domain(catalog, to->ref)))
        return RH_TYPE_REWRITES;
    if (!same_name(a.ref, b.ref)) {
        const rh_type_change change = change_name(&a, &b);
        return change == RH_TYPE_ALIKE ? collated : change;
    }
    /* a domain's length is not known of its values */
    const bool kept = domain_under(catalog, from) ? b.mod_count == 0 : keeps_length(&a, &b);
    return kept ? collated : RH_TYPE_REWRITES;
}
