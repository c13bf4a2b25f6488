#include "keys.h"
#include "key_readers.h"
#include "pgrehearse/base/text.h"
#include <string.h>

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
static const rh_key_spec KEYS[] = {
    {"name", rh_read_name, AT(name), .required = true},
    {"backup", NULL, AT(backup.where), .required = true},
    {"backup.path", rh_read_backup_path, AT(backup.path)},
    {"backup.command", rh_read_backup_command, AT(backup.command)},
    {"backup.clone", rh_read_backup_clone, AT(backup.clone)},
    {"backup.timeout", rh_read_duration, AT(backup.timeout)},
    {"backup.restore_command", rh_read_restore_command, AT(backup.restore_command)},
    {"backup.target", NULL, AT(backup.target.where)},
    {"backup.target.time", rh_read_target_time, AT(backup.target.time)},
    {"backup.target.name", rh_read_target_name, AT(backup.target.name)},
    {"backup.target.lsn", rh_read_target_lsn, AT(backup.target.lsn)},
    {"backup.sha256", rh_read_sha256, AT(backup.sha256)},
    {"backup.database", rh_read_text, AT(backup.database)},
    {"backup.atomic_snapshot", rh_read_bool, AT(backup.atomic_snapshot)},
    {"backup.jobs", rh_read_int, AT(backup.jobs), .low = 1, .high = 256},
    {"backup.csv_null", rh_read_csv_null, AT(backup.csv_null)},
    {"backup.partial", rh_read_bool, AT(backup.partial)},
    {"backup.skip", rh_read_skip, AT(backup.skip)},
    {"backup.before", rh_read_before, AT(backup.before)},
    {"staging", NULL, AT(staging.where)},
    {"staging.kind", rh_read_word, AT(staging.kind), WORDS(STAGING_KINDS)},
    {"staging.url", rh_read_text, AT(staging.url)},
    {"staging.directory", rh_read_directory, AT(staging.directory)},
    {"staging.bindir", rh_read_directory, AT(staging.bindir)},
    {"staging.isolation", rh_read_word, AT(staging.isolation), WORDS(ISOLATIONS)},
    {"staging.warm_up", rh_read_bool, AT(staging.warm_up)},
    {"staging.snapshot", NULL, AT(staging.snapshot.where)},
    {"staging.snapshot.take", rh_read_command, AT(staging.snapshot.take), .required = true},
    {"staging.snapshot.reset", rh_read_command, AT(staging.snapshot.reset), .required = true},
    {"staging.snapshot.remove", rh_read_command, AT(staging.snapshot.remove)},
    {"staging.snapshot.directory", rh_read_directory, AT(staging.snapshot.directory)},
    {"staging.snapshot.timeout", rh_read_duration, AT(staging.snapshot.timeout)},
    {"staging.settings", rh_read_settings, AT(staging.settings)},
    {"prepare", rh_read_prepare, AT(prepare)},
    {"migrations", NULL, AT(migrations.where)},
    {"migrations.path", rh_read_migrations_path, AT(migrations.path)},
    {"migrations.framework", rh_read_word, AT(migrations.framework), WORDS(FRAMEWORKS)},
    {"migrations.pending", rh_read_pending, AT(migrations.pending)},
    {"migrations.history", rh_read_history_table, AT(migrations.history)},
    {"migrations.transaction", rh_read_transaction, AT(migrations.transaction), WORDS(FILE_TRANSACTIONS)},
    {"migrations.role", rh_read_migrations_role, AT(migrations.role)},
    {"migrations.statement_timeout", rh_read_duration, AT(migrations.statement_timeout)},
    {"migrations.command", rh_read_command, AT(migrations.command)},
    {"migrations.down", rh_read_command, AT(migrations.down)},
    {"migrations.concurrent_runners", rh_read_int, AT(migrations.concurrent_runners), .low = 1, .high = 16},
    {"migrations.steps", rh_read_migration_steps, AT(migrations.steps)},
    {"workload", NULL, AT(workload.where)},
    {"workload.source", rh_read_word, AT(workload.source), WORDS(WORKLOAD_SOURCES)},
    {"workload.path", rh_read_workload_path, AT(workload.files)},
    {"workload.next", NULL, AT(workload.next_where)},
    {"workload.next.source", rh_read_word, AT(workload.next.source), WORDS(NEXT_SOURCES), .required = true},
    {"workload.next.path", rh_read_next_path, AT(workload.next.files)},
    {"workload.rate", rh_read_real, AT(workload.rate), .low = 0.1, .high = 1e6},
    {"workload.connections", rh_read_int, AT(workload.connections), .low = 1, .high = 5000},
    {"workload.role", rh_read_workload_role, AT(workload.role)},
    {"workload.before", rh_read_duration, AT(workload.before)},
    {"workload.after", rh_read_duration, AT(workload.after)},
    {"workload.seed", rh_read_seed, AT(workload.seed)},
    {"disturb", rh_read_disturb, NO_FIELD},
    {"lock_policy", rh_read_lock_policy, NO_FIELD},
    {"backfills", rh_read_backfills, NO_FIELD},
    {"production", NULL, NO_FIELD},
    {"production.profile", rh_read_profile, AT(production.profile)},
    {"production.connections", rh_read_int, AT(production.connections), .low = 1, .high = 1000000},
    {"history", rh_read_history, AT(history.path)},
    {"rollback", rh_read_bool, AT(rollback)},
    {"interrupt", rh_read_bool, AT(interrupt)},
    {"verify", rh_read_verify, AT(verify)},
    {"repeat", rh_read_int, AT(repeat), .low = 1, .high = 1000},
    {"gates", NULL, NO_FIELD},
    {"gates.predicted_duration", rh_read_gate_duration, AT(gates[RH_GATE_PREDICTED_DURATION])},
    {"gates.reads_blocked", rh_read_gate_duration, AT(gates[RH_GATE_READS_BLOCKED])},
    {"gates.writes_blocked", rh_read_gate_duration, AT(gates[RH_GATE_WRITES_BLOCKED])},
    {"gates.response_p99_ratio", rh_read_gate_number, AT(gates[RH_GATE_RESPONSE_P99_RATIO]), .low = 0,
     .high = 1e9},
    {"gates.backup_checksum", rh_read_gate_required, AT(gates[RH_GATE_BACKUP_CHECKSUM])},
    {"gates.load_errors", rh_read_gate_count, AT(gates[RH_GATE_LOAD_ERRORS]), .low = 0, .high = 1e15},
};
enum { KEY_COUNT = sizeof KEYS / sizeof *KEYS };

const char *rh_keys_name(size_t index)
{
    return index < KEY_COUNT ? KEYS[index].path : NULL;
}

rh_key_limits rh_keys_limits(size_t index)
{
    const rh_key_spec *key = &KEYS[index];
    return (rh_key_limits){key->words, key->word_count, key->low, key->high};
}

/* ---- the walk ---- */

static const rh_key_spec *find_key(const char *path)
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
    const rh_key_spec *key = strchr(word, '.') ? NULL : find_key(path);
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
