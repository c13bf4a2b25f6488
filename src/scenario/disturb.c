#include "disturb.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include <string.h>

static const rh_usec DEFAULT_DURATION = 10 * RH_SECOND;

/* Bits of the options that a kind of disturber takes or requires. */
enum { TABLE = 1, TABLE_NEEDED = 2, SQL = 4 };

typedef struct kind_spec {
    const char *word;
    rh_disturber_kind kind;
    unsigned options;
} kind_spec;

static const kind_spec KINDS[] = {
    {"pg_dump", RH_DISTURBER_PG_DUMP, 0},
    {"idle_in_transaction", RH_DISTURBER_IDLE_IN_TRANSACTION, TABLE | TABLE_NEEDED},
    {"query", RH_DISTURBER_QUERY, TABLE | SQL},
    {"autovacuum", RH_DISTURBER_AUTOVACUUM, TABLE | TABLE_NEEDED},
    {"snapshot", RH_DISTURBER_SNAPSHOT, 0},
};
enum { KIND_COUNT = sizeof KINDS / sizeof *KINDS };

static const kind_spec *read_kind(rh_reader *reader, rh_yaml_node *node)
{
    rh_key_word words[KIND_COUNT];
    for (size_t i = 0; i < KIND_COUNT; i++)
        words[i] = (rh_key_word){KINDS[i].word, (int)i, NULL};
    int index;
    return rh_value_word(reader, "an item of disturb", node, words, KIND_COUNT, &index) ? &KINDS[index]
                                                                                        : NULL;
}

static bool read_migrations(rh_reader *reader, rh_yaml_node *node, rh_disturber *disturber)
{
    if (rh_yaml_node_kind(node) != RH_YAML_SEQUENCE || rh_yaml_count(node) == 0) {
        rh_value_fail(reader, node, "migrations must be a list of migrations");
        return rh_error_hint(reader->error, "write migrations: [\"000012\"], or leave it out: every one");
    }
    for (size_t i = 0; i < rh_yaml_count(node); i++) {
        const char *id = rh_value_text(reader, "an item of migrations", rh_yaml_item(node, i));
        if (!id)
            return false;
        *rh_arena_add(reader->arena, &disturber->migrations, &disturber->migration_count) = id;
    }
    return true;
}

static bool read_duration(rh_reader *reader, rh_yaml_node *node, rh_usec *duration)
{
    if (!rh_value_duration(reader, "for", node, duration))
        return false;
    return *duration > 0 || rh_value_fail(reader, node, "for must be greater than 0");
}

static bool read_sql(rh_reader *reader, rh_yaml_node *node, rh_disturber *disturber)
{
    disturber->sql = rh_value_path(reader, "sql", node);
    if (disturber->sql && rh_directory_exists(disturber->sql))
        return rh_value_fail(reader, node, "sql must be a file, and \"%s\" is a directory",
                             rh_yaml_scalar(node));
    return disturber->sql != NULL;
}

static bool read_table(rh_reader *reader, rh_yaml_node *node, rh_disturber *disturber)
{
    disturber->table = rh_value_text(reader, "table", node);
    if (disturber->table && !*disturber->table)
        return rh_value_fail(reader, node, "table is empty");
    return disturber->table != NULL;
}

static bool fail_option(rh_reader *reader, const kind_spec *kind, rh_yaml_node *name)
{
    const char *known[4] = {"for", "migrations"};
    size_t count = 2;
    if (kind->options & TABLE)
        known[count++] = "table";
    if (kind->options & SQL)
        known[count++] = "sql";
    return rh_value_unknown_key(reader, name, kind->word, known, count);
}

static bool read_option(rh_reader *reader, const kind_spec *kind, rh_yaml_node *name, rh_yaml_node *value,
                        rh_disturber *disturber)
{
    const char *word = rh_yaml_scalar(name);
    if (strcmp(word, "for") == 0)
        return read_duration(reader, value, &disturber->duration);
    if (strcmp(word, "migrations") == 0)
        return read_migrations(reader, value, disturber);
    if (strcmp(word, "table") == 0 && kind->options & TABLE)
        return read_table(reader, value, disturber);
    if (strcmp(word, "sql") == 0 && kind->options & SQL)
        return read_sql(reader, value, disturber);
    return fail_option(reader, kind, name);
}

/* Checks the options of one disturber together. */
static bool check_options(rh_reader *reader, const kind_spec *kind, rh_yaml_node *node,
                          const rh_disturber *disturber)
{
    if (kind->options & TABLE_NEEDED && !disturber->table) {
        rh_value_fail(reader, node, "%s needs a table", kind->word);
        return rh_error_hint(reader->error, "write - %s: {table: NAME}", kind->word);
    }
    if (disturber->sql && disturber->table) {
        rh_value_fail(reader, node, "%s has either a table or sql", kind->word);
        return rh_error_hint(reader->error,
                             "table: the table to scan repeatedly; sql: a file with your own query");
    }
    return true;
}

static bool read_disturber(rh_reader *reader, rh_yaml_node *node, rh_disturber *disturber)
{
    bool mapping = rh_yaml_node_kind(node) == RH_YAML_MAPPING && rh_yaml_count(node) == 1;
    if (!mapping && rh_yaml_node_kind(node) != RH_YAML_SCALAR) {
        rh_value_fail(reader, node, "each item of disturb is one kind of disturber");
        return rh_error_hint(reader->error,
                             "write - pg_dump, or - idle_in_transaction: {table: NAME, for: 10s}");
    }
    const kind_spec *kind = read_kind(reader, mapping ? rh_yaml_key(node, 0) : node);
    if (!kind)
        return false;
    rh_yaml_node *options = mapping ? rh_yaml_value(node, 0) : NULL;
    *disturber = (rh_disturber){
        .kind = kind->kind, .duration = DEFAULT_DURATION, .where = rh_value_where(reader, node)};
    if (options && rh_yaml_node_kind(options) != RH_YAML_NULL) {
        if (rh_yaml_node_kind(options) != RH_YAML_MAPPING) {
            rh_value_fail(reader, options, "the options of %s must be a map of keys", kind->word);
            return rh_error_hint(reader->error, "write - %s: {%sfor: 10s}", kind->word,
                                 kind->options & TABLE ? "table: NAME, " : "");
        }
        for (size_t i = 0; i < rh_yaml_count(options); i++)
            if (!read_option(reader, kind, rh_yaml_key(options, i), rh_yaml_value(options, i), disturber))
                return false;
    }
    return check_options(reader, kind, node, disturber);
}

bool rh_disturb_read(rh_reader *reader, rh_yaml_node *node)
{
    rh_scenario *scenario = reader->scenario;
    if (rh_yaml_node_kind(node) != RH_YAML_SEQUENCE) {
        rh_value_fail(reader, node, "disturb must be a list of disturbers");
        return rh_error_hint(reader->error, "begin each with a dash: - pg_dump");
    }
    for (size_t i = 0; i < rh_yaml_count(node); i++)
        if (!read_disturber(reader, rh_yaml_item(node, i),
                            rh_arena_add(reader->arena, &scenario->disturb, &scenario->disturb_count)))
            return false;
    return true;
}

/* ---- lock_policy ---- */

static void add_timeout(rh_reader *reader, rh_lock_policy_options *options, rh_usec timeout)
{
    *rh_arena_add(reader->arena, &options->timeouts, &options->timeout_count) = timeout;
}

/* In order, the shortest first and none (0) last, each once. */
static void sort_timeouts(rh_lock_policy_options *options)
{
    for (size_t i = 1; i < options->timeout_count; i++)
        for (size_t k = i; k > 0; k--) {
            rh_usec *a = &options->timeouts[k - 1], *b = &options->timeouts[k], swap = *a;
            if (*b == 0 || (*a != 0 && *a <= *b))
                break;
            *a = *b;
            *b = swap;
        }
    size_t kept = options->timeout_count > 0;
    for (size_t i = 1; i < options->timeout_count; i++)
        if (options->timeouts[i] != options->timeouts[kept - 1])
            options->timeouts[kept++] = options->timeouts[i];
    options->timeout_count = kept;
}

static bool read_timeouts(rh_reader *reader, rh_yaml_node *node, rh_lock_policy_options *options)
{
    if (rh_yaml_node_kind(node) != RH_YAML_SEQUENCE || rh_yaml_count(node) == 0) {
        rh_value_fail(reader, node, "lock_policy.timeouts must be a list of durations");
        return rh_error_hint(reader->error, "write timeouts: [50ms, 200ms, 1s, 5s, 0]; 0 is no lock_timeout");
    }
    for (size_t i = 0; i < rh_yaml_count(node); i++) {
        rh_usec timeout;
        rh_yaml_node *item = rh_yaml_item(node, i);
        if (!rh_value_duration(reader, "an item of lock_policy.timeouts", item, &timeout))
            return false;
        if (timeout != 0 && timeout < RH_SECOND / 1000)
            return rh_value_fail(reader, item, "lock_timeout counts whole milliseconds: %s is too short",
                                 rh_yaml_scalar(item));
        add_timeout(reader, options, timeout);
    }
    sort_timeouts(options);
    return true;
}

static bool read_count(rh_reader *reader, const char *key, rh_yaml_node *node, int high, int *count)
{
    int64_t value;
    if (!rh_value_int(reader, key, node, 1, high, &value))
        return false;
    *count = (int)value;
    return true;
}

static bool read_options(rh_reader *reader, rh_yaml_node *name, rh_yaml_node *value,
                         rh_lock_policy_options *options)
{
    static const char *const known[] = {"timeouts", "attempts", "tries", "limit"};
    const char *word = rh_yaml_scalar(name);
    if (strcmp(word, known[0]) == 0)
        return read_timeouts(reader, value, options);
    if (strcmp(word, known[1]) == 0)
        return read_count(reader, "lock_policy.attempts", value, 1000, &options->attempts);
    if (strcmp(word, known[2]) == 0)
        return read_count(reader, "lock_policy.tries", value, 100, &options->tries);
    if (strcmp(word, known[3]) == 0) {
        if (!rh_value_duration(reader, "lock_policy.limit", value, &options->limit))
            return false;
        return options->limit > 0 || rh_value_fail(reader, value, "lock_policy.limit must be greater than 0");
    }
    return rh_value_unknown_key(reader, name, "lock_policy", known, sizeof known / sizeof *known);
}

bool rh_lock_policy_read(rh_reader *reader, rh_yaml_node *node)
{
    static const rh_key_word words[] = {{"search", 1, NULL}};
    static const rh_usec defaults[] = {RH_SECOND / 20, RH_SECOND / 5, RH_SECOND, 5 * RH_SECOND, 0};
    rh_lock_policy_options *options = &reader->scenario->lock_policy;
    int search;
    *options = (rh_lock_policy_options){.search = true,
                                        .attempts = 10,
                                        .tries = 3,
                                        .limit = 300 * RH_SECOND,
                                        .where = rh_value_where(reader, node)};
    if (rh_yaml_node_kind(node) != RH_YAML_MAPPING) {
        if (!rh_value_word(reader, "lock_policy", node, words, 1, &search))
            return rh_error_hint(reader->error,
                                 "write lock_policy: search, or a map: {tries: 5, limit: 10min}");
    }
    for (size_t i = 0; rh_yaml_node_kind(node) == RH_YAML_MAPPING && i < rh_yaml_count(node); i++)
        if (!read_options(reader, rh_yaml_key(node, i), rh_yaml_value(node, i), options))
            return false;
    bool given = options->timeout_count > 0;
    for (size_t i = 0; !given && i < sizeof defaults / sizeof *defaults; i++)
        add_timeout(reader, options, defaults[i]);
    return true;
}
