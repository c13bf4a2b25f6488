#include "pgrehearse/adapters/json.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/text.h"
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* jansson gives NULL when memory runs out; elsewhere the program ends then, so it does here. */
static json_t *made(json_t *value)
{
    if (!value)
        abort();
    return value;
}

rh_json *rh_json_object(void)
{
    return made(json_object());
}

rh_json *rh_json_array(void)
{
    return made(json_array());
}

void rh_json_free(rh_json *root)
{
    json_decref(root);
}

void rh_json_add(rh_json *parent, const char *key, rh_json *child)
{
    child = child ? child : json_null();
    int status = key ? json_object_set_new(parent, key, child) : json_array_append_new(parent, child);
    if (status != 0)
        abort(); /* no memory, or a key that is not UTF-8: ours are literals */
}

static json_t *string_value(const char *value)
{
    json_t *string = json_string(value);
    if (string)
        return string;
    rh_text repaired = {0};
    rh_text_append_utf8(&repaired, value);
    string = made(json_string(rh_text_string(&repaired)));
    rh_text_release(&repaired);
    return string;
}

void rh_json_add_string(rh_json *parent, const char *key, const char *value)
{
    rh_json_add(parent, key, value ? string_value(value) : NULL);
}

void rh_json_add_int(rh_json *parent, const char *key, int64_t value)
{
    rh_json_add(parent, key, made(json_integer(value)));
}

void rh_json_add_count(rh_json *parent, const char *key, int64_t value)
{
    rh_json_add(parent, key, value < 0 ? NULL : made(json_integer(value)));
}

void rh_json_add_real(rh_json *parent, const char *key, double value)
{
    rh_json_add(parent, key, isfinite(value) ? made(json_real(value)) : NULL);
}

void rh_json_add_bool(rh_json *parent, const char *key, bool value)
{
    rh_json_add(parent, key, json_boolean(value));
}

void rh_json_add_null(rh_json *parent, const char *key)
{
    rh_json_add(parent, key, NULL);
}

void rh_json_remove(rh_json *object, const char *key)
{
    json_object_del(object, key);
}

void rh_json_rename(rh_json *object, const char *from, const char *to)
{
    json_t *value = json_object_get(object, from);
    if (!value)
        return;
    rh_json_add(object, to, json_incref(value));
    json_object_del(object, from);
}

rh_json *rh_json_add_object(rh_json *parent, const char *key)
{
    json_t *child = rh_json_object();
    rh_json_add(parent, key, child);
    return child;
}

rh_json *rh_json_add_array(rh_json *parent, const char *key)
{
    json_t *child = rh_json_array();
    rh_json_add(parent, key, child);
    return child;
}

rh_json *rh_json_get(const rh_json *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

rh_json *rh_json_path(const rh_json *object, const char *dotted)
{
    const char *key = dotted;
    for (;;) {
        size_t length = strcspn(key, ".");
        json_t *value = json_object_getn(object, key, length);
        if (!key[length])
            return json_is_null(value) ? NULL : value;
        object = value;
        key += length + 1;
    }
}

size_t rh_json_count(const rh_json *array_or_object)
{
    return json_is_object(array_or_object) ? json_object_size(array_or_object)
                                           : json_array_size(array_or_object);
}

rh_json *rh_json_at(const rh_json *array, size_t index)
{
    json_t *value = json_array_get(array, index);
    return json_is_null(value) ? NULL : value;
}

const char *rh_json_string(const rh_json *value)
{
    return json_string_value(value);
}

double rh_json_real(const rh_json *value)
{
    return json_is_number(value) ? json_number_value(value) : NAN;
}

int64_t rh_json_int(const rh_json *value)
{
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

bool rh_json_bool(const rh_json *value)
{
    return json_is_true(value);
}

bool rh_json_is_null(const rh_json *value)
{
    return !value || json_is_null(value);
}

bool rh_json_is_object(const rh_json *value)
{
    return json_is_object(value);
}

bool rh_json_is_array(const rh_json *value)
{
    return json_is_array(value);
}

const char *rh_json_each(rh_json *object, void **iterator, rh_json **value)
{
    *iterator = *iterator ? json_object_iter_next(object, *iterator) : json_object_iter(object);
    if (!*iterator)
        return NULL;
    *value = json_object_iter_value(*iterator);
    return json_object_iter_key(*iterator);
}

bool rh_json_visit(rh_json *node, bool (*visit)(rh_json *object, void *data), void *data)
{
    bool found = rh_json_is_object(node) && visit(node, data);
    for (size_t i = 0; rh_json_is_array(node) && i < rh_json_count(node) && !found; i++)
        found = rh_json_visit(rh_json_at(node, i), visit, data);
    void *iterator = NULL;
    rh_json *child;
    while (!found && rh_json_is_object(node) && rh_json_each(node, &iterator, &child))
        found = rh_json_visit(child, visit, data);
    return found;
}

rh_json *rh_json_parse(const char *text, size_t length, const char *name, rh_error *error)
{
    json_error_t problem;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (root)
        return root;
    rh_error_set(error, RH_ERROR_IO, "%s is not valid JSON: %s", name, problem.text);
    rh_error_at(error, name, problem.line, problem.column);
    return NULL;
}

rh_json *rh_json_read(const char *path, rh_error *error)
{
    FILE *file = rh_file_stream(path, error);
    if (!file)
        return NULL;
    rh_text text = {0};
    char block[65536];
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;)
        rh_text_append_bytes(&text, block, got);
    rh_json *root = NULL;
    if (ferror(file))
        rh_error_errno(error, errno, "%s", path);
    else
        root = rh_json_parse(rh_text_string(&text), text.length, path, error);
    fclose(file);
    rh_text_release(&text);
    return root;
}

/* How deep a record is broken into lines: a statement of a migration is one line. */
enum { BROKEN_DEPTH = 4 };

/* 15 significant digits: what is measured in microseconds prints as it was written, 0.1 and not
 * 0.10000000000000001. */
static char *format(const rh_json *value, size_t flags)
{
    char *dumped = json_dumps(value, flags | JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY);
    rh_text text = {0};
    rh_text_append(&text, dumped ? dumped : "null");
    rh_text_append_char(&text, '\n');
    free(dumped);
    return text.data;
}

char *rh_json_format(const rh_json *value)
{
    return format(value, JSON_INDENT(2));
}

/* Two spaces a level. */
static void new_line(rh_text *text, int depth)
{
    rh_text_printf(text, "\n%*s", 2 * depth, "");
}

char *rh_json_format_record(const rh_json *value)
{
    char *line = format(value, JSON_COMPACT);
    rh_text text = {0};
    int depth = 0;
    bool in_string = false;
    for (const char *c = line; *c; c++) {
        const bool opens = !in_string && (*c == '{' || *c == '['),
                   closes = !in_string && (*c == '}' || *c == ']');
        if (closes && depth-- <= BROKEN_DEPTH && c[-1] != '{' && c[-1] != '[')
            new_line(&text, depth);
        rh_text_append_char(&text, *c);
        if (in_string && *c == '\\')
            rh_text_append_char(&text, *++c);
        else if (*c == '"')
            in_string = !in_string;
        depth += opens;
        if ((opens && depth <= BROKEN_DEPTH && c[1] != '}' && c[1] != ']') ||
            (!in_string && *c == ',' && depth <= BROKEN_DEPTH))
            new_line(&text, depth);
    }
    free(line);
    return text.data;
}

char *rh_json_format_line(const rh_json *value)
{
    return format(value, JSON_COMPACT);
}
