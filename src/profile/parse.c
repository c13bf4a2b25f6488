/* Reads the profile's document into plain data. An implausible figure becomes unknown, with a sentence in
 * warnings. */
#include "pgrehearse/base/units.h"
#include "pgrehearse/profile/profile.h"
#include "parse_values.h"
#include "rounds.h"
#include "partitions.h"
#include "sections.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, WARNINGS_MAX = 20 };

/* If less time lies between two readings, the server may not have updated its statistics. */
static const double READINGS_APART_S = 0.5;
static const double LARGEST_BYTES = 1e18;

typedef struct parser {
    rh_json *root;
    rh_arena *arena;
    rh_profile *profile;
    size_t more_warnings; /* beyond WARNINGS_MAX */
} parser;

static void warn(parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void warn(parser *p, const char *format, ...)
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

/* ---- single values; WHOSE names the object in warnings ---- */

static const char *text_of(parser *p, const rh_json *object, const char *key)
{
    return rh_arena_strdup(p->arena, rh_json_string(rh_json_get(object, key)));
}

/* In [0, HIGH]; RH_NOT_MEASURED for null and for what makes no sense. */
static double real_of(parser *p, const rh_json *object, const char *key, double high, const char *whose)
{
    const rh_json *value = rh_json_get(object, key);
    if (!value)
        return RH_NOT_MEASURED;
    double number = rh_json_real(value);
    if (number >= 0 && number <= high)
        return number;
    if (isnan(number))
        warn(p, "%s: %s is not a number", whose, key);
    else
        warn(p, "%s: %s is out of range: %g", whose, key, number);
    return RH_NOT_MEASURED;
}

static int64_t count_of(parser *p, const rh_json *object, const char *key, const char *whose)
{
    double number = real_of(p, object, key, LARGEST_BYTES, whose);
    return isnan(number) ? RH_UNKNOWN : (int64_t)number;
}

/* ---- the parts ---- */

static bool parse_server(parser *p, const char *path, rh_error *error)
{
    rh_profile *profile = p->profile;
    const rh_json *server = rh_json_get(p->root, "server");
    profile->version = text_of(p, server, "version");
    profile->version_num = (int)count_of(p, server, "version_num", "server");
    if (!profile->version || profile->version_num < 90000) {
        rh_error_set(error, RH_ERROR_SCENARIO, "the profile does not say which server it is of");
        rh_error_hint(error, "its section \"server\" is missing: create the profile again");
        return rh_error_at(error, path, 0, 0);
    }
    profile->database = text_of(p, server, "database");
    profile->taken_s = real_of(p, server, "clock_s", 1e11, "server");
    profile->in_recovery =
        rh_json_get(server, "in_recovery") ? rh_json_bool(rh_json_get(server, "in_recovery")) : -1;
    profile->block_bytes = count_of(p, server, "block_bytes", "server");
    profile->system_identifier = text_of(p, rh_json_get(p->root, "identity"), "system_identifier");
    profile->database_bytes = count_of(p, rh_json_get(p->root, "size"), "database_bytes", "size");
    profile->wal_directory_bytes = count_of(p, rh_json_get(p->root, "wal"), "directory_bytes", "wal");
    profile->disk_free_bytes = count_of(p, rh_json_get(p->root, "disk"), "free_bytes", "disk");
    const rh_json *machine = rh_json_get(p->root, "machine");
    profile->memory_bytes = count_of(p, machine, "memory_bytes", "machine");
    profile->cpu_count = count_of(p, machine, "cpu_count", "machine");
    if (profile->cpu_count == 0) /* some containers hide it */
        profile->cpu_count = RH_UNKNOWN;
    double now = (double)rh_clock_wall() / 1e6;
    if (profile->taken_s < 946684800 || profile->taken_s > now + 86400) {
        warn(p, "server: clock_s is out of range: %.0f s since 1970", profile->taken_s);
        profile->taken_s = RH_NOT_MEASURED;
    }
    return true;
}

static void parse_settings(parser *p)
{
    const rh_json *list = rh_json_get(p->root, "settings");
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *row = rh_json_at(list, i);
        const char *name = text_of(p, row, "name"), *value = text_of(p, row, "value");
        if (!name || !value)
            continue;
        rh_profile_setting *setting =
            rh_arena_add(p->arena, &p->profile->settings, &p->profile->setting_count);
        *setting = (rh_profile_setting){name, value, rh_json_bool(rh_json_get(row, "is_default"))};
    }
}

static void parse_relation(parser *p, const rh_json *row)
{
    const char *schema = text_of(p, row, "schema"), *name = text_of(p, row, "name");
    if (!schema || !name)
        return;
    rh_profile_relation *r = rh_arena_add(p->arena, &p->profile->relations, &p->profile->relation_count);
    const char *whose = rh_arena_printf(p->arena, "table %s.%s", schema, name),
               *kind = rh_json_string(rh_json_get(row, "kind"));
    bool is_partitioned = kind && strcmp(kind, "p") == 0;
    *r = (rh_profile_relation){.schema = schema,
                               .name = name,
                               .pages = count_of(p, row, "pages", whose),
                               .tuples = count_of(p, row, "tuples", whose),
                               .bytes = count_of(p, row, "bytes", whose),
                               .toast_bytes = count_of(p, row, "toast_bytes", whose),
                               .index_bytes = count_of(p, row, "index_bytes", whose),
                               .bloat_bytes = count_of(p, row, "bloat_bytes", whose),
                               .row_bytes = real_of(p, row, "row_bytes", 2e9, whose),
                               .inserts_per_s = RH_NOT_MEASURED,
                               .updates_per_s = RH_NOT_MEASURED,
                               .deletes_per_s = RH_NOT_MEASURED,
                               .scans_per_s = RH_NOT_MEASURED,
                               .is_partitioned = is_partitioned,
                               .parent_schema = text_of(p, row, "parent_schema"),
                               .parent = text_of(p, row, "parent")};
    if (r->bytes >= 0 && p->profile->database_bytes >= 0 && r->bytes > p->profile->database_bytes) {
        warn(p, "%s: %lld bytes are more than the whole database's %lld", whose, (long long)r->bytes,
             (long long)p->profile->database_bytes);
        r->bytes = RH_UNKNOWN;
    }
    /* 291 heap tuples are the most that a page of 8 kB holds. */
    if (r->tuples > 0 && r->bytes >= 0 && (double)r->tuples > (double)r->bytes / 24 + 300) {
        warn(p, "%s: %lld rows do not fit into %lld bytes", whose, (long long)r->tuples, (long long)r->bytes);
        r->tuples = RH_UNKNOWN;
    }
}

static void parse_index(parser *p, const rh_json *row)
{
    const char *schema = text_of(p, row, "schema"), *table = text_of(p, row, "table"),
               *name = text_of(p, row, "name");
    if (!schema || !table || !name)
        return;
    rh_profile_index *index = rh_arena_add(p->arena, &p->profile->indexes, &p->profile->index_count);
    const char *whose = rh_arena_printf(p->arena, "index %s.%s", schema, name);
    *index = (rh_profile_index){.schema = schema,
                                .table = table,
                                .name = name,
                                .method = text_of(p, row, "method"),
                                .pages = count_of(p, row, "pages", whose),
                                .tuples = count_of(p, row, "tuples", whose),
                                .bytes = count_of(p, row, "bytes", whose),
                                .scans = count_of(p, row, "scans", whose),
                                .is_unique = rh_json_bool(rh_json_get(row, "is_unique")),
                                .is_valid = rh_json_bool(rh_json_get(row, "is_valid"))};
}

static void parse_values(parser *p, const rh_json *row)
{
    rh_profile_values column;
    if (rh_profile_values_parse(row, p->arena, &column))
        *rh_arena_add(p->arena, &p->profile->values, &p->profile->value_count) = column;
    else
        warn(p, "the most common values of %s.%s are not valid", column.table ? column.table : "?",
             column.column ? column.column : "?");
}

static void parse_statement(parser *p, const rh_json *row)
{
    rh_profile_statement *s = rh_arena_add(p->arena, &p->profile->statements, &p->profile->statement_count);
    *s = (rh_profile_statement){.query = text_of(p, row, "query"),
                                .calls = count_of(p, row, "calls", "a statement"),
                                .rows = count_of(p, row, "rows", "a statement"),
                                .wal_bytes = count_of(p, row, "wal_bytes", "a statement"),
                                .total_s = real_of(p, row, "total_s", 1e12, "a statement")};
}

static void parse_replica(parser *p, const rh_json *row)
{
    rh_profile_replica *r = rh_arena_add(p->arena, &p->profile->replicas, &p->profile->replica_count);
    *r = (rh_profile_replica){.name = text_of(p, row, "name"),
                              .state = text_of(p, row, "state"),
                              .sync_state = text_of(p, row, "sync_state"),
                              .replay_lag_bytes = count_of(p, row, "replay_lag_bytes", "a replica"),
                              .replay_lag_s = real_of(p, row, "replay_lag_s", 1e9, "a replica")};
}

/* ---- rates: two readings of the same counters ---- */

/* Per second; RH_NOT_MEASURED if a counter decreased (the statistics were reset) or is missing. */
static double rate_of(const rh_json *first, const rh_json *last, const char *key, double apart_s)
{
    double grown = rh_json_real(rh_json_get(last, key)) - rh_json_real(rh_json_get(first, key));
    return grown >= 0 ? grown / apart_s : RH_NOT_MEASURED;
}

static double apart(const rh_json *first, const rh_json *last)
{
    return rh_json_real(rh_json_get(last, "clock_s")) - rh_json_real(rh_json_get(first, "clock_s"));
}

static void parse_activity(parser *p)
{
    const rh_json *readings = rh_json_get(p->root, "activity");
    size_t count = rh_json_count(readings);
    p->profile->commits_per_s = p->profile->wal_bytes_per_s = RH_NOT_MEASURED;
    p->profile->backends = RH_UNKNOWN;
    for (size_t i = 0; i < count; i++) {
        int64_t backends = count_of(p, rh_json_at(readings, i), "backends", "activity");
        p->profile->backends = backends > p->profile->backends ? backends : p->profile->backends;
    }
    if (count < 2)
        return;
    const rh_json *first = rh_json_at(readings, 0), *last = rh_json_at(readings, count - 1);
    double apart_s = apart(first, last);
    if (!(apart_s >= READINGS_APART_S)) {
        warn(p, "activity: the two readings are %g s apart by production's clock, so there are no rates",
             apart_s);
        return;
    }
    p->profile->commits_per_s = rate_of(first, last, "commits", apart_s);
    p->profile->wal_bytes_per_s = rate_of(first, last, "wal_bytes", apart_s);
    if (isnan(p->profile->commits_per_s))
        warn(p, "activity: a counter decreased between the readings: the statistics were reset");
}

static int by_name(const void *a, const void *b)
{
    const rh_json *x = *(rh_json *const *)a, *y = *(rh_json *const *)b;
    const char *keys[] = {"schema", "name"};
    for (size_t i = 0; i < 2; i++) {
        const char *s = rh_json_string(rh_json_get(x, keys[i])), *t = rh_json_string(rh_json_get(y, keys[i]));
        int order = strcmp(s ? s : "", t ? t : "");
        if (order)
            return order;
    }
    double s = rh_json_real(rh_json_get(x, "clock_s")), t = rh_json_real(rh_json_get(y, "clock_s"));
    return (s > t) - (s < t);
}

static bool same_table(const rh_json *row, const rh_profile_relation *relation)
{
    const char *schema = rh_json_string(rh_json_get(row, "schema")),
               *name = rh_json_string(rh_json_get(row, "name"));
    return schema && name && strcmp(schema, relation->schema) == 0 && strcmp(name, relation->name) == 0;
}

static void set_rates(parser *p, rh_profile_relation *relation, const rh_json *first, const rh_json *last)
{
    double apart_s = apart(first, last);
    if (!(apart_s >= READINGS_APART_S))
        return;
    relation->inserts_per_s = rate_of(first, last, "inserts", apart_s);
    relation->updates_per_s = rate_of(first, last, "updates", apart_s);
    relation->deletes_per_s = rate_of(first, last, "deletes", apart_s);
    double indexed = rate_of(first, last, "index_scans", apart_s);
    relation->scans_per_s =
        rate_of(first, last, "sequential_scans", apart_s) + (isnan(indexed) ? 0 : indexed);
    if (isnan(relation->inserts_per_s))
        warn(p, "table %s.%s: a counter decreased between the readings: the statistics were reset",
             relation->schema, relation->name);
}

static int relation_by_name(const void *a, const void *b)
{
    const rh_profile_relation *x = *(rh_profile_relation *const *)a, *y = *(rh_profile_relation *const *)b;
    int order = strcmp(x->schema, y->schema);
    return order ? order : strcmp(x->name, y->name);
}

/* Both lists sorted by name and walked side by side: thousands of tables are usual. */
static void parse_counters(parser *p)
{
    const rh_json *list = rh_json_get(p->root, "counters");
    size_t count = rh_json_count(list), relations = p->profile->relation_count;
    if (count == 0 || relations == 0)
        return;
    const rh_json **rows = rh_arena_alloc(p->arena, count * sizeof *rows);
    rh_profile_relation **by = rh_arena_alloc(p->arena, relations * sizeof *by);
    for (size_t i = 0; i < count; i++)
        rows[i] = rh_json_at(list, i);
    for (size_t i = 0; i < relations; i++)
        by[i] = &p->profile->relations[i];
    qsort(rows, count, sizeof *rows, by_name);
    qsort(by, relations, sizeof *by, relation_by_name);
    size_t at = 0;
    for (size_t i = 0; i < relations; i++) {
        rh_profile_relation *relation = by[i];
        while (at < count && !same_table(rows[at], relation)) {
            const char *schema = rh_json_string(rh_json_get(rows[at], "schema")),
                       *name = rh_json_string(rh_json_get(rows[at], "name"));
            int order = strcmp(schema ? schema : "", relation->schema);
            if (order > 0 || (order == 0 && strcmp(name ? name : "", relation->name) > 0))
                break;
            at++;
        }
        size_t first = at;
        while (at < count && same_table(rows[at], relation))
            at++;
        if (at > first + 1)
            set_rates(p, relation, rows[first], rows[at - 1]);
    }
}

/* ---- ages of transactions ---- */

static void parse_ages(parser *p)
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
        double up_to = real_of(p, row, "up_to_s", 1e9, "a transaction's age");
        double seen = real_of(p, row, "transactions", 1e12, "a transaction's age");
        if (isnan(up_to) || isnan(seen))
            continue;
        rh_profile_ages *ages = rh_arena_add(p->arena, &p->profile->ages, &p->profile->age_count);
        *ages = (rh_profile_ages){text_of(p, row, "schema"), text_of(p, row, "name"),
                                  rh_lock_mode_named(text_of(p, row, "mode")), up_to, seen};
    }
    if (!isfinite(p->profile->watched_s))
        p->profile->watched_s = 0;
}

/* ---- the probe ---- */

static double per(double amount, double whole)
{
    return whole > 0 && amount > 0 ? amount / whole : RH_NOT_MEASURED;
}

static double probe_value(parser *p, rh_probe_kind kind, const rh_json *figures, const char *whose)
{
    double seconds = real_of(p, figures, "seconds", 60, whose);
    switch (kind) {
    case RH_PROBE_CPU:
    case RH_PROBE_SORT:
        return per(real_of(p, figures, "rows", 1e12, whose), seconds);
    case RH_PROBE_CACHED:
    case RH_PROBE_SEQUENTIAL:
    case RH_PROBE_WRITE:
        return per(real_of(p, figures, "bytes", 1e15, whose), seconds);
    case RH_PROBE_RANDOM:
        return per(seconds, real_of(p, figures, "reads", 1e9, whose));
    case RH_PROBE_PARALLEL:
        return per(real_of(p, figures, "speedup", 100, whose), 1);
    default:
        return per(real_of(p, figures, "flush_s", 60, whose), 1);
    }
}

/* What no machine does: a wrong clock or an edited file. */
static bool is_possible(rh_probe_kind kind, double value)
{
    static const double low[] = {1e3, 1e3, 1e5, 1e4, 1e-8, 1e-8, 1e4, 0.05},
                        high[] = {1e11, 1e11, 1e13, 1e12, 10, 60, 1e12, 20};
    return value >= low[kind] && value <= high[kind];
}

/* ROUND: "probe", or "probe_again", which is left out without a word where it is of no use. */
static rh_probe parse_round(parser *p, const char *round, bool first)
{
    rh_probe probe = {.uncached_bytes_per_s = RH_NOT_MEASURED};
    const rh_json *all = rh_json_get(p->root, round);
    for (int kind = 0; kind < RH_PROBE_COUNT; kind++) {
        const char *name = rh_probe_name((rh_probe_kind)kind);
        const rh_json *figures = rh_json_get(all, name);
        const char *whose = rh_arena_printf(p->arena, "probe %s", name);
        double value = figures ? probe_value(p, (rh_probe_kind)kind, figures, whose) : RH_NOT_MEASURED;
        probe.cut_short[kind] = rh_json_bool(rh_json_get(figures, "cut_short"));
        if (figures && !is_possible((rh_probe_kind)kind, value)) {
            if (first && isnan(value))
                warn(p, "%s: the measurements do not give a figure", whose);
            else if (first)
                warn(p, "%s: out of range: %g %s", whose, value, rh_probe_unit((rh_probe_kind)kind));
            value = RH_NOT_MEASURED;
        }
        probe.value[kind] = value;
    }
    return probe;
}

static void parse_probe(parser *p)
{
    const rh_probe rounds[] = {parse_round(p, "probe", true), parse_round(p, "probe_again", false)};
    p->profile->probe = rh_probe_of_rounds(rounds, 2);
    const rh_json *sequential = rh_json_path(p->root, "probe.sequential");
    double uncached = per(real_of(p, sequential, "uncached_bytes", 1e15, "probe sequential"),
                          real_of(p, sequential, "uncached_seconds", 60, "probe sequential"));
    bool slower = uncached <= p->profile->probe.value[RH_PROBE_SEQUENTIAL];
    p->profile->probe.uncached_bytes_per_s = slower ? uncached : RH_NOT_MEASURED;
}

static void add_unknown(parser *p, const char *what, const char *why)
{
    rh_skipped *unknown = rh_arena_add(p->arena, &p->profile->unknown, &p->profile->unknown_count);
    *unknown = (rh_skipped){what, why};
}

static bool is_unknown(const parser *p, const char *what)
{
    for (size_t i = 0; i < p->profile->unknown_count; i++)
        if (strcmp(p->profile->unknown[i].what, what) == 0)
            return true;
    return false;
}

static void parse_unknown(parser *p)
{
    const rh_json *list = rh_json_get(p->root, "unknown");
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const char *what = text_of(p, rh_json_at(list, i), "what"),
                   *why = text_of(p, rh_json_at(list, i), "why");
        if (what)
            add_unknown(p, what, why ? why : "no reason is given");
    }
}

/* Parts that the file does not have at all, nor a reason for it. */
static void miss_parts(parser *p)
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

static void for_each(parser *p, const char *part, void (*take)(parser *p, const rh_json *row))
{
    const rh_json *list = rh_json_get(p->root, part);
    for (size_t i = 0; i < rh_json_count(list); i++)
        if (rh_json_is_object(rh_json_at(list, i)))
            take(p, rh_json_at(list, i));
}

bool rh_profile_parse(rh_json *root, const char *path, rh_arena *arena, rh_profile *profile, rh_error *error)
{
    parser p = {.root = root, .arena = arena, .profile = profile};
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
    parse_activity(&p);
    parse_counters(&p);
    rh_profile_sum_partitions(profile);
    parse_ages(&p);
    parse_probe(&p);
    if (p.more_warnings > 0) {
        const char **slot = rh_arena_add(arena, &profile->warnings, &profile->warning_count);
        *slot = rh_arena_printf(arena, "and %zu more invalid figures", p.more_warnings);
    }
    return true;
}
