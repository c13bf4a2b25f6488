#include "samples.h"
#include "pgrehearse/adapters/csv.h"
#include "pgrehearse/base/text.h"
#include "report/record/record.h"

typedef void (*body)(const rh_run *run, rh_csv_writer *csv);

static void count(rh_csv_writer *csv, int64_t value)
{
    if (value < 0)
        rh_csv_text(csv, NULL);
    else
        rh_csv_int(csv, value);
}

static void yes_no(rh_csv_writer *csv, bool value)
{
    rh_csv_text(csv, value ? "true" : "false");
}

static void load_body(const rh_run *run, rh_csv_writer *csv)
{
    for (size_t i = 0; i < run->load.second_count; i++) {
        const rh_load_second *s = &run->load.seconds[i];
        rh_csv_int(csv, s->second);
        rh_csv_int(csv, s->arrivals);
        rh_csv_int(csv, s->transactions);
        rh_csv_int(csv, s->errors);
        rh_csv_int(csv, s->dropped);
        double figures[] = {s->response_p50_ms, s->response_p99_ms, s->response_max_ms, s->service_p99_ms};
        for (size_t f = 0; f < 4; f++)
            rh_csv_real(csv, s->transactions > 0 ? figures[f] : RH_NOT_MEASURED, 3);
        rh_csv_end_row(csv);
    }
}

/* "4711 migration 000013, statement 1 (AccessExclusiveLock on public.orders) < 4712 …" */
static void chain_text(rh_csv_writer *csv, const rh_wait *w)
{
    rh_text text = {0};
    for (size_t i = 0; i < w->chain_count; i++) {
        const rh_wait_link *l = &w->chain[i];
        rh_text_printf(&text, "%s%d %s", i > 0 ? " < " : "", l->pid, l->name ? l->name : "");
        if (l->locktype && l->mode)
            rh_text_printf(&text, " (%s on %s)", rh_lock_mode_name(l->mode),
                           l->relation ? l->relation : l->locktype);
    }
    rh_csv_text(csv, text.length > 0 ? rh_text_string(&text) : NULL);
    rh_text_release(&text);
}

static void waits_body(const rh_run *run, rh_csv_writer *csv)
{
    for (size_t i = 0; i < run->contention.wait_count; i++) {
        const rh_wait *w = &run->contention.waits[i];
        rh_csv_real(csv, w->at_s, 6);
        rh_csv_real(csv, w->wait_s, 6);
        rh_csv_text(csv, w->locktype);
        rh_csv_text(csv, w->relation);
        rh_csv_text(csv, rh_lock_mode_name(w->mode));
        rh_csv_int(csv, w->waiter_pid);
        rh_csv_int(csv, w->blocker_pid);
        rh_csv_int(csv, w->root_pid);
        rh_csv_text(csv, w->waiter);
        rh_csv_text(csv, w->blocker);
        rh_csv_text(csv, w->migration);
        count(csv, w->statement > 0 ? w->statement : RH_UNKNOWN);
        yes_no(csv, w->waiter_is_migration);
        yes_no(csv, w->blocked_by_migration);
        yes_no(csv, w->exact_start);
        rh_csv_text(csv, w->template_name);
        rh_csv_text(csv, w->concurrently);
        rh_csv_text(csv, rh_wait_source_name(w->source));
        chain_text(csv, w);
        rh_csv_end_row(csv);
    }
}

static void queue_body(const rh_run *run, rh_csv_writer *csv)
{
    for (size_t i = 0; i < run->contention.queue_count; i++) {
        rh_csv_real(csv, run->contention.queue[i].at_s, 6);
        rh_csv_int(csv, run->contention.queue[i].depth);
        rh_csv_end_row(csv);
    }
}

static void deadlocks_body(const rh_run *run, rh_csv_writer *csv)
{
    for (size_t i = 0; i < run->contention.deadlock_count; i++) {
        const rh_deadlock *d = &run->contention.deadlocks[i];
        for (size_t k = 0; k < d->side_count; k++) {
            const rh_deadlock_side *s = &d->sides[k];
            rh_csv_int(csv, (int64_t)i + 1);
            rh_csv_real(csv, d->at_s, 6);
            rh_csv_text(csv, d->migration);
            count(csv, d->statement > 0 ? d->statement : RH_UNKNOWN);
            rh_csv_int(csv, s->pid);
            count(csv, s->blocked_by_pid > 0 ? s->blocked_by_pid : RH_UNKNOWN);
            const char *texts[] = {s->name, s->statement, s->locktype, s->relation,
                                   rh_lock_mode_name(s->mode)};
            for (size_t t = 0; t < 5; t++)
                rh_csv_text(csv, texts[t]);
            yes_no(csv, s->is_migration);
            yes_no(csv, s->is_victim);
            rh_csv_end_row(csv);
        }
    }
}

static void cancelled_body(const rh_run *run, rh_csv_writer *csv)
{
    for (size_t i = 0; i < run->contention.cancelled_count; i++) {
        const rh_cancelled *c = &run->contention.cancelled[i];
        rh_csv_real(csv, c->at_s, 6);
        rh_csv_real(csv, c->wait_s, 6);
        const char *texts[] = {c->who,     c->sqlstate, c->reason, c->relation, rh_lock_mode_name(c->mode),
                               c->blocker, c->migration};
        for (size_t t = 0; t < 7; t++)
            rh_csv_text(csv, texts[t]);
        count(csv, c->statement > 0 ? c->statement : RH_UNKNOWN);
        yes_no(csv, c->is_migration);
        rh_csv_end_row(csv);
    }
}

static void blocked_body(const rh_run *run, rh_csv_writer *csv)
{
    for (size_t i = 0; i < run->contention.blocked_count; i++) {
        const rh_blocked_interval *b = &run->contention.blocked[i];
        rh_csv_real(csv, b->from_s, 6);
        rh_csv_real(csv, b->to_s, 6);
        rh_csv_text(csv, b->relation);
        rh_csv_text(csv, rh_lock_mode_name(b->mode));
        rh_csv_text(csv, b->migration);
        rh_csv_int(csv, b->statement);
        yes_no(csv, b->reads);
        yes_no(csv, b->writes);
        rh_csv_end_row(csv);
    }
}

/* What a row of locks.csv and of statements.csv begins with. */
static void run_prefix(rh_csv_writer *csv, const char *migration, const rh_statement *s,
                       const rh_statement_run *r)
{
    rh_csv_text(csv, migration);
    rh_csv_int(csv, s->ordinal);
    rh_csv_text(csv, rh_record_pass_name(r->pass));
    rh_csv_int(csv, r->repeat);
}

static void statement_row(const rh_run *run, rh_csv_writer *csv, const char *migration, const rh_statement *s,
                          const rh_statement_run *r)
{
    bool loaded = r->pass == RH_PASS_KIND_LOADED && run->load.measured;
    run_prefix(csv, migration, s, r);
    rh_csv_int(csv, s->line);
    rh_csv_text(csv, rh_statement_class_name(s->class_));
    rh_csv_text(csv, r->command_tag);
    rh_csv_real(csv, r->scale, 6);
    rh_csv_real(csv, loaded ? rh_seconds(r->started - run->load.began) : RH_NOT_MEASURED, 6);
    rh_csv_real(csv, r->relation_bytes, 0);
    double seconds[] = {r->elapsed_s, r->lock_wait_s, r->cpu_user_s, r->cpu_system_s, r->cpu_wait_s};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
        rh_csv_real(csv, seconds[i], 6);
    const int64_t counts[] = {r->read_bytes,
                              r->write_bytes,
                              r->wal_bytes,
                              r->temp_bytes,
                              r->rows,
                              r->shared_hit_blocks,
                              r->shared_read_blocks,
                              r->cached_read_bytes,
                              r->cached_write_bytes,
                              r->wal_images,
                              r->fsyncs};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        count(csv, counts[i]);
    const rh_work_size *size = &r->size;
    const double work[] = {size->rows > 0 ? size->rows : RH_NOT_MEASURED,
                           size->rows > 0 ? size->index_bytes : RH_NOT_MEASURED,
                           size->rows > 0 ? size->referenced_rows : RH_NOT_MEASURED,
                           size->buffers_bytes > 0 ? size->buffers_bytes : RH_NOT_MEASURED,
                           size->sort_bytes > 0 ? size->sort_bytes : RH_NOT_MEASURED};
    for (size_t i = 0; i < sizeof work / sizeof *work; i++)
        rh_csv_real(csv, work[i], 0);
    const char *sources[] = {r->cpu_source, r->io_source, r->cache_source, r->wal_source, r->temp_source};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        rh_csv_text(csv, sources[i]);
    rh_csv_end_row(csv);
}

static void lock_rows(const rh_run *run, rh_csv_writer *csv, const char *migration, const rh_statement *s,
                      const rh_statement_run *r)
{
    (void)run;
    for (size_t i = 0; i < r->lock_count; i++) {
        const rh_lock *l = &r->locks[i];
        run_prefix(csv, migration, s, r);
        rh_csv_text(csv, l->relation);
        rh_csv_text(csv, rh_lock_mode_name(l->mode));
        rh_csv_real(csv, l->wait_s, 6);
        rh_csv_real(csv, l->held_s, 6);
        yes_no(csv, l->blocks_reads);
        yes_no(csv, l->blocks_writes);
        rh_csv_text(csv, rh_lock_table(l));
        yes_no(csv, l->inferred);
        rh_csv_end_row(csv);
    }
}

typedef void (*run_rows)(const rh_run *run, rh_csv_writer *csv, const char *migration, const rh_statement *s,
                         const rh_statement_run *r);

static void each_run(const rh_run *run, rh_csv_writer *csv, run_rows rows)
{
    for (size_t m = 0; m < run->plan.migration_count; m++) {
        const rh_migration *migration = &run->plan.migrations[m];
        const rh_script *scripts[] = {&migration->up, &migration->down};
        for (size_t d = 0; d < 2; d++)
            for (size_t i = 0; i < scripts[d]->statement_count; i++)
                for (size_t r = 0; r < scripts[d]->statements[i].run_count; r++)
                    rows(run, csv, migration->id, &scripts[d]->statements[i],
                         &scripts[d]->statements[i].runs[r]);
    }
}

static void statements_body(const rh_run *run, rh_csv_writer *csv)
{
    each_run(run, csv, statement_row);
}

static void locks_body(const rh_run *run, rh_csv_writer *csv)
{
    each_run(run, csv, lock_rows);
}

static void resources_body(const rh_run *run, rh_csv_writer *csv)
{
    for (size_t i = 0; i < run->resource_count; i++) {
        const rh_resource_sample *s = &run->resources[i];
        rh_csv_real(csv, s->at_s, 3);
        rh_csv_real(csv, s->backend_cpu_s, 3);
        count(csv, s->backend_read_bytes);
        count(csv, s->backend_write_bytes);
        count(csv, s->wal_bytes);
        count(csv, s->disk_free_bytes);
        rh_csv_end_row(csv);
    }
}

static bool write_file(const rh_run *run, const char *directory, const char *name, const char *const *header,
                       body rows, rh_error *error)
{
    rh_text path = {0};
    rh_text_printf(&path, "%s/%s", directory, name);
    rh_csv_writer *csv = rh_csv_open(rh_text_string(&path), error);
    rh_text_release(&path);
    if (!csv)
        return false;
    for (size_t i = 0; header[i]; i++)
        rh_csv_text(csv, header[i]);
    rh_csv_end_row(csv);
    rows(run, csv);
    return rh_csv_close(csv, error);
}

static const struct {
    const char *name;
    body rows;
    const char *header[40];
} FILES[] = {
    {"load.csv",
     load_body,
     {"second", "arrivals", "transactions", "errors", "dropped", "response_p50_ms", "response_p99_ms",
      "response_max_ms", "service_p99_ms"}},
    {"waits.csv",
     waits_body,
     {"at_s", "wait_s", "locktype", "relation", "mode", "waiter_pid", "blocker_pid", "root_pid", "waiter",
      "blocker", "migration", "statement", "waiter_is_migration", "blocked_by_migration", "exact_start",
      "template", "progress_phase", "source", "chain"}},
    {"queue.csv", queue_body, {"at_s", "depth"}},
    {"deadlocks.csv",
     deadlocks_body,
     {"deadlock", "at_s", "migration", "statement", "pid", "blocked_by_pid", "name", "sql", "locktype",
      "relation", "mode", "is_migration", "is_victim"}},
    {"cancelled.csv",
     cancelled_body,
     {"at_s", "wait_s", "session", "sqlstate", "reason", "relation", "mode", "blocker", "migration",
      "statement", "is_migration"}},
    {"blocked.csv",
     blocked_body,
     {"from_s", "to_s", "relation", "mode", "migration", "statement", "reads", "writes"}},
    {"statements.csv",
     statements_body,
     {"migration",
      "statement",
      "pass",
      "repeat",
      "line",
      "class",
      "command_tag",
      "scale",
      "at_s",
      "relation_bytes",
      "elapsed_s",
      "lock_wait_s",
      "cpu_user_s",
      "cpu_system_s",
      "cpu_wait_s",
      "read_bytes",
      "write_bytes",
      "wal_bytes",
      "temp_bytes",
      "rows",
      "shared_hit_blocks",
      "shared_read_blocks",
      "cached_read_bytes",
      "cached_write_bytes",
      "wal_images",
      "fsyncs",
      "relation_rows",
      "index_bytes",
      "referenced_rows",
      "shared_buffers_bytes",
      "maintenance_work_mem_bytes",
      "cpu_source",
      "io_source",
      "cache_source",
      "wal_source",
      "temp_source"}},
    {"locks.csv",
     locks_body,
     {"migration", "statement", "pass", "repeat", "relation", "mode", "wait_s", "held_s", "blocks_reads",
      "blocks_writes", "table", "inferred"}},
    {"resources.csv",
     resources_body,
     {"at_s", "backend_cpu_s", "backend_read_bytes", "backend_write_bytes", "wal_bytes", "disk_free_bytes"}},
};

bool rh_samples_write(const rh_run *run, const char *directory, rh_error *error)
{
    bool done = true;
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++)
        done = write_file(run, directory, FILES[i].name, FILES[i].header, FILES[i].rows, error) && done;
    return done;
}
