/* Reads the profile's document into plain data. An implausible figure becomes unknown, with a sentence in
 * warnings. */
#include "parse.h"
#include "pgrehearse/profile/profile.h"
#include "parse_values.h"
#include "partitions.h"
#include "sections.h"
#include <math.h>
#include <string.h>

enum { VERSION = 1, WARNINGS_MAX = 20 };
static const double LARGEST_BYTES = 1e18;

void rh_profile_warn(rh_profile_parser *p, const char *format, ...)
{
    if (p->profile->warning_count >= WARNINGS_MAX) {
        p->more_warnings++;
        return;
    }
    va_list args;
    va_start(args, format);
    const char **slot = rh_arena_add(p->arena, &p->profile->warnings, &p->profile->warning_count);
    *slot = rh_arena_vprintf(p->arena, format, args);
    va_end(args);
}

const char *rh_profile_text(rh_profile_parser *p, const rh_json *object, const char *key)
{
    return rh_arena_strdup(p->arena, rh_json_string(rh_json_get(object, key)));
}

double rh_profile_real(rh_profile_parser *p, const rh_json *object, const char *key, double high,
                       const char *whose)
{
    const rh_json *value = rh_json_get(object, key);
    if (!value)
        return RH_NOT_MEASURED;
    double number = rh_json_real(value);
    if (number >= 0 && number <= high)
        return number;
    if (isnan(number))
        rh_profile_warn(p, "%s: %s is not a number", whose, key);
    else
        rh_profile_warn(p, "%s: %s is out of range: %g", whose, key, number);
    return RH_NOT_MEASURED;
}

int64_t rh_profile_count(rh_profile_parser *p, const rh_json *object, const char *key, const char *whose)
{
    double number = rh_profile_real(p, object, key, LARGEST_BYTES, whose);
    return isnan(number) ? RH_UNKNOWN : (int64_t)number;
}

static bool parse_server(rh_profile_parser *p, const char *path, rh_error *error)
{
    rh_profile *profile = p->profile;
    const rh_json *server = rh_json_get(p->root, "server");
    profile->version = rh_profile_text(p, server, "version");
    profile->version_num = (int)rh_profile_count(p, server, "version_num", "server");
    if (!profile->version || profile->version_num < 90000) {
        rh_error_set(error, RH_ERROR_SCENARIO, "the profile does not say which server it is of");
        rh_error_hint(error, "its section \"server\" is missing: create the profile again");
        return rh_error_at(error, path, 0, 0);
    }
    profile->database = rh_profile_text(p, server, "database");
    profile->taken_s = rh_profile_real(p, server, "clock_s", 1e11, "server");
    profile->in_recovery =
        rh_json_get(server, "in_recovery") ? rh_json_bool(rh_json_get(server, "in_recovery")) : -1;
    profile->block_bytes = rh_profile_count(p, server, "block_bytes", "server");
    profile->system_identifier = rh_profile_text(p, rh_json_get(p->root, "identity"), "system_identifier");
    profile->database_bytes = rh_profile_count(p, rh_json_get(p->root, "size"), "database_bytes", "size");
    profile->wal_directory_bytes = rh_profile_count(p, rh_json_get(p->root, "wal"), "directory_bytes", "wal");
    profile->disk_free_bytes = rh_profile_count(p, rh_json_get(p->root, "disk"), "free_bytes", "disk");
    const rh_json *machine = rh_json_get(p->root, "machine");
    profile->memory_bytes = rh_profile_count(p, machine, "memory_bytes", "machine");
    profile->cpu_count = rh_profile_count(p, machine, "cpu_count", "machine");
    if (profile->cpu_count == 0) /* some containers hide it */
        profile->cpu_count = RH_UNKNOWN;
    double now = (double)rh_clock_wall() / 1e6;
    if (profile->taken_s < 946684800 || profile->taken_s > now + 86400) {
        rh_profile_warn(p, "server: clock_s is out of range: %.0f s since 1970", profile->taken_s);
        profile->taken_s = RH_NOT_MEASURED;
    }
    return true;
}

static void parse_settings(rh_profile_parser *p)
{
    const rh_json *list = rh_json_get(p->root, "settings");
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *row = rh_json_at(list, i);
        const char *name = rh_profile_text(p, row, "name"), *value = rh_profile_text(p, row, "value");
        if (!name || !value)
            continue;
        rh_profile_setting *setting =
            rh_arena_add(p->arena, &p->profile->settings, &p->profile->setting_count);
        *setting = (rh_profile_setting){name, value, rh_json_bool(rh_json_get(row, "is_default"))};
    }
}

static void parse_relation(rh_profile_parser *p, const rh_json *row)
{
    const char *schema = rh_profile_text(p, row, "schema"), *name = rh_profile_text(p, row, "name");
    if (!schema || !name)
        return;
    rh_profile_relation *r = rh_arena_add(p->arena, &p->profile->relations, &p->profile->relation_count);
    const char *whose = rh_arena_printf(p->arena, "table %s.%s", schema, name),
               *kind = rh_json_string(rh_json_get(row, "kind"));
    bool is_partitioned = kind && strcmp(kind, "p") == 0;
    *r = (rh_profile_relation){.schema = schema,
                               .name = name,
                               .pages = rh_profile_count(p, row, "pages", whose),
                               .tuples = rh_profile_count(p, row, "tuples", whose),
                               .bytes = rh_profile_count(p, row, "bytes", whose),
                               .toast_bytes = rh_profile_count(p, row, "toast_bytes", whose),
                               .index_bytes = rh_profile_count(p, row, "index_bytes", whose),
                               .bloat_bytes = rh_profile_count(p, row, "bloat_bytes", whose),
                               .row_bytes = rh_profile_real(p, row, "row_bytes", 2e9, whose),
                               .inserts_per_s = RH_NOT_MEASURED,
                               .updates_per_s = RH_NOT_MEASURED,
                               .deletes_per_s = RH_NOT_MEASURED,
                               .scans_per_s = RH_NOT_MEASURED,
                               .is_partitioned = is_partitioned,
                               .parent_schema = rh_profile_text(p, row, "parent_schema"),
                               .parent = rh_profile_text(p, row, "parent")};
    if (r->bytes >= 0 && p->profile->database_bytes >= 0 && r->bytes > p->profile->database_bytes) {
        rh_profile_warn(p, "%s: %lld bytes are more than the whole database's %lld", whose,
                        (long long)r->bytes, (long long)p->profile->database_bytes);
        r->bytes = RH_UNKNOWN;
    }
    /* 291 heap tuples are the most that a page of 8 kB holds. */
    if (r->tuples > 0 && r->bytes >= 0 && (double)r->tuples > (double)r->bytes / 24 + 300) {
        rh_profile_warn(p, "%s: %lld rows do not fit into %lld bytes", whose, (long long)r->tuples,
                        (long long)r->bytes);
        r->tuples = RH_UNKNOWN;
    }
}

static void parse_index(rh_profile_parser *p, const rh_json *row)
{
    const char *schema = rh_profile_text(p, row, "schema"), *table = rh_profile_text(p, row, "table"),
               *name = rh_profile_text(p, row, "name");
    if (!schema || !table || !name)
        return;
    rh_profile_index *index = rh_arena_add(p->arena, &p->profile->indexes, &p->profile->index_count);
    const char *whose = rh_arena_printf(p->arena, "index %s.%s", schema, name);
    *index = (rh_profile_index){.schema = schema,
                                .table = table,
                                .name = name,
                                .method = rh_profile_text(p, row, "method"),
                                .pages = rh_profile_count(p, row, "pages", whose),
                                .tuples = rh_profile_count(p, row, "tuples", whose),
                                .bytes = rh_profile_count(p, row, "bytes", whose),
                                .scans = rh_profile_count(p, row, "scans", whose),
                                .is_unique = rh_json_bool(rh_json_get(row, "is_unique")),
                                .is_valid = rh_json_bool(rh_json_get(row, "is_valid"))};
}

static void parse_values(rh_profile_parser *p, const rh_json *row)
{
    rh_profile_values column;
    if (rh_profile_values_parse(row, p->arena, &column))
        *rh_arena_add(p->arena, &p->profile->values, &p->profile->value_count) = column;
    else
        rh_profile_warn(p, "the most common values of %s.%s are not valid", column.table ? column.table : "?",
                        column.column ? column.column : "?");
}

static void parse_statement(rh_profile_parser *p, const rh_json *row)
{
    rh_profile_statement *s = rh_arena_add(p->arena, &p->profile->statements, &p->profile->statement_count);
    *s = (rh_profile_statement){.query = rh_profile_text(p, row, "query"),
                                .calls = rh_profile_count(p, row, "calls", "a statement"),
                                .rows = rh_profile_count(p, row, "rows", "a statement"),
                                .wal_bytes = rh_profile_count(p, row, "wal_bytes", "a statement"),
                                .total_s = rh_profile_real(p, row, "total_s", 1e12, "a statement")};
}

static void parse_replica(rh_profile_parser *p, const rh_json *row)
{
    rh_profile_replica *r = rh_arena_add(p->arena, &p->profile->replicas, &p->profile->replica_count);
    *r = (rh_profile_replica){.name = rh_profile_text(p, row, "name"),
                              .state = rh_profile_text(p, row, "state"),
                              .sync_state = rh_profile_text(p, row, "sync_state"),
                              .replay_lag_bytes = rh_profile_count(p, row, "replay_lag_bytes", "a replica"),
                              .replay_lag_s = rh_profile_real(p, row, "replay_lag_s", 1e9, "a replica")};
}

static void parse_ages(rh_profile_parser *p)
{
    const rh_json *list = rh_json_get(p->root, "ages");
    double first = INFINITY, last = -INFINITY;
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *row = rh_json_at(list, i);
        if (!rh_json_get(row, "up_to_s")) { /* a sample, or the sum of many */
            int64_t samples = rh_json_int(rh_json_get(row, "looks"));
            p->profile->samples += samples > 0 ? samples : 1;
            double at = rh_json_real(rh_json_get(row, "clock_s")),
                   watched = rh_json_real(rh_json_get(row, "watched_s"));
            first = fmin(first, at);
            last = fmax(last, at);
            p->profile->watched_s = fmax(p->profile->watched_s, isnan(watched) ? last - first : watched);
            continue;
        }
        double up_to = rh_profile_real(p, row, "up_to_s", 1e9, "a transaction's age");
        double seen = rh_profile_real(p, row, "transactions", 1e12, "a transaction's age");
        if (isnan(up_to) || isnan(seen))
            continue;
        rh_profile_ages *ages = rh_arena_add(p->arena, &p->profile->ages, &p->profile->age_count);
        *ages = (rh_profile_ages){rh_profile_text(p, row, "schema"), rh_profile_text(p, row, "name"),
                                  rh_lock_mode_named(rh_profile_text(p, row, "mode")), up_to, seen};
    }
    if (!isfinite(p->profile->watched_s))
        p->profile->watched_s = 0;
}

static void add_unknown(rh_profile_parser *p, const char *what, const char *why)
{
    rh_skipped *unknown = rh_arena_add(p->arena, &p->profile->unknown, &p->profile->unknown_count);
    *unknown = (rh_skipped){what, why};
}

static bool is_unknown(const rh_profile_parser *p, const char *what)
{
    for (size_t i = 0; i < p->profile->unknown_count; i++)
        if (strcmp(p->profile->unknown[i].what, what) == 0)
            return true;
    return false;
}

static void parse_unknown(rh_profile_parser *p)
{
    const rh_json *list = rh_json_get(p->root, "unknown");
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const char *what = rh_profile_text(p, rh_json_at(list, i), "what"),
                   *why = rh_profile_text(p, rh_json_at(list, i), "why");
        if (what)
            add_unknown(p, what, why ? why : "no reason is given");
    }
}

/* Parts that the file does not have at all, nor a reason for it. */
static void miss_parts(rh_profile_parser *p)
{
    size_t count;
    const rh_part *parts = rh_profile_parts(&count);
    for (size_t i = 0; i < count; i++)
        if (!parts[i].requested && !rh_json_get(p->root, parts[i].name) && !is_unknown(p, parts[i].name))
            add_unknown(p, parts[i].name, "the profile does not have this section");
}

static bool check_format(const rh_json *root, const char *path, rh_error *error)
{
    const char *format = rh_json_string(rh_json_get(root, "format"));
    int64_t version = rh_json_int(rh_json_get(root, "version"));
    if (!format || strcmp(format, "pgrehearse profile") != 0) {
        rh_error_set(error, RH_ERROR_SCENARIO, "this is not a profile of production");
        rh_error_hint(error, "make one: pgrehearse profile --url URL --output FILE");
        return rh_error_at(error, path, 1, 0);
    }
    if (version != VERSION) {
        rh_error_set(error, RH_ERROR_SCENARIO, "the profile has format version %lld; this program reads %d",
                     (long long)version, VERSION);
        rh_error_hint(error, "make the profile again with this program");
        return rh_error_at(error, path, 1, 0);
    }
    return true;
}

static void for_each(rh_profile_parser *p, const char *part,
                     void (*take)(rh_profile_parser *p, const rh_json *row))
{
    const rh_json *list = rh_json_get(p->root, part);
    for (size_t i = 0; i < rh_json_count(list); i++)
        if (rh_json_is_object(rh_json_at(list, i)))
            take(p, rh_json_at(list, i));
}

bool rh_profile_parse(rh_json *root, const char *path, rh_arena *arena, rh_profile *profile, rh_error *error)
{
    rh_profile_parser p = {.root = root, .arena = arena, .profile = profile};
    *profile = (rh_profile){.path = rh_arena_strdup(arena, path), .source = "json"};
    if (!check_format(root, path, error) || !parse_server(&p, path, error))
        return false;
    parse_unknown(&p);
    miss_parts(&p);
    parse_settings(&p);
    for_each(&p, "relations", parse_relation);
    for_each(&p, "indexes", parse_index);
    for_each(&p, "values", parse_values);
    for_each(&p, "statements", parse_statement);
    for_each(&p, "replicas", parse_replica);
    rh_profile_parse_activity(&p);
    rh_profile_parse_counters(&p);
    rh_profile_sum_partitions(profile);
    parse_ages(&p);
    rh_profile_parse_probe(&p);
    if (p.more_warnings > 0) {
        const char **slot = rh_arena_add(arena, &profile->warnings, &profile->warning_count);
        *slot = rh_arena_printf(arena, "and %zu more invalid figures", p.more_warnings);
    }
    return true;
}
