#include "pgrehearse/observe/counters.h"
#include "sql/observe.h"
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int64_t rh_proc_parse_schedstat(const char *text)
{
    char *end;
    long long spent = strtoll(text, &end, 10);
    return end == text || *end != ' ' || spent < 0 ? RH_UNKNOWN : spent;
}

enum { UTIME = 14 }; /* of the fields of /proc/PID/stat that proc(5) numbers; stime follows */

bool rh_proc_parse_stat(const char *text, int64_t *user_ticks, int64_t *system_ticks)
{
    /* The name stands in parentheses and may hold any byte: what follows begins after the last one. */
    const char *rest = strrchr(text, ')');
    for (int field = 3; rest && field <= UTIME; field++)
        rest = strchr(rest + 1, ' ');
    if (!rest)
        return false;
    char *middle, *end;
    *user_ticks = strtoll(rest, &middle, 10);
    *system_ticks = strtoll(middle, &end, 10);
    return middle != rest && end != middle;
}

int64_t rh_proc_parse_io(const char *text, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0 && line[length] == ':') {
            char *end;
            long long value = strtoll(line + length + 1, &end, 10);
            return end == line + length + 1 ? RH_UNKNOWN : value;
        }
    }
    return RH_UNKNOWN;
}

static bool read_proc(int pid, const char *name, char *buffer, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, buffer, size - 1);
    close(fd);
    buffer[got > 0 ? got : 0] = '\0';
    return got > 0;
}

double rh_proc_cpu(int pid)
{
    char text[1024];
    int64_t user, system;
    int64_t spent =
        read_proc(pid, "schedstat", text, sizeof text) ? rh_proc_parse_schedstat(text) : RH_UNKNOWN;
    if (spent > 0) /* a kernel without scheduler statistics says 0 */
        return (double)spent / 1e9;
    if (read_proc(pid, "stat", text, sizeof text) && rh_proc_parse_stat(text, &user, &system))
        return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    return RH_NOT_MEASURED;
}

static void read_backend(int pid, rh_counters *counters)
{
    char text[1024];
    int64_t user, system;
    if (read_proc(pid, "stat", text, sizeof text) && rh_proc_parse_stat(text, &user, &system)) {
        counters->cpu_user_s = (double)user / (double)sysconf(_SC_CLK_TCK);
        counters->cpu_system_s = (double)system / (double)sysconf(_SC_CLK_TCK);
        counters->cpu_s = rh_proc_cpu(pid);
        counters->cpu_source = "/proc/PID/schedstat, its split from /proc/PID/stat";
    }
    if (read_proc(pid, "io", text, sizeof text)) {
        counters->read_bytes = rh_proc_parse_io(text, "read_bytes");
        counters->write_bytes = rh_proc_parse_io(text, "write_bytes");
        counters->cached_read_bytes = rh_proc_parse_io(text, "rchar");
        counters->cached_write_bytes = rh_proc_parse_io(text, "wchar");
        counters->io_source = "/proc/PID/io";
    }
}

/* Known since 14; 18 has it elsewhere. */
static void read_wal(rh_pg *side, rh_counters *counters)
{
    int version = rh_pg_server_version(side);
    rh_pg_result *result =
        version >= 140000 && version < 180000 ? rh_pg_query(side, rh_sql_counters_wal, 0, NULL, NULL) : NULL;
    if (result && rh_pg_rows(result) == 1) {
        counters->wal_images = rh_pg_int(result, 0, 0, RH_UNKNOWN);
        counters->fsyncs = rh_pg_int(result, 0, 1, RH_UNKNOWN);
        counters->wal_source = "pg_current_wal_insert_lsn, pg_stat_wal";
    }
    rh_pg_result_free(result);
}

static void read_counters(rh_pg *side, int pid, bool local, bool published, rh_counters *counters)
{
    enum { WAL, TEMP, HIT, READ };
    *counters = (rh_counters){.cpu_user_s = RH_NOT_MEASURED,
                              .cpu_system_s = RH_NOT_MEASURED,
                              .cpu_s = RH_NOT_MEASURED,
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
    if (local)
        read_backend(pid, counters);
    rh_pg_result *result = rh_pg_query(side, rh_sql_counters, 0, NULL, NULL);
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

void rh_counters_read_idle(rh_pg *migration, rh_pg *side, bool local, rh_counters *counters)
{
    bool published = rh_pg_transaction_state(migration) == 'I' && rh_pg_server_version(migration) >= 150000 &&
                     rh_pg_execute(migration, "SELECT pg_catalog.pg_stat_force_next_flush()", NULL);
    read_counters(side, rh_pg_backend_pid(migration), local, published, counters);
}

static int64_t grown(int64_t before, int64_t after)
{
    return before < 0 || after < before ? RH_UNKNOWN : after - before;
}

void rh_counters_difference(const rh_counters *before, const rh_counters *after, rh_statement_run *run)
{
    double user = after->cpu_user_s - before->cpu_user_s, system = after->cpu_system_s - before->cpu_system_s;
    double total = after->cpu_s - before->cpu_s;
    /* The scheduler's total, split as the coarser ticks are; all of it is user time when there was no tick.
     */
    if (!isnan(total) && !isnan(user)) {
        double share = user + system > 0 ? user / (user + system) : 1;
        user = total * share;
        system = total - user;
    }
    run->cpu_user_s = user >= 0 ? user : RH_NOT_MEASURED;
    run->cpu_system_s = system >= 0 ? system : RH_NOT_MEASURED;
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
    run->wal_source = run->wal_bytes < 0 ? NULL : after->wal_source;
    run->temp_source = run->temp_bytes < 0 ? NULL : after->temp_source;
}
