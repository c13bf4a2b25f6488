/* Readers of the keys of `migrations:` and `workload:`. */
#include "key_readers.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/relation.h"
#include "steps.h"
#include <stdlib.h>
#include <string.h>

bool rh_read_migrations_path(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    *(const char **)field = rh_value_path(reader, key->path, node);
    reader->scenario->migrations.where = rh_value_where(reader, node);
    return *(const char **)field != NULL;
}

bool rh_read_command(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    const char *name = strrchr(key->path, '.') + 1;
    reader->scenario->migrations.where = rh_value_where(reader, node);
    *(const char ***)field = rh_command_read(reader, name, node);
    return *(const char ***)field != NULL;
}

bool rh_read_pending(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    static const rh_key_word words[] = {{"auto", RH_PENDING_AUTO, NULL}, {"all", RH_PENDING_ALL, NULL}};
    rh_scenario *scenario = reader->scenario;
    if (rh_yaml_node_kind(node) != RH_YAML_SEQUENCE) {
        if (rh_value_word(reader, key->path, node, words, 2, field))
            return true;
        return rh_error_hint(reader->error, "it is auto, all, or a list of migrations: pending: [%s]",
                             rh_yaml_scalar(node) ? rh_yaml_scalar(node) : "000012");
    }
    scenario->migrations.pending = RH_PENDING_LIST;
    for (size_t i = 0; i < rh_yaml_count(node); i++) {
        const char *id = rh_value_text(reader, "an item of migrations.pending", rh_yaml_item(node, i));
        if (!id)
            return false;
        *rh_arena_add(reader->arena, &scenario->migrations.pending_ids,
                      &scenario->migrations.pending_id_count) = id;
    }
    return true;
}

/* name, schema.name, each part in double quotes or as it is written. */
bool rh_read_history_table(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    rh_relation name;
    const char *text = rh_value_text(reader, key->path, node);
    if (!text)
        return false;
    if (!rh_relation_parse(text, reader->arena, &name)) {
        rh_value_fail(reader, node, "%s must be the name of a table: \"%s\"", key->path, text);
        return rh_error_hint(reader->error,
                             "write name or schema.name; put a name with a dot in it in double "
                             "quotes: '\"my.schema\".versions'");
    }
    reader->scenario->migrations.history_where = rh_value_where(reader, node);
    *(const char **)field = rh_relation_text((rh_relation){name.schema, name.name}, reader->arena);
    return true;
}

bool rh_read_transaction(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    reader->scenario->migrations.transaction_where = rh_value_where(reader, node);
    return rh_read_word(reader, key, node, field);
}

/* "SCRIPT.sql@3", as pgbench writes weights: the file and 3; any other path is the file. */
static const char *read_weighted_path(rh_reader *reader, const char *key, rh_yaml_node *node, double *weight)
{
    const char *text = rh_yaml_scalar(node), *sign = text ? strrchr(text, '@') : NULL;
    if (!sign || sign == text || !sign[1] || strlen(sign) > 7 || sign[1 + strspn(sign + 1, "0123456789")])
        return rh_value_path(reader, key, node);
    text = rh_value_text(reader, key, node);
    if (!text || !strrchr(text, '@'))
        return NULL;
    *weight = strtod(strrchr(text, '@') + 1, NULL);
    const char *path = rh_path_beside(
        reader->scenario->path, rh_arena_strndup(reader->arena, text, (size_t)(strrchr(text, '@') - text)),
        reader->arena);
    if (rh_file_exists(path))
        return path;
    rh_value_fail(reader, node, "%s: there is no \"%s\"", key, path);
    return NULL;
}

/* One file: its path, or {file, weight}. */
static bool read_workload_file(rh_reader *reader, const char *key, rh_yaml_node *node,
                               rh_workload_file **files, size_t *count)
{
    rh_workload_file *file = rh_arena_add(reader->arena, files, count);
    *file = (rh_workload_file){.weight = 1, .where = rh_value_where(reader, node)};
    rh_yaml_node *path = node;
    if (rh_yaml_node_kind(node) == RH_YAML_MAPPING) {
        path = rh_yaml_get(node, "file");
        rh_yaml_node *weight = rh_yaml_get(node, "weight");
        if (!path || rh_yaml_count(node) != 1 + (size_t)(weight != NULL)) {
            rh_value_fail(reader, node, "each item of %s has the keys file and weight", key);
            return rh_error_hint(reader->error, "write - {file: SCRIPT.sql, weight: 2}, or - SCRIPT.sql");
        }
        if (weight && !rh_value_real(reader, "weight", weight, 0, 1e6, &file->weight))
            return false;
    }
    file->path = read_weighted_path(reader, key, path, &file->weight);
    if (file->path && rh_directory_exists(file->path))
        return rh_value_fail(reader, path, "%s must be a file: \"%s\" is a directory", key,
                             rh_yaml_scalar(path));
    return file->path != NULL;
}

static bool read_workload_files(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node,
                                rh_workload_file **files, size_t *count)
{
    if (rh_yaml_node_kind(node) != RH_YAML_SEQUENCE)
        return read_workload_file(reader, key->path, node, files, count);
    for (size_t i = 0; i < rh_yaml_count(node); i++)
        if (!read_workload_file(reader, key->path, rh_yaml_item(node, i), files, count))
            return false;
    return rh_yaml_count(node) > 0 || rh_value_fail(reader, node, "%s is an empty list", key->path);
}

bool rh_read_workload_path(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    return read_workload_files(reader, key, node, field, &reader->scenario->workload.file_count);
}

bool rh_read_next_path(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    return read_workload_files(reader, key, node, field, &reader->scenario->workload.next.file_count);
}
