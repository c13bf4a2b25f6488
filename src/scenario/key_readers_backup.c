/* Readers of the keys of `backup:`. */
#include "key_readers.h"
#include "recovery.h"
#include "steps.h"
#include <ctype.h>
#include <string.h>

bool rh_read_backup_path(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    *(const char **)field = rh_value_path(reader, key->path, node);
    reader->scenario->backup.where = rh_value_where(reader, node);
    return *(const char **)field != NULL;
}

bool rh_read_backup_command(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    (void)key;
    *(const char ***)field = rh_command_read(reader, "command", node);
    reader->scenario->backup.where = rh_value_where(reader, node);
    return *(const char ***)field != NULL;
}

bool rh_read_backup_clone(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    reader->scenario->backup.where = rh_value_where(reader, node);
    return rh_read_text(reader, key, node, field);
}

bool rh_read_restore_command(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_restore_command_read(reader, key->path, node, field);
}

bool rh_read_target_time(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_target_time_read(reader, key->path, node, field);
}

bool rh_read_target_name(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_target_name_read(reader, key->path, node, field);
}

bool rh_read_target_lsn(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_target_lsn_read(reader, key->path, node, field);
}

bool rh_read_skip(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    if (rh_yaml_node_kind(node) != RH_YAML_SEQUENCE) {
        rh_value_fail(reader, node, "%s must be a list of entries", key->path);
        return rh_error_hint(reader->error,
                             "write each as pg_restore --list names it: skip: [\"TABLE DATA public.log\"]");
    }
    rh_skip **skips = field;
    for (size_t i = 0; i < rh_yaml_count(node); i++) {
        rh_yaml_node *item = rh_yaml_item(node, i);
        const char *entry = rh_value_text(reader, "an item of backup.skip", item);
        if (!entry)
            return false;
        if (!*entry)
            return rh_value_fail(reader, item, "an item of backup.skip is empty");
        *rh_arena_add(reader->arena, skips, &reader->scenario->backup.skip_count) =
            (rh_skip){entry, rh_value_where(reader, item)};
    }
    return true;
}

bool rh_read_sha256(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    const char *text = rh_value_text(reader, key->path, node);
    if (!text)
        return false;
    size_t length = strlen(text);
    if (length != 64 || strspn(text, "0123456789abcdefABCDEF") != length) {
        rh_value_fail(reader, node, "%s must be 64 hexadecimal digits", key->path);
        return rh_error_hint(reader->error, "sha256sum prints them");
    }
    char *digest = rh_arena_strdup(reader->arena, text);
    for (char *c = digest; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    *(const char **)field = digest;
    reader->scenario->backup.sha256_where = rh_value_where(reader, node);
    return true;
}

/* It may be empty. */
bool rh_read_csv_null(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    const char *text = rh_value_text(reader, key->path, node);
    if (text && text[strcspn(text, ",\"\r\n")])
        return rh_value_fail(reader, node, "%s is a field without quotes, commas and line ends", key->path);
    *(const char **)field = text;
    return text != NULL;
}
