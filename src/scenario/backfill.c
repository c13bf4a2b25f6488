#include "backfill.h"
#include "pgrehearse/base/text.h"
#include "backfill_own.h"
#include "backfill_program.h"
#include "backfill_schedule.h"
#include "backfill_sql.h"
#include "backfill_sweep.h"
#include <string.h>

/* Reads NODE, the value of the key NAME, into BACKFILL. */
typedef bool (*read_key)(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *backfill);

static bool read_plain(rh_reader *reader, const char *name, rh_yaml_node *node, const char **text)
{
    *text = rh_value_text(reader, name, node);
    return *text && (**text || rh_value_fail(reader, node, "%s is empty", name));
}

static bool read_name(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    if (!read_plain(reader, name, node, &b->name))
        return false;
    if (b->name[strspn(b->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")])
        return rh_value_fail(reader, node, "%s may have letters, digits, \"_\", \"-\" and \".\"", name);
    for (size_t i = 0; i < reader->scenario->backfill_count; i++) {
        const rh_backfill *other = &reader->scenario->backfills[i];
        if (other != b && other->name && strcmp(other->name, b->name) == 0)
            return rh_value_fail(reader, node, "two backfills are called \"%s\"", b->name);
    }
    return true;
}

static bool read_after(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    b->after_where = rh_value_where(reader, node);
    return read_plain(reader, name, node, &b->after);
}

static bool read_auto(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    return rh_value_bool(reader, name, node, &b->offered) &&
           (b->offered || rh_value_fail(reader, node, "%s: leave it out, or write true", name));
}

static bool read_table(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    b->table_where = rh_value_where(reader, node);
    return read_plain(reader, name, node, &b->table);
}

static bool read_key_columns(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    const bool list = rh_yaml_node_kind(node) == RH_YAML_SEQUENCE;
    const size_t count = list ? rh_yaml_count(node) : 1;
    b->key_where = rh_value_where(reader, node);
    if (count == 0 || count > RH_BACKFILL_KEY_MAX) {
        rh_value_fail(reader, node, "%s must have 1 to %d columns", name, RH_BACKFILL_KEY_MAX);
        return rh_error_hint(reader->error, "leave it out: the primary key");
    }
    for (size_t i = 0; i < count; i++)
        if (!read_plain(reader, name, list ? rh_yaml_item(node, i) : node,
                        rh_arena_add(reader->arena, &b->key, &b->key_count)))
            return false;
    return true;
}

static bool read_walk(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    rh_key_word words[RH_WALK_COUNT];
    int walk;
    for (int i = 0; i < RH_WALK_COUNT; i++)
        words[i] = (rh_key_word){rh_backfill_walk_name((rh_backfill_walk)i), i, NULL};
    if (!rh_value_word(reader, name, node, words, RH_WALK_COUNT, &walk))
        return false;
    b->walk = (rh_backfill_walk)walk;
    return true;
}

static bool read_lock_timeout(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    if (!rh_value_duration(reader, name, node, &b->lock_timeout))
        return false;
    return b->lock_timeout >= RH_SECOND / 1000 ||
           rh_value_fail(reader, node, "%s counts whole milliseconds, at least 1ms", name);
}

static bool read_dual_write(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    static const rh_key_word words[] = {{"none", 0, NULL}, {"application", 1, NULL}};
    static const char *const names[] = {"none", "application"};
    int word;
    if (!rh_value_word(reader, name, node, words, 2, &word))
        return false;
    b->dual_write = names[word];
    return true;
}

static bool read_standby(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    rh_key_word words[RH_STANDBY_COUNT];
    int mode;
    for (int i = 0; i < RH_STANDBY_COUNT; i++)
        words[i] = (rh_key_word){rh_standby_mode_name((rh_standby_mode)i), i, NULL};
    if (!rh_value_word(reader, name, node, words, RH_STANDBY_COUNT, &mode))
        return false;
    b->standby = (rh_standby_mode)mode;
    return true;
}

typedef struct key_entry {
    const char *name;
    read_key read;
} key_entry;

static const key_entry KEYS[] = {
    {"auto", read_auto},
    {"name", read_name},
    {"after", read_after},
    {"table", read_table},
    {"set", rh_backfill_read_set},
    {"from", rh_backfill_read_from},
    {"join", rh_backfill_read_join},
    {"where", rh_backfill_read_condition},
    {"key", read_key_columns},
    {"walk", read_walk},
    {"lock_timeout", read_lock_timeout},
    {"standby", read_standby},
    {"sweep", rh_backfill_read_sweep},
    {"gates", rh_backfill_read_gates},
    {"archive", rh_backfill_read_archive},
    {"sql", rh_backfill_read_sql},
    {"command", rh_backfill_read_command},
    {"resume", rh_backfill_read_resume},
    {"range", rh_backfill_read_range},
    {"stop", rh_backfill_read_stop},
    {"dual_write", read_dual_write},
    {"proof", rh_backfill_read_proof},
    {"schedule", rh_backfill_read_schedule},
};
enum { KEY_COUNT = sizeof KEYS / sizeof *KEYS };

static bool read_pair(rh_reader *reader, rh_yaml_node *name, rh_yaml_node *value, rh_backfill *b)
{
    const char *known[KEY_COUNT], *word = rh_yaml_scalar(name);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        known[i] = KEYS[i].name;
        if (strcmp(KEYS[i].name, word) != 0)
            continue;
        if (rh_yaml_node_kind(value) == RH_YAML_NULL)
            return rh_value_fail(reader, name, "%s has no value", word);
        return KEYS[i].read(reader, rh_arena_printf(reader->arena, "backfills.%s", word), value, b);
    }
    return rh_value_unknown_key(reader, name, "an item of backfills", known, KEY_COUNT);
}

/* What the keys of one backfill must be together. */
static bool check(rh_reader *reader, rh_yaml_node *node, rh_backfill *b)
{
    if (b->offered) {
        if (!b->name && !b->after && !b->table && !b->set && !b->sql && !b->command && !b->from && !b->join &&
            !b->condition && b->key_count == 0)
            return true;
        rh_value_fail(reader, node,
                      "auto has what the migrations say: name, after, table, key and statement");
        return rh_error_hint(reader->error, "it may be combined with sweep, gates, proof and the like");
    }
    if (!b->table || (!b->set && !b->command && !b->sql)) {
        rh_value_fail(reader, node, "a backfill needs table and set");
        return rh_error_hint(reader->error, "write - {table: public.orders, set: total = price * quantity}");
    }
    if ((b->command != NULL) + (b->sql != NULL) + (b->set || b->from || b->join) > 1) {
        rh_value_fail(reader, node, "only one of set, sql and command");
        return rh_error_hint(reader->error,
                             "a backfill is what set assigns, a statement of yours, or a program");
    }
    if (b->sql && !rh_backfill_check_own(reader, node, b))
        return false;
    if (!b->from != !b->join) {
        rh_value_fail(reader, node, "%s without %s", b->from ? "from" : "join", b->from ? "join" : "from");
        return rh_error_hint(reader->error, "from: what set reads; join: the condition between it and the "
                                            "table");
    }
    if (!b->condition && b->walk == RH_WALK_REMAINING)
        return rh_value_fail(reader, node, "walk: remaining needs where, or it would never end");
    const rh_gate_limit *lag = &b->gates[RH_BACKFILL_GATE_REPLICA_LAG];
    if (lag->set && b->standby == RH_STANDBY_NONE) {
        rh_error_set(reader->error, RH_ERROR_SCENARIO, "gates.replica_lag needs a standby");
        rh_error_hint(reader->error, "standby: async, or leave the gate out");
        return rh_error_at(reader->error, lag->where.file, lag->where.line, lag->where.column);
    }
    if (!rh_backfill_check_finish(reader, b))
        return false;
    if (!b->name)
        b->name = rh_arena_printf(reader->arena, "%zu", reader->scenario->backfill_count);
    return !b->set || rh_backfill_check_set(reader, node, b);
}

static void set_defaults(rh_reader *reader, rh_yaml_node *node, rh_backfill *b)
{
    *b = (rh_backfill){.where = rh_value_where(reader, node),
                       .lock_timeout = RH_SECOND / 2,
                       .stops = true,
                       .standby = RH_STANDBY_ASYNC,
                       .proof = {.kills = 20, .runners = 2, .races = true, .twice = true}};
}

static bool read_one(rh_reader *reader, rh_yaml_node *node, rh_backfill *b)
{
    set_defaults(reader, node, b);
    if (rh_yaml_node_kind(node) != RH_YAML_MAPPING) {
        rh_value_fail(reader, node, "each item of backfills is a map of keys");
        return rh_error_hint(reader->error, "write - {table: public.orders, set: total = price * quantity}");
    }
    for (size_t i = 0; i < rh_yaml_count(node); i++)
        if (!read_pair(reader, rh_yaml_key(node, i), rh_yaml_value(node, i), b))
            return false;
    if (!rh_backfill_check_program(reader, node, b))
        return false;
    rh_backfill_default_sweep(reader, b);
    return check(reader, node, b);
}

bool rh_backfills_read(rh_reader *reader, rh_yaml_node *node)
{
    rh_scenario *scenario = reader->scenario;
    if (rh_yaml_node_kind(node) == RH_YAML_SCALAR && strcmp(rh_yaml_scalar(node), "auto") == 0) {
        rh_backfill *b = rh_arena_add(reader->arena, &scenario->backfills, &scenario->backfill_count);
        set_defaults(reader, node, b);
        b->offered = true;
        rh_backfill_default_sweep(reader, b);
        return true;
    }
    if (rh_yaml_node_kind(node) != RH_YAML_SEQUENCE) {
        rh_value_fail(reader, node, "backfills must be a list of backfills, or auto");
        return rh_error_hint(reader->error, "begin each with a dash: - {table: NAME, set: COLUMN = VALUE}");
    }
    for (size_t i = 0; i < rh_yaml_count(node); i++)
        if (!read_one(reader, rh_yaml_item(node, i),
                      rh_arena_add(reader->arena, &scenario->backfills, &scenario->backfill_count)))
            return false;
    return true;
}
