#include "pgrehearse/observe/counters.h"
#include "pgrehearse/adapters/process.h"
#include "embedded/observe.h"
#include "usage.h"
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_WITH_IO_WORKERS = 180000 };

static void read_backend(int pid, rh_counters *counters)
{
    char text[1024];
    int64_t user, system;
    counters->cpu_wait_s = rh_proc_cpu_wait(pid);
    if (rh_proc_read(pid, "stat", text, sizeof text) && rh_proc_parse_stat(text, &user, &system)) {
        counters->cpu_user_s = (double)user / (double)sysconf(_SC_CLK_TCK);
        counters->cpu_system_s = (double)system / (double)sysconf(_SC_CLK_TCK);
        counters->cpu_s = rh_proc_cpu(pid);
        counters->cpu_source = "/proc/PID/schedstat, its split from /proc/PID/stat";
    }
    if (rh_proc_read(pid, "io", text, sizeof text)) {
        counters->read_bytes = rh_proc_parse_io(text, "read_bytes");
        counters->write_bytes = rh_proc_parse_io(text, "write_bytes");
        counters->cached_read_bytes = rh_proc_parse_io(text, "rchar");
        counters->cached_write_bytes = rh_proc_parse_io(text, "wchar");
        counters->io_source = counters->cache_source = "/proc/PID/io";
    }
}

static const rh_counters UNKNOWN = {.cpu_user_s = RH_NOT_MEASURED,
                                    .cpu_system_s = RH_NOT_MEASURED,
                                    .cpu_s = RH_NOT_MEASURED,
                                    .cpu_wait_s = RH_NOT_MEASURED,
                                    .read_bytes = RH_UNKNOWN,
                                    .write_bytes = RH_UNKNOWN,
                                    .wal_bytes = RH_UNKNOWN,
                                    .temp_bytes = RH_UNKNOWN,
                                    .shared_hit_blocks = RH_UNKNOWN,
                                    .shared_read_blocks = RH_UNKNOWN,
                                    .cached_read_bytes = RH_UNKNOWN,
                                    .cached_write_bytes = RH_UNKNOWN,
                                    .wal_images = RH_UNKNOWN,
                                    .fsyncs = RH_UNKNOWN};

static int64_t sum(int64_t a, int64_t b)
{
    return a < 0 || b < 0 ? RH_UNKNOWN : a + b;
}

/* Since 18, workers of the server read ahead for its backends (io_method = worker). */
static void add_io_workers(rh_pg *side, rh_counters *counters)
{
    static const char sql[] = "SELECT pid FROM pg_catalog.pg_stat_activity WHERE backend_type = 'io worker'";
    rh_pg_result *workers = rh_pg_query_again(side, sql, 0, NULL, NULL);
    const size_t count = workers ? rh_pg_rows(workers) : 0;
    for (size_t i = 0; i < count; i++) {
        rh_counters worker = UNKNOWN;
        read_backend((int)rh_pg_int(workers, i, 0, 0), &worker);
        counters->cpu_user_s += worker.cpu_user_s; /* NAN stays NAN */
        counters->cpu_system_s += worker.cpu_system_s;
        counters->cpu_s += worker.cpu_s;
        counters->read_bytes = sum(counters->read_bytes, worker.read_bytes);
        counters->write_bytes = sum(counters->write_bytes, worker.write_bytes);
        counters->cached_read_bytes = sum(counters->cached_read_bytes, worker.cached_read_bytes);
        counters->cached_write_bytes = sum(counters->cached_write_bytes, worker.cached_write_bytes);
    }
    if (count > 0) {
        counters->cpu_source = "/proc/PID/schedstat with I/O workers, its split from /proc/PID/stat";
        counters->io_source = counters->cache_source = "/proc/PID/io with I/O workers";
    }
    rh_pg_result_free(workers);
}

/* Since PostgreSQL 14. Before 16, only /proc shows the I/O that the page cache served. */
static void read_wal(rh_pg *side, rh_counters *counters)
{
    enum { IMAGES, FSYNCS, READ, WRITTEN };
    bool io = rh_pg_server_version(side) >= 160000;
    rh_pg_result *result =
        rh_pg_server_version(side) < 140000
            ? NULL
            : rh_pg_query_again(side, io ? rh_sql_counters_io : rh_sql_counters_wal, 0, NULL, NULL);
    if (result && rh_pg_rows(result) == 1) {
        counters->wal_images = rh_pg_int(result, 0, IMAGES, RH_UNKNOWN);
        counters->fsyncs = rh_pg_int(result, 0, FSYNCS, RH_UNKNOWN);
        counters->wal_source = io ? "pg_current_wal_insert_lsn, pg_stat_wal; fsyncs: pg_stat_wal, pg_stat_io"
                                  : "pg_current_wal_insert_lsn, pg_stat_wal";
        if (io && !counters->cache_source) {
            counters->cached_read_bytes = rh_pg_int(result, 0, READ, RH_UNKNOWN);
            counters->cached_write_bytes = rh_pg_int(result, 0, WRITTEN, RH_UNKNOWN);
            counters->cache_source = "pg_stat_io, client backends and their workers";
        }
    }
    rh_pg_result_free(result);
}

static void read_counters(rh_pg *side, int pid, bool local, bool published, rh_counters *counters)
{
    enum { WAL, TEMP, HIT, READ };
    *counters = UNKNOWN;
    if (local)
        read_backend(pid, counters);
    if (local && rh_pg_server_version(side) >= FIRST_WITH_IO_WORKERS)
        add_io_workers(side, counters);
    rh_pg_result *result = rh_pg_query_again(side, rh_sql_counters, 0, NULL, NULL);
    if (result && rh_pg_rows(result) == 1) {
        counters->wal_bytes = rh_pg_int(result, 0, WAL, RH_UNKNOWN);
        counters->wal_source = "pg_current_wal_insert_lsn";
        if (published) {
            counters->temp_source = "pg_stat_database";
            counters->temp_bytes = rh_pg_int(result, 0, TEMP, RH_UNKNOWN);
            counters->shared_hit_blocks = rh_pg_int(result, 0, HIT, RH_UNKNOWN);
            counters->shared_read_blocks = rh_pg_int(result, 0, READ, RH_UNKNOWN);
        }
    }
    rh_pg_result_free(result);
    if (published)
        read_wal(side, counters);
}

void rh_counters_read(rh_pg *side, int pid, bool local, rh_counters *counters)
{
    read_counters(side, pid, local, false, counters);
}

static const char USAGE_SOURCE[] = "getrusage by log_statement_stats, without parallel workers";

/* What asking and publishing cost the backend: the least of a few, in a session that does nothing else. */
static void calibrate(rh_pg *migration, rh_counters_access *access)
{
    rh_usage last, next;
    access->asking_s = access->flushing_s = INFINITY;
    bool ok = rh_usage_ask(migration, &last, NULL);
    for (int i = 0; ok && i < 6; i++, last = next) {
        bool flush = i % 2 != 0;
        ok = (!flush || rh_pg_publish_statistics(migration, NULL)) && rh_usage_ask(migration, &next, NULL);
        double cost = next.user_s + next.system_s - last.user_s - last.system_s;
        if (ok && flush)
            access->flushing_s = fmin(access->flushing_s, cost);
        else if (ok)
            access->asking_s = fmin(access->asking_s, cost);
    }
    access->asking_s = isfinite(access->asking_s) ? access->asking_s : 0;
    access->flushing_s = isfinite(access->flushing_s) ? fmax(0, access->flushing_s - access->asking_s) : 0;
    access->calibrated = true;
}

static void read_usage(rh_pg *migration, rh_counters_access *access, rh_counters *counters)
{
    rh_error failure = {0};
    rh_usage usage;
    if (access->refused)
        return;
    bool idle = rh_pg_transaction_state(migration) == 'I';
    if (rh_usage_ask(migration, &usage, &failure)) {
        counters->cpu_user_s = usage.user_s;
        counters->cpu_system_s = usage.system_s;
        counters->cpu_s = usage.user_s + usage.system_s;
        counters->read_bytes = usage.read_bytes;
        counters->write_bytes = usage.write_bytes;
        counters->cpu_source = counters->io_source = USAGE_SOURCE;
        counters->reading_cpu_s = access->asking_s;
    } else if (idle && strcmp(failure.sqlstate, "42501") == 0) {
        access->refused = true; /* in a transaction it may only be the migration's SET ROLE */
    }
    rh_error_release(&failure);
}

void rh_counters_read_idle(rh_pg *migration, rh_pg *side, rh_counters_access *access, rh_counters *counters)
{
    bool idle = rh_pg_transaction_state(migration) == 'I', remote = !access->local && !access->refused;
    rh_counters usage = UNKNOWN;
    if (remote && idle && !access->calibrated)
        calibrate(migration, access);
    if (remote)
        read_usage(migration, access, &usage);
    bool published = idle && rh_pg_publish_statistics(migration, NULL);
    read_counters(side, rh_pg_backend_pid(migration), access->local, published, counters);
    if (!usage.cpu_source)
        return;
    counters->cpu_user_s = usage.cpu_user_s;
    counters->cpu_system_s = usage.cpu_system_s;
    counters->cpu_s = usage.cpu_s;
    counters->read_bytes = usage.read_bytes;
    counters->write_bytes = usage.write_bytes;
    counters->cpu_source = usage.cpu_source;
    counters->io_source = usage.io_source;
    counters->reading_cpu_s = usage.reading_cpu_s + (published ? access->flushing_s : 0);
}

static int64_t grown(int64_t before, int64_t after)
{
    return before < 0 || after < before ? RH_UNKNOWN : after - before;
}

void rh_counters_difference(const rh_counters *before, const rh_counters *after, rh_statement_run *run)
{
    double user = after->cpu_user_s - before->cpu_user_s, system = after->cpu_system_s - before->cpu_system_s;
    double total = after->cpu_s - before->cpu_s - before->reading_cpu_s;
    if (total < 0 && after->cpu_s >= before->cpu_s)
        total = 0; /* shorter than what reading costs varies by */
    /* The scheduler's total, split as the coarser ticks are; all of it is user time when there was no tick.
     */
    if (!isnan(total) && !isnan(user)) {
        double share = user + system > 0 ? user / (user + system) : 1;
        user = total * share;
        system = total - user;
    }
    run->cpu_user_s = user >= 0 ? user : RH_NOT_MEASURED;
    run->cpu_system_s = system >= 0 ? system : RH_NOT_MEASURED;
    run->cpu_wait_s = fmax(0, after->cpu_wait_s - before->cpu_wait_s);
    if (isnan(after->cpu_wait_s - before->cpu_wait_s))
        run->cpu_wait_s = RH_NOT_MEASURED;
    run->read_bytes = grown(before->read_bytes, after->read_bytes);
    run->write_bytes = grown(before->write_bytes, after->write_bytes);
    run->wal_bytes = grown(before->wal_bytes, after->wal_bytes);
    run->temp_bytes = grown(before->temp_bytes, after->temp_bytes);
    run->shared_hit_blocks = grown(before->shared_hit_blocks, after->shared_hit_blocks);
    run->shared_read_blocks = grown(before->shared_read_blocks, after->shared_read_blocks);
    run->cached_read_bytes = grown(before->cached_read_bytes, after->cached_read_bytes);
    run->cached_write_bytes = grown(before->cached_write_bytes, after->cached_write_bytes);
    run->wal_images = grown(before->wal_images, after->wal_images);
    run->fsyncs = grown(before->fsyncs, after->fsyncs);
    run->cpu_source = isnan(run->cpu_user_s) ? NULL : after->cpu_source;
    run->io_source = run->read_bytes < 0 ? NULL : after->io_source;
    run->cache_source = run->cached_read_bytes < 0 ? NULL : after->cache_source;
    run->wal_source = run->wal_bytes < 0 ? NULL : after->wal_source;
    run->temp_source = run->temp_bytes < 0 ? NULL : after->temp_source;
}
