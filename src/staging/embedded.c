/* Creates, starts, stops and removes a private cluster. */
#include "embedded.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include "binaries.h"
#include "clients.h"
#include "cluster.h"
#include "database.h"
#include "isolation.h"
#include "locale.h"
#include "mark.h"
#include "server_log.h"
#include "settings.h"
#include "snapshot_hook.h"
#include "standby.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const rh_usec START_PATIENCE = 120 * RH_SECOND;
static const rh_usec STOP_PATIENCE = 120 * RH_SECOND;
static const char DATABASE[] = "pgrehearse";

/* ---- making it ---- */

static bool find_server(rh_staging *staging, const rh_staging_request *request, rh_error *error)
{
    int minimum_major = request->minimum_major;
    const char *wanted = staging->scenario->staging.bindir;
    const rh_binaries_search search = {
        .bindir = wanted, .least = minimum_major, .wanted = request->wanted_major};
    rh_error unknown = {0};
    staging->major = rh_binaries_find_server(&search, staging->arena, &staging->bindir, &unknown);
    if (rh_interrupt_requested()) { /* which also ends the programs that print their versions */
        rh_error_release(&unknown);
        return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted while staging started");
    }
    if (rh_error_is_set(&unknown)) {
        rh_error_move(error, &unknown);
    } else if (staging->major == 0) {
        rh_error_set(error, RH_ERROR_STAGING, "no PostgreSQL server is installed%s%s", wanted ? " in " : "",
                     wanted ? wanted : "");
        rh_error_hint(error, "apt install postgresql, or name its programs' directory in staging.bindir");
    } else if (request->exact_major && staging->major != request->exact_major) {
        rh_error_set(
            error, RH_ERROR_BACKUP,
            "the copy is of PostgreSQL %d, which only a server of that version can open; here is %d, in %s",
            request->exact_major, staging->major, staging->bindir);
        rh_error_hint(
            error,
            "apt install postgresql-%d (from apt.postgresql.org), or name its programs' directory in "
            "staging.bindir",
            request->exact_major);
    } else if (staging->major < minimum_major) {
        rh_error_set(error, RH_ERROR_BACKUP,
                     "the backup needs PostgreSQL %d; the newest server here is %d, in %s", minimum_major,
                     staging->major, staging->bindir);
        rh_error_hint(
            error,
            "apt install postgresql-%d (from apt.postgresql.org), or name its programs' directory in "
            "staging.bindir",
            minimum_major);
    } else {
        return rh_clients_choose(staging, minimum_major, error);
    }
    const rh_location *where = &staging->scenario->staging.where;
    return wanted ? rh_error_at(error, where->file, where->line, where->column) : false;
}

/* ---- running it ---- */

static bool start_postmaster(rh_staging *staging, rh_error *error)
{
    size_t count = 0;
    rh_settings_server server = {.data = staging->cluster.data, .socket = staging->cluster.socket};
    server.more = rh_standby_primary_settings(staging, &server.more_count);
    rh_process_options options = rh_isolation_options(staging);
    options.argv = rh_settings_arguments(staging, &server, &count);
    options.output_path = staging->cluster.log;
    options.no_exec = true;
    options.death_signal = SIGQUIT; /* an immediate shutdown, with all its backends */
    staging->cluster.server = rh_process_start(&options, error);
    if (!staging->cluster.server)
        return rh_error_context(error, "the staging server would not start");
    return true;
}

/* Asks every 10 ms: most starts take less than the second that others wait between two tries. */
static bool wait_until_ready(rh_staging *staging, rh_error *error)
{
    rh_usec deadline = rh_clock_monotonic() + START_PATIENCE;
    const char *conninfo = rh_staging_conninfo_of(staging, "postgres");
    const char *socket = rh_arena_printf(staging->arena, "%s/.s.PGSQL.5432", staging->cluster.socket);
    for (;;) {
        rh_error attempt = {0};
        if (!rh_embedded_alive(staging, error))
            return false;
        rh_pg *pg = rh_file_exists(socket) ? rh_pg_connect(conninfo, ": start", &attempt) : NULL;
        bool noted = pg && rh_server_life_note(pg, &staging->cluster.life);
        rh_pg_close(pg);
        if (noted)
            return true;
        bool late = rh_clock_monotonic() > deadline;
        if (late)
            rh_error_set(error, RH_ERROR_STAGING, "the staging server did not answer within %.0f s: %s",
                         rh_seconds(START_PATIENCE),
                         attempt.message ? attempt.message : "it has no socket or no checkpointer");
        rh_error_release(&attempt);
        if (late)
            return false;
        if (rh_interrupt_requested())
            return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted while the staging server started");
        rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND / 100);
    }
}

static bool start(rh_staging *staging, rh_error *error)
{
    if (!start_postmaster(staging, error))
        return false;
    bool ready = wait_until_ready(staging, error);
    rh_shared_memory_note(rh_process_pid(staging->cluster.server), &staging->cluster.memory);
    return ready;
}

bool rh_embedded_run(rh_staging *staging, rh_error *error)
{
    rh_cluster *cluster = &staging->cluster;
    struct stat log;
    const int64_t logged = stat(cluster->log, &log) == 0 ? log.st_size : 0;
    if (!start(staging, error))
        return false;
    if (!cluster->life.recovered &&
        !rh_server_log_says(cluster->log, logged, "all server processes terminated; reinitializing"))
        return true;
    cluster->broken = true;
    return rh_embedded_was_up(staging, error);
}

bool rh_embedded_halt(rh_staging *staging, bool cleanly, rh_error *error)
{
    rh_cluster *cluster = &staging->cluster;
    rh_standby_halt(staging);
    if (!cluster->server)
        return true;
    int status = 0;
    if (rh_process_has_ended(cluster->server, &status))
        return rh_embedded_alive(staging, error);
    cluster->broken = cluster->broken || rh_server_life_has_ended(&cluster->life);
    rh_process_signal(cluster->server, cleanly ? SIGINT : SIGQUIT);
    bool ok = rh_process_wait(cluster->server, STOP_PATIENCE, &status, error);
    if (ok && cleanly && status != 0)
        ok = rh_server_log_error(cluster->log, cluster->shown_log,
                                 "the staging server did not shut down cleanly", error);
    if (ok && status > 128) { /* not by our signal, which it catches */
        cluster->broken = true;
        ok = rh_server_log_error(cluster->log, cluster->shown_log,
                                 "the staging server was killed while it was stopped", error);
    }
    rh_process_free(cluster->server);
    cluster->server = NULL;
    rh_account_end(&staging->account); /* what native code left would write into what is copied next */
    return ok;
}

void rh_embedded_crash(rh_staging *staging)
{
    if (staging->cluster.server)
        rh_process_signal(staging->cluster.server, SIGQUIT);
}

bool rh_embedded_recover(rh_staging *staging, rh_error *error)
{
    rh_cluster *cluster = &staging->cluster;
    int status = 0;
    bool ended = !cluster->server || rh_process_wait(cluster->server, STOP_PATIENCE, &status, error);
    rh_process_free(cluster->server);
    cluster->server = NULL;
    return ended && start(staging, error);
}

bool rh_embedded_alive(rh_staging *staging, rh_error *error)
{
    const rh_cluster *cluster = &staging->cluster;
    int status = 0;
    if (cluster->server && !rh_process_has_ended(cluster->server, &status))
        return true;
    if (!cluster->server)
        return rh_error_set(error, RH_ERROR_STAGING, "the staging server is not running");
    char what[96];
    snprintf(what, sizeof what,
             status > 128 ? "the staging server was killed by signal %d"
                          : "the staging server ended (status %d)",
             status > 128 ? status - 128 : status);
    return rh_server_log_error(cluster->log, cluster->shown_log, what, error);
}

bool rh_embedded_was_up(rh_staging *staging, rh_error *error)
{
    const rh_cluster *cluster = &staging->cluster;
    if (!rh_embedded_alive(staging, error))
        return false;
    if (!cluster->broken && !rh_server_life_has_ended(&cluster->life))
        return true;
    static const char what[] =
        "a process of the staging server ended by a signal, and the server started again";
    rh_error logged = {0};
    rh_server_log_error(cluster->log, cluster->shown_log, what, &logged);
    if (logged.code == RH_ERROR_NO_SPACE) { /* PostgreSQL panics when it cannot write WAL */
        rh_error_move(error, &logged);
        return false;
    }
    rh_error_release(&logged);
    rh_error_set(error, RH_ERROR_LOST, "%s", what);
    return rh_error_hint(
        error, "what ran meanwhile was not measured: run again (the signal is in the server's log: %s)",
        cluster->shown_log);
}

bool rh_embedded_accept_restart(rh_staging *staging, rh_error *error)
{
    staging->cluster.broken = false;
    return wait_until_ready(staging, error);
}

static bool create_database(rh_staging *staging, rh_error *error)
{
    rh_pg *pg = rh_staging_connect(staging, "postgres", ": staging", error);
    static const char postgres[] =
        "CREATE ROLE postgres SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS LOGIN";
    bool ok = pg && rh_pg_execute(pg, postgres, error) && rh_database_create(staging, pg, DATABASE, error) &&
              rh_database_settings(staging, pg, error);
    rh_pg_close(pg);
    return ok;
}

static void note_isolation(rh_staging *staging)
{
    rh_staging_note(staging,
                    "no TCP listener: the server answers on a Unix socket in a private directory only");
    rh_staging_note(
        staging, "no archiving, no restore command, no standby connection, no logical replication workers");
    if (rh_isolation_denies_connections(&staging->isolation))
        rh_staging_note(staging,
                        "the server was denied every connection: foreign servers and dblink reach nothing");
}

bool rh_embedded_start(rh_staging *staging, const rh_staging_request *request, rh_error *error)
{
    rh_pg_forget_environment(true); /* the caller's: they would lead elsewhere */
    staging->database = DATABASE;
    if (!find_server(staging, request, error) ||
        !rh_cluster_make_directories(staging, request->log_directory, error) ||
        !rh_locale_prepare(staging, error) || !rh_isolation_prove(staging, error) ||
        !rh_cluster_initialize(staging, error))
        return false;
    /* Settings that this server refuses come to light now, not after an hour of restoring. */
    if (!rh_settings_begin(staging, error) || !rh_settings_check(staging, error) ||
        !rh_settings_write(staging, RH_SETTINGS_RESTORE, error) || !start(staging, error) ||
        !create_database(staging, error) || !rh_settings_record(staging, error))
        return false;
    rh_staging_use(staging, DATABASE);
    note_isolation(staging);
    return true;
}

void rh_embedded_free(rh_staging *staging, bool keep)
{
    rh_cluster *cluster = &staging->cluster;
    rh_standby_free(staging);
    rh_embedded_halt(staging, keep, NULL);
    rh_process_free(cluster->server);
    cluster->server = NULL;
    rh_shared_memory_remove(&cluster->memory);
    if (cluster->log && cluster->shown_log != cluster->log)
        rh_server_log_show(cluster->log, cluster->shown_log, NULL);
    rh_account_end(&staging->account);
    if (!keep)
        rh_snapshot_hook_remove(staging);
    if (keep && cluster->lock >= 0) {
        rh_tree_remove(cluster->snapshot, NULL);
        rh_cluster_keep(staging);
    } else if (cluster->directory && cluster->lock >= 0) {
        if (cluster->socket)
            rh_tree_remove(cluster->socket, NULL);
        if (cluster->base && strcmp(cluster->base, cluster->directory) != 0)
            rh_tree_remove(cluster->base, NULL);
        rh_mark_remove_cluster(cluster->directory, NULL);
    }
    rh_account_release(&staging->account);
    rh_tree_state_free(cluster->state);
    cluster->state = NULL;
    if (cluster->lock >= 0)
        close(cluster->lock);
    cluster->lock = -1;
}
