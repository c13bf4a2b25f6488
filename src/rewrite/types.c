/* Which changes of a type leave the rows as they lie, and which settings the others convert by. */
#include "pgrehearse/base/text.h"
#include "safer.h"
#include <string.h>

const char *rh_safer_new_type(const rh_safer_list *list, const rh_safer_retyped *r)
{
    return rh_catalog_new_type(list->statement->sql, r->definition, r->offset + strlen(r->words),
                               list->arena);
}

static rh_catalog_type type_after(const rh_safer_list *list, const rh_safer_retyped *r)
{
    return rh_catalog_type_of(rh_json_get(r->definition, "typeName"),
                              rh_json_get(r->definition, "collClause"), list->arena);
}

bool rh_safer_type_alike(rh_safer_list *list, const rh_safer_retyped *r)
{
    const rh_catalog_table *table = rh_catalog_table_of(list->catalog, r->relation);
    const rh_catalog_column *column = table ? rh_catalog_column_of(table, r->column) : NULL;
    if (!column || rh_tree_computes(r->definition, r->column))
        return false;
    const rh_catalog_type to = type_after(list, r);
    return rh_catalog_type_change(list->catalog, &column->of_type, &to) == RH_TYPE_ALIKE;
}

/* ---- settings that a conversion depends on ---- */

enum {
    TIME_ZONE = 1 << 0,
    DATE_STYLE = 1 << 1,
    INTERVAL_STYLE = 1 << 2,
    MONETARY = 1 << 3,
    BYTEA = 1 << 4,
    FLOATS = 1 << 5,
    XML = 1 << 6,
    PATH = 1 << 7,
    EVERY = (1 << 12) - 1
};

static const char *const SETTINGS[] = {
    "TimeZone",  "DateStyle",   "IntervalStyle", "lc_monetary", "bytea_output", "extra_float_digits",
    "xmloption", "search_path", "lc_numeric",    "lc_time",     "xmlbinary",    "default_text_search_config"};

/* Types of PostgreSQL's own whose conversions depend on settings: ALWAYS, or only from and to TEXT. */
static const struct {
    const char *type;
    unsigned always, text;
} CONVERSIONS[] = {
    {"float4", 0, FLOATS},    {"float8", 0, FLOATS},        {"bytea", 0, BYTEA},
    {"xml", 0, XML},          {"money", MONETARY, 0},       {"interval", 0, INTERVAL_STYLE},
    {"date", 0, DATE_STYLE},  {"timestamp", 0, DATE_STYLE}, {"timestamptz", TIME_ZONE, DATE_STYLE},
    {"timetz", TIME_ZONE, 0},
};

typedef struct conversion {
    const rh_safer_list *list;
    const rh_catalog_table *table;
    unsigned settings, text;
} conversion;

static void note_type(conversion *c, const rh_catalog_type *type)
{
    static const char *const others[] = {"int2",    "int4",   "int8", "numeric", "bool",  "text",
                                         "varchar", "bpchar", "uuid", "json",    "jsonb", "inet",
                                         "cidr",    "bit",    "oid",  "varbit",  "time",  NULL};
    const bool system = !type->ref.schema || strcmp(type->ref.schema, "pg_catalog") == 0;
    for (size_t i = 0; system && type->ref.name && i < sizeof CONVERSIONS / sizeof *CONVERSIONS; i++)
        if (strcmp(type->ref.name, CONVERSIONS[i].type) == 0) {
            c->settings |= CONVERSIONS[i].always;
            c->text |= CONVERSIONS[i].text;
            return;
        }
    if (!system || !type->ref.name || !rh_is_one_of(type->ref.name, others))
        c->settings = EVERY; /* a type of the user's: its functions are not known */
}

/* The settings that a function of PostgreSQL's own reads; EVERY: what it does is not known. */
static unsigned read_by(const char *function)
{
    static const char *const none[] = {"length", "lower",     "upper", "btrim", "ltrim", "rtrim",
                                       "left",   "substring", "right", "round", "floor", "ceil",
                                       "abs",    "replace",   "trunc", NULL};
    static const char *const times[] = {"timezone", "to_timestamp", "date_trunc",
                                        "extract",  "date_part",    NULL};
    return rh_is_one_of(function, none) ? 0 : rh_is_one_of(function, times) ? TIME_ZONE : EVERY;
}

static bool note_expression(rh_json *node, void *data)
{
    static const char *const opaque[] = {"SQLValueFunction", "SubLink", "XmlExpr", "XmlSerialize"};
    conversion *c = data;
    for (size_t i = 0; i < sizeof opaque / sizeof *opaque; i++)
        if (rh_json_get(node, opaque[i]))
            c->settings = EVERY;
    rh_json *call = rh_json_get(node, "FuncCall"), *cast = rh_json_get(node, "TypeCast");
    const char *name = rh_tree_last_name(rh_json_path(node, "ColumnRef.fields"));
    const rh_catalog_column *column = name ? rh_catalog_column_of(c->table, name) : NULL;
    if (call)
        c->settings |= read_by(rh_tree_last_name(rh_json_get(call, "funcname")));
    if (column)
        note_type(c, &column->of_type);
    if (cast) {
        const rh_catalog_type type = rh_catalog_type_of(rh_json_get(cast, "typeName"), NULL, c->list->arena);
        note_type(c, &type);
    }
    return false;
}

static bool is_text(const rh_catalog_type *type)
{
    static const char *const names[] = {"text", "varchar", "bpchar", "name", NULL};
    return type->ref.name && rh_is_one_of(type->ref.name, names);
}

const char *rh_safer_type_settings(const rh_safer_list *list, const rh_safer_retyped *r)
{
    conversion c = {.list = list, .table = rh_catalog_table_of(list->catalog, r->relation)};
    const rh_catalog_type to = type_after(list, r), from = rh_catalog_column_of(c.table, r->column)->of_type;
    const bool computes = rh_tree_computes(r->definition, r->column);
    note_type(&c, &from);
    note_type(&c, &to);
    if (computes)
        rh_json_visit(rh_json_get(r->definition, "raw_default"), note_expression, &c);
    if (computes || is_text(&from) || is_text(&to))
        c.settings |= c.text;
    const char *clauses = "";
    for (size_t i = 0; i < sizeof SETTINGS / sizeof *SETTINGS; i++)
        if (c.settings & 1u << i)
            clauses = rh_arena_printf(list->arena, "%s\n    SET %s FROM CURRENT", clauses, SETTINGS[i]);
    return clauses;
}

const char *rh_safer_name_settings(const rh_catalog_column *column, bool defaults)
{
    conversion c = {.settings = 0};
    note_type(&c, &column->of_type);
    return defaults || c.settings == EVERY ? "\n    SET search_path FROM CURRENT" : "";
}
