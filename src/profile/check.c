/* Compares the profile with staging: refuses a staging server that is production, and a profile of another
 * database; lists tables and figures that differ. */
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/profile/profile.h"
#include "rounds.h"
#include "session.h"
#include "embedded/profile.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Staging's copy may be older; a table this much larger there than on production says that one of them is
 * another. */
static const double SMALLER_BY = 0.8;
static const double OLD_DAYS = 30;
static const rh_usec PROBES_LIMIT = 10 * RH_SECOND;
enum { NAMED_MAX = 5 };

bool rh_profile_guard(const rh_profile *profile, const char *conninfo, bool *checked, rh_error *error)
{
    *checked = false;
    if (!profile->system_identifier)
        return true;
    rh_pg *pg = rh_pg_connect(conninfo, ": guard", error);
    if (!pg)
        return false;
    rh_pg_result *result = rh_pg_query(pg, rh_sql_profile_identity, 0, NULL, NULL);
    const char *identifier = result && rh_pg_rows(result) > 0 ? rh_pg_value(result, 0, 0) : NULL;
    bool same = identifier && strcmp(identifier, profile->system_identifier) == 0;
    *checked = identifier != NULL;
    if (same) {
        rh_error_set(error, RH_ERROR_REFUSED,
                     "staging is production: the server has the system identifier %s of the profile",
                     profile->system_identifier);
        rh_error_hint(
            error,
            "name another server (a physical copy of production has the same identifier: use staging.kind: embedded for it)");
    }
    rh_pg_result_free(result);
    rh_pg_close(pg);
    return !same;
}

/* ---- sentences ---- */

typedef struct comparison {
    const rh_profile *profile;
    rh_arena *arena;
    rh_production_facts *facts;
} comparison;

static void add_sentence(comparison *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_sentence(comparison *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char **slot = rh_arena_add(c->arena, &c->facts->sentences, &c->facts->sentence_count);
    *slot = rh_arena_vprintf(c->arena, format, args);
    va_end(args);
}

static const rh_profile_relation *find(const rh_profile *profile, const char *schema, const char *name)
{
    for (size_t i = 0; i < profile->relation_count; i++)
        if (strcmp(profile->relations[i].name, name) == 0 &&
            strcmp(profile->relations[i].schema, schema) == 0)
            return &profile->relations[i];
    return NULL;
}

/* "a, b, c and 4 more" */
typedef struct names {
    rh_text text;
    size_t count;
} names;

static void add_name(names *list, const char *schema, const char *name)
{
    if (list->count++ < NAMED_MAX)
        rh_text_printf(&list->text, "%s%s.%s", list->text.length ? ", " : "", schema, name);
}

static const char *finish_names(comparison *c, names *list)
{
    if (list->count > NAMED_MAX)
        rh_text_printf(&list->text, " and %zu more", list->count - NAMED_MAX);
    const char *text = rh_arena_strdup(c->arena, rh_text_string(&list->text));
    rh_text_release(&list->text);
    return text;
}

/* What the migrations do to these on production was not rehearsed. IN_BACKUP: of each of the profile's. */
static void report_absent_tables(comparison *c, const bool *in_backup)
{
    names absent = {0};
    for (size_t i = 0; i < c->profile->relation_count; i++)
        if (!in_backup[i])
            add_name(&absent, c->profile->relations[i].schema, c->profile->relations[i].name);
    const char *list = finish_names(c, &absent);
    if (absent.count > 0)
        add_sentence(c, "the backup lacks %zu of the %zu tables in production's profile: %s", absent.count,
                     c->profile->relation_count, list);
}

static bool compare_tables(comparison *c, const rh_pg_result *tables, rh_error *error)
{
    bool *in_backup = rh_arena_alloc(c->arena, c->profile->relation_count * sizeof *in_backup);
    names missing = {0}, smaller = {0}, never_analysed = {0}, locked = {0};
    size_t known = 0;
    for (size_t i = 0; i < rh_pg_rows(tables); i++) {
        const char *schema = rh_pg_value(tables, i, 0), *name = rh_pg_value(tables, i, 1);
        int64_t bytes = rh_pg_int(tables, i, 2, 0);
        const rh_profile_relation *there = find(c->profile, schema, name);
        if (!there) {
            add_name(&missing, schema, name);
            *rh_arena_add(c->arena, &c->facts->unlisted, &c->facts->unlisted_count) =
                rh_arena_strdup(c->arena, rh_pg_value(tables, i, 4));
            continue;
        }
        known++;
        in_backup[there - c->profile->relations] = true;
        if (there->is_partitioned)
            continue;
        if (there->tuples < 0)
            add_name(&never_analysed, schema, name);
        if (there->bytes < 0)
            add_name(&locked, schema, name);
        else if (bytes > (1 << 20) && (double)there->bytes < SMALLER_BY * (double)bytes)
            add_name(&smaller, schema, name);
    }
    const char *lost = finish_names(c, &missing), *small = finish_names(c, &smaller),
               *unanalysed = finish_names(c, &never_analysed), *unsized = finish_names(c, &locked);
    if (known == 0 && rh_pg_rows(tables) > 0) {
        rh_error_set(error, RH_ERROR_SCENARIO,
                     "the profile is of another database: it has none of the %zu tables of the backup",
                     rh_pg_rows(tables));
        rh_error_hint(error, "it is of \"%s\"; make one of the database that was backed up",
                      c->profile->database ? c->profile->database : "?");
        return rh_error_at(error, c->profile->path, 0, 0);
    }
    if (missing.count > 0)
        add_sentence(c, "production's profile lacks %zu of the backup's %zu tables: %s", missing.count,
                     rh_pg_rows(tables), lost);
    report_absent_tables(c, in_backup);
    if (smaller.count > 0)
        add_sentence(c, "smaller on production than in the backup: %s", small);
    if (never_analysed.count > 0)
        add_sentence(c, "production never analysed these tables, so their rows are not known: %s",
                     unanalysed);
    if (locked.count > 0)
        add_sentence(c, "the sizes of these tables on production are not known: %s", unsized);
    return true;
}

static void compare_servers(comparison *c, rh_pg *pg)
{
    const rh_profile *profile = c->profile;
    int here = rh_pg_server_version(pg) / 10000, there = profile->version_num / 10000;
    if (here != there)
        add_sentence(c, "production is PostgreSQL %d, staging PostgreSQL %d: plans and costs may differ",
                     there, here);
    double days = ((double)rh_clock_wall() / 1e6 - profile->taken_s) / 86400;
    if (days > OLD_DAYS)
        add_sentence(c, "production's profile is %.0f days old", days);
    if (profile->in_recovery == 1)
        add_sentence(
            c,
            "production's profile was taken on a standby: its writes, WAL and commits are not production's");
    int64_t bytes;
    if (profile->database_bytes >= 0 &&
        rh_pg_query_int(pg, "SELECT pg_database_size(current_database())", &bytes, NULL) &&
        (double)profile->database_bytes < SMALLER_BY * (double)bytes) {
        char a[32], b[32];
        add_sentence(c, "production (%s) is smaller than the restored backup (%s)",
                     rh_size_format(profile->database_bytes, a, sizeof a),
                     rh_size_format(bytes, b, sizeof b));
    }
}

static void list_unknown(comparison *c)
{
    const rh_profile *profile = c->profile;
    for (size_t i = 0; i < profile->warning_count; i++)
        add_sentence(c, "production's profile: %s", profile->warnings[i]);
    for (size_t i = 0; i < profile->unknown_count; i++)
        add_sentence(c, "not known of production: %s (%s)", profile->unknown[i].what,
                     profile->unknown[i].why);
    for (int kind = 0; kind < RH_PROBE_COUNT; kind++)
        if (profile->probe.cut_short[kind])
            add_sentence(c, "production's probe \"%s\" ended early: its figure is inaccurate",
                         rh_probe_name((rh_probe_kind)kind));
    if (profile->relation_count == 0)
        add_sentence(c, "production's profile has no tables, so sizes are the backup's");
    if (profile->samples == 1)
        add_sentence(c, "production's transactions were sampled once: --watch measures their durations");
}

bool rh_profile_compare(const rh_profile *profile, const char *conninfo, rh_arena *arena,
                        rh_production_facts *facts, rh_error *error)
{
    comparison c = {profile, arena, facts};
    facts->profile = profile;
    rh_pg *pg = rh_pg_connect(conninfo, ": profile", error);
    rh_pg_result *tables = pg ? rh_pg_query(pg, rh_sql_profile_staging_tables, 0, NULL, error) : NULL;
    bool ok = tables && (profile->relation_count == 0 || compare_tables(&c, tables, error));
    if (ok) {
        compare_servers(&c, pg);
        list_unknown(&c);
    }
    rh_pg_result_free(tables);
    rh_pg_close(pg);
    return ok;
}

/* ---- the same probe on staging ---- */

bool rh_profile_probe(const char *conninfo, bool local, unsigned probes, rh_arena *arena,
                      rh_production_facts *facts, rh_skipped **unknown, size_t *count, rh_error *error)
{
    rh_json *root = rh_json_object(), *figures = rh_json_add_object(root, "probe");
    rh_json_add_string(root, "format", "pgrehearse profile");
    rh_json_add_int(root, "version", 1);
    rh_json *server = rh_json_add_object(root, "server");
    rh_profile_session session = {.pg = rh_pg_connect(conninfo, ": probe", error),
                                  .deadline = rh_clock_monotonic() + PROBES_LIMIT,
                                  .unknown = rh_json_add_array(root, "unknown"),
                                  .local = local};
    bool ok = session.pg != NULL;
    for (int kind = 0; ok && kind < RH_PROBE_COUNT; kind++)
        if (probes & 1u << kind)
            ok = rh_profile_run_probe(&session, (rh_probe_kind)kind, figures, error);
    rh_profile read;
    if (ok) {
        rh_json_add_string(server, "version", "staging");
        rh_json_add_int(server, "version_num", rh_pg_server_version(session.pg));
        rh_json_add_real(server, "clock_s", (double)rh_clock_wall() / 1e6);
        ok = rh_profile_parse(root, "staging", arena, &read, error);
    }
    for (size_t i = 0; ok && i < read.unknown_count; i++)
        if (rh_starts_with(read.unknown[i].what, "probe."))
            *rh_arena_add(arena, unknown, count) = read.unknown[i];
    if (ok && facts->round_count < RH_PROBE_ROUNDS_MOST) {
        facts->rounds[facts->round_count++] = read.probe;
        facts->staging = rh_probe_of_rounds(facts->rounds, facts->round_count);
    }
    rh_pg_close(session.pg);
    rh_json_free(root);
    return ok;
}

void rh_profile_settings(const rh_profile *profile, rh_staging_facts *staging)
{
    for (size_t i = 0; i < staging->setting_count; i++)
        for (size_t j = 0; j < profile->setting_count && !staging->settings[i].production_value; j++)
            if (strcmp(profile->settings[j].name, staging->settings[i].name) == 0)
                staging->settings[i].production_value = profile->settings[j].value;
}
