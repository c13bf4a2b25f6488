/* A backfill predicted from a sample, and run whole, for tests/bench/backfill-prediction.sh; one JSON line on
 * standard output. backfill_whole CONNINFO TEMPLATE SET WHERE SECONDS RUNS BATCH...
 * TABLE "t" of the database TEMPLATE is filled: half of the RUNS whole runs of each batch size go before the
 * sweep, which takes at most SECONDS, and half behind it, so that drift of the machine is seen. */
#include "backfill/inspect.h"
#include "backfill/worker.h"
#include "pgrehearse/backfill/backfill.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNINFO = 1, TEMPLATE, SET, WHERE, SECONDS, RUNS, BATCHES };

typedef struct bench {
    const char *conninfo, *database; /* of the administrator, and of the database that is changed */
    const char *template;
    rh_arena *arena;
    rh_backfill backfill;
} bench;

typedef struct sizes {
    int64_t heap, indexes, wal;
} sizes;

static void fail(const rh_error *error)
{
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

static rh_pg *connect_to(const char *conninfo)
{
    rh_error error = {0};
    rh_pg *pg = rh_pg_connect(conninfo, ": bench", &error);
    if (!pg)
        fail(&error);
    return pg;
}

static int64_t number(rh_pg *pg, const char *sql)
{
    rh_error error = {0};
    int64_t value = 0;
    if (!rh_pg_query_int(pg, sql, &value, &error))
        fail(&error);
    return value;
}

/* The database as the template has it, behind a checkpoint. */
static bool reset(void *data, rh_error *error)
{
    const bench *b = data;
    rh_pg *pg = connect_to(b->conninfo);
    const bool ok = rh_pg_execute(pg, "DROP DATABASE IF EXISTS bench WITH (FORCE)", error) &&
                    rh_pg_executef(pg, error, "CREATE DATABASE bench TEMPLATE %s", b->template) &&
                    rh_pg_execute(pg, "CHECKPOINT", error);
    rh_pg_close(pg);
    return ok;
}

/* The table, and its partitions. */
#define OF_T                                                                                                 \
    "FROM pg_stat_user_tables WHERE relid = 't'::regclass OR relid IN (SELECT relid FROM pg_partition_tree('t'))"

static sizes read_sizes(rh_pg *pg)
{
    rh_error error = {0};
    sizes s = {.heap = number(pg, "SELECT sum(pg_table_size(relid))::bigint " OF_T),
               .indexes = number(pg, "SELECT sum(pg_indexes_size(relid))::bigint " OF_T)};
    if (!rh_backfill_wal_position(pg, &s.wal, &error))
        fail(&error);
    return s;
}

/* ---- the truth ---- */

/* Between two batches: what the server has done so far, and what it is at. */
typedef struct state {
    size_t batches;
    int64_t dead, vacuums, images, wal, checkpoints; /* VACUUMS: under way */
} state;

static void look(rh_pg *pg, size_t batches, state **states, size_t *count, rh_arena *arena)
{
    static const char SQL[] =
        "SELECT (SELECT sum(n_dead_tup)::bigint " OF_T "), "
        "(SELECT count(*) FROM pg_stat_progress_vacuum), wal_fpi, wal_bytes::bigint, "
        "(SELECT checkpoints_timed + checkpoints_req FROM pg_stat_bgwriter) FROM pg_stat_wal";
    rh_error error = {0};
    rh_pg_result *row = rh_pg_query(pg, SQL, 0, NULL, &error);
    if (!row)
        fail(&error);
    *rh_arena_add(arena, states, count) = (state){.batches = batches,
                                                  .dead = rh_pg_int(row, 0, 0, 0),
                                                  .vacuums = rh_pg_int(row, 0, 1, 0),
                                                  .images = rh_pg_int(row, 0, 2, 0),
                                                  .wal = rh_pg_int(row, 0, 3, 0),
                                                  .checkpoints = rh_pg_int(row, 0, 4, 0)};
    rh_pg_result_free(row);
}

static void print_states(const state *states, size_t count)
{
    printf(", \"states\": [");
    for (size_t i = 0; i < count; i++)
        printf("%s[%zu, %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 "]", i ? ", " : "",
               states[i].batches, states[i].dead, states[i].vacuums, states[i].images, states[i].wal,
               states[i].checkpoints);
    printf("]");
}

static void print_batches(const rh_backfill_batch *batches, size_t count)
{
    printf("\"course\": [");
    for (size_t i = 0; i < count; i++)
        printf("%s[%.6f, %" PRId64 "]", i ? ", " : "",
               batches[i].find_s + batches[i].update_s + batches[i].commit_s, batches[i].changed);
    printf("]");
}

/* One whole run in batches of ROWS; printed as an object. */
static void run_whole(bench *b, int64_t rows)
{
    rh_error error = {0};
    rh_backfill_target target;
    rh_backfill_batch *batches = NULL;
    size_t count = 0;
    if (!reset(b, &error))
        fail(&error);
    rh_pg *pg = connect_to(b->database);
    if (!rh_backfill_inspect(pg, &b->backfill, b->arena, &target, &error))
        fail(&error);
    const rh_backfill_statements sql = rh_backfill_statements_of(&b->backfill, &target, b->arena);
    const rh_backfill_worker_options options = {
        .conninfo = b->database, .backfill = &b->backfill, .statements = &sql};
    rh_backfill_worker *worker = rh_backfill_worker_open(&options, &error);
    rh_backfill_cursor cursor = {0};
    if (!worker || !rh_backfill_last_position(pg, &b->backfill, &target, b->arena, &cursor.upper, &error))
        fail(&error);
    const sizes before = read_sizes(pg);
    state *states = NULL;
    size_t state_count = 0;
    look(pg, 0, &states, &state_count, b->arena);
    rh_usec looked = rh_clock_monotonic();
    while (!cursor.ended) {
        rh_backfill_batch batch = {0};
        if (!rh_backfill_worker_batch(worker, &cursor, rows, &batch, &error))
            fail(&error);
        if (batch.changed > 0)
            *rh_arena_add(b->arena, &batches, &count) = batch;
        if (rh_clock_monotonic() - looked < RH_SECOND / 10)
            continue;
        look(pg, count, &states, &state_count, b->arena);
        looked = rh_clock_monotonic();
    }
    look(pg, count, &states, &state_count, b->arena);
    const sizes after = read_sizes(pg);
    printf("{\"wal\": %" PRId64 ", \"heap_before\": %" PRId64 ", \"heap\": %" PRId64
           ", \"indexes_before\": %" PRId64 ", \"indexes\": %" PRId64 ", \"vacuums\": %" PRId64
           ", \"hot\": %" PRId64 ", ",
           after.wal - before.wal, before.heap, after.heap, before.indexes, after.indexes,
           number(pg, "SELECT sum(autovacuum_count)::bigint " OF_T),
           number(pg, "SELECT sum(n_tup_hot_upd)::bigint " OF_T));
    print_batches(batches, count);
    print_states(states, state_count);
    printf("}");
    rh_backfill_cursor_release(&cursor);
    rh_backfill_worker_close(worker);
    rh_pg_close(pg);
}

/* RUNS whole runs of each size, interleaved. */
static void run_wholes(bench *b, const char *key, int runs)
{
    printf("\"%s\": [", key);
    for (int run = 0; run < runs; run++)
        for (size_t i = 0; i < b->backfill.batch_count; i++) {
            printf("%s{\"batch\": %" PRId64 ", \"run\": ", run + i ? ", " : "", b->backfill.batches[i]);
            run_whole(b, b->backfill.batches[i]);
            printf("}");
        }
    printf("]");
}

/* ---- the prediction ---- */

static void print_figure(const char *key, const rh_backfill_figure *f)
{
    const double values[] = {f->median, f->low, f->high};
    printf(", \"%s\": [", key);
    for (size_t i = 0; i < 3; i++)
        isnan(values[i]) ? printf("%snull", i ? ", " : "") : printf("%s%.6g", i ? ", " : "", values[i]);
    printf("]");
}

static void predict(bench *b)
{
    rh_error error = {0};
    rh_notes notes = {0};
    rh_backfill_result result;
    const rh_backfill_place place = {.conninfo = b->database,
                                     .backfill_conninfo = b->database,
                                     .load_conninfo = b->database,
                                     .seed = 7,
                                     .local = true,
                                     .reset = reset,
                                     .data = b};
    if (!reset(b, &error) || !rh_backfill_sweep(&b->backfill, &place, b->arena, &result, &notes, &error))
        fail(&error);
    printf("\"rows\": %" PRId64 ", \"changed\": %" PRId64 ", \"predicted\": [", result.rows, result.changed);
    for (size_t i = 0; i < result.cell_count; i++) {
        const rh_backfill_cell *cell = &result.cells[i];
        printf("%s{\"batch\": %" PRId64 ", \"sampled\": %" PRId64 ", \"naive_s\": %.6f", i ? ", " : "",
               cell->setting.batch, cell->rows,
               (cell->find_s + cell->update_s + cell->commit_s) / (double)cell->rows * (double)result.rows);
        print_figure("busy_s", &cell->busy_s);
        print_figure("wal", &cell->wal_bytes);
        const rh_backfill_figure size = {cell->whole.final_bytes, NAN, NAN};
        print_figure("size", &size);
        print_figure("dead", &cell->whole.dead_share);
        printf(
            ", \"states_s\": %.6f, \"exponential_s\": %.6f, \"stratified_s\": %.6f, \"images_s\": %.6f, \"vacuum_s\": %.6f, \"images\": %.0f, \"vacuums\": %" PRId64
            ", \"beside_s\": %.3f",
            cell->whole.busy_s.median, cell->whole.exponential_s, cell->whole.sampled_s, cell->whole.images_s,
            cell->whole.vacuum_s, cell->whole.images, cell->whole.vacuums.count,
            cell->whole.vacuums.beside_s);
        printf("}");
    }
    printf("], \"stretches\": [");
    for (size_t i = 0; i < result.stretch_count; i++) {
        const rh_backfill_stretch *stretch = &result.stretches[i];
        printf("%s{\"actual\": %.4f, \"states\": %.4f, \"exponential\": %.4f", i ? ", " : "",
               stretch->actual_us_per_row, stretch->states_us_per_row,
               stretch->naive_us_per_row[RH_STRETCH_EXPONENTIAL]);
        print_figure("predicted", &stretch->us_per_row);
        printf("}");
    }
    printf("], \"model\": \"%s\", \"model_errors\": [", rh_backfill_model_name(result.score.model));
    for (int m = 0; m < RH_MODEL_COUNT; m++)
        isnan(result.score.model_error[m]) ? printf("%snull", m ? ", " : "")
                                           : printf("%s%.4f", m ? ", " : "", result.score.model_error[m]);
    printf("]");
}

int main(int argc, char **argv)
{
    if (argc <= BATCHES)
        return 64;
    static rh_backfill_pause none = {.text = "0"};
    static int one = 1;
    bench b = {.conninfo = argv[CONNINFO], .template = argv[TEMPLATE], .arena = rh_arena_new()};
    b.database = rh_arena_printf(b.arena, "%s dbname=bench", b.conninfo);
    b.backfill = (rh_backfill){.name = b.template,
                               .table = "t",
                               .set = argv[SET],
                               .condition = *argv[WHERE] ? argv[WHERE] : NULL,
                               .pauses = &none,
                               .pause_count = 1,
                               .workers = &one,
                               .worker_count = 1,
                               .sample = 0.1,
                               .limit = atoi(argv[SECONDS]) * RH_SECOND,
                               .lock_timeout = RH_SECOND};
    for (int i = BATCHES; i < argc; i++)
        *rh_arena_add(b.arena, &b.backfill.batches, &b.backfill.batch_count) = atoll(argv[i]);
    const int runs = atoi(argv[RUNS]);
    printf("{\"case\": \"%s\", ", b.template);
    run_wholes(&b, "before", (runs + 1) / 2);
    printf(", ");
    predict(&b);
    printf(", ");
    run_wholes(&b, "behind", runs / 2);
    printf("}\n");
    rh_arena_free(b.arena);
    return 0;
}
