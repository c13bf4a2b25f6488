/* The replay against the real thing: the same file through rh_replay on one database, and through one simple
 * query (golang-migrate) or psql -f (plain SQL) on its twin; both must end alike, down to the dump. */
#include "../cluster.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/migrations/plan.h"
#include "pgrehearse/migrations/replay.h"
#include "pgrehearse/snapshot/snapshot.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static test_cluster *cluster;

typedef struct world {
    rh_arena *arena;
    char folder[64];
    rh_scenario scenario;
    rh_plan plan;
    rh_pg *pg; /* on database "replayed" */
    rh_error error;
    rh_attempt attempt; /* the last one */
} world;

static rh_pg *connect_to(const char *database)
{
    static const char *keys[] = {"dbname"};
    rh_error error = {0};
    char *conninfo = rh_pg_conninfo_with(test_cluster_conninfo(cluster), 1, keys, &database, &error);
    rh_pg *pg = rh_pg_connect(conninfo, "test", &error);
    if (!pg)
        fail_msg("%s", error.message);
    free(conninfo);
    return pg;
}

/* The same beginnings for every case; making a database each time would take most of the test's time. */
static void reset_database(const char *name)
{
    rh_pg *pg = connect_to(name);
    rh_error error = {0};
    if (!rh_pg_execute(pg,
                       "set client_min_messages = error; drop schema public cascade; create schema public;"
                       "create table base (id int primary key, n int);"
                       "insert into base select i, i from generate_series(1, 10) i;"
                       "create table late (id int references base deferrable initially deferred)",
                       &error))
        fail_msg("%s", error.message);
    rh_pg_close(pg);
}

/* The folder of the test under way, for the one that fails: its world_end is never reached. */
static char world_folder[64];

static void world_sweep(void)
{
    if (*world_folder)
        rh_tree_remove(world_folder, NULL);
    *world_folder = '\0';
}

static world *world_begin(void)
{
    world_sweep();
    rh_arena *arena = rh_arena_new();
    world *w = rh_arena_alloc(arena, sizeof *w);
    w->arena = arena;
    strcpy(w->folder, "/tmp/pgrehearse-replay-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    strcpy(world_folder, w->folder);
    assert_int_equal(chmod(w->folder, 0755), 0);
    w->scenario.path = "/scenario.yaml";
    w->scenario.migrations.path = w->folder;
    reset_database("replayed");
    w->pg = connect_to("replayed");
    return w;
}

static void world_end(world *w)
{
    rh_pg_close(w->pg);
    rh_error_release(&w->error);
    world_sweep();
    rh_arena_free(w->arena);
}

static char *write_file(world *w, const char *name, const char *text)
{
    char *path = rh_arena_printf(w->arena, "%s/%s", w->folder, name);
    assert_true(rh_file_write(path, text, strlen(text), NULL));
    assert_int_equal(chmod(path, 0644), 0);
    return path;
}

static void make_plan(world *w)
{
    w->plan.framework_name = NULL;
    if (!rh_plan_make(&w->scenario, NULL, w->arena, &w->plan, &w->error))
        fail_msg("%s", w->error.message);
}

static bool replay_with(world *w, size_t index, const rh_replay_options *options)
{
    rh_migration *migration = &w->plan.migrations[index];
    rh_error_release(&w->error);
    w->attempt = rh_replay(w->pg, &w->plan, migration, options, w->arena, &w->error);
    rh_migration_add_runs(migration, &w->attempt, w->arena);
    if (options->direction == RH_UP)
        rh_migration_conclude(migration, &w->attempt);
    assert_true(w->attempt.elapsed_s >= 0);
    assert_int_equal(w->attempt.outcome == RH_OUTCOME_OK, !rh_error_is_set(&w->error));
    return w->attempt.outcome == RH_OUTCOME_OK;
}

static bool replay(world *w, size_t index, rh_direction direction)
{
    rh_replay_options options = {.direction = direction, .repeat = 1, .scale = 1, .record = true};
    return replay_with(w, index, &options);
}

/* The dump of a database without golang-migrate's own table and pg_dump's random tokens. */
static const char *dump(const char *database, rh_arena *arena)
{
    char *command = rh_arena_printf(arena, "%s/pg_dump -T schema_migrations -d '%s dbname=%s'",
                                    cluster->bindir, test_cluster_conninfo(cluster), database);
    rh_text text = {0};
    char line[4096];
    FILE *pipe = popen(command, "r");
    while (fgets(line, sizeof line, pipe))
        if (!rh_starts_with(line, "\\restrict") && !rh_starts_with(line, "\\unrestrict"))
            rh_text_append(&text, line);
    assert_int_equal(pclose(pipe), 0);
    const char *copy = rh_arena_strdup(arena, text.data);
    rh_text_release(&text);
    return copy;
}

/* Files that golang-migrate and the server treat in ways of their own; the twin gets each as one simple
 * query. */
static const char *const TRICKY[] = {
    "",
    " \n-- nothing\n/* at all */;;",
    "create table a (i int)",
    "create table a (i int);\r\ncreate table b (i int);\r\n",
    "create table a (i int); select 1/0; create table b (i int)",
    "begin; create table a (i int); select 1/0; commit",
    "begin; create table a (i int); commit; create table b (i int); select 1/0",
    "create table a (i int); commit; create table b (i int); select 1/0",
    "create table a (i int);\n\n/* at /* last */ */ -- now\n\tCoMMiT;\ncreate table b (i int); select 1/0",
    "create table a (i int); commit; create table b (i int); create table c (i int)",
    "create table a (i int); begin; create table b (i int); commit; create table c (i int)",
    "create table a (i int); begin; create table b (i int); rollback; create table c (i int)",
    "create table a (i int); rollback; create table c (i int)",
    "begin; begin; create table a (i int); commit; commit",
    "create index concurrently i on base (n)",
    "-- why\n\ncreate index concurrently i on base (n);\n-- end\n",
    "create index concurrently i on base (n); select 1",
    "select 1; create index concurrently i on base (n)",
    "begin; select 1; commit; create index concurrently i on base (n)",
    "commit; create index concurrently i on base (n)",
    "vacuum base",
    "vacuum base; vacuum base",
    "create table a (i int); savepoint s; create table b (i int)",
    "begin; create table a (i int); savepoint s; create table b (i int); rollback to s; create table c (i "
    "int); commit",
    "savepoint s",
    "create table a (i int); rollback to savepoint s",
    "create table a (i int); release s",
    "create table a (i int); commit and chain; create table b (i int)",
    "begin; create table a (i int); commit and chain; create table b (i int); commit",
    "begin; create table a (i int); rollback and chain; create table b (i int); commit",
    "create table a (i int); commit and no chain; create table b (i int)",
    "lock table base",
    "lock table base; create table a (i int)",
    "insert into late values (99); create table a (i int)",
    "insert into late values (99)",
    "begin; insert into late values (99); commit; create table a (i int)",
    "set constraints all immediate; insert into late values (99); create table a (i int)",
    "create table a (i int); selct 1",
    "begin; create table a (i int); commit; selct 1",
    "begin; create table a (i int); commit; select 'open",
    "create table a (i int); commit; insert into missing values (1)",
    "create index concurrently i on base (n); selct",
    "\xef\xbb\xbf"
    "create table a (i int)",
    "create type e as enum ('a'); commit; alter type e add value 'b'; create table a as select 'b'::e",
    "alter table base add m int; update base set m = n; alter table base alter m set not null",
    "create function f() returns int language sql begin atomic select 1; select 2; end; select f()",
    "create procedure p() language plpgsql as $$ begin create table a (i int); commit; perform 1/0; end $$; "
    "call p()",
    "do $$ begin create table a (i int); commit; perform 1/0; end $$",
    "begin isolation level serializable; create table a as select current_setting('transaction_isolation') "
    "x; commit",
    "select 1; begin isolation level serializable; create table a (i int); commit",
    "set local work_mem = '5MB'; create table a as select current_setting('work_mem') x",
    "set local work_mem = '5MB'; commit; create table a as select current_setting('work_mem') x",
    "begin read only; create table a (i int); commit",
    "create temp table s as select now() as t; create table a as select t = now() as same from s",
    "prepare q as select 1; execute q; deallocate q",
    "create table a (i int); select * from base; insert into a values (1) returning i",
    "copy base to stdout; create table a (i int)",
    "notify x; listen x; create table a (i int)",
    "create table a (i int); end; abort; create table b (i int)",
    "start transaction; create table a (i int); end transaction; create table b (i int)",
    "drop table late; drop table base cascade",
};

static void compare_with_twin(const char *sql)
{
    reset_database("twin");
    world *w = world_begin();
    write_file(w, "1_tricky.up.sql", sql);
    make_plan(w);
    assert_string_equal(w->plan.framework_name, "golang-migrate");
    bool ok = replay(w, 0, RH_UP);
    rh_pg_close(w->pg);
    w->pg = NULL;

    rh_pg *twin = connect_to("twin");
    rh_error expected = {0};
    bool expected_ok = rh_pg_execute(twin, sql, &expected);
    rh_pg_close(twin);

    if (ok != expected_ok || strcmp(w->error.sqlstate, expected.sqlstate) != 0)
        fail_msg("%s\n  replay: %d %s %s\n  server: %d %s %s", sql, ok, w->error.sqlstate, w->error.message,
                 expected_ok, expected.sqlstate, expected.message);
    const char *have = dump("replayed", w->arena), *want = dump("twin", w->arena);
    if (strcmp(have, want) != 0)
        fail_msg("%s\n--- replayed\n%s\n--- server\n%s", sql, have, want);
    if (!ok)
        assert_int_equal(w->error.code, RH_ERROR_MIGRATION);
    assert_int_equal(w->plan.migrations[0].outcome, ok ? RH_OUTCOME_OK : RH_OUTCOME_FAILED);
    rh_error_release(&expected);
    world_end(w);
}

static void test_tricky_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof TRICKY / sizeof *TRICKY; i++)
        compare_with_twin(TRICKY[i]);
}

static void assert_same_schema(const char *sql, rh_arena *arena)
{
    rh_pg *a = connect_to("replayed"), *b = connect_to("twin");
    rh_schema *have = rh_schema_read(a, NULL), *want = rh_schema_read(b, NULL);
    rh_difference *differences;
    size_t count;
    rh_schema_compare(want, have, arena, &differences, &count);
    if (count > 0)
        fail_msg("%s\n  %s %s: psql leaves %s, replay %s", sql, differences[0].object,
                 rh_change_name(differences[0].change), differences[0].before, differences[0].after);
    rh_schema_free(have);
    rh_schema_free(want);
    rh_pg_close(a);
    rh_pg_close(b);
}

/* Plain SQL against psql -v ON_ERROR_STOP=1 -f. */
static void test_plain_as_psql(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof TRICKY / sizeof *TRICKY; i++) {
        reset_database("twin");
        world *w = world_begin();
        char *file = write_file(w, "1.sql", TRICKY[i]);
        make_plan(w);
        bool ok = replay(w, 0, RH_UP);
        rh_pg_close(w->pg);
        w->pg = NULL;
        char *command = rh_arena_printf(
            w->arena, "%s/psql -qX -v ON_ERROR_STOP=1 -d '%s dbname=twin' -f %s >/dev/null 2>&1",
            cluster->bindir, test_cluster_conninfo(cluster), file);
        bool expected_ok = system(command) == 0;
        if (ok != expected_ok)
            fail_msg("%s\n  replay: %d %s\n  psql: %d", TRICKY[i], ok, w->error.message, expected_ok);
        assert_same_schema(TRICKY[i], w->arena);
        world_end(w);
    }
}

/* ---- the history table ---- */

static const char *history(world *w)
{
    rh_pg *pg = connect_to("replayed");
    rh_rows rows;
    assert_true(rh_history_read(pg, "schema_migrations", w->arena, &rows, NULL));
    rh_pg_close(pg);
    if (!rows.present)
        return "no table";
    return rows.row_count == 0 ? "empty"
                               : rh_arena_printf(w->arena, "%s %s", rows.rows[0][0], rows.rows[0][1]);
}

static void test_golang_history(void **state)
{
    (void)state;
    world *w = world_begin();
    write_file(w, "1_a.up.sql", "create table a (i int); select set_config('search_path', '', false)");
    write_file(w, "1_a.down.sql", "drop table public.a");
    write_file(w, "3_b.up.sql", "create table public.b (i int)");
    write_file(w, "3_b.down.sql", "drop table public.nope");
    write_file(w, "5_c.down.sql", "select 1");
    make_plan(w);
    assert_string_equal(history(w), "no table");
    assert_true(rh_history_prepare(w->pg, &w->plan, NULL));
    assert_string_equal(history(w), "empty");
    assert_true(replay(w, 0, RH_UP));
    assert_string_equal(history(w), "1 f");
    assert_true(replay(w, 1, RH_UP));
    assert_string_equal(history(w), "3 f");
    assert_true(replay(w, 2, RH_UP)); /* no way up: the version moves */
    assert_string_equal(history(w), "5 f");
    assert_true(replay(w, 2, RH_DOWN));
    assert_string_equal(history(w), "3 f");
    assert_false(replay(w, 1, RH_DOWN));
    assert_string_equal(history(w), "1 t");
    assert_int_equal(w->attempt.outcome, RH_OUTCOME_FAILED);
    assert_int_equal(w->plan.migrations[1].outcome, RH_OUTCOME_OK);
    assert_non_null(strstr(w->error.message, "(down)"));
    assert_true(replay(w, 0, RH_DOWN));
    assert_string_equal(history(w), "empty");
    world_end(w);
}

/* ---- failures ---- */

static void test_place(void **state)
{
    (void)state;
    world *w = world_begin();
    write_file(w, "1_a.up.sql", "-- é\nselect 1;\n  create table a (\n   i nope\n);");
    make_plan(w);
    assert_false(replay(w, 0, RH_UP));
    assert_int_equal(w->error.code, RH_ERROR_MIGRATION);
    assert_true(rh_ends_with(w->error.file, "/1_a.up.sql"));
    assert_int_equal(w->error.line, 4);
    assert_int_equal(w->error.column, 6);
    const rh_failure *failure = w->plan.migrations[0].failure;
    assert_string_equal(failure->sqlstate, "42704");
    assert_int_equal(failure->line, 4);
    assert_string_equal(history(w), "1 t");
    assert_int_equal(w->plan.migrations[0].up.statements[0].run_count, 1);
    assert_int_equal(w->plan.migrations[0].up.statements[1].run_count, 0);
    world_end(w);

    w = world_begin();
    write_file(w, "1_a.up.sql", "select 1;\nselect 2; begin;\ncreate table a (i int);");
    make_plan(w);
    assert_false(replay(w, 0, RH_UP));
    assert_int_equal(w->error.line, 2);
    assert_int_equal(w->error.column, 11);
    assert_non_null(strstr(w->error.message, "does not end it"));
    assert_null(strstr(dump("replayed", w->arena), "public.a "));
    world_end(w);
}

static void test_timeout(void **state)
{
    (void)state;
    world *w = world_begin();
    write_file(w, "1_a.up.sql", "create table a (i int);\nselect pg_sleep(60);");
    make_plan(w);
    rh_replay_options options = {.direction = RH_UP, .statement_timeout = 300000, .record = true};
    assert_false(replay_with(w, 0, &options));
    assert_int_equal(w->error.code, RH_ERROR_TIMEOUT);
    assert_int_equal(w->error.line, 2);
    assert_int_equal(w->plan.migrations[0].outcome, RH_OUTCOME_FAILED);
    assert_int_equal(rh_pg_transaction_state(w->pg), 'I');
    world_end(w);
}

/* Until some session is in pg_sleep. */
static void await_sleeper(rh_pg *pg)
{
    for (int64_t sleepers = 0; sleepers == 0;) {
        rh_clock_sleep_until(rh_clock_monotonic() + 5000);
        assert_true(rh_pg_query_int(pg, "select count(*) from pg_stat_activity where wait_event = 'PgSleep'",
                                    &sleepers, NULL));
    }
}

static void *terminate(void *pid)
{
    rh_pg *pg = connect_to("postgres");
    await_sleeper(pg);
    rh_pg_executef(pg, NULL, "select pg_terminate_backend(%d)", *(int *)pid);
    rh_pg_close(pg);
    return NULL;
}

static void test_lost(void **state)
{
    (void)state;
    world *w = world_begin();
    write_file(w, "1_a.up.sql", "create table a (i int);\nselect pg_sleep(60);");
    make_plan(w);
    int pid = rh_pg_backend_pid(w->pg);
    pthread_t killer;
    pthread_create(&killer, NULL, terminate, &pid);
    assert_false(replay(w, 0, RH_UP));
    pthread_join(killer, NULL);
    assert_int_equal(w->error.code, RH_ERROR_LOST);
    assert_int_equal(w->plan.migrations[0].outcome, RH_OUTCOME_FAILED);
    assert_int_equal(w->plan.migrations[0].failure->line, 2);
    assert_false(replay(w, 0, RH_UP));
    assert_int_equal(w->error.code, RH_ERROR_LOST);
    world_end(w);
}

static void *interrupt(void *main_thread)
{
    rh_pg *pg = connect_to("postgres");
    await_sleeper(pg);
    rh_pg_close(pg);
    pthread_kill(*(pthread_t *)main_thread, SIGINT);
    return NULL;
}

static void test_interrupt(void **state)
{
    (void)state;
    world *w = world_begin();
    write_file(w, "1.sql",
               "create table a (i int);\nbegin;\ncreate table b (i int);\nselect pg_sleep(60);\ncommit");
    make_plan(w);
    rh_interrupt_install();
    pthread_t self = pthread_self(), other;
    pthread_create(&other, NULL, interrupt, &self);
    assert_false(replay(w, 0, RH_UP));
    pthread_join(other, NULL);
    rh_interrupt_reset();
    assert_int_equal(w->error.code, RH_ERROR_INTERRUPTED);
    assert_int_equal(w->plan.migrations[0].outcome, RH_OUTCOME_NOT_RUN);
    assert_null(w->plan.migrations[0].failure);
    assert_int_equal(rh_pg_transaction_state(w->pg), 'I');
    const char *text = dump("replayed", w->arena);
    assert_non_null(strstr(text, "public.a ")); /* committed before */
    assert_null(strstr(text, "public.b "));
    world_end(w);
}

/* No literal of a migration that fails reaches its message. */
static void test_no_literals(void **state)
{
    (void)state;
    static const char *const failing[] = {
        "create role x password 'secret' 'secret2'",
        "comment on 'secret'",
        "select 'secret'::int",
        "select 1; select 'secret",
        "insert into base values (1, 2); insert into base values (99, 'secret')",
        "do $$ begin raise exception 'secret'; end $$ 'secret'",
    };
    for (size_t i = 0; i < sizeof failing / sizeof *failing; i++) {
        world *w = world_begin();
        write_file(w, "1_a.up.sql", failing[i]);
        make_plan(w);
        assert_false(replay(w, 0, RH_UP));
        assert_null(strstr(w->error.message, "secret"));
        assert_null(strstr(w->plan.migrations[0].failure->message, "secret"));
        for (size_t k = 0; k < w->plan.migrations[0].up.statement_count; k++)
            assert_null(strstr(w->plan.migrations[0].up.statements[k].redacted_sql, "secret"));
        world_end(w);
    }
}

/* ---- hooks and runs ---- */

typedef struct trace {
    rh_text text;
} trace;

static void before(void *user, rh_pg *pg, const rh_migration *migration, const rh_statement *statement,
                   rh_statement_run *run)
{
    (void)pg;
    (void)migration;
    (void)run;
    rh_text_printf(&((trace *)user)->text, "<%d", statement->ordinal);
}

static void after(void *user, rh_pg *pg, const rh_migration *migration, const rh_statement *statement,
                  rh_statement_run *run, bool ok)
{
    (void)migration;
    (void)statement;
    assert_true(run->elapsed_s >= 0);
    rh_text_printf(&((trace *)user)->text, "%c%s>", rh_pg_transaction_state(pg), ok ? "" : "!");
}

static void transaction_end(void *user, const rh_migration *migration, rh_statement_run *const *runs,
                            size_t count, rh_usec ended)
{
    (void)migration;
    for (size_t i = 0; i < count; i++)
        assert_true(ended >= runs[i]->started);
    rh_text_printf(&((trace *)user)->text, "|%zu|", count);
}

static const char *trace_of(const char *name, const char *sql, bool record, rh_arena *arena)
{
    world *w = world_begin();
    write_file(w, name, sql);
    make_plan(w);
    trace t = {0};
    rh_replay_hooks hooks = {&t, before, after, transaction_end};
    rh_replay_options options = {
        .direction = RH_UP, .hooks = &hooks, .record = record, .repeat = 2, .scale = 0.5};
    replay_with(w, 0, &options);
    const rh_statement *first = w->plan.migrations[0].up.statements;
    assert_int_equal(first->run_count, record ? 1 : 0);
    if (record) {
        assert_int_equal(first->runs[0].repeat, 2);
        assert_int_equal(first->runs[0].wal_bytes, RH_UNKNOWN);
        assert_true(first->runs[0].elapsed_s > 0);
    }
    const char *text = rh_arena_strdup(arena, rh_text_string(&t.text));
    rh_text_release(&t.text);
    world_end(w);
    return text;
}

static void test_hooks(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    assert_string_equal(trace_of("1.sql", "select 1; select 2", true, arena), "<1I>|1|<2I>|1|");
    assert_string_equal(trace_of("1_a.up.sql", "select 1; select 2", true, arena), "<1T><2T>|2|");
    assert_string_equal(trace_of("1_a.up.sql", "select 1", true, arena), "<1I>|1|");
    assert_string_equal(
        trace_of("1.sql", "begin; set local work_mem = '1MB'; select 1; commit; select 2", false, arena),
        "<3T><4I>|4|<5I>|1|");
    assert_string_equal(trace_of("1_a.up.sql", "select 1; select 1/0", true, arena), "<1T><2E!>|2|");
    assert_string_equal(trace_of("1_a.up.sql", "select 1; commit; select 2; select 3", true, arena),
                        "<1T><2I>|2|<3T><4T>|2|");
    rh_arena_free(arena);
}

/* As psql -f runs each file: what a file sets is not there for the next, but for transaction: all. */
static void test_session_a_file(void **state)
{
    static const struct {
        rh_file_transaction transaction;
        const char *said;
    } cases[] = {
        {RH_FILE_TRANSACTION_EACH, "0 \"$user\", public 3"},
        {RH_FILE_TRANSACTION_FILE, "0 \"$user\", public 1"},
        {RH_FILE_TRANSACTION_ALL, "2s pg_catalog 1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world *w = world_begin();
        w->scenario.migrations.framework = RH_FRAMEWORK_SQL;
        w->scenario.migrations.transaction = cases[i].transaction;
        write_file(
            w, "1.sql",
            "set lock_timeout = '2s'; set search_path = pg_catalog; create table public.ids (id text)");
        write_file(
            w, "2.sql",
            "insert into public.ids select pg_current_xact_id()::text;"
            " insert into public.ids select pg_current_xact_id()::text;"
            " create table public.said as select format('%s %s %s', current_setting('lock_timeout'),"
            " current_setting('search_path'), count(distinct id) + (count(distinct id) > 1)::int) from public.ids");
        make_plan(w);
        for (size_t m = 0; m < w->plan.migration_count; m++)
            if (w->plan.migrations[m].pending && !replay(w, m, RH_UP))
                fail_msg("%s", w->error.message);
        rh_pg_result *result = rh_pg_query(w->pg, "select * from public.said", 0, NULL, &w->error);
        assert_non_null(result);
        assert_string_equal(rh_pg_value(result, 0, 0), cases[i].said);
        rh_pg_result_free(result);
        world_end(w);
    }
}

static int start(void **state)
{
    (void)state;
    cluster = test_cluster_start();
    if (!cluster)
        return -1;
    rh_pg *pg = connect_to("postgres");
    bool ok = rh_pg_execute(pg, "create database replayed", NULL) &&
              rh_pg_execute(pg, "create database twin", NULL);
    rh_pg_close(pg);
    return ok ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    world_sweep();
    test_cluster_stop(cluster);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tricky_files),   cmocka_unit_test(test_plain_as_psql),
        cmocka_unit_test(test_golang_history), cmocka_unit_test(test_place),
        cmocka_unit_test(test_timeout),        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_hooks),          cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_no_literals),    cmocka_unit_test(test_session_a_file),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
