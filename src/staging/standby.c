/* A standby: a copy of the stopped primary, started beside it, that streams its WAL over its socket.
 *
 * It is confined as the primary is, but for connect(): this program connects to the primary's socket for it
 * (rh_confinement_limits.server). Its files are <cluster>/standby/ and standby.log; the primary can neither
 * read nor write them. A physical slot keeps the WAL that it has not received. A copy that exists is made
 * equal to the primary again file by file, as a reset does.
 */
#include "standby.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/units.h"
#include "cluster.h"
#include "embedded.h"
#include "isolation.h"
#include "server_log.h"
#include "settings.h"
#include "snapshot.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define SLOT "pgrehearse_standby" /* and its application_name */

enum { FIRST_WITH_SIGNAL_FILE = 12 };

static const rh_usec START_PATIENCE = 120 * RH_SECOND, SLOT_PATIENCE = 30 * RH_SECOND;

/* ---- whether one is possible ---- */

int64_t rh_standby_needs(int64_t bytes, int64_t copied, bool reflink)
{
    const int64_t growth = bytes / 10 + (INT64_C(256) << 20);
    return reflink || copied >= bytes ? growth : bytes - copied + growth;
}

static const char *check_disk(rh_staging *staging)
{
    const rh_cluster *cluster = &staging->cluster;
    int64_t bytes = 0, copied = 0;
    char needed[32], had[32];
    if (!rh_tree_bytes(cluster->data, &bytes, NULL))
        return "the size of the cluster could not be read";
    if (staging->standby.state)
        rh_tree_bytes(staging->standby.data, &copied, NULL);
    const bool reflink = staging->reset_method && strcmp(staging->reset_method, "reflink") == 0;
    const int64_t needs = rh_standby_needs(bytes, copied, reflink),
                  free_bytes = rh_disk_free(cluster->directory);
    if (free_bytes < 0 || free_bytes >= needs)
        return NULL;
    return rh_arena_printf(staging->arena, "it needs %s of disk beside the cluster, and %s are free",
                           rh_size_format(needs, needed, sizeof needed),
                           rh_size_format(free_bytes, had, sizeof had));
}

static const char *check_settings(rh_staging *staging, rh_error *error)
{
    static const char sql[] =
        "SELECT CASE WHEN current_setting('wal_level') = 'minimal' THEN 'wal_level is minimal' "
        "WHEN current_setting('max_wal_senders')::int < 1 THEN 'max_wal_senders is 0' "
        "WHEN current_setting('max_replication_slots')::int < 1 THEN 'max_replication_slots is 0' END";
    rh_pg *pg = rh_staging_connect(staging, "postgres", ": standby", error);
    rh_pg_result *row = pg ? rh_pg_query(pg, sql, 0, NULL, error) : NULL;
    const char *why = row ? rh_arena_strdup(staging->arena, rh_pg_value(row, 0, 0)) : NULL;
    rh_pg_result_free(row);
    rh_pg_close(pg);
    return why;
}

/* Why there can be none, as the end of a sentence; NULL: nothing is in the way. */
static const char *refuse(rh_staging *staging, rh_error *error)
{
    if (staging->kind != RH_STAGING_EMBEDDED)
        return "a given server has only the standbys that its owner gave it";
    if (staging->major < FIRST_WITH_SIGNAL_FILE)
        return rh_arena_printf(staging->arena, "it needs PostgreSQL %d or newer", FIRST_WITH_SIGNAL_FILE);
    const char *why = check_settings(staging, error);
    return why || rh_error_is_set(error) ? why : check_disk(staging);
}

/* ---- its files ---- */

/* As the primary's: beside it, or under /tmp where a socket's path would be too long. */
static const char *choose_socket(rh_staging *staging)
{
    const char *beside = rh_arena_printf(staging->arena, "%s.standby", staging->cluster.socket);
    if (strlen(beside) + strlen("/.s.PGSQL.5432") < sizeof((struct sockaddr_un *)0)->sun_path)
        return beside;
    return rh_arena_printf(staging->arena, "/tmp/%s.socket.standby",
                           strrchr(staging->cluster.directory, '/') + 1);
}

static bool name_files(rh_staging *staging, rh_error *error)
{
    rh_standby *standby = &staging->standby;
    const char *directory = staging->cluster.directory, *shown = staging->cluster.shown_log;
    if (standby->data)
        return true;
    const char *socket = choose_socket(staging);
    if (!rh_cluster_make_private(&staging->account, socket, error))
        return false;
    standby->data = rh_arena_printf(staging->arena, "%s/standby", directory);
    standby->log = rh_arena_printf(staging->arena, "%s/standby.log", directory);
    standby->shown_log =
        rh_arena_printf(staging->arena, "%.*s/standby.log", (int)(strrchr(shown, '/') - shown), shown);
    standby->socket = socket;
    return true;
}

static bool remove_files(rh_standby *standby, rh_error *error)
{
    rh_tree_state_free(standby->state);
    standby->state = NULL;
    return rh_tree_remove(standby->data, error);
}

/* The primary has stopped. */
static bool copy_primary(rh_staging *staging, rh_error *error)
{
    rh_standby *standby = &staging->standby;
    const char *signal_file = rh_arena_printf(staging->arena, "%s/standby.signal", standby->data);
    const rh_tree_restore_options options = {.state = standby->state, .shared = staging->cluster.shared};
    bool ok = standby->state ? rh_tree_restore(staging->cluster.data, standby->data, &options, NULL, error)
                             : rh_tree_copy(staging->cluster.data, standby->data, NULL, error);
    ok = ok && rh_file_write(signal_file, "", 0, error);
    if (ok && staging->uid && lchown(signal_file, staging->uid, staging->gid) != 0)
        ok = rh_error_errno(error, errno, "cannot change the owner of %s", signal_file);
    ok = ok && rh_snapshot_record(standby->data, &standby->state, error);
    if (!ok)
        remove_files(standby, NULL);
    return ok;
}

/* ---- its settings ---- */

const rh_setting *rh_standby_primary_settings(rh_staging *staging, size_t *count)
{
    static const rh_setting settings[] = {{"synchronous_standby_names", SLOT},
                                          {"synchronous_commit", "remote_apply"}};
    *count = staging->standby.mode == RH_STANDBY_REMOTE_APPLY ? 2 : staging->standby.mode == RH_STANDBY_SYNC;
    return settings;
}

/* On the command line: a file or ALTER SYSTEM of the copy may say otherwise. */
static const char **make_arguments(rh_staging *staging)
{
    const char *keys[] = {"host", "port", "user", "application_name"};
    const char *values[] = {staging->cluster.socket, "5432", RH_OWN_ROLE, SLOT};
    char *primary = rh_pg_conninfo_with("", 4, keys, values, NULL);
    const rh_setting settings[] = {{"primary_conninfo", rh_arena_strdup(staging->arena, primary)},
                                   {"primary_slot_name", SLOT},
                                   {"hot_standby", "on"},
                                   {"wal_retrieve_retry_interval", "100ms"},
                                   {"recovery_min_apply_delay", "0"},
                                   {"recovery_target", ""},
                                   {"recovery_target_lsn", ""},
                                   {"recovery_target_name", ""},
                                   {"recovery_target_time", ""},
                                   {"recovery_target_xid", ""},
                                   {"recovery_end_command", ""},
                                   {"archive_cleanup_command", ""}};
    const rh_settings_server server = {.data = staging->standby.data,
                                       .socket = staging->standby.socket,
                                       .more = settings,
                                       .more_count = sizeof settings / sizeof *settings};
    size_t count = 0;
    free(primary);
    return rh_settings_arguments(staging, &server, &count);
}

/* ---- its start ---- */

static bool start_server(rh_staging *staging, rh_error *error)
{
    rh_standby *standby = &staging->standby;
    rh_process_options options = rh_isolation_standby_options(staging);
    options.argv = make_arguments(staging);
    options.output_path = standby->log;
    options.no_exec = true;
    options.death_signal = SIGQUIT;
    standby->server = rh_process_start(&options, error);
    return standby->server != NULL;
}

static bool reserve_slot(rh_staging *staging, rh_error *error)
{
    rh_pg *pg = rh_staging_connect(staging, "postgres", ": standby", error);
    const bool ok =
        pg && rh_pg_execute(pg, "SELECT pg_create_physical_replication_slot('" SLOT "', true)", error);
    rh_pg_close(pg);
    return ok;
}

const char *rh_staging_standby_conninfo(rh_staging *staging)
{
    const char *keys[] = {"dbname", "host", "port", "user"};
    const char *values[] = {"postgres", staging->standby.socket, "5432", RH_OWN_ROLE};
    if (!staging->standby.server)
        return NULL;
    char *conninfo = rh_pg_conninfo_with("", 4, keys, values, NULL);
    const char *copy = rh_arena_strdup(staging->arena, conninfo);
    free(conninfo);
    return copy;
}

/* It answers, and its walreceiver is connected and has caught up; a synchronous one counts as such. */
static bool is_streaming(rh_staging *staging, rh_pg *primary)
{
    const char *sql = staging->standby.mode == RH_STANDBY_ASYNC
                          ? "SELECT count(*) FROM pg_stat_replication WHERE application_name = '" SLOT
                            "' AND state = 'streaming'"
                          : "SELECT count(*) FROM pg_stat_replication WHERE application_name = '" SLOT
                            "' AND state = 'streaming' AND sync_state IN ('sync', 'quorum')";
    int64_t count = 0;
    const char *socket = rh_arena_printf(staging->arena, "%s/.s.PGSQL.5432", staging->standby.socket);
    if (!rh_file_exists(socket) || !rh_pg_query_int(primary, sql, &count, NULL) || count == 0)
        return false;
    rh_pg *pg = rh_pg_connect(rh_staging_standby_conninfo(staging), ": standby", NULL);
    const bool answers = pg && rh_server_life_note(pg, &staging->standby.life);
    rh_pg_close(pg);
    return answers;
}

static bool wait_until_streaming(rh_staging *staging, rh_error *error)
{
    rh_standby *standby = &staging->standby;
    const rh_usec deadline = rh_clock_monotonic() + START_PATIENCE;
    rh_pg *primary = rh_staging_connect(staging, "postgres", ": standby", error);
    bool streams = false, ok = primary != NULL;
    while (ok && !streams) {
        int status = 0;
        streams = is_streaming(staging, primary);
        if (streams)
            break;
        if (rh_process_has_ended(standby->server, &status))
            ok = rh_server_log_error(standby->log, standby->shown_log, "it ended", error);
        else if (rh_clock_monotonic() > deadline)
            ok = rh_server_log_error(standby->log, standby->shown_log, "it did not stream", error);
        else if (rh_interrupt_requested())
            ok = rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted while the standby started");
        else
            rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND / 100);
    }
    rh_pg_close(primary);
    rh_shared_memory_note(rh_process_pid(standby->server), &standby->memory);
    return streams;
}

/* Stops the primary, copies it, starts both. *ATTEMPT: what failed and leaves the primary running without a
 * standby. */
static bool build(rh_staging *staging, rh_standby_mode mode, rh_error *attempt, rh_error *error)
{
    rh_standby *standby = &staging->standby;
    if (!rh_embedded_halt(staging, true, error))
        return false;
    const bool copied = copy_primary(staging, attempt);
    standby->mode = copied ? mode : RH_STANDBY_NONE;
    if (!rh_embedded_run(staging, error))
        return false;
    if (copied && rh_isolation_prove_standby(staging, attempt) && reserve_slot(staging, attempt) &&
        start_server(staging, attempt))
        wait_until_streaming(staging, attempt);
    return true;
}

bool rh_staging_standby_start(rh_staging *staging, rh_standby_mode mode, const char **why_not,
                              rh_error *error)
{
    rh_error attempt = {0}, unknown = {0};
    *why_not = refuse(staging, &unknown);
    if (rh_error_is_set(&unknown)) {
        rh_error_move(error, &unknown);
        return false;
    }
    if (*why_not)
        return true;
    if (!rh_staging_standby_stop(staging, error))
        return false;
    if (name_files(staging, &attempt) && !build(staging, mode, &attempt, error)) {
        rh_error_release(&attempt);
        return false;
    }
    if (!rh_error_is_set(&attempt)) {
        rh_staging_note(staging,
                        "a standby of the same cluster: it is confined like the server, and its only "
                        "connection, to the server, is made by pgrehearse");
        return true;
    }
    if (attempt.code == RH_ERROR_INTERRUPTED) {
        rh_error_move(error, &attempt);
        return false;
    }
    *why_not = rh_arena_strdup(staging->arena, attempt.message);
    rh_error_release(&attempt);
    return rh_staging_standby_stop(staging, error);
}

/* ---- its end ---- */

void rh_standby_halt(rh_staging *staging)
{
    rh_standby *standby = &staging->standby;
    standby->mode = RH_STANDBY_NONE;
    if (!standby->server)
        return;
    rh_process_free(standby->server); /* an immediate shutdown: what it wrote is copied over or removed */
    standby->server = NULL;
    standby->life = (rh_server_life){0};
    rh_shared_memory_remove(&standby->memory);
}

/* Its walsender ends a moment after it. */
static bool drop_slot(rh_staging *staging, rh_error *error)
{
    static const char drop[] = "SELECT count(pg_drop_replication_slot(slot_name)) FROM pg_replication_slots "
                               "WHERE slot_name = '" SLOT "' AND NOT active";
    static const char left[] = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = '" SLOT "'";
    const rh_usec deadline = rh_clock_monotonic() + SLOT_PATIENCE;
    rh_pg *pg = rh_staging_connect(staging, "postgres", ": standby", error);
    int64_t count = 1;
    bool ok = pg != NULL;
    while (ok && count > 0) {
        ok = rh_pg_execute(pg, drop, error) && rh_pg_query_int(pg, left, &count, error);
        if (ok && count > 0 && rh_clock_monotonic() > deadline)
            ok = rh_error_set(error, RH_ERROR_STAGING, "the standby's replication slot stays active");
        if (ok && count > 0)
            rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND / 100);
    }
    rh_pg_close(pg);
    return ok;
}

bool rh_staging_standby_stop(rh_staging *staging, rh_error *error)
{
    const bool waits =
        staging->standby.mode == RH_STANDBY_SYNC || staging->standby.mode == RH_STANDBY_REMOTE_APPLY;
    if (staging->kind != RH_STAGING_EMBEDDED || !staging->standby.data)
        return true;
    rh_standby_halt(staging);
    /* Without its standby, a primary that waits for one would never commit again. */
    if (waits && (!rh_embedded_halt(staging, true, error) || !rh_embedded_run(staging, error)))
        return false;
    return drop_slot(staging, error);
}

bool rh_staging_standby_remove(rh_staging *staging, rh_error *error)
{
    if (!rh_staging_standby_stop(staging, error))
        return false;
    return !staging->standby.data || remove_files(&staging->standby, error);
}

bool rh_staging_standby_was_up(rh_staging *staging, const char **why_not)
{
    const rh_standby *standby = &staging->standby;
    int status = 0;
    *why_not = !standby->server                                 ? "it was not running"
               : rh_process_has_ended(standby->server, &status) ? "it ended"
               : rh_server_life_has_ended(&standby->life)       ? "one of its processes ended by a signal"
                                                                : NULL;
    return !*why_not;
}

void rh_standby_free(rh_staging *staging)
{
    rh_standby *standby = &staging->standby;
    rh_standby_halt(staging);
    if (!standby->data)
        return;
    if (strcmp(standby->log, standby->shown_log) != 0)
        rh_server_log_show(standby->log, standby->shown_log, NULL);
    remove_files(standby, NULL);
    rh_tree_remove(standby->socket, NULL);
}
