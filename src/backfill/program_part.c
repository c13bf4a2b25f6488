#include "program_part.h"
#include "session_end.h"
#include "pgrehearse/base/relation.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/proxy/proxy.h"
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS = 128 };
/* How long it may take to heed SIGTERM, and the server to end its sessions. */
static const rh_usec GRACE = 5 * RH_SECOND, GONE = 60 * RH_SECOND, GLANCE = RH_SECOND / 500;

/* A transaction that is under way. */
typedef struct transaction {
    rh_usec since;                      /* the end of the batch before, or the first statement of all */
    rh_usec began;                      /* 0: none is under way */
    int64_t rows;                       /* changed in the table */
    double commit_s;                    /* of its COMMIT */
    bool writes, counted, failed, warm; /* COUNTED: each statement that writes said how many rows */
} transaction;

struct rh_program_part {
    rh_program_part_options options;
    rh_arena *arena;
    const char *table; /* without schema and quotes */
    rh_pg *server;
    rh_proxy *proxy;
    rh_process *process;
    bool ended;
    int status;
    pthread_mutex_t mutex; /* of what follows */
    transaction open[CONNECTIONS];
    int pids[CONNECTIONS];
    rh_backfill_batch *batches;
    size_t count, capacity;
    int64_t rows;
    bool hidden;
};

/* ---- in the proxy's thread ---- */

static transaction *of(rh_program_part *part, int connection)
{
    return &part->open[(unsigned)connection % CONNECTIONS];
}

static void on_begun(void *data, rh_proxy_statement *statement)
{
    rh_program_part *part = data;
    pthread_mutex_lock(&part->mutex);
    transaction *t = of(part, statement->connection);
    const rh_usec now = rh_clock_monotonic();
    part->pids[(unsigned)statement->connection % CONNECTIONS] = statement->pid;
    t->began = t->began ? t->began : now;
    t->since = t->since ? t->since : now;
    pthread_mutex_unlock(&part->mutex);
}

/* Whether SQL writes to the table; a query may do so in WITH. */
static bool writes(const rh_program_part *part, const char *sql)
{
    static const char *const words[] = {"update", "insert", "delete", "merge"};
    bool found = false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        found = found || strcasestr(sql, words[i]);
    return found && strcasestr(sql, part->table);
}

static bool counts_rows(const char *tag)
{
    return rh_starts_with(tag, "UPDATE") || rh_starts_with(tag, "INSERT") || rh_starts_with(tag, "DELETE") ||
           rh_starts_with(tag, "MERGE");
}

static void on_ended(void *data, const rh_proxy_statement *s)
{
    rh_program_part *part = data;
    pthread_mutex_lock(&part->mutex);
    transaction *t = of(part, s->connection);
    t->failed = t->failed || s->sqlstate || rh_starts_with(s->command_tag, "ROLLBACK");
    part->hidden =
        part->hidden || rh_starts_with(s->command_tag, "CALL") || strcmp(s->command_tag, "DO") == 0;
    if (rh_starts_with(s->command_tag, "COMMIT"))
        t->commit_s = rh_seconds(s->ended - s->started);
    if (!s->sqlstate && s->sql && writes(part, s->sql)) {
        const bool counted = counts_rows(s->command_tag) && s->rows >= 0;
        t->counted = counted && (t->counted || !t->writes);
        t->writes = true;
        t->rows += counted ? s->rows : 0;
    }
    pthread_mutex_unlock(&part->mutex);
}

static void keep(rh_program_part *part, const transaction *t, int connection, rh_usec ended)
{
    const double pause_s = rh_seconds(part->options.setting.pause.duration),
                 inside_s = rh_seconds(ended - t->began),
                 busy_s = fmax(rh_seconds(ended - t->since) - pause_s, inside_s);
    if (part->count == part->capacity) {
        part->capacity = part->capacity ? 2 * part->capacity : 64;
        part->batches = rh_realloc(part->batches, part->capacity * sizeof *part->batches);
    }
    part->batches[part->count++] =
        (rh_backfill_batch){.worker = connection,
                            .started = ended - (rh_usec)(busy_s * (double)RH_SECOND),
                            .find_s = busy_s - inside_s, /* the program's own work, and what it read */
                            .update_s = fmax(inside_s - t->commit_s, 0),
                            .commit_s = t->commit_s,
                            .found = RH_UNKNOWN,
                            .changed = t->counted ? t->rows : RH_UNKNOWN,
                            .wal_bytes = RH_UNKNOWN,
                            .warmup = !t->warm};
    part->rows += t->rows;
}

/* A transaction that only read is a part of the next batch: it found its rows. */
static void on_transaction_ended(void *data, int connection, rh_usec at)
{
    rh_program_part *part = data;
    pthread_mutex_lock(&part->mutex);
    transaction *t = of(part, connection);
    const bool batch = t->began && t->writes && !t->failed && (!t->counted || t->rows > 0);
    if (batch)
        keep(part, t, connection, at);
    *t = (transaction){.since = batch ? at : t->since, .warm = t->warm || batch};
    pthread_mutex_unlock(&part->mutex);
}

/* ---- start and end ---- */

static bool launch(rh_program_part *part, rh_error *error)
{
    const rh_program_part_options *o = &part->options;
    part->server = rh_pg_connect(o->conninfo, ": backfill", error);
    if (!part->server)
        return false;
    const rh_proxy_options options = {.server = part->server,
                                      .long_us = INT64_MAX,
                                      .events = {.session = {.user = part,
                                                             .begun = on_begun,
                                                             .ended = on_ended,
                                                             .transaction_ended = on_transaction_ended}}};
    part->proxy = rh_proxy_start(&options, error);
    const char **environment =
        part->proxy ? o->programs->environment(o->programs->data, part->proxy, part->arena, error) : NULL;
    const rh_process_options process = {
        .argv = rh_program_arguments(o->backfill, &o->setting, &o->range, false, part->arena),
        .environment = environment,
        .directory = o->programs->directory};
    part->process = environment ? rh_process_start(&process, error) : NULL;
    return part->process != NULL;
}

rh_program_part *rh_program_part_start(const rh_program_part_options *options, rh_error *error)
{
    rh_program_part *part = rh_alloc(sizeof *part);
    memset(part, 0, sizeof *part);
    part->options = *options;
    part->arena = rh_arena_new();
    part->table = rh_relation_of(options->target->table, part->arena).name;
    pthread_mutex_init(&part->mutex, NULL);
    if (launch(part, error))
        return part;
    rh_program_part_free(part);
    return NULL;
}

bool rh_program_part_has_ended(rh_program_part *part)
{
    part->ended = part->ended || rh_process_has_ended(part->process, &part->status);
    return part->ended;
}

int64_t rh_program_part_batches(rh_program_part *part)
{
    pthread_mutex_lock(&part->mutex);
    const int64_t count = (int64_t)part->count;
    pthread_mutex_unlock(&part->mutex);
    return count;
}

int64_t rh_program_part_rows(rh_program_part *part)
{
    pthread_mutex_lock(&part->mutex);
    const int64_t rows = part->rows;
    pthread_mutex_unlock(&part->mutex);
    return rows;
}

static bool await_end(rh_program_part *part, rh_usec patience)
{
    const rh_usec deadline = rh_clock_monotonic() + patience;
    while (!rh_program_part_has_ended(part) && rh_clock_monotonic() < deadline)
        rh_clock_sleep_until(rh_clock_monotonic() + GLANCE);
    return part->ended;
}

static bool await_sessions(rh_program_part *part, rh_error *error)
{
    const char *list = "0";
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (part->pids[i])
            list = rh_arena_printf(part->arena, "%s, %d", list, part->pids[i]);
    const char *sql = rh_arena_printf(
        part->arena, "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE pid IN (%s)", list);
    return rh_backfill_await_sessions(part->server, sql, error);
}

bool rh_program_part_stop(rh_program_part *part, rh_error *error)
{
    if (!rh_program_part_has_ended(part) && part->options.backfill->stops) {
        rh_process_signal(part->process, SIGTERM);
        await_end(part, GRACE);
    }
    if (!rh_program_part_has_ended(part)) {
        kill(-rh_process_pid(part->process), SIGKILL);
        await_end(part, GONE);
    }
    rh_proxy_stop(part->proxy);
    return await_sessions(part, error);
}

rh_program_report rh_program_part_report(rh_program_part *part, rh_arena *arena)
{
    rh_program_report report = {.batches = rh_arena_alloc(arena, (part->count + 1) * sizeof *report.batches),
                                .batch_count = part->count,
                                .status = part->status,
                                .said = rh_program_said(part->process, arena),
                                .hidden = part->hidden};
    if (part->count > 0)
        memcpy(report.batches, part->batches, part->count * sizeof *report.batches);
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (part->pids[i])
            *rh_arena_add(arena, &report.pids, &report.pid_count) = part->pids[i];
    return report;
}

void rh_program_part_free(rh_program_part *part)
{
    if (!part)
        return;
    if (part->process && !part->ended)
        kill(-rh_process_pid(part->process), SIGKILL);
    rh_process_free(part->process);
    rh_proxy_stop(part->proxy);
    rh_proxy_free(part->proxy);
    rh_pg_close(part->server);
    pthread_mutex_destroy(&part->mutex);
    free(part->batches);
    rh_arena_free(part->arena);
    free(part);
}
