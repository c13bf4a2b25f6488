#include "keys.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/relation.h"
#include "pgrehearse/base/text.h"
#include "backfill.h"
#include "disturb.h"
#include "recovery.h"
#include "settings.h"
#include "steps.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef struct key_spec key_spec;

/* Reads NODE, the value of KEY, into FIELD (KEY's offset in the scenario). */
typedef bool (*read_function)(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field);

struct key_spec {
    const char *path;
    read_function read; /* NULL: a section; its offset is then that of its rh_location */
    size_t offset;      /* SIZE_MAX: it has no field */
    double low, high;   /* of numbers */
    const rh_key_word *words;
    size_t word_count;
    bool required; /* where its section is given */
};

/* ---- readers ---- */

static bool read_name(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
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

static bool read_text(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    const char *text = rh_value_text(reader, key->path, node);
    if (text && !*text)
        return rh_value_fail(reader, node, "%s is empty", key->path);
    *(const char **)field = text;
    return text != NULL;
}

static bool read_int(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    int64_t value;
    if (!rh_value_int(reader, key->path, node, (int64_t)key->low, (int64_t)key->high, &value))
        return false;
    *(int *)field = (int)value;
    return true;
}

static bool read_seed(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    int64_t value;
    if (!rh_value_int(reader, key->path, node, 0, INT64_MAX, &value))
        return false;
    *(uint64_t *)field = (uint64_t)value;
    return true;
}

static bool read_real(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_value_real(reader, key->path, node, key->low, key->high, field);
}

static bool read_bool(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_value_bool(reader, key->path, node, field);
}

static bool read_duration(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_value_duration(reader, key->path, node, field);
}

/* Enums have the size of int. */
static bool read_word(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_value_word(reader, key->path, node, key->words, key->word_count, field);
}

static bool read_profile(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
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

static bool read_migrations_role(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    reader->scenario->migrations.role_where = rh_value_where(reader, node);
    return read_text(reader, key, node, field);
}

static bool read_workload_role(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    reader->scenario->workload.role_where = rh_value_where(reader, node);
    return read_text(reader, key, node, field);
}

static bool read_directory(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    const char *path = rh_value_path(reader, key->path, node);
    if (!path)
        return false;
    if (!rh_directory_exists(path))
        return rh_value_fail(reader, node, "%s must be a directory: \"%s\"", key->path, rh_yaml_scalar(node));
    *(const char **)field = path;
    return true;
}

static bool read_history(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    const char *word = rh_yaml_scalar(node);
    reader->scenario->history.off = word && strcmp(word, "none") == 0;
    return reader->scenario->history.off || read_directory(reader, key, node, field);
}

static bool read_backup_path(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    *(const char **)field = rh_value_path(reader, key->path, node);
    reader->scenario->backup.where = rh_value_where(reader, node);
    return *(const char **)field != NULL;
}

static bool read_backup_command(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    (void)key;
    *(const char ***)field = rh_command_read(reader, "command", node);
    reader->scenario->backup.where = rh_value_where(reader, node);
    return *(const char ***)field != NULL;
}

static bool read_restore_command(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_restore_command_read(reader, key->path, node, field);
}

static bool read_target_time(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_target_time_read(reader, key->path, node, field);
}

static bool read_target_name(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_target_name_read(reader, key->path, node, field);
}

static bool read_target_lsn(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_target_lsn_read(reader, key->path, node, field);
}

static bool read_skip(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
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

static bool read_sha256(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
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

static bool read_migrations_path(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    *(const char **)field = rh_value_path(reader, key->path, node);
    reader->scenario->migrations.where = rh_value_where(reader, node);
    return *(const char **)field != NULL;
}

static bool read_command(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    const char *name = strrchr(key->path, '.') + 1;
    reader->scenario->migrations.where = rh_value_where(reader, node);
    *(const char ***)field = rh_command_read(reader, name, node);
    return *(const char ***)field != NULL;
}

static bool read_settings(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    (void)field;
    return rh_settings_read(reader, key->path, node, &reader->scenario->staging.settings,
                            &reader->scenario->staging.setting_count);
}

static bool read_pending(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
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
static bool read_history_table(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
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

static bool read_transaction(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    reader->scenario->migrations.transaction_where = rh_value_where(reader, node);
    return read_word(reader, key, node, field);
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

static bool read_workload_files(rh_reader *reader, const key_spec *key, rh_yaml_node *node,
                                rh_workload_file **files, size_t *count)
{
    if (rh_yaml_node_kind(node) != RH_YAML_SEQUENCE)
        return read_workload_file(reader, key->path, node, files, count);
    for (size_t i = 0; i < rh_yaml_count(node); i++)
        if (!read_workload_file(reader, key->path, rh_yaml_item(node, i), files, count))
            return false;
    return rh_yaml_count(node) > 0 || rh_value_fail(reader, node, "%s is an empty list", key->path);
}

static bool read_workload_path(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    return read_workload_files(reader, key, node, field, &reader->scenario->workload.file_count);
}

static bool read_next_path(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    return read_workload_files(reader, key, node, field, &reader->scenario->workload.next.file_count);
}

/* ---- gates ---- */

static void set_gate(rh_reader *reader, rh_yaml_node *node, rh_gate_limit *gate, double limit)
{
    *gate = (rh_gate_limit){.set = true,
                            .limit = limit,
                            .text = rh_value_text(reader, "gate", node),
                            .where = rh_value_where(reader, node)};
}

static bool read_gate_duration(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    rh_usec value;
    if (!rh_value_duration(reader, key->path, node, &value))
        return false;
    set_gate(reader, node, field, rh_seconds(value));
    return true;
}

static bool read_gate_number(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    double value;
    if (!rh_value_real(reader, key->path, node, key->low, key->high, &value))
        return false;
    set_gate(reader, node, field, value);
    return true;
}

static bool read_gate_count(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    int64_t value;
    if (!rh_value_int(reader, key->path, node, (int64_t)key->low, (int64_t)key->high, &value))
        return false;
    set_gate(reader, node, field, (double)value);
    return true;
}

static bool read_gate_required(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    static const rh_key_word words[] = {{"required", 0, NULL}};
    int value;
    if (!rh_value_word(reader, key->path, node, words, 1, &value))
        return false;
    set_gate(reader, node, field, 0);
    return true;
}

/* ---- steps ---- */

static bool read_before(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_steps_read(reader, key->path, node, field, &reader->scenario->backup.before_count);
}

static bool read_prepare(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_steps_read(reader, key->path, node, field, &reader->scenario->prepare_count);
}

static bool read_verify(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    rh_scenario *scenario = reader->scenario;
    return rh_steps_read(reader, key->path, node, field, &scenario->verify_count) &&
           rh_steps_check_verify(reader, scenario->verify, scenario->verify_count);
}

static bool read_migration_steps(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    return rh_migration_steps_read(reader, key->path, node, field, &reader->scenario->migrations.step_count);
}

static bool read_disturb(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    (void)key;
    (void)field;
    return rh_disturb_read(reader, node);
}

static bool read_lock_policy(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    (void)key;
    (void)field;
    return rh_lock_policy_read(reader, node);
}

static bool read_backfills(rh_reader *reader, const key_spec *key, rh_yaml_node *node, void *field)
{
    (void)key;
    (void)field;
    return rh_backfills_read(reader, node);
}

/* ---- the table ---- */

static const rh_key_word ISOLATIONS[] = {
    {"full", RH_ISOLATION_FULL, NULL},
    {"weak", RH_ISOLATION_WEAK, NULL},
};
static const rh_key_word STAGING_KINDS[] = {{"embedded", RH_STAGING_EMBEDDED, NULL},
                                            {"server", RH_STAGING_SERVER, NULL}};

static const rh_key_word FRAMEWORKS[] = {
    {"auto", RH_FRAMEWORK_AUTO, NULL},
    {"sql", RH_FRAMEWORK_SQL, NULL},
    {"golang-migrate", RH_FRAMEWORK_GOLANG_MIGRATE, NULL},
    {"dbmate", RH_FRAMEWORK_DBMATE, NULL},
    {"goose", RH_FRAMEWORK_GOOSE, NULL},
    {"diesel", RH_FRAMEWORK_DIESEL, NULL},
    {"prisma", RH_FRAMEWORK_PRISMA, NULL},
    {"flyway", RH_FRAMEWORK_FLYWAY, NULL},
    {"pop", RH_FRAMEWORK_POP, NULL},
    {"morph", RH_FRAMEWORK_MORPH, NULL},
    {"postgrator", RH_FRAMEWORK_POSTGRATOR, NULL},
    {"sqitch", RH_FRAMEWORK_SQITCH, NULL},
    {"node-pg-migrate", RH_FRAMEWORK_NODE_PG_MIGRATE, NULL},
    {"rails", RH_FRAMEWORK_RAILS, NULL},
    {"drizzle", RH_FRAMEWORK_DRIZZLE, NULL},
    {"sqlx", RH_FRAMEWORK_SQLX, NULL},
    {"command", RH_FRAMEWORK_COMMAND, NULL},
};

static const rh_key_word FILE_TRANSACTIONS[] = {
    {"each", RH_FILE_TRANSACTION_EACH, NULL},
    {"file", RH_FILE_TRANSACTION_FILE, NULL},
    {"all", RH_FILE_TRANSACTION_ALL, NULL},
};

static const rh_key_word WORKLOAD_SOURCES[] = {
    {"schema", RH_WORKLOAD_SCHEMA, NULL},
    {"none", RH_WORKLOAD_NONE, NULL},
    {"pg_stat_statements", RH_WORKLOAD_STATISTICS, NULL},
    {"pgbench", RH_WORKLOAD_PGBENCH, NULL},
};

/* No schema: the next release's tables, played by themselves, say nothing about its application. */
static const rh_key_word NEXT_SOURCES[] = {
    {"pg_stat_statements", RH_WORKLOAD_STATISTICS, NULL},
    {"pgbench", RH_WORKLOAD_PGBENCH, NULL},
};

#define AT(field) .offset = offsetof(rh_scenario, field)
#define NO_FIELD .offset = SIZE_MAX
#define WORDS(list) .words = (list), .word_count = sizeof(list) / sizeof *(list)
static const key_spec KEYS[] = {
    {"name", read_name, AT(name), .required = true},
    {"backup", NULL, AT(backup.where), .required = true},
    {"backup.path", read_backup_path, AT(backup.path)},
    {"backup.command", read_backup_command, AT(backup.command)},
    {"backup.timeout", read_duration, AT(backup.timeout)},
    {"backup.restore_command", read_restore_command, AT(backup.restore_command)},
    {"backup.target", NULL, AT(backup.target.where)},
    {"backup.target.time", read_target_time, AT(backup.target.time)},
    {"backup.target.name", read_target_name, AT(backup.target.name)},
    {"backup.target.lsn", read_target_lsn, AT(backup.target.lsn)},
    {"backup.sha256", read_sha256, AT(backup.sha256)},
    {"backup.database", read_text, AT(backup.database)},
    {"backup.atomic_snapshot", read_bool, AT(backup.atomic_snapshot)},
    {"backup.jobs", read_int, AT(backup.jobs), .low = 1, .high = 256},
    {"backup.partial", read_bool, AT(backup.partial)},
    {"backup.skip", read_skip, AT(backup.skip)},
    {"backup.before", read_before, AT(backup.before)},
    {"staging", NULL, AT(staging.where)},
    {"staging.kind", read_word, AT(staging.kind), WORDS(STAGING_KINDS)},
    {"staging.url", read_text, AT(staging.url)},
    {"staging.directory", read_directory, AT(staging.directory)},
    {"staging.bindir", read_directory, AT(staging.bindir)},
    {"staging.isolation", read_word, AT(staging.isolation), WORDS(ISOLATIONS)},
    {"staging.settings", read_settings, AT(staging.settings)},
    {"prepare", read_prepare, AT(prepare)},
    {"migrations", NULL, AT(migrations.where)},
    {"migrations.path", read_migrations_path, AT(migrations.path)},
    {"migrations.framework", read_word, AT(migrations.framework), WORDS(FRAMEWORKS)},
    {"migrations.pending", read_pending, AT(migrations.pending)},
    {"migrations.history", read_history_table, AT(migrations.history)},
    {"migrations.transaction", read_transaction, AT(migrations.transaction), WORDS(FILE_TRANSACTIONS)},
    {"migrations.role", read_migrations_role, AT(migrations.role)},
    {"migrations.statement_timeout", read_duration, AT(migrations.statement_timeout)},
    {"migrations.command", read_command, AT(migrations.command)},
    {"migrations.down", read_command, AT(migrations.down)},
    {"migrations.concurrent_runners", read_int, AT(migrations.concurrent_runners), .low = 1, .high = 16},
    {"migrations.steps", read_migration_steps, AT(migrations.steps)},
    {"workload", NULL, AT(workload.where)},
    {"workload.source", read_word, AT(workload.source), WORDS(WORKLOAD_SOURCES)},
    {"workload.path", read_workload_path, AT(workload.files)},
    {"workload.next", NULL, AT(workload.next_where)},
    {"workload.next.source", read_word, AT(workload.next.source), WORDS(NEXT_SOURCES), .required = true},
    {"workload.next.path", read_next_path, AT(workload.next.files)},
    {"workload.rate", read_real, AT(workload.rate), .low = 0.1, .high = 1e6},
    {"workload.connections", read_int, AT(workload.connections), .low = 1, .high = 5000},
    {"workload.role", read_workload_role, AT(workload.role)},
    {"workload.before", read_duration, AT(workload.before)},
    {"workload.after", read_duration, AT(workload.after)},
    {"workload.seed", read_seed, AT(workload.seed)},
    {"disturb", read_disturb, NO_FIELD},
    {"lock_policy", read_lock_policy, NO_FIELD},
    {"backfills", read_backfills, NO_FIELD},
    {"production", NULL, NO_FIELD},
    {"production.profile", read_profile, AT(production.profile)},
    {"production.connections", read_int, AT(production.connections), .low = 1, .high = 1000000},
    {"history", read_history, AT(history.path)},
    {"rollback", read_bool, AT(rollback)},
    {"interrupt", read_bool, AT(interrupt)},
    {"verify", read_verify, AT(verify)},
    {"repeat", read_int, AT(repeat), .low = 1, .high = 1000},
    {"gates", NULL, NO_FIELD},
    {"gates.predicted_duration", read_gate_duration, AT(gates[RH_GATE_PREDICTED_DURATION])},
    {"gates.reads_blocked", read_gate_duration, AT(gates[RH_GATE_READS_BLOCKED])},
    {"gates.writes_blocked", read_gate_duration, AT(gates[RH_GATE_WRITES_BLOCKED])},
    {"gates.response_p99_ratio", read_gate_number, AT(gates[RH_GATE_RESPONSE_P99_RATIO]), .low = 0,
     .high = 1e9},
    {"gates.backup_checksum", read_gate_required, AT(gates[RH_GATE_BACKUP_CHECKSUM])},
    {"gates.load_errors", read_gate_count, AT(gates[RH_GATE_LOAD_ERRORS]), .low = 0, .high = 1e15},
};
enum { KEY_COUNT = sizeof KEYS / sizeof *KEYS };

const char *rh_keys_name(size_t index)
{
    return index < KEY_COUNT ? KEYS[index].path : NULL;
}

rh_key_limits rh_keys_limits(size_t index)
{
    const key_spec *key = &KEYS[index];
    return (rh_key_limits){key->words, key->word_count, key->low, key->high};
}

/* ---- the walk ---- */

static const key_spec *find_key(const char *path)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (strcmp(KEYS[i].path, path) == 0)
            return &KEYS[i];
    return NULL;
}

/* The last part of PATH when it lies right in SECTION ("" is the top), else NULL. */
static const char *name_in(const char *path, const char *section)
{
    size_t length = strlen(section);
    if (length && (strncmp(path, section, length) != 0 || path[length] != '.'))
        return NULL;
    const char *name = path + length + (length > 0);
    return strchr(name, '.') ? NULL : name;
}

static bool fail_unknown(rh_reader *reader, const char *section, rh_yaml_node *node)
{
    const char *word = rh_yaml_scalar(node), *siblings[KEY_COUNT], *elsewhere = NULL;
    size_t count = 0, found = 0;
    rh_text list = {0};
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const char *name = name_in(KEYS[i].path, section), *dot = strrchr(KEYS[i].path, '.');
        if (name) {
            siblings[count++] = name;
            rh_text_printf(&list, "%s%s", list.length ? ", " : "", name);
        } else if (strcmp(dot ? dot + 1 : KEYS[i].path, word) == 0) {
            elsewhere = KEYS[i].path;
            found++;
        }
    }
    const char *nearest = rh_nearest(word, siblings, count);
    if (!nearest && found == 1)
        nearest = elsewhere;
    rh_text text = {0};
    rh_text_printf(&text, "unknown key \"%s\"", word);
    if (*section)
        rh_text_printf(&text, " in %s", section);
    if (nearest)
        rh_text_printf(&text, "; did you mean \"%s\"?", nearest);
    rh_value_fail(reader, node, "%s", rh_text_string(&text));
    rh_error_hint(reader->error, "the keys of %s: %s", *section ? section : "a scenario",
                  rh_text_string(&list));
    rh_text_release(&text);
    rh_text_release(&list);
    return false;
}

static bool check_required(rh_reader *reader, const char *section, rh_yaml_node *mapping)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const char *name = name_in(KEYS[i].path, section);
        if (!name || !KEYS[i].required || rh_yaml_get(mapping, name))
            continue;
        rh_value_fail(reader, mapping, "%s is missing", KEYS[i].path);
        return rh_error_hint(reader->error,
                             "\"pgrehearse init DIRECTORY\" writes a scenario with every key explained");
    }
    return true;
}

static bool read_section(rh_reader *reader, const char *section, rh_yaml_node *mapping);

static bool read_pair(rh_reader *reader, const char *section, rh_yaml_node *name, rh_yaml_node *value)
{
    const char *word = rh_yaml_scalar(name);
    const char *path = *section ? rh_arena_printf(reader->arena, "%s.%s", section, word) : word;
    const key_spec *key = strchr(word, '.') ? NULL : find_key(path);
    if (!key)
        return fail_unknown(reader, section, name);
    bool nothing = rh_yaml_node_kind(value) == RH_YAML_NULL;
    void *field = key->offset == SIZE_MAX ? NULL : (char *)reader->scenario + key->offset;
    if (!key->read) {
        if (field)
            *(rh_location *)field = rh_value_where(reader, name);
        if (nothing && !key->required)
            return true;
        if (!nothing && rh_yaml_node_kind(value) != RH_YAML_MAPPING) {
            rh_value_fail(reader, value, "%s must be a map of keys", path);
            return rh_error_hint(reader->error, "indent its keys below it, one a line");
        }
        return read_section(reader, path, value);
    }
    if (nothing)
        return rh_value_fail(reader, name, "%s has no value", path);
    return key->read(reader, key, value, field);
}

static bool read_section(rh_reader *reader, const char *section, rh_yaml_node *mapping)
{
    for (size_t i = 0; i < rh_yaml_count(mapping); i++)
        if (!read_pair(reader, section, rh_yaml_key(mapping, i), rh_yaml_value(mapping, i)))
            return false;
    return check_required(reader, section, mapping);
}

bool rh_keys_read(rh_reader *reader, rh_yaml_node *root)
{
    if (rh_yaml_node_kind(root) == RH_YAML_NULL) {
        rh_value_fail(reader, root, "the scenario is empty");
        return rh_error_hint(reader->error, "\"pgrehearse init DIRECTORY\" writes one to start from");
    }
    if (rh_yaml_node_kind(root) != RH_YAML_MAPPING) {
        rh_value_fail(reader, root, "this is not a scenario file: it has no keys");
        return rh_error_hint(reader->error, "\"pgrehearse init DIRECTORY\" writes one to start from");
    }
    return read_section(reader, "", root);
}
