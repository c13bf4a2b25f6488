/* The directories of a private cluster, their owner, and initdb. */
#include "cluster.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "isolation.h"
#include "mark.h"
#include "server_log.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- directories ---- */

bool rh_cluster_make_private(const rh_account *account, const char *path, rh_error *error)
{
    if (mkdir(path, 0700) != 0)
        return rh_error_errno(error, errno, "cannot create the directory %s", path);
    if (account->uid && chown(path, account->uid, account->gid) != 0)
        return rh_error_errno(error, errno, "cannot change the owner of %s", path);
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
    const char *base = staging->cluster.base;
    const char *volume = rh_arena_strndup(staging->arena, base, (size_t)(strrchr(base, '/') - base));
    bool own = is_open_to_all(staging, parent) && is_open_to_all(staging, volume) &&
               rh_account_choose(&staging->account);
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
    if (strcmp(cluster->base, cluster->directory) != 0)
        snprintf(mark.base, sizeof mark.base, "%s", cluster->base);
    return rh_mark_write(cluster->mark, &mark, &cluster->lock, error);
}

/* The server's own log may hold values of the data, so that only we may read it; the run's is made from it.
 */
static bool make_log(const char *path, rh_error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return rh_error_errno(error, errno, "cannot create %s", path);
    close(fd);
    return true;
}

/* Where the scenario's programs take the snapshot of a volume, only the data directory lies on it. */
static bool choose_base(rh_staging *staging, const char *directory, rh_error *error)
{
    const rh_scenario *scenario = staging->scenario;
    const char *wanted = scenario->staging.snapshot.directory;
    rh_cluster *cluster = &staging->cluster;
    const char *name = strrchr(directory, '/') + 1;
    char *real = wanted ? realpath(wanted, NULL) : NULL;
    const size_t most = sizeof((rh_mark *)0)->base - strlen(name) - 2;
    if (wanted && (!real || strlen(real) > most)) {
        rh_error_errno(error, real ? ENAMETOOLONG : errno, "cannot use the directory %s", wanted);
        free(real);
        const rh_location *where = &scenario->staging.snapshot.where;
        return rh_error_at(error, where->file, where->line, where->column);
    }
    cluster->base = wanted ? rh_arena_printf(staging->arena, "%s/%s", real, name) : directory;
    free(real);
    return true;
}

/* What was there is not ours, and not to be removed with the cluster. */
static bool make_base(rh_cluster *cluster, rh_error *error)
{
    if (strcmp(cluster->base, cluster->directory) == 0 || mkdir(cluster->base, 0711) == 0)
        return true;
    rh_error_errno(error, errno, "cannot create the directory %s", cluster->base);
    cluster->base = cluster->directory;
    return false;
}

bool rh_cluster_make_directories(rh_staging *staging, const char *log_directory, rh_error *error)
{
    rh_cluster *cluster = &staging->cluster;
    rh_arena *arena = staging->arena;
    const char *wanted =
        staging->scenario->staging.directory ? staging->scenario->staging.directory : "/var/tmp";
    if (!rh_directory_make(wanted, 0755, error))
        return false;
    char *parent = realpath(wanted, NULL);
    if (!parent)
        return rh_error_errno(error, errno, "cannot use the directory %s", wanted);
    const char *name = rh_arena_printf(arena, "pgrehearse-%u-%s", geteuid(), staging->id);
    const char *directory = rh_arena_printf(arena, "%s/%s", parent, name);
    bool chosen = choose_base(staging, directory, error) && choose_account(staging, parent, error);
    free(parent);
    if (!chosen)
        return false;
    /* Others may pass through (the server's account must), but neither look nor write. */
    if (mkdir(directory, 0711) != 0)
        return rh_error_errno(error, errno, "cannot create the directory %s", directory);
    cluster->directory = directory;
    cluster->mark = rh_arena_printf(arena, "%s/mark", directory);
    cluster->data = rh_arena_printf(arena, "%s/data", cluster->base);
    cluster->config = rh_arena_printf(arena, "%s/config", directory);
    cluster->snapshot = rh_arena_printf(arena, "%s/snapshot", directory);
    cluster->work = rh_arena_printf(arena, "%s/work", directory);
    cluster->log = rh_arena_printf(arena, "%s/server.log", directory);
    cluster->shown_log =
        log_directory ? rh_arena_printf(arena, "%s/server.log", log_directory) : cluster->log;
    const char *socket = choose_socket(staging, name);
    if (!write_mark(staging, socket, false, error) || !make_base(cluster, error) ||
        !rh_cluster_make_private(&staging->account, socket, error))
        return false;
    cluster->socket = socket;
    return make_log(cluster->log, error) &&
           ((mkdir(cluster->config, 0755) == 0 && chmod(cluster->config, 0755) == 0) ||
            rh_error_errno(error, errno, "cannot create the directory %s", cluster->config)) &&
           rh_cluster_make_private(&staging->account, cluster->data, error) &&
           rh_cluster_make_private(&staging->account, cluster->work, error);
}

/* ---- initdb ---- */

/* initdb's own "error: …", or the FATAL of the server that it ran. */
static bool fail_initdb(const rh_staging *staging, const char *output, rh_error *error)
{
    static const char *const markers[] = {"FATAL:  ", "PANIC:  ", "error: "};
    bool full = strstr(output, "No space left on device") != NULL;
    for (size_t i = 0; i < sizeof markers / sizeof *markers; i++) {
        const char *found = strstr(output, markers[i]);
        if (found) {
            output = found + strlen(markers[i]);
            break;
        }
    }
    rh_error_set(error, full ? RH_ERROR_NO_SPACE : RH_ERROR_STAGING, "initdb failed: %.*s",
                 (int)strcspn(output, "\n"), output);
    if (full)
        return rh_error_hint(error, "free space, or set staging.directory to a larger place");
    if (strstr(output, "Permission denied"))
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
                          "--username=" RH_OWN_ROLE,
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
        !rh_cluster_make_private(&account, staging->cluster.data, error))
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
    bool ok = process && rh_process_wait(process, RH_PROCESS_PATIENCE, &status, error);
    if (!ok)
        rh_shared_memory_remove(&memory);
    if (ok && status != 0)
        ok = fail_initdb(staging, rh_process_errors(process), error);
    rh_process_free(process);
    return ok &&
           (!staging->account.own || rh_tree_chown(staging->cluster.data, staging->uid, staging->gid, error));
}

/* C.UTF-8 is in glibc since 2.35 and in Debian's before; elsewhere plain C orders the same way. */
bool rh_cluster_initialize(rh_staging *staging, rh_error *error)
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

/* ---- its end ---- */

void rh_cluster_keep(rh_staging *staging)
{
    rh_account account;
    if (staging->account.own && staging->cluster.data && rh_account_common(&account, NULL)) {
        rh_tree_chown(staging->cluster.data, account.uid, account.gid, NULL);
        rh_tree_chown(staging->cluster.socket, account.uid, account.gid, NULL);
    }
    write_mark(staging, staging->cluster.socket, true, NULL);
}
