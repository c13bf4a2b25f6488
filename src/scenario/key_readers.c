/* Readers of keys of any section, of gates and of steps. */
#include "key_readers.h"
#include "pgrehearse/adapters/files.h"
#include "backfill.h"
#include "disturb.h"
#include "settings.h"
#include "steps.h"
#include <string.h>

bool rh_read_name(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    const char *name = rh_value_text(reader, key->path, node);
    if (!name)
        return false;
    bool ok = *name && *name != '.' && strlen(name) <= 100;
    for (const char *c = name; *c; c++)
        ok = ok && *c != '/' && (unsigned char)*c >= ' ' && *c != 0x7f;
    if (!ok) {
        rh_value_fail(reader, node,
                      "name must be 1 to 100 characters without \"/\", not beginning with a dot");
        return rh_error_hint(reader->error, "it names the folder of the reports");
    }
    *(const char **)field = name;
    return true;
}

bool rh_read_text(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    const char *text = rh_value_text(reader, key->path, node);
    if (text && !*text)
        return rh_value_fail(reader, node, "%s is empty", key->path);
    *(const char **)field = text;
    return text != NULL;
}

bool rh_read_int(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    int64_t value;
    if (!rh_value_int(reader, key->path, node, (int64_t)key->low, (int64_t)key->high, &value))
        return false;
    *(int *)field = (int)value;
    return true;
}

bool rh_read_seed(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    int64_t value;
    if (!rh_value_int(reader, key->path, node, 0, INT64_MAX, &value))
        return false;
    *(uint64_t *)field = (uint64_t)value;
    return true;
}

bool rh_read_real(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_value_real(reader, key->path, node, key->low, key->high, field);
}

bool rh_read_bool(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_value_bool(reader, key->path, node, field);
}

bool rh_read_duration(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_value_duration(reader, key->path, node, field);
}

/* Enums have the size of int. */
bool rh_read_word(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_value_word(reader, key->path, node, key->words, key->word_count, field);
}

bool rh_read_profile(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    const char *path = rh_value_path(reader, key->path, node);
    if (!path)
        return false;
    if (rh_directory_exists(path))
        return rh_value_fail(reader, node, "%s must be a file: \"%s\"", key->path, rh_yaml_scalar(node));
    reader->scenario->production.where = rh_value_where(reader, node);
    *(const char **)field = path;
    return true;
}

bool rh_read_migrations_role(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    reader->scenario->migrations.role_where = rh_value_where(reader, node);
    return rh_read_text(reader, key, node, field);
}

bool rh_read_workload_role(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    reader->scenario->workload.role_where = rh_value_where(reader, node);
    return rh_read_text(reader, key, node, field);
}

bool rh_read_directory(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    const char *path = rh_value_path(reader, key->path, node);
    if (!path)
        return false;
    if (!rh_directory_exists(path))
        return rh_value_fail(reader, node, "%s must be a directory: \"%s\"", key->path, rh_yaml_scalar(node));
    *(const char **)field = path;
    return true;
}

bool rh_read_history(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    const char *word = rh_yaml_scalar(node);
    reader->scenario->history.off = word && strcmp(word, "none") == 0;
    return reader->scenario->history.off || rh_read_directory(reader, key, node, field);
}

bool rh_read_settings(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    (void)field;
    return rh_settings_read(reader, key->path, node, &reader->scenario->staging.settings,
                            &reader->scenario->staging.setting_count);
}

/* ---- gates ---- */

static void set_gate(rh_reader *reader, rh_yaml_node *node, rh_gate_limit *gate, double limit)
{
    *gate = (rh_gate_limit){.set = true,
                            .limit = limit,
                            .text = rh_value_text(reader, "gate", node),
                            .where = rh_value_where(reader, node)};
}

bool rh_read_gate_duration(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    rh_usec value;
    if (!rh_value_duration(reader, key->path, node, &value))
        return false;
    set_gate(reader, node, field, rh_seconds(value));
    return true;
}

bool rh_read_gate_number(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    double value;
    if (!rh_value_real(reader, key->path, node, key->low, key->high, &value))
        return false;
    set_gate(reader, node, field, value);
    return true;
}

bool rh_read_gate_count(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    int64_t value;
    if (!rh_value_int(reader, key->path, node, (int64_t)key->low, (int64_t)key->high, &value))
        return false;
    set_gate(reader, node, field, (double)value);
    return true;
}

bool rh_read_gate_required(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    static const rh_key_word words[] = {{"required", 0, NULL}};
    int value;
    if (!rh_value_word(reader, key->path, node, words, 1, &value))
        return false;
    set_gate(reader, node, field, 0);
    return true;
}

/* ---- steps ---- */

bool rh_read_before(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_steps_read(reader, key->path, node, field, &reader->scenario->backup.before_count);
}

bool rh_read_prepare(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_steps_read(reader, key->path, node, field, &reader->scenario->prepare_count);
}

bool rh_read_verify(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    rh_scenario *scenario = reader->scenario;
    return rh_steps_read(reader, key->path, node, field, &scenario->verify_count) &&
           rh_steps_check_verify(reader, scenario->verify, scenario->verify_count);
}

bool rh_read_migration_steps(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_migration_steps_read(reader, key->path, node, field, &reader->scenario->migrations.step_count);
}

bool rh_read_disturb(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    (void)key;
    (void)field;
    return rh_disturb_read(reader, node);
}

bool rh_read_lock_policy(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    (void)key;
    (void)field;
    return rh_lock_policy_read(reader, node);
}

bool rh_read_backfills(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field)
{
    (void)key;
    (void)field;
    return rh_backfills_read(reader, node);
}
