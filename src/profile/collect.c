/* Reads production: one transaction of facts, the probes, the second reading, and samples of open
 * transactions in between. */
#include "pgrehearse/base/units.h"
#include "pgrehearse/base/clock.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/profile/profile.h"
#include "session.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const rh_usec FACTS_END = 3 * RH_SECOND; /* after the start: what has not begun by then is left out */
static const rh_usec PROBES_END = 7 * RH_SECOND;
static const rh_usec READING_LIMIT = 700000; /* for the second reading of the counters */
static const rh_usec LOOK_EVERY = 250000;
enum { OLDEST_SUPPORTED = 110000 };

typedef struct take {
    rh_profile_session session;
    const rh_profile_options *options;
    rh_json *root;
    rh_json *ages, *ages_index; /* merged rows; their keys' positions */
    rh_usec started, first_reading;
    int64_t samples;
} take;

/* ---- samples of the open transactions, summed as they arrive ---- */

static void add_sample(take *t, const rh_json *row)
{
    rh_json *up_to = rh_json_get(row, "up_to_s");
    if (!up_to) {
        t->samples++;
        return;
    }
    rh_text key = {0};
    const char *names[] = {"schema", "name", "mode"};
    for (size_t i = 0; i < 3; i++) {
        const char *value = rh_json_string(rh_json_get(row, names[i]));
        rh_text_printf(&key, "%s\x1f", value ? value : "");
    }
    rh_text_printf(&key, "%.6g", rh_json_real(up_to));
    int64_t seen = rh_json_int(rh_json_get(row, "transactions"));
    int64_t at = rh_json_int(rh_json_get(t->ages_index, rh_text_string(&key)));
    if (at >= 0) {
        rh_json *known = rh_json_at(t->ages, (size_t)at);
        rh_json_add_int(known, "transactions", rh_json_int(rh_json_get(known, "transactions")) + seen);
    } else {
        rh_json_add_int(t->ages_index, rh_text_string(&key), (int64_t)rh_json_count(t->ages));
        rh_json *added = rh_json_add_object(t->ages, NULL);
        for (size_t i = 0; i < 3; i++)
            rh_json_add_string(added, names[i], rh_json_string(rh_json_get(row, names[i])));
        rh_json_add_real(added, "up_to_s", rh_json_real(up_to));
        rh_json_add_int(added, "transactions", seen);
    }
    rh_text_release(&key);
}

static bool sample(take *t, rh_error *error)
{
    rh_json *rows = rh_json_array();
    bool ok = rh_profile_rows(&t->session, rh_profile_part("ages"), rows, error);
    for (size_t i = 0; ok && i < rh_json_count(rows); i++)
        add_sample(t, rh_json_at(rows, i));
    rh_json_free(rows);
    return ok;
}

/* A sample every quarter of a second, each in a transaction of its own. */
static bool watch(take *t, rh_error *error)
{
    const rh_progress *progress = t->options->progress;
    rh_usec began = rh_clock_monotonic(), next = began + LOOK_EVERY, end = began + t->options->watch;
    bool ok = true;
    for (; ok && next <= end; next += LOOK_EVERY) {
        rh_clock_sleep_until(next);
        t->session.deadline = rh_clock_monotonic() + RH_SECOND;
        ok = rh_profile_begin(&t->session, error) && sample(t, error) && rh_profile_end(&t->session, error);
        rh_progress_update(progress, "profile", "watching transactions", (next - began) / RH_SECOND,
                           t->options->watch / RH_SECOND, RH_UNIT_SECONDS);
        if (rh_clock_monotonic() > next + LOOK_EVERY)
            next = rh_clock_monotonic(); /* a slow server: look less often, never without a pause */
    }
    return ok;
}

static void finish_watch(take *t)
{
    if (t->samples > 0) {
        rh_json *marker = rh_json_add_object(t->ages, NULL);
        rh_json_add_int(marker, "looks", t->samples);
        rh_json_add_real(marker, "watched_s", rh_seconds(t->options->watch));
    } else {
        rh_profile_unknown(&t->session, "transactions",
                           "this role does not see other roles' transactions: GRANT pg_monitor");
    }
}

/* ---- facts ---- */

static bool facts(take *t, rh_error *error)
{
    size_t count;
    const rh_part *parts = rh_profile_parts(&count);
    bool ok = rh_profile_begin(&t->session, error);
    for (size_t i = 0; ok && i < count; i++) {
        if (parts[i].requested && !t->options->most_common_values)
            continue;
        if (strcmp(parts[i].name, "ages") == 0) {
            ok = sample(t, error);
            continue;
        }
        rh_json *rows = rh_json_array();
        if (parts[i].again)
            t->first_reading = rh_clock_monotonic();
        ok = rh_profile_rows(&t->session, &parts[i], rows, error);
        if (parts[i].requested && ok && rh_json_count(rows) == 0)
            rh_profile_unknown(&t->session, parts[i].name,
                               "no column that this role may read has any: GRANT pg_read_all_data TO it");
        if (parts[i].many) {
            rh_json_add(t->root, parts[i].name, rows);
            continue;
        }
        rh_json *row = rh_json_at(rows, 0), *object = rh_json_add_object(t->root, parts[i].name), *value;
        void *iterator = NULL;
        for (const char *key; (key = rh_json_each(row, &iterator, &value)) != NULL;) {
            char *text = rh_json_format_line(value);
            rh_json_add(object, key, rh_json_parse(text, strlen(text), key, NULL));
            free(text);
        }
        rh_json_free(rows);
    }
    return ok && rh_profile_end(&t->session, error);
}

static bool second_reading(take *t, rh_error *error)
{
    size_t count;
    const rh_part *parts = rh_profile_parts(&count);
    rh_clock_sleep_until(t->first_reading + RH_SECOND);
    t->session.deadline = rh_clock_monotonic() + READING_LIMIT;
    bool ok = rh_profile_begin(&t->session, error);
    for (size_t i = 0; ok && i < count; i++)
        if (parts[i].again)
            ok = rh_profile_rows(&t->session, &parts[i], rh_json_get(t->root, parts[i].name), error);
    return ok && rh_profile_end(&t->session, error);
}

/* PostgreSQL has no function for it; a server on this very machine can be read in another way. */
static void disk_free(take *t)
{
    rh_json *disk = rh_json_add_object(t->root, "disk");
    rh_pg_result *result =
        rh_pg_is_unix_socket(t->session.pg)
            ? rh_pg_query(t->session.pg, "SELECT current_setting('data_directory', true)", 0, NULL, NULL)
            : NULL;
    const char *directory = result && rh_pg_rows(result) > 0 ? rh_pg_value(result, 0, 0) : NULL;
    int64_t bytes = directory && *directory ? rh_disk_free(directory) : RH_UNKNOWN;
    rh_json_add_count(disk, "free_bytes", bytes);
    if (bytes < 0)
        rh_profile_unknown(&t->session, "disk",
                           "PostgreSQL does not report it to clients; write it into disk.free_bytes by hand");
    rh_pg_result_free(result);
}

/* Two rounds: what differs between them shows how much else the machine does. */
static bool probes(take *t, rh_error *error)
{
    rh_json *first = rh_json_add_object(t->root, "probe"),
            *again = rh_json_add_object(t->root, "probe_again");
    bool ok = true;
    for (int kind = 0; ok && kind < RH_PROBE_COUNT; kind++) {
        if (t->options->probes & 1u << kind)
            ok = rh_profile_run_probe(&t->session, (rh_probe_kind)kind, first, error);
        else
            rh_profile_unknown(&t->session, rh_profile_probe_part((rh_probe_kind)kind)->name,
                               "switched off on the command line");
    }
    for (int kind = 0; ok && kind < RH_PROBE_COUNT; kind++)
        if (rh_json_get(first, rh_probe_name((rh_probe_kind)kind)))
            ok = rh_profile_run_probe(&t->session, (rh_probe_kind)kind, again, error);
    return ok;
}

static bool read_all(take *t, rh_error *error)
{
    const rh_progress *progress = t->options->progress;
    t->session.deadline = t->started + FACTS_END;
    rh_progress_begin(progress, "profile", "facts, then the probe");
    if (!facts(t, error))
        return false;
    disk_free(t);
    t->session.deadline = t->started + PROBES_END;
    if (!probes(t, error) || !watch(t, error) || !second_reading(t, error))
        return false;
    finish_watch(t);
    return true;
}

rh_json *rh_profile_collect(const char *conninfo, const rh_profile_options *options, rh_error *error)
{
    take t = {.options = options, .root = rh_json_object(), .ages_index = rh_json_object()};
    rh_json_add_string(t.root, "format", "pgrehearse profile");
    rh_json_add_int(t.root, "version", 1);
    rh_json_add_string(t.root, "tool_version", RH_VERSION);
    t.session.unknown = rh_json_array();
    t.ages = rh_json_array();
    t.session.pg = rh_pg_connect(conninfo, ": profile", error);
    t.started = rh_clock_monotonic();
    bool ok = t.session.pg != NULL;
    if (ok && rh_pg_server_version(t.session.pg) < OLDEST_SUPPORTED) {
        ok = rh_error_set(error, RH_ERROR_UNSUPPORTED, "the server is PostgreSQL %d.%d",
                          rh_pg_server_version(t.session.pg) / 10000,
                          rh_pg_server_version(t.session.pg) / 100 % 100);
        rh_error_hint(error, "a profile needs PostgreSQL 11 or newer");
    }
    ok = ok && read_all(&t, error);
    rh_pg_close(t.session.pg);
    rh_json_free(t.ages_index);
    rh_json_add(t.root, "ages", t.ages);
    rh_json_add(t.root, "unknown", t.session.unknown);
    if (ok) {
        rh_json_add_real(t.root, "elapsed_s", rh_seconds(rh_clock_monotonic() - t.started));
        rh_progress_end(options->progress, "profile", "%zu table%s",
                        rh_json_count(rh_json_get(t.root, "relations")),
                        rh_plural((int64_t)rh_json_count(rh_json_get(t.root, "relations"))));
        return t.root;
    }
    rh_json_free(t.root);
    return NULL;
}
