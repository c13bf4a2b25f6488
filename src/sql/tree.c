#include "pgrehearse/sql/tree.h"
#include "pgrehearse/base/text.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *rh_tree_kind(rh_json *node, rh_json **body)
{
    void *iterator = NULL;
    *body = NULL;
    return rh_json_is_object(node) ? rh_json_each(node, &iterator, body) : NULL;
}

rh_json *rh_tree_body(rh_json *node, const char *kind)
{
    rh_json *body;
    const char *found = rh_tree_kind(node, &body);
    return found && strcmp(found, kind) == 0 ? body : NULL;
}

const char *rh_tree_relation(rh_json *range_var, rh_arena *arena)
{
    const rh_relation relation = {rh_json_string(rh_json_get(range_var, "schemaname")),
                                  rh_json_string(rh_json_get(range_var, "relname"))};
    return rh_relation_text(relation, arena);
}

/* The items of a List node, or of a bare array. */
static rh_json *items_of(rh_json *list)
{
    rh_json *body = rh_tree_body(list, "List");
    return body ? rh_json_get(body, "items") : list;
}

const char *rh_tree_name_at(const rh_json *items, size_t index)
{
    return rh_json_string(rh_json_get(rh_json_get(rh_json_at(items, index), "String"), "sval"));
}

bool rh_tree_has_name(const rh_json *items, const char *name)
{
    for (size_t i = 0; name && i < rh_json_count(items); i++) {
        const char *item = rh_tree_name_at(items, i);
        if (item && strcmp(item, name) == 0)
            return true;
    }
    return false;
}

const char *rh_tree_name(rh_json *list, rh_arena *arena)
{
    rh_json *items = items_of(list);
    const char *name = NULL;
    for (size_t i = 0; rh_json_is_array(items) && i < rh_json_count(items); i++) {
        const char *part = rh_tree_name_at(items, i);
        if (!part)
            return NULL;
        part = rh_identifier(part, arena);
        name = name ? rh_arena_printf(arena, "%s.%s", name, part) : part;
    }
    return name;
}

const char *rh_tree_last_name(rh_json *list)
{
    rh_json *items = items_of(list);
    size_t count = rh_json_is_array(items) ? rh_json_count(items) : 0;
    return count ? rh_tree_name_at(items, count - 1) : NULL;
}

bool rh_tree_is(rh_json *object, const char *key, const char *value)
{
    const char *found = rh_json_string(rh_json_get(object, key));
    return found && strcmp(found, value) == 0;
}

/* The value of an option: on unless it says otherwise (defGetBoolean). */
static bool is_on(rh_json *value)
{
    static const char *const off[] = {"off", "false", "0", NULL};
    const char *word = rh_json_string(rh_json_path(value, "String.sval"));
    rh_json *number = rh_json_get(value, "Integer"), *boolean = rh_json_get(value, "Boolean");
    if (boolean)
        return rh_json_bool(rh_json_get(boolean, "boolval"));
    if (number)
        return rh_json_get(number, "ival") != NULL; /* 0 is left out */
    for (size_t i = 0; word && off[i]; i++)
        if (strcasecmp(word, off[i]) == 0)
            return false;
    return true;
}

bool rh_tree_has_option(rh_json *options, const char *name)
{
    for (size_t i = 0; i < rh_json_count(options); i++) {
        rh_json *option = rh_json_get(rh_json_at(options, i), "DefElem");
        if (rh_tree_is(option, "defname", name))
            return is_on(rh_json_get(option, "arg"));
    }
    return false;
}

rh_json *rh_tree_executed(rh_json *tree)
{
    rh_json *explain = rh_tree_body(tree, "ExplainStmt");
    return rh_tree_has_option(rh_json_get(explain, "options"), "analyze") ? rh_json_get(explain, "query")
                                                                          : tree;
}

/* Functions of pg_proc with provolatile 'i' or 's' that defaults are made of. */
static const char *const STABLE[] = {
    "abs",
    "age",
    "array_append",
    "array_cat",
    "array_fill",
    "array_length",
    "array_to_json",
    "btrim",
    "ceil",
    "char_length",
    "concat",
    "concat_ws",
    "current_database",
    "current_schema",
    "current_setting",
    "current_user",
    "date",
    "date_part",
    "date_trunc",
    "decode",
    "digest",
    "div",
    "encode",
    "extract",
    "floor",
    "format",
    "hashtext",
    "hstore",
    "initcap",
    "int4range",
    "int8range",
    "json_build_array",
    "json_build_object",
    "jsonb_build_array",
    "jsonb_build_object",
    "left",
    "length",
    "lower",
    "lpad",
    "ltrim",
    "make_date",
    "make_interval",
    "make_time",
    "make_timestamp",
    "make_timestamptz",
    "md5",
    "mod",
    "now",
    "nullif",
    "numrange",
    "overlay",
    "point",
    "position",
    "power",
    "quote_ident",
    "quote_literal",
    "regexp_replace",
    "repeat",
    "replace",
    "reverse",
    "right",
    "round",
    "rpad",
    "rtrim",
    "session_user",
    "setweight",
    "sha256",
    "sign",
    "split_part",
    "sqrt",
    "statement_timestamp",
    "string_to_array",
    "strpos",
    "substr",
    "substring",
    "timezone",
    "to_char",
    "to_date",
    "to_json",
    "to_jsonb",
    "to_number",
    "to_timestamp",
    "to_tsquery",
    "to_tsvector",
    "transaction_timestamp",
    "translate",
    "trim",
    "trunc",
    "tsrange",
    "tstzrange",
    "txid_current",
    "upper",
    "uuid_nil",
    "width_bucket",
    NULL,
};

bool rh_tree_is_stable(const char *name)
{
    return rh_is_one_of(name, STABLE);
}

static bool find_volatile(rh_json *node, void *found)
{
    const char *function = rh_tree_last_name(rh_json_path(node, "FuncCall.funcname"));
    if (!function || rh_is_one_of(function, STABLE))
        return false;
    *(const char **)found = function;
    return true;
}

const char *rh_tree_volatile_function(rh_json *expression)
{
    const char *found = NULL;
    rh_json_visit(expression, find_volatile, &found);
    return found;
}

/* Names without their schemas, as both are written by the same hand; modifiers that are no plain numbers
 * differ. */
static bool same_type(rh_json *a, rh_json *b)
{
    const char *left = rh_tree_last_name(rh_json_get(a, "names")),
               *right = rh_tree_last_name(rh_json_get(b, "names"));
    rh_json *of_a = rh_json_get(a, "typmods"), *of_b = rh_json_get(b, "typmods");
    bool same = left && right && strcmp(left, right) == 0 &&
                rh_json_count(rh_json_get(a, "names")) == rh_json_count(rh_json_get(b, "names")) &&
                rh_json_count(of_a) == rh_json_count(of_b) && !rh_json_get(a, "arrayBounds") &&
                !rh_json_get(b, "arrayBounds");
    for (size_t i = 0; same && i < rh_json_count(of_a); i++) {
        rh_json *x = rh_json_path(rh_json_at(of_a, i), "A_Const.ival.ival"),
                *y = rh_json_path(rh_json_at(of_b, i), "A_Const.ival.ival");
        same = x && y && rh_json_int(x) == rh_json_int(y);
    }
    return same;
}

bool rh_tree_computes(rh_json *definition, const char *column)
{
    rh_json *value = rh_json_get(definition, "raw_default"), *cast = rh_json_get(value, "TypeCast");
    if (!value)
        return false;
    if (cast && !same_type(rh_json_get(cast, "typeName"), rh_json_get(definition, "typeName")))
        return true;
    rh_json *fields = rh_json_path(cast ? rh_json_get(cast, "arg") : value, "ColumnRef.fields");
    const char *name = rh_tree_last_name(fields);
    return !name || strcmp(name, column) != 0;
}
