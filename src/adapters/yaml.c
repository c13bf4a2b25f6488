/* YAML documents: reading and writing the nodes of their trees. */
#include "yaml_tree.h"
#include "pgrehearse/adapters/yaml.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/arena.h"
#include <stdlib.h>
#include <string.h>

rh_yaml *rh_yaml_parse(const char *text, const char *name, rh_error *error)
{
    return rh_yaml_parse_bytes(text, strlen(text), name, error);
}

rh_yaml *rh_yaml_read(const char *path, rh_error *error)
{
    rh_arena *arena = rh_arena_new();
    size_t length = 0;
    const char *text = rh_file_read(path, RH_YAML_LIMIT, arena, &length, error);
    rh_yaml *yaml = text ? rh_yaml_parse_bytes(text, length, path, error) : NULL;
    rh_arena_free(arena);
    return yaml;
}

void rh_yaml_free(rh_yaml *yaml)
{
    while (yaml) {
        rh_yaml *next = yaml->grafted;
        rh_arena_free(yaml->arena);
        free(yaml);
        yaml = next;
    }
}

static void make_mapping(rh_yaml_node *node)
{
    if (node->kind == RH_YAML_NULL)
        node->kind = RH_YAML_MAPPING;
}

/* The address of KEY's value in MAPPING; a new, null one if it has none. */
static rh_yaml_node **value_slot(rh_yaml *yaml, rh_yaml_node *mapping, const char *key,
                                 const rh_yaml_node *from)
{
    for (size_t i = 0; i < mapping->count; i++)
        if (strcmp(mapping->keys[i]->text, key) == 0)
            return &mapping->values[i];
    rh_yaml_node *key_node = rh_arena_alloc(yaml->arena, sizeof *key_node);
    *key_node = (rh_yaml_node){.kind = RH_YAML_SCALAR, .text = key, .name = from->name, .weight = 1};
    rh_yaml_node *value = rh_arena_alloc(yaml->arena, sizeof *value);
    *value = (rh_yaml_node){.kind = RH_YAML_NULL, .name = from->name, .weight = 1};
    *rh_arena_add(yaml->arena, &mapping->keys, &mapping->key_count) = key_node;
    rh_yaml_node **added = rh_arena_add(yaml->arena, &mapping->values, &mapping->count);
    *added = value;
    return added;
}

bool rh_yaml_set(rh_yaml *yaml, const char *dotted, rh_yaml *value, rh_error *error)
{
    rh_yaml *last = value;
    while (last->grafted)
        last = last->grafted;
    last->grafted = yaml->grafted;
    yaml->grafted = value;

    rh_yaml_node **place = &yaml->root;
    char *path = rh_arena_strdup(yaml->arena, dotted), *rest = path;
    for (char *key; (key = strsep(&rest, ".")) != NULL;) {
        make_mapping(*place);
        if ((*place)->kind != RH_YAML_MAPPING)
            return rh_error_set(error, RH_ERROR_USAGE, "\"%s\" leads through a value that has no keys",
                                dotted);
        if (!*key)
            return rh_error_set(error, RH_ERROR_USAGE, "\"%s\" is not a key", dotted);
        place = value_slot(yaml, *place, key, value->root);
    }
    *place = value->root;
    return true;
}

rh_yaml_node *rh_yaml_root(rh_yaml *yaml)
{
    return yaml->root;
}

rh_yaml_kind rh_yaml_node_kind(const rh_yaml_node *node)
{
    return node->kind;
}

const char *rh_yaml_scalar(rh_yaml_node *node)
{
    return node->kind == RH_YAML_SCALAR ? node->text : NULL;
}

bool rh_yaml_is_quoted(const rh_yaml_node *node)
{
    return node->quoted;
}

const char *rh_yaml_name(const rh_yaml_node *node)
{
    return node->name;
}

int rh_yaml_line(const rh_yaml_node *node)
{
    return node->line;
}

int rh_yaml_column(const rh_yaml_node *node)
{
    return node->column;
}

size_t rh_yaml_count(const rh_yaml_node *node)
{
    return node->count;
}

rh_yaml_node *rh_yaml_item(rh_yaml_node *sequence, size_t index)
{
    return sequence->values[index];
}

rh_yaml_node *rh_yaml_key(rh_yaml_node *mapping, size_t index)
{
    return mapping->keys[index];
}

rh_yaml_node *rh_yaml_value(rh_yaml_node *mapping, size_t index)
{
    return mapping->values[index];
}

rh_yaml_node *rh_yaml_get(rh_yaml_node *mapping, const char *key)
{
    for (size_t i = 0; mapping->kind == RH_YAML_MAPPING && i < mapping->count; i++)
        if (strcmp(mapping->keys[i]->text, key) == 0)
            return mapping->values[i];
    return NULL;
}
