/* Runs as the rehearsal would hand them over: a small web shop, eight migrations, a minute of load with
 * stalls. */
#pragma once
#include "pgrehearse/base/random.h"
#include "pgrehearse/model/run.h"
#include <string.h>

#define REWRITE_SAFER "add the column without a default, set the default, then fill old rows in batches."

typedef struct fixture_statement {
    const char *sql, *tag;
    rh_statement_class class_;
    const char *relation;
    rh_lock_mode mode;
    double at_s, elapsed_s, quiet_s; /* under load: start since the load began, duration; alone: duration */
    int64_t rows, wal_bytes;
    const char *rule, *message, *safer; /* a hazard, or NULL */
} fixture_statement;

typedef struct fixture_migration {
    const char *id, *name;
    bool has_down;
    fixture_statement statements[3];
} fixture_migration;

static const fixture_migration FIXTURE_MIGRATIONS[] = {
    {"000012",
     "add_public_id",
     true,
     {{"ALTER TABLE orders ADD COLUMN public_id uuid NOT NULL DEFAULT gen_random_uuid()", "ALTER TABLE",
       RH_CLASS_REWRITE, "public.orders", RH_LOCK_ACCESS_EXCLUSIVE, 10.2, 6.41, 5.92, -1, 182400000,
       "volatile-default",
       "a volatile default rewrites the whole table and its indexes under ACCESS EXCLUSIVE.",
       REWRITE_SAFER}}},
    {"000013",
     "index_orders_status",
     true,
     {{"CREATE INDEX orders_status_idx ON orders (status, created_at)", "CREATE INDEX", RH_CLASS_INDEX_BUILD,
       "public.orders", RH_LOCK_SHARE, 17.4, 1.92, 1.31, -1, 31900000, "index-without-concurrently",
       "a plain index build blocks every write to the table.",
       "CREATE INDEX CONCURRENTLY, outside a transaction."}}},
    {"000014",
     "index_items_product",
     true,
     {{"CREATE INDEX CONCURRENTLY order_items_product_idx ON order_items (product_id)", "CREATE INDEX",
       RH_CLASS_INDEX_CONCURRENT, "public.order_items", RH_LOCK_SHARE_UPDATE_EXCLUSIVE, 20.1, 3.60, 1.44, -1,
       29100000, NULL, NULL, NULL}}},
    {"000015",
     "customers_email_not_null",
     true,
     {{"ALTER TABLE customers ALTER COLUMN email SET NOT NULL", "ALTER TABLE", RH_CLASS_HEAP_SCAN,
       "public.customers", RH_LOCK_ACCESS_EXCLUSIVE, 24.6, 0.284, 0.061, -1, 9100, "set-not-null-scan",
       "SET NOT NULL reads the whole table under ACCESS EXCLUSIVE.",
       "ADD CHECK (email IS NOT NULL) NOT VALID, VALIDATE CONSTRAINT, then SET NOT NULL."}}},
    {"000016",
     "item_price_numeric",
     false,
     {{"ALTER TABLE order_items ALTER COLUMN price TYPE numeric($1, $2)", "ALTER TABLE", RH_CLASS_REWRITE,
       "public.order_items", RH_LOCK_ACCESS_EXCLUSIVE, 25.8, 4.73, 4.11, -1, 148000000, "type-change",
       "the type change rewrites the table and its indexes.",
       "a new column, filled in batches and kept equal by a trigger, then swapped."}}},
    {"000017",
     "items_product_fk",
     true,
     {{"ALTER TABLE order_items ADD CONSTRAINT order_items_product_fk FOREIGN KEY (product_id) REFERENCES "
       "products (id) NOT VALID",
       "ALTER TABLE", RH_CLASS_CATALOG, "public.order_items", RH_LOCK_SHARE_ROW_EXCLUSIVE, 32.0, 0.006, 0.003,
       -1, 6200, NULL, NULL, NULL},
      {"ALTER TABLE order_items VALIDATE CONSTRAINT order_items_product_fk", "ALTER TABLE",
       RH_CLASS_VALIDATION, "public.order_items", RH_LOCK_SHARE_UPDATE_EXCLUSIVE, 32.02, 0.93, 0.52, -1, 3100,
       NULL, NULL, NULL}}},
    {"000018",
     "backfill_order_total",
     true,
     {{"UPDATE orders SET total = (SELECT sum(price * quantity) FROM order_items WHERE order_id = orders.id) "
       "WHERE total IS NULL",
       "UPDATE 400000", RH_CLASS_DATA_CHANGE, "public.orders", RH_LOCK_ROW_EXCLUSIVE, 34.0, 11.9, 8.72,
       400000, 331000000, "whole-table-update",
       "one UPDATE of 400000 rows keeps every row lock until its end.",
       "batches of 5000 rows by key, a commit after each."}}},
    {"000019",
     "orders_total_check",
     true,
     {{"ALTER TABLE orders ADD CONSTRAINT orders_total_ck CHECK (total >= $1) NOT VALID", "ALTER TABLE",
       RH_CLASS_CATALOG, "public.orders", RH_LOCK_ACCESS_EXCLUSIVE, 47.0, 0.004, 0.002, -1, 5100, NULL, NULL,
       NULL},
      {"ALTER TABLE orders VALIDATE CONSTRAINT orders_total_ck", "ALTER TABLE", RH_CLASS_VALIDATION,
       "public.orders", RH_LOCK_SHARE_UPDATE_EXCLUSIVE, 47.01, 0.41, 0.19, -1, 2900, NULL, NULL, NULL},
      {"ALTER TABLE orders ALTER COLUMN total SET DEFAULT $1", "ALTER TABLE", RH_CLASS_CATALOG,
       "public.orders", RH_LOCK_ACCESS_EXCLUSIVE, 47.45, 0.003, 0.002, -1, 3300, NULL, NULL, NULL}}},
};
enum {
    FIXTURE_MIGRATION_COUNT = sizeof FIXTURE_MIGRATIONS / sizeof *FIXTURE_MIGRATIONS,
    FIXTURE_SECONDS = 60
};

static void fixture_run_of(rh_run *run, rh_statement *s, const fixture_statement *f, rh_pass_kind pass,
                           int repeat)
{
    rh_statement_run *r = rh_arena_add(run->arena, &s->runs, &s->run_count);
    bool loaded = pass == RH_PASS_KIND_LOADED;
    *r = (rh_statement_run){
        .pass = pass,
        .repeat = repeat,
        .scale = 1,
        .relation_bytes = 412e6,
        .size = {.bytes = 412e6, .rows = 4100000, .index_bytes = 210e6},
        .rows = f->rows,
        .wal_bytes = f->wal_bytes,
        .temp_bytes = 0,
        .command_tag = f->tag,
        .read_bytes = 41000000,
        .write_bytes = 260000000,
        .shared_hit_blocks = 51000,
        .shared_read_blocks = 5200,
        .lock_wait_s = loaded && f->elapsed_s > 0.1 ? 0.021 : 0,
        .cached_read_bytes = 43000000,
        .cached_write_bytes = 270000000,
        .wal_images = 1200,
        .fsyncs = 3,
        .cpu_source = "/proc/PID/schedstat",
        .io_source = "/proc/PID/io",
        .cache_source = "/proc/PID/io",
        .wal_source = "pg_stat_wal",
        .temp_source = "pg_stat_database",
    };
    if (f->class_ == RH_CLASS_INDEX_BUILD && !loaded) {
        static const char *const phases[] = {"building index: scanning table",
                                             "building index: sorting live tuples"};
        for (int i = 0; i < 2; i++) {
            rh_progress_phase *phase = rh_arena_add(run->arena, &r->phases, &r->phase_count);
            *phase = (rh_progress_phase){
                "CREATE INDEX", phases[i], f->quiet_s / (2 + i), f->quiet_s / 4, i ? 0 : 41000000,
                RH_UNKNOWN,     0};
        }
    }
    r->elapsed_s = loaded ? f->elapsed_s : f->quiet_s * (0.97 + 0.03 * repeat);
    r->cpu_user_s = r->elapsed_s * 0.71;
    r->cpu_system_s = r->elapsed_s * 0.12;
    r->started = loaded ? run->load.began + (rh_usec)(f->at_s * 1e6) : run->started + repeat * 30 * RH_SECOND;
    rh_lock *lock = rh_arena_add(run->arena, &r->locks, &r->lock_count);
    *lock = (rh_lock){f->relation,
                      f->mode,
                      r->lock_wait_s,
                      r->elapsed_s - r->lock_wait_s,
                      rh_lock_mode_blocks_reads(f->mode),
                      rh_lock_mode_blocks_writes(f->mode),
                      NULL,
                      false};
}

static void fixture_statement_of(rh_run *run, rh_script *script, const fixture_statement *f, bool loaded)
{
    rh_statement *s = rh_arena_add(run->arena, &script->statements, &script->statement_count);
    s->ordinal = (int)script->statement_count;
    s->line = 1 + 3 * s->ordinal;
    s->sql = f->sql;
    s->redacted_sql = f->sql;
    s->command_tag = f->tag;
    s->class_ = s->class_expected = f->class_;
    s->phase = f->class_ == RH_CLASS_DATA_CHANGE ? RH_PHASE_MIGRATE : RH_PHASE_EXPAND;
    s->expected_lock = f->mode;
    s->expected_relation = f->relation;
    for (int repeat = 1; repeat <= 3; repeat++)
        fixture_run_of(run, s, f, RH_PASS_KIND_QUIET, repeat);
    if (loaded)
        fixture_run_of(run, s, f, RH_PASS_KIND_LOADED, 1);
    s->prediction = (rh_prediction){.median_s = f->quiet_s * 1.03,
                                    .low_s = RH_NOT_MEASURED,
                                    .high_s = RH_NOT_MEASURED,
                                    .level = 0.9,
                                    .basis = "median of 3 quiet runs; hardware not translated",
                                    .parts = {.cpu_s = f->quiet_s * 0.83,
                                              .read_s = f->quiet_s * 0.04,
                                              .write_s = f->quiet_s * 0.06,
                                              .wal_s = f->quiet_s * 0.09,
                                              .wait_s = f->quiet_s * 0.01},
                                    .staging_s = f->quiet_s,
                                    .drivers = "the spread of 3 quiet runs",
                                    .narrows = "more quiet passes (repeat:)"};
    if (f->rule) {
        rh_hazard *hazard = rh_arena_add(run->arena, &s->hazards, &s->hazard_count);
        *hazard = (rh_hazard){.rule = f->rule, .message = f->message, .safer = f->safer};
    }
}

/* 000015: a column is re-created empty, and another table was too large to read. */
static void fixture_loss(rh_run *run, rh_rollback *rollback)
{
    rh_difference *d = rh_arena_add(run->arena, &rollback->differences, &rollback->difference_count);
    *d = (rh_difference){"column public.customers.email", RH_CHANGE_MOVED, "number 2 text", "number 5 text"};
    rollback->schema_restored = 0;
    rollback->data.different = 1;
    rollback->data.counted_only = 1;
    rh_table_data *table = rh_arena_add(run->arena, &rollback->data.tables, &rollback->data.table_count);
    *table = (rh_table_data){.table = "public.customers",
                             .depth = RH_DATA_DIGESTED,
                             .bytes = 8192000,
                             .affected = true,
                             .rows_before = 2000,
                             .rows_after = 2000};
    rh_column_change *column = rh_arena_add(run->arena, &table->columns, &table->column_count);
    *column = (rh_column_change){"email", RH_CHANGE_EMPTIED, 1234, 0, 1234};
    table = rh_arena_add(run->arena, &rollback->data.tables, &rollback->data.table_count);
    *table = (rh_table_data){.table = "public.events",
                             .depth = RH_DATA_COUNTED,
                             .why = "it has 4 GB, rows are compared up to 1 GB",
                             .bytes = INT64_C(4) << 30,
                             .rows_before = 9000000,
                             .rows_after = 9000000,
                             .equal = 1};
    rollback->reversibility = RH_REVERSIBILITY_LOSSY;
    rollback->why = "column email of public.customers, 1,234 values; columns in another order; rows only "
                    "counted in 1 table";
}

static void fixture_rollback(rh_run *run, rh_migration *m)
{
    m->rollback = (rh_rollback){.outcome = RH_OUTCOME_NOT_RUN,
                                .has_down = m->has_down,
                                .schema_restored = -1,
                                .reversibility = RH_REVERSIBILITY_IRREVERSIBLE,
                                .why = "no down migration"};
    if (!m->has_down)
        return;
    m->down.file = rh_arena_printf(run->arena, "/srv/shop/migrations/%s_%s.down.sql", m->id, m->name);
    m->rollback = (rh_rollback){.outcome = RH_OUTCOME_OK,
                                .has_down = true,
                                .down_s = 0.04,
                                .reapply_s = 1.9,
                                .schema_restored = 1,
                                .data = {.measured = true, .elapsed_s = 0.2, .equal = 12},
                                .reversibility = RH_REVERSIBILITY_FULL,
                                .why = "schema and rows are restored"};
    if (strcmp(m->id, "000015") == 0)
        fixture_loss(run, &m->rollback);
}

static void fixture_plan(rh_run *run, bool loaded)
{
    run->plan = (rh_plan){.framework = RH_FRAMEWORK_GOLANG_MIGRATE,
                          .framework_name = "golang-migrate",
                          .framework_reason = "files named 000012_name.up.sql",
                          .history_table = "schema_migrations"};
    for (int i = 1; i <= 11; i++) {
        rh_migration *m = rh_arena_add(run->arena, &run->plan.migrations, &run->plan.migration_count);
        m->id = rh_arena_printf(run->arena, "%06d", i);
        m->name = "before";
        m->applied_in_backup = true;
        m->up.file = rh_arena_printf(run->arena, "/srv/shop/migrations/%s_before.up.sql", m->id);
        m->rollback.schema_restored = -1;
    }
    for (size_t i = 0; i < FIXTURE_MIGRATION_COUNT; i++) {
        const fixture_migration *f = &FIXTURE_MIGRATIONS[i];
        rh_migration *m = rh_arena_add(run->arena, &run->plan.migrations, &run->plan.migration_count);
        m->id = f->id;
        m->name = f->name;
        m->has_down = f->has_down;
        m->outcome = RH_OUTCOME_OK;
        m->up.rule = RH_TRANSACTION_OWN;
        m->up.file = rh_arena_printf(run->arena, "/srv/shop/migrations/%s_%s.up.sql", f->id, f->name);
        memset(m->up.sha256, 'a', 64);
        for (int s = 0; s < 3 && f->statements[s].sql; s++)
            fixture_statement_of(run, &m->up, &f->statements[s], loaded);
        fixture_rollback(run, m);
    }
    run->plan.pending_count = FIXTURE_MIGRATION_COUNT;
}

static void fixture_block(rh_run *run, const fixture_migration *m, int ordinal)
{
    static const char *const readers[] = {"read orders by key", "range of orders",
                                          "read orders with order_items"};
    static const char *const writers[] = {"insert orders", "update orders by key", "insert order_items"};
    const fixture_statement *f = &m->statements[ordinal - 1];
    bool reads = rh_lock_mode_blocks_reads(f->mode), writes = rh_lock_mode_blocks_writes(f->mode);
    if (!writes)
        return;
    rh_contention *c = &run->contention;
    double from_s = f->at_s + (f->elapsed_s > 0.1 ? 0.021 : 0), to_s = f->at_s + f->elapsed_s;
    rh_blocked_interval *b = rh_arena_add(run->arena, &c->blocked, &c->blocked_count);
    *b = (rh_blocked_interval){f->relation, m->id, f->mode, ordinal, from_s, to_s, reads, writes};
    int depth = 0;
    for (double at = from_s + 0.01; at < to_s - 0.02 && depth < 20; at += 0.03, depth++) {
        bool read = reads && depth % 2 == 0;
        rh_wait *w = rh_arena_add(run->arena, &c->waits, &c->wait_count);
        *w = (rh_wait){
            .at_s = at,
            .wait_s = to_s - at,
            .locktype = "relation",
            .relation = f->relation,
            .mode = read ? RH_LOCK_ACCESS_SHARE : RH_LOCK_ROW_EXCLUSIVE,
            .waiter_pid = 4100 + depth,
            .blocker_pid = 4001,
            .root_pid = 4001,
            .waiter = read ? readers[depth % 3] : writers[depth % 3],
            .template_name = read ? readers[depth % 3] : writers[depth % 3],
            .blocker = rh_arena_printf(run->arena, "migration %s, statement %d", m->id, ordinal),
            .migration = m->id,
            .statement = ordinal,
            .blocked_by_migration = true,
            .exact_start = true,
        };
        rh_wait_link *links = NULL;
        *rh_arena_add(run->arena, &links, &w->chain_count) =
            (rh_wait_link){.pid = 4001, .name = w->blocker, .is_migration = true};
        w->chain = links;
        rh_queue_point *q = rh_arena_add(run->arena, &c->queue, &c->queue_count);
        *q = (rh_queue_point){at, depth + 1};
    }
    rh_queue_point *q = rh_arena_add(run->arena, &c->queue, &c->queue_count);
    *q = (rh_queue_point){to_s, 0};
}

/* What the server put an end to while the first blocking statement ran. */
static void fixture_cancelled(rh_run *run)
{
    rh_contention *c = &run->contention;
    if (c->wait_count < 2)
        return;
    const rh_wait *w = &c->waits[1];
    rh_deadlock *d = rh_arena_add(run->arena, &c->deadlocks, &c->deadlock_count);
    *d = (rh_deadlock){.at_s = w->at_s + 1, .migration = w->migration, .statement = w->statement};
    *rh_arena_add(run->arena, &d->sides, &d->side_count) =
        (rh_deadlock_side){.pid = 4001,
                           .blocked_by_pid = w->waiter_pid,
                           .name = w->blocker,
                           .statement = "ALTER TABLE order_items ADD COLUMN note text",
                           .locktype = "relation",
                           .relation = "public.order_items",
                           .mode = RH_LOCK_ACCESS_EXCLUSIVE,
                           .is_migration = true};
    *rh_arena_add(run->arena, &d->sides, &d->side_count) =
        (rh_deadlock_side){.pid = w->waiter_pid,
                           .blocked_by_pid = 4001,
                           .name = w->waiter,
                           .statement = "UPDATE orders SET status = $2 WHERE id = $1",
                           .locktype = w->locktype,
                           .relation = w->relation,
                           .mode = w->mode,
                           .is_victim = true};
    *rh_arena_add(run->arena, &c->cancelled, &c->cancelled_count) = (rh_cancelled){.at_s = w->at_s + 1,
                                                                                   .wait_s = 1,
                                                                                   .who = w->waiter,
                                                                                   .sqlstate = "40P01",
                                                                                   .reason = "deadlock",
                                                                                   .relation = w->relation,
                                                                                   .mode = w->mode,
                                                                                   .blocker = w->blocker,
                                                                                   .migration = w->migration,
                                                                                   .statement = w->statement};
    c->log = (rh_lock_log){
        .read = true, .threshold_ms = 1000, .waits = 3, .merged = 1, .longest_difference_ms = 0.8};
}

/* Milliseconds that an arrival at AT_S still has to wait for a lock. */
static double fixture_stall_ms(const rh_run *run, double at_s, bool reads_only)
{
    for (size_t i = 0; i < run->contention.blocked_count; i++) {
        const rh_blocked_interval *b = &run->contention.blocked[i];
        if (at_s + 1 > b->from_s && at_s < b->to_s && (b->reads || !reads_only))
            return 1e3 * (b->to_s - (at_s > b->from_s ? at_s : b->from_s));
    }
    return 0;
}

static rh_quantiles fixture_quantiles(double scale)
{
    return (rh_quantiles){0.8 * scale, 2.1 * scale, 4.6 * scale, 11.8 * scale};
}

static void fixture_window(rh_run *run, rh_window_kind kind, const char *migration, double start_s,
                           double end_s, double scale)
{
    static const char *const templates[] = {"read orders by key", "range of orders", "insert orders",
                                            "update orders by key"};
    rh_load_window *w = rh_arena_add(run->arena, &run->load.windows, &run->load.window_count);
    *w = (rh_load_window){.kind = kind,
                          .migration = migration,
                          .start_s = start_s,
                          .end_s = end_s,
                          .transactions = (int64_t)(200 * (end_s - start_s)),
                          .response_ms = fixture_quantiles(scale),
                          .service_ms = fixture_quantiles(scale > 1 ? scale * 0.4 : scale)};
    for (size_t i = 0; i < 4; i++) {
        rh_template_window *t = rh_arena_add(run->arena, &w->templates, &w->template_count);
        *t = (rh_template_window){.name = templates[i],
                                  .transactions = w->transactions / 4,
                                  .response_ms = fixture_quantiles(scale * (1 + 0.2 * (double)i)),
                                  .service_ms = fixture_quantiles(scale > 1 ? scale * 0.4 : scale),
                                  .kind = i < 2 ? RH_TEMPLATE_READ : RH_TEMPLATE_WRITE,
                                  .longest_stall_at_s = start_s};
    }
}

/* A rename breaks the running release; the next one needs a column that the last migration adds. */
static void fixture_compatibility(rh_run *run)
{
    rh_compatibility *c = &run->compatibility;
    c->measured = c->next_measured = true;
    c->current_tried = 4;
    c->next_tried = 5;
    c->next.source = "pg_stat_statements";
    rh_incompatibility *row = rh_arena_add(run->arena, &c->rows, &c->row_count);
    *row = (rh_incompatibility){.application = RH_RELEASE_CURRENT,
                                .template_name = "insert orders",
                                .sql = "INSERT INTO orders (customer_id, total) VALUES ($1, $2)",
                                .share = 0.25,
                                .broken_by = "000012",
                                .sqlstate = "23502",
                                .message = "null value in column \"public_id\" violates not-null constraint",
                                .tried = 5,
                                .failed = 5};
    row = rh_arena_add(run->arena, &c->rows, &c->row_count);
    *row = (rh_incompatibility){.application = RH_RELEASE_NEXT,
                                .template_name = "select orders",
                                .sql = "SELECT public_id FROM orders WHERE id = $1",
                                .share = 0.5,
                                .fixed_by = "000012",
                                .sqlstate = "42703",
                                .message = "column \"public_id\" does not exist",
                                .tried = 1,
                                .failed = 1};
}

static void fixture_load(rh_run *run)
{
    rh_load *load = &run->load;
    load->measured = true;
    load->rate_per_s = 200;
    load->connections = 20;
    load->mix_source = "schema";
    load->pacing_lag_mean_ms = 0.06;
    load->pacing_lag_max_ms = 1.9;
    load->generator_cpu_s = 3.2;
    static const char *const names[] = {"read orders by key", "range of orders", "insert orders",
                                        "update orders by key"};
    for (size_t i = 0; i < 4; i++) {
        rh_template *t = rh_arena_add(run->arena, &load->mix.templates, &load->mix.template_count);
        *t = (rh_template){.name = names[i],
                           .sql = "SELECT * FROM public.orders WHERE id = $1",
                           .relation = "public.orders",
                           .kind = i < 2 ? RH_TEMPLATE_READ : RH_TEMPLATE_WRITE,
                           .weight = 0.25};
    }
    static const rh_template_replay replay = {.production_rows = 1,
                                              .rows = 12.5,
                                              .production_blocks = 4,
                                              .blocks = 31,
                                              .production_mean_ms = RH_NOT_MEASURED,
                                              .caveat = "12.5 rows a call, on production 1"};
    load->mix.templates[3].replay = &replay;
    load->mix.coverage = (rh_mix_coverage){.measured = true,
                                           .calls = 0.931,
                                           .time = 0.88,
                                           .rate_per_s = 212.5,
                                           .basis = "the counts of the 86400 s since the last reset"};
    *rh_arena_add(run->arena, &load->mix.left_out, &load->mix.left_out_count) =
        "public.audit_log has no primary key: no point reads of it";
    rh_random random;
    rh_random_seed(&random, 7);
    for (int second = 0; second < FIXTURE_SECONDS; second++) {
        rh_load_second *s = rh_arena_add(run->arena, &load->seconds, &load->second_count);
        double stall_ms = fixture_stall_ms(run, second, false),
               read_stall_ms = fixture_stall_ms(run, second, true);
        int64_t arrivals = 186 + (int64_t)rh_random_below(&random, 29);
        double p99 = 3.8 + 1.6 * rh_random_uniform(&random);
        *s = (rh_load_second){.second = second,
                              .arrivals = arrivals,
                              .transactions = arrivals,
                              .response_p50_ms = read_stall_ms > 300 ? read_stall_ms * 0.5 : 0.8,
                              .response_p99_ms = p99 + stall_ms,
                              .response_max_ms = 2 * p99 + stall_ms,
                              .service_p99_ms = p99 + 0.9 * stall_ms};
        if (read_stall_ms > 1500)
            s->transactions = 40 + (int64_t)rh_random_below(&random, 20);
    }
    fixture_window(run, RH_WINDOW_BEFORE, NULL, 0, 10, 1);
    for (size_t i = 0; i < FIXTURE_MIGRATION_COUNT; i++) {
        const fixture_statement *f = &FIXTURE_MIGRATIONS[i].statements[0];
        bool hurts = rh_lock_mode_blocks_writes(f->mode);
        fixture_window(run, RH_WINDOW_DURING, FIXTURE_MIGRATIONS[i].id, f->at_s, f->at_s + f->elapsed_s,
                       hurts ? 1 + 220 * f->elapsed_s : 1.3);
    }
    fixture_window(run, RH_WINDOW_DURING, NULL, 10, 48, 640);
    fixture_window(run, RH_WINDOW_AFTER, NULL, 48, 60, 1.05);
}

static void fixture_contention(rh_run *run)
{
    rh_contention *c = &run->contention;
    c->measured = true;
    for (size_t i = 0; i < FIXTURE_MIGRATION_COUNT; i++)
        for (int s = 0; s < 3 && FIXTURE_MIGRATIONS[i].statements[s].sql; s++)
            fixture_block(run, &FIXTURE_MIGRATIONS[i], s + 1);
    c->longest_wait_s = 6.379;
    c->deepest_queue = 20;
    c->reads_blocked_s = 6.389;
    c->writes_blocked_s = 6.389;
    c->samples = 2841;
    c->sampler_cpu_s = 0.81;
    c->sampler_client_cpu_s = 0.3;
    c->sampler_server_cpu_s = 0.51;
    c->sampler_elapsed_s = 81.3;
    c->sampler_interval_ms = 20;
    c->shortest_sure_wait_ms = 22;
    c->waitstart_available = true;
    fixture_cancelled(run);
}

static void fixture_facts(rh_run *run)
{
    run->backup = (rh_backup_facts){.path = "/backups/shop.dump",
                                    .shape = RH_SHAPE_PGDUMP_CUSTOM,
                                    .compression = "none",
                                    .container = "none",
                                    .bytes = 2411008,
                                    .archive_version = "1.14",
                                    .dump_version = "15.18",
                                    .server_major = 15,
                                    .restore_s = 2.94,
                                    .database_bytes = 731000000,
                                    .tables = 6,
                                    .rows = 1612004};
    memset(run->backup.sha256, 'b', 64);
    rh_skipped *skipped = rh_arena_add(run->arena, &run->backup.skipped, &run->backup.skipped_count);
    *skipped = (rh_skipped){"schema \"public\" already exists", "every new database has it"};
    run->staging = (rh_staging_facts){.kind = RH_STAGING_EMBEDDED,
                                      .server_version = "15.18 (Debian 15.18-0+deb12u1)",
                                      .server_version_num = 150018,
                                      .location = "/var/tmp/pgrehearse-4711",
                                      .reset_method = "copy of changed files",
                                      .copy_on_write = "none",
                                      .reset_bytes = 33554432,
                                      .snapshot_s = 1.2,
                                      .reset_s = 0.84,
                                      .snapshot_bytes = 790000000,
                                      .resets = 4,
                                      .cpu_count = 2,
                                      .memory_bytes = INT64_C(8203000000),
                                      .local = true};
    static rh_isolation_layer layers[] = {{"seccomp", true, "no connection"},
                                          {"landlock", false, "none here"}};
    static rh_isolation_attempt attempts[] = {{"tcp", "connect to a TCP port", false, true},
                                              {"signal", "signal this program", false, false}};
    run->staging.isolation = (rh_isolation){.proven = true,
                                            .account = "uid 61200",
                                            .layers = layers,
                                            .layer_count = 2,
                                            .attempts = attempts,
                                            .attempt_count = 2};
    static const rh_setting_fact facts[] = {{"shared_buffers", "1GB", NULL, "16GB"},
                                            {"fsync", "on", "off", NULL},
                                            {"maintenance_work_mem", "64MB", "512MB", "64MB"}};
    for (size_t i = 0; i < 3; i++)
        *rh_arena_add(run->arena, &run->staging.settings, &run->staging.setting_count) = facts[i];
    *rh_arena_add(run->arena, &run->staging.neutralised, &run->staging.neutralised_count) =
        "archive_command is empty; no TCP listener";
}

static void fixture_prediction(rh_run *run)
{
    run->prediction = (rh_run_prediction){.median_s = 22.8,
                                          .low_s = RH_NOT_MEASURED,
                                          .high_s = RH_NOT_MEASURED,
                                          .level = 0.9,
                                          .reads_blocked_s = 6.389,
                                          .writes_blocked_s = 6.389,
                                          .wal_bytes = 722000000,
                                          .disk_peak_bytes = INT64_C(1450000000),
                                          .basis = "sum of the medians of 3 quiet runs",
                                          .parts = {18.9, 0.9, 1.4, 1.3, 0.3},
                                          .staging_s = 22.1,
                                          .drivers = "migration 1, statement 1: nine tenths of it",
                                          .narrows = "more quiet passes (repeat:)"};
    rh_backtest *b = &run->prediction.backtest;
    for (size_t i = 0; i < FIXTURE_MIGRATION_COUNT; i++) {
        const fixture_statement *f = &FIXTURE_MIGRATIONS[i].statements[0];
        if (f->quiet_s < 0.1)
            continue;
        rh_backtest_row *row = rh_arena_add(run->arena, &b->rows, &b->row_count);
        *row =
            (rh_backtest_row){.migration = FIXTURE_MIGRATIONS[i].id,
                              .statement = 1,
                              .class_ = f->class_,
                              .predicted_s = f->quiet_s * 1.08,
                              .actual_s = f->quiet_s,
                              .low_s = RH_NOT_MEASURED,
                              .high_s = RH_NOT_MEASURED,
                              .linear_largest_s = f->quiet_s * 1.19,
                              .linear_smallest_s = f->quiet_s * 1.44,
                              .power_law_s = f->quiet_s * 0.81,
                              .distance = 3.1,
                              .basis = "9 runs on samples of at most 1/8 of its size: rows 92 %, fixed 8 %"};
    }
    b->median_abs_error = 0.08;
    b->bias = 0.08;
    b->coverage = RH_NOT_MEASURED;
    b->level = 0.9;
    b->worst_abs_error = 0.08;
    b->scored = b->row_count;
    static const rh_baseline baselines[] = {{"linear from the largest sample", 0.19, 0.24, 0.19},
                                            {"linear from the smallest sample", 0.44, 0.51, 0.44},
                                            {"power law", 0.19, 0.31, -0.19}};
    for (size_t i = 0; i < 3; i++)
        *rh_arena_add(run->arena, &b->baselines, &b->baseline_count) = baselines[i];
}

static void fixture_gate(rh_run *run, rh_gate_kind kind, const char *limit_text, double limit,
                         double measured, rh_gate_outcome outcome, const char *worst)
{
    rh_gate *g = rh_arena_add(run->arena, &run->gates, &run->gate_count);
    *g = (rh_gate){kind, rh_gate_kind_name(kind), limit_text, limit, measured, outcome, worst};
}

static void fixture_note(rh_run *run, rh_unmeasured code, const char *text)
{
    *rh_arena_add(run->arena, &run->not_measured.items, &run->not_measured.count) = (rh_note){code, text};
}

/* What every run has, however early it ended. */
static inline rh_run *fixture_start(rh_arena *arena)
{
    rh_run *run = rh_arena_alloc(arena, sizeof *run);
    rh_scenario *scenario = rh_arena_alloc(arena, sizeof *scenario);
    scenario->name = "shop-2026-11";
    scenario->path = "/srv/shop/rehearsal.yaml";
    memset(scenario->sha256, 'c', 64);
    scenario->repeat = 3;
    scenario->rollback = true;
    scenario->passes = RH_PASS_ALL;
    run->arena = arena;
    run->scenario = scenario;
    run->directory = "/srv/shop/reports/runs/shop-2026-11/20261122T121403Z";
    run->id = "20261122T121403Z";
    run->tool_version = "0.1.0";
    run->started_wall = INT64_C(1795349643123000);
    run->started = 5 * RH_SECOND;
    run->elapsed_s = 104.2;
    run->load.began = 100 * RH_SECOND;
    return run;
}

/* Everything ran; three gates failed. */
static inline rh_run *fixture_full(rh_arena *arena)
{
    rh_run *run = fixture_start(arena);
    run->verdict = RH_VERDICT_FAIL;
    run->exit_code = 1;
    run->reason = "3 of 5 gates failed";
    fixture_facts(run);
    fixture_plan(run, true);
    fixture_contention(run);
    fixture_load(run);
    fixture_compatibility(run);
    fixture_prediction(run);
    fixture_gate(run, RH_GATE_PREDICTED_DURATION, "15min", 900, 22.8, RH_GATE_HELD,
                 "the median: 3 quiet runs carry no interval");
    fixture_gate(run, RH_GATE_READS_BLOCKED, "500ms", 0.5, 6.389, RH_GATE_FAILED,
                 "migration 000012 statement 1 on public.orders");
    fixture_gate(run, RH_GATE_WRITES_BLOCKED, "2s", 2, 6.389, RH_GATE_FAILED,
                 "migration 000012 statement 1 on public.orders");
    fixture_gate(run, RH_GATE_RESPONSE_P99_RATIO, "3", 3, 640, RH_GATE_FAILED, "4.6 ms before, 2.9 s during");
    fixture_gate(run, RH_GATE_LOAD_ERRORS, "0", 0, 0, RH_GATE_HELD, NULL);
    rh_step_result *verify = rh_arena_add(arena, &run->verify, &run->verify_count);
    *verify = (rh_step_result){"checks.sql", RH_OUTCOME_OK, 0.12, 0, NULL};
    run->verify_outcome = RH_OUTCOME_OK;
    rh_step_result *prepare = rh_arena_add(arena, &run->prepare, &run->prepare_count);
    *prepare = (rh_step_result){"grow.sql", RH_OUTCOME_OK, 8.4, 0, NULL};
    for (int i = 0; i < 40; i++) {
        rh_resource_sample *sample = rh_arena_add(arena, &run->resources, &run->resource_count);
        *sample = (rh_resource_sample){10.0 + i, 0.5 * i,      i * 4096,
                                       i * 8192, i * 18000000, INT64_C(41000000000) - i * 20000000};
    }
    fixture_note(run, RH_UNMEASURED_HARDWARE,
                 "hardware not translated: the scenario names no production profile");
    fixture_note(run, RH_UNMEASURED_PRODUCTION_PROFILE, "replication lag: staging has no replica");
    return run;
}

/* 000012 was killed, too: a CREATE INDEX CONCURRENTLY by its connection, and then by the server. */
static inline rh_run *fixture_interrupted(rh_arena *arena)
{
    static const char *invalid[] = {"public.\"orders <i>\""};
    rh_run *run = fixture_full(arena);
    rh_scenario *scenario = rh_arena_alloc(arena, sizeof *scenario);
    *scenario = *run->scenario;
    scenario->interrupt = true;
    run->scenario = scenario;
    rh_migration *m = &run->plan.migrations[11];
    for (int i = 0; i < 3; i++) {
        rh_interruption *cut = rh_arena_add(arena, &m->interruptions, &m->interruption_count);
        *cut = (rh_interruption){.how = i == 1 ? RH_INTERRUPTION_SERVER : RH_INTERRUPTION_CONNECTION,
                                 .statement = 1,
                                 .in_statement = i < 2,
                                 .hit = i < 2,
                                 .after_s = i < 2 ? 1.5 : RH_NOT_MEASURED,
                                 .data = {.measured = true, .elapsed_s = 0.3, .equal = 12},
                                 .history = i < 2 ? "version 12, dirty t" : NULL,
                                 .history_changed = i < 2,
                                 .run_again = i < 2 ? RH_RUN_AGAIN_REFUSED : RH_RUN_AGAIN_NOT_TRIED,
                                 .after_repair = i == 0   ? RH_RUN_AGAIN_FAILED
                                                 : i == 1 ? RH_RUN_AGAIN_OK
                                                          : RH_RUN_AGAIN_NOT_TRIED,
                                 .error = i < 2 ? "the database is dirty at version 12" : NULL};
        if (i > 0)
            continue;
        rh_difference *d = rh_arena_add(arena, &cut->differences, &cut->difference_count);
        *d = (rh_difference){"index public.\"orders <i>\"", RH_CHANGE_ADDED, NULL, "CREATE INDEX … invalid"};
        cut->invalid_indexes = cut->invalid_after_rerun = invalid;
        cut->invalid_index_count = cut->invalid_after_rerun_count = 1;
    }
    run->set_rollback = (rh_rollback){.outcome = RH_OUTCOME_FAILED,
                                      .has_down = true,
                                      .down_s = 0.3,
                                      .reapply_s = RH_NOT_MEASURED,
                                      .schema_restored = -1,
                                      .reversibility = RH_REVERSIBILITY_BROKEN,
                                      .why = "the down migration failed"};
    return run;
}

/* Quiet passes only, no gates. */
static inline rh_run *fixture_quiet(rh_arena *arena)
{
    rh_run *run = fixture_start(arena);
    run->verdict = RH_VERDICT_INCONCLUSIVE;
    run->exit_code = 3;
    run->reason = "reads_blocked needs the loaded pass, which --pass quiet left out";
    fixture_facts(run);
    fixture_plan(run, false);
    fixture_prediction(run);
    run->prediction.reads_blocked_s = run->prediction.writes_blocked_s = RH_NOT_MEASURED;
    fixture_gate(run, RH_GATE_READS_BLOCKED, "500ms", 0.5, RH_NOT_MEASURED, RH_GATE_NOT_MEASURED,
                 "no loaded pass");
    fixture_note(run, RH_UNMEASURED_LOAD, "load and lock waits: --pass left the loaded pass out");
    return run;
}

/* 000015 fails in the first quiet pass. */
static inline rh_run *fixture_failed(rh_arena *arena)
{
    rh_run *run = fixture_start(arena);
    run->verdict = RH_VERDICT_FAIL;
    run->exit_code = 2;
    run->reason = "migration 000015 failed in quiet pass 1";
    fixture_facts(run);
    fixture_plan(run, false);
    for (size_t i = 14; i < run->plan.migration_count; i++) {
        rh_migration *m = &run->plan.migrations[i];
        m->outcome = i == 14 ? RH_OUTCOME_FAILED : RH_OUTCOME_NOT_RUN;
        m->rollback = (rh_rollback){.schema_restored = -1};
        for (size_t s = 0; s < m->up.statement_count; s++) {
            m->up.statements[s].run_count = 0;
            m->up.statements[s].prediction = (rh_prediction){0};
        }
    }
    rh_failure *failure = rh_arena_alloc(arena, sizeof *failure);
    *failure = (rh_failure){"column \"email\" of relation \"customers\" contains null values",
                            "23502",
                            "fill or delete those rows in an earlier migration",
                            run->plan.migrations[14].up.file,
                            4,
                            1};
    run->plan.migrations[14].failure = failure;
    run->plan.migrations[14].failed_pass = "quiet pass 1";
    fixture_note(run, RH_UNMEASURED_LOAD, "the loaded pass: migration 000015 failed before it");
    return run;
}

/* The guard said no before anything ran. */
static inline rh_run *fixture_refused(rh_arena *arena)
{
    rh_run *run = fixture_start(arena);
    run->verdict = RH_VERDICT_REFUSED;
    run->exit_code = 4;
    run->reason = "the database shop on db1:5432 does not carry the tool's mark";
    run->failed_stage = "guard";
    rh_failure *failure = rh_arena_alloc(arena, sizeof *failure);
    *failure = (rh_failure){"database \"shop\" on db1:5432 was not created by pgrehearse",
                            NULL,
                            "name a server where pgrehearse may create databases of its own",
                            "/srv/shop/rehearsal.yaml",
                            6,
                            8};
    run->failure = failure;
    fixture_note(run, RH_UNMEASURED_OTHER, "everything: the run was refused");
    return run;
}

/* The full run with every string that comes from outside made hostile. */
static inline rh_run *fixture_hostile(rh_arena *arena)
{
    rh_run *run = fixture_full(arena);
    static const char evil[] = "<script>alert(1)</script> ]]> --> `|` \x01\x1b[31m caf\xe9 \"'&amp;\n| next";
    char *longest = rh_arena_alloc(arena, 20001);
    memset(longest, 'x', 20000);
    rh_scenario *scenario = rh_arena_alloc(arena, sizeof *scenario);
    *scenario = *run->scenario;
    scenario->name = evil;
    run->scenario = scenario;
    run->reason = evil;
    run->backup.path = evil;
    rh_migration *m = &run->plan.migrations[11];
    m->id = evil;
    m->name = evil;
    m->up.file = evil;
    m->up.statements[0].redacted_sql = evil;
    m->up.statements[0].hazards[0] =
        (rh_hazard){.rule = evil, .message = evil, .evidence = evil, .safer = evil};
    run->plan.migrations[12].up.statements[0].redacted_sql = longest;
    run->plan.migrations[13].name = longest;
    run->gates[1].worst = evil;
    run->contention.waits[0].waiter = evil;
    run->contention.waits[0].blocker = longest;
    run->not_measured.items[0].text = evil;
    return run;
}
