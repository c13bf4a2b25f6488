/* The life of a private cluster. */
#include "pgrehearse/staging/embedded.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/staging/binaries.h"
#include "pgrehearse/staging/database.h"
#include "pgrehearse/staging/isolation.h"
#include "pgrehearse/staging/locale.h"
#include "pgrehearse/staging/mark.h"
#include "pgrehearse/staging/server_log.h"
#include "pgrehearse/staging/settings.h"
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
static const rh_usec INITDB_PATIENCE = 120 * RH_SECOND;
static const char DATABASE[] = "pgrehearse";

/* ---- making it ---- */

static bool find_server(rh_staging *staging, const rh_staging_request *request, rh_error *error)
{
    int minimum_major = request->minimum_major;
    const char *wanted = staging->scenario->staging.bindir;
    staging->major = rh_binaries_find_server(wanted, minimum_major, request->wanted_major, staging->arena,
                                             &staging->bindir);
    if (rh_interrupt_requested()) /* which also ends the programs that tell their versions */
        return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted while staging started");
    if (staging->major == 0) {
        rh_error_set(error, RH_ERROR_STAGING, "no PostgreSQL server is installed%s%s", wanted ? " in " : "",
                     wanted ? wanted : "");
        rh_error_hint(error, "apt install postgresql, or name its programs' directory in staging.bindir");
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
        return true;
    }
    const rh_location *where = &staging->scenario->staging.where;
    return wanted ? rh_error_at(error, where->file, where->line, where->column) : false;
}

/* A directory for the server's account alone. */
static bool make_private(const rh_account *account, const char *path, rh_error *error)
{
    if (mkdir(path, 0700) != 0)
        return rh_error_errno(error, errno, "cannot make the directory %s", path);
    if (account->uid && chown(path, account->uid, account->gid) != 0)
        return rh_error_errno(error, errno, "cannot give %s away", path);
    return true;
}

/* May any account pass through every directory of PATH? */
static bool is_open_to_all(rh_staging *staging, const char *path)
{
    struct stat status;
    for (const char *slash = path; slash; slash = strchr(slash + 1, '/')) {
        size_t length = slash == path ? 1 : (size_t)(slash - path);
        if (stat(rh_arena_strndup(staging->arena, path, length), &status) != 0 || !(status.st_mode & S_IXOTH))
            return false;
    }
    return stat(path, &status) == 0 && status.st_mode & S_IXOTH;
}

/* As root: an account of the server's own, where it can reach the directory PARENT. */
static bool choose_account(rh_staging *staging, const char *parent, rh_error *error)
{
    if (geteuid() != 0)
        return true;
    bool own = is_open_to_all(staging, parent) && rh_account_choose(&staging->account);
    if (!own && !rh_account_common(&staging->account, error))
        return false;
    staging->uid = staging->account.uid;
    staging->gid = staging->account.gid;
    return true;
}

/* A Unix socket's path is short: then it lies under /tmp, and the mark says so. */
static const char *choose_socket(rh_staging *staging, const char *name)
{
    const char *beside = rh_arena_printf(staging->arena, "%s/socket", staging->cluster.directory);
    if (strlen(beside) + strlen("/.s.PGSQL.5432") < sizeof((struct sockaddr_un *)0)->sun_path)
        return beside;
    return rh_arena_printf(staging->arena, "/tmp/%s.socket", name);
}

static bool write_mark(rh_staging *staging, const char *socket, bool kept, rh_error *error)
{
    rh_cluster *cluster = &staging->cluster;
    rh_mark mark = {.kept = kept, .uid = staging->account.own ? staging->uid : 0};
    snprintf(mark.socket, sizeof mark.socket, "%s", socket);
    return rh_mark_write(cluster->mark, &mark, &cluster->lock, error);
}

/* The server's own log may hold values of the data, so that only we may read it; the run's is made from it.
 */
static bool make_log(const char *path, rh_error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return rh_error_errno(error, errno, "cannot make %s", path);
    close(fd);
    return true;
}

static bool make_directories(rh_staging *staging, const char *log_directory, rh_error *error)
{
    rh_cluster *cluster = &staging->cluster;
    rh_arena *arena = staging->arena;
    const char *asked =
        staging->scenario->staging.directory ? staging->scenario->staging.directory : "/var/tmp";
    if (!rh_directory_make(asked, 0755, error))
        return false;
    char *parent = realpath(asked, NULL);
    if (!parent)
        return rh_error_errno(error, errno, "cannot use the directory %s", asked);
    const char *name = rh_arena_printf(arena, "pgrehearse-%u-%s", geteuid(), staging->id);
    const char *directory = rh_arena_printf(arena, "%s/%s", parent, name);
    bool chosen = choose_account(staging, parent, error);
    free(parent);
    if (!chosen)
        return false;
    /* Others may pass through (the server's account must), but neither look nor write. */
    if (mkdir(directory, 0711) != 0)
        return rh_error_errno(error, errno, "cannot make the directory %s", directory);
    cluster->directory = directory;
    cluster->mark = rh_arena_printf(arena, "%s/mark", directory);
    cluster->data = rh_arena_printf(arena, "%s/data", directory);
    cluster->config = rh_arena_printf(arena, "%s/config", directory);
    cluster->snapshot = rh_arena_printf(arena, "%s/snapshot", directory);
    cluster->work = rh_arena_printf(arena, "%s/work", directory);
    cluster->log = rh_arena_printf(arena, "%s/server.log", directory);
    cluster->shown_log =
        log_directory ? rh_arena_printf(arena, "%s/server.log", log_directory) : cluster->log;
    const char *socket = choose_socket(staging, name);
    if (!write_mark(staging, socket, false, error) || !make_private(&staging->account, socket, error))
        return false;
    cluster->socket = socket;
    return make_log(cluster->log, error) &&
           ((mkdir(cluster->config, 0755) == 0 && chmod(cluster->config, 0755) == 0) ||
            rh_error_errno(error, errno, "cannot make the directory %s", cluster->config)) &&
           make_private(&staging->account, cluster->data, error) &&
           make_private(&staging->account, cluster->work, error);
}

/* initdb's own "error: …", or the FATAL of the server that it ran. */
static bool fail_initdb(const rh_staging *staging, const char *said, rh_error *error)
{
    static const char *const markers[] = {"FATAL:  ", "PANIC:  ", "error: "};
    bool full = strstr(said, "No space left on device") != NULL;
    for (size_t i = 0; i < sizeof markers / sizeof *markers; i++) {
        const char *found = strstr(said, markers[i]);
        if (found) {
            said = found + strlen(markers[i]);
            break;
        }
    }
    rh_error_set(error, full ? RH_ERROR_NO_SPACE : RH_ERROR_STAGING, "initdb failed: %.*s",
                 (int)strcspn(said, "\n"), said);
    if (full)
        return rh_error_hint(error, "free space, or set staging.directory to a larger place");
    if (strstr(said, "Permission denied"))
        return rh_error_hint(
            error,
            "PostgreSQL does not run as root but as another account, which must be able to reach %s: "
            "set staging.directory to a place that it can",
            staging->cluster.directory);
    return false;
}

static void note_memory(void *memory, pid_t member)
{
    rh_shared_memory_add(member, memory);
}

/* The server that initdb runs does not catch SIGTERM while it makes the catalogs, and leaves its shared
 * memory when it is ended then. */
static bool initdb(rh_staging *staging, const char *locale, rh_error *error)
{
    const char *argv[] = {rh_staging_program(staging, "initdb"),
                          "--pgdata",
                          staging->cluster.data,
                          "--username=postgres",
                          "--auth=trust",
                          "--encoding=UTF8",
                          rh_arena_printf(staging->arena, "--locale=%s", locale),
                          "--no-sync",
                          NULL};
    rh_account account = staging->account;
    /* initdb wants an account with a name; what it makes is given to the server's account. */
    if (account.own && !rh_account_common(&account, error))
        return false;
    if (!rh_tree_remove(staging->cluster.data, error) ||
        !make_private(&account, staging->cluster.data, error))
        return false;
    rh_process_options options = rh_isolation_options(staging);
    options.argv = argv;
    options.uid = account.uid;
    options.gid = account.gid;
    int status = 0;
    rh_shared_memory memory = {0};
    rh_process *process = rh_process_start(&options, error);
    if (process)
        rh_process_on_ending(process, note_memory, &memory);
    bool ok = process && rh_process_wait(process, INITDB_PATIENCE, &status, error);
    if (!ok)
        rh_shared_memory_remove(&memory);
    if (ok && status != 0)
        ok = fail_initdb(staging, rh_process_errors(process), error);
    rh_process_free(process);
    return ok &&
           (!staging->account.own || rh_tree_chown(staging->cluster.data, staging->uid, staging->gid, error));
}

/* C.UTF-8 is in glibc since 2.35 and in Debian's before; elsewhere plain C orders the same way. */
static bool make_cluster(rh_staging *staging, rh_error *error)
{
    rh_error first = {0};
    if (initdb(staging, "C.UTF-8", &first))
        return true;
    bool locale = first.message && strstr(first.message, "locale");
    if (locale) {
        rh_error_release(&first);
        return initdb(staging, "C", error);
    }
    if (error)
        rh_error_move(error, &first);
    rh_error_release(&first);
    return false;
}

/* ---- running it ---- */

static bool start_postmaster(rh_staging *staging, rh_error *error)
{
    size_t count = 0;
    rh_process_options options = rh_isolation_options(staging);
    options.argv = rh_settings_arguments(staging, &count);
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
        if (pg) {
            rh_pg_close(pg);
            return true;
        }
        bool late = rh_clock_monotonic() > deadline;
        if (late)
            rh_error_set(error, RH_ERROR_STAGING, "the staging server did not answer within %.0f s: %s",
                         rh_seconds(START_PATIENCE), attempt.message ? attempt.message : "no socket");
        rh_error_release(&attempt);
        if (late)
            return false;
        if (rh_interrupt_requested())
            return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted while the staging server started");
        rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND / 100);
    }
}

bool rh_embedded_run(rh_staging *staging, rh_error *error)
{
    if (!start_postmaster(staging, error))
        return false;
    bool ready = wait_until_ready(staging, error);
    rh_shared_memory_note(rh_process_pid(staging->cluster.server), &staging->cluster.memory);
    return ready;
}

bool rh_embedded_halt(rh_staging *staging, bool cleanly, rh_error *error)
{
    rh_cluster *cluster = &staging->cluster;
    if (!cluster->server)
        return true;
    int status = 0;
    if (rh_process_has_ended(cluster->server, &status))
        return rh_embedded_alive(staging, error);
    rh_process_signal(cluster->server, cleanly ? SIGINT : SIGQUIT);
    bool ok = rh_process_wait(cluster->server, STOP_PATIENCE, &status, error);
    if (ok && cleanly && status != 0)
        ok = rh_server_log_error(cluster->log, cluster->shown_log,
                                 "the staging server did not shut down cleanly", error);
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
    return ended && rh_embedded_run(staging, error);
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

static bool create_database(rh_staging *staging, rh_error *error)
{
    rh_pg *pg = rh_staging_connect(staging, "postgres", ": staging", error);
    bool ok =
        pg && rh_database_create(staging, pg, DATABASE, error) && rh_database_settings(staging, pg, error);
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
    if (!find_server(staging, request, error) || !make_directories(staging, request->log_directory, error) ||
        !rh_locale_prepare(staging, error) || !rh_isolation_prove(staging, error) ||
        !make_cluster(staging, error))
        return false;
    /* Settings that this server refuses come to light now, not after an hour of restoring. */
    if (!rh_settings_begin(staging, error) || !rh_settings_check(staging, error) ||
        !rh_settings_write(staging, RH_SETTINGS_RESTORE, error) || !rh_embedded_run(staging, error) ||
        !create_database(staging, error) || !rh_settings_record(staging, error))
        return false;
    rh_staging_use(staging, DATABASE);
    note_isolation(staging);
    return true;
}

/* A cluster that is kept goes to an account that has a name: PostgreSQL's programs want one. */
static void give_away(rh_staging *staging)
{
    rh_account account;
    if (staging->account.own && staging->cluster.data && rh_account_common(&account, NULL)) {
        rh_tree_chown(staging->cluster.data, account.uid, account.gid, NULL);
        rh_tree_chown(staging->cluster.socket, account.uid, account.gid, NULL);
    }
}

void rh_embedded_free(rh_staging *staging, bool keep)
{
    rh_cluster *cluster = &staging->cluster;
    rh_embedded_halt(staging, keep, NULL);
    rh_process_free(cluster->server);
    cluster->server = NULL;
    rh_shared_memory_remove(&cluster->memory);
    if (cluster->log && cluster->shown_log != cluster->log)
        rh_server_log_show(cluster->log, cluster->shown_log, NULL);
    rh_account_end(&staging->account);
    if (keep)
        give_away(staging);
    rh_account_release(&staging->account);
    if (keep && cluster->lock >= 0) {
        rh_tree_remove(cluster->snapshot, NULL);
        write_mark(staging, cluster->socket, true, NULL);
    } else if (cluster->directory && cluster->lock >= 0) {
        if (cluster->socket)
            rh_tree_remove(cluster->socket, NULL);
        rh_mark_remove_cluster(cluster->directory, NULL);
    }
    if (cluster->lock >= 0)
        close(cluster->lock);
    cluster->lock = -1;
}
