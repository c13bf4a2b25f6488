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
#include "pgrehearse/base/units.h"
#include "embedded.h"
#include "settings.h"
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

/* From now on, a change time later than the stamp means that the server wrote. */
static void stamp(rh_staging *staging)
{
    staging->cluster.stamp_ns = rh_clock_wall() * 1000;
    rh_clock_sleep_until(rh_clock_monotonic() + CLOCK_LAG);
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
    bool ok = pg && refuse_tablespaces(pg, error) && (staging->copy || rh_pg_execute(pg, "VACUUM", error));
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
    staging->reset_method = method == RH_COPY_REFLINK ? "reflink" : "copy of changed files";
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
    if (!rh_tree_remove(staging->cluster.snapshot, error) || !copy_cluster(staging, error))
        return false;
    rh_snapshot_sync(staging);
    stamp(staging);
    rh_staging_use(staging, staging->database);
    return rh_embedded_run(staging, error);
}

bool rh_snapshot_reset(rh_staging *staging, rh_error *error)
{
    rh_cluster *cluster = &staging->cluster;
    if (!staging->reset_method)
        return rh_error_set(error, RH_ERROR_INTERNAL, "a reset before the snapshot");
    if (!rh_embedded_halt(staging, false, error))
        return false;
    bool scaled = staging->scaled_settings != NULL;
    staging->scaled_settings = NULL;
    if (scaled && !rh_settings_write(staging, RH_SETTINGS_TIMED, error))
        return false;
    if (!rh_tree_restore(cluster->snapshot, cluster->data, cluster->stamp_ns, NULL, NULL, error))
        return false;
    rh_snapshot_sync(staging);
    stamp(staging);
    rh_staging_use(staging, staging->database);
    return rh_embedded_run(staging, error);
}
