/* The restored state of an embedded cluster: kept as a second data directory, brought back file by file.
 *
 * A reset stops the server at once, copies back the files whose size, modification time or change time tell
 * that they were written since, and starts it again. Every pass then begins alike: shared buffers empty but
 * for what a first connection reads, the operating system's cache as the copy left it, and nothing waiting to
 * be written: the file system is synced, for its write-back would otherwise fall into the pass and be
 * measured as the migration's.
 */
#include "snapshot.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/units.h"
#include "embedded.h"
#include "settings.h"
#include "snapshot_hook.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* A file system's clock lags the real one by up to a tick (10 ms at 100 Hz). */
static const rh_usec CLOCK_LAG = RH_SECOND / 50;

void rh_snapshot_sync(const rh_staging *staging)
{
    int fd = open(staging->cluster.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        syncfs(fd);
        close(fd);
    }
}

bool rh_snapshot_record(const char *data, rh_tree_state **state, rh_error *error)
{
    rh_tree_state_free(*state);
    *state = rh_tree_state_read(data, error);
    rh_clock_sleep_until(rh_clock_monotonic() + CLOCK_LAG);
    return *state != NULL;
}

/* Everything that runs writes WAL, and first of all into segments that are there. */
static bool unshare_wal(rh_staging *staging, rh_error *error)
{
    rh_cluster *cluster = &staging->cluster;
    int64_t bytes;
    if (cluster->shared &&
        !rh_tree_unshare(rh_arena_printf(staging->arena, "%s/pg_wal", cluster->data), &bytes, NULL)) {
        cluster->shared = false; /* no room, or the file system does not tell what is shared */
        staging->copy_on_write = "every_pass";
    }
    return !rh_interrupt_requested() ||
           rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted while the cluster was copied");
}

/* The files are as in the snapshot: nothing waits to be written, and what is written from now on is told. */
static bool finish_copy(rh_staging *staging, rh_error *error)
{
    if (!unshare_wal(staging, error))
        return false;
    rh_snapshot_sync(staging);
    return rh_snapshot_record(staging->cluster.data, &staging->cluster.state, error);
}

/* The copy holds what lies in the data directory; a tablespace elsewhere would escape the reset. */
static bool refuse_tablespaces(rh_pg *pg, rh_error *error)
{
    int64_t outside = 0;
    if (!rh_pg_query_int(pg, "SELECT count(*) FROM pg_tablespace WHERE pg_tablespace_location(oid) LIKE '/%'",
                         &outside, error))
        return false;
    if (outside == 0)
        return true;
    rh_error_set(error, RH_ERROR_UNSUPPORTED,
                 "the restored database has %lld tablespaces outside the cluster", (long long)outside);
    return rh_error_hint(error, "restore without tablespaces (pg_dump --no-tablespaces)");
}

/* Vacuums: autovacuum has done so on production long ago, and would otherwise start during the first pass. A
 * physical copy is as autovacuum left it: its bloat and its visibility map are production's. */
static bool settle(rh_staging *staging, rh_error *error)
{
    rh_pg *pg = rh_staging_connect(staging, staging->database, ": settle", error);
    /* A commit that wrote WAL and is waited for: VACUUM marks rows as committed only once their commit is on
     * disk, or the first scan of each pass would write every page. */
    bool ok =
        pg && refuse_tablespaces(pg, error) &&
        (staging->copy ||
         (rh_pg_execute(pg, "SET synchronous_commit = local", error) &&
          rh_pg_execute(pg, "SELECT pg_catalog.pg_logical_emit_message(true, 'pgrehearse', '')", error) &&
          rh_pg_execute(pg, "VACUUM", error)));
    rh_pg_close(pg);
    return ok;
}

static bool copy_cluster(rh_staging *staging, rh_error *error)
{
    rh_cluster *cluster = &staging->cluster;
    rh_copy_method method;
    int64_t free_bytes = rh_disk_free(cluster->directory);
    if (!rh_tree_bytes(cluster->data, &staging->snapshot_bytes, error))
        return false;
    if (!rh_tree_copy(cluster->data, cluster->snapshot, &method, error)) {
        if (error && error->code == RH_ERROR_NO_SPACE) {
            char needed[32], had[32];
            rh_error_hint(
                error,
                "the snapshot needs %s beside the restored cluster, and %s were free: set "
                "staging.directory to a larger place or to a file system with reflinks (XFS, btrfs)",
                rh_size_format(staging->snapshot_bytes, needed, sizeof needed),
                rh_size_format(free_bytes, had, sizeof had));
        }
        return false;
    }
    cluster->shared = method == RH_COPY_REFLINK;
    staging->copy_on_write = !cluster->shared                             ? "none"
                             : rh_overwrites_in_place(cluster->directory) ? "first_pass"
                                                                          : "every_pass";
    staging->reset_method = cluster->shared ? "reflink" : "copy of changed files";
    return true;
}

bool rh_snapshot_take(rh_staging *staging, rh_error *error)
{
    /* Once up and down with the timed settings: the first start after wal_level changes writes to the
     * cluster, and a reset should not have to repeat it. */
    if (!settle(staging, error) || !rh_embedded_halt(staging, true, error) ||
        !rh_settings_write(staging, RH_SETTINGS_TIMED, error) || !rh_embedded_run(staging, error) ||
        !rh_settings_record(staging, error) || !rh_embedded_halt(staging, true, error))
        return false;
    if (staging->scenario->staging.snapshot.take) {
        if (!rh_snapshot_hook_take(staging, error))
            return false;
        rh_snapshot_sync(staging);
    } else if (!rh_tree_remove(staging->cluster.snapshot, error) || !copy_cluster(staging, error) ||
               !finish_copy(staging, error)) {
        return false;
    }
    rh_staging_use(staging, staging->database);
    return rh_embedded_run(staging, error);
}

static bool copy_back(rh_staging *staging, rh_error *error)
{
    const rh_cluster *cluster = &staging->cluster;
    const rh_tree_restore_options options = {.state = cluster->state, .shared = cluster->shared};
    int64_t bytes = 0;
    if (!rh_tree_restore(cluster->snapshot, cluster->data, &options, &bytes, error))
        return false;
    if (bytes > staging->reset_bytes)
        staging->reset_bytes = bytes;
    return finish_copy(staging, error);
}

bool rh_snapshot_reset(rh_staging *staging, rh_error *error)
{
    if (!staging->reset_method)
        return rh_error_set(error, RH_ERROR_INTERNAL, "a reset before the snapshot");
    if (!rh_embedded_halt(staging, false, error))
        return false;
    bool scaled = staging->scaled_settings != NULL;
    staging->scaled_settings = NULL;
    if (scaled && !rh_settings_write(staging, RH_SETTINGS_TIMED, error))
        return false;
    if (!(staging->scenario->staging.snapshot.take ? rh_snapshot_hook_reset(staging, error)
                                                   : copy_back(staging, error)))
        return false;
    rh_staging_use(staging, staging->database);
    return rh_embedded_run(staging, error);
}
