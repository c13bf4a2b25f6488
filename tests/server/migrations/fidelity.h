/* One set of migrations through a framework's own program on one database, and through the replay on another:
 * what both leave must be alike (dumps with the history table's rows, times and random ids apart), and so
 * must the transactions that the changes were made in, as an event trigger saw them.
 *
 * The programs are looked for in node_modules/.bin of $RH_TOOLS (default: .cache/tools of the source, where
 * tools.sh beside this file installs them), then along the PATH; where there is none the test is skipped. */
#pragma once
#include "../cluster.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/migrations/plan.h"
#include "pgrehearse/migrations/replay.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct set_file {
    const char *name, *text;
} set_file;

/* One for all of a program's tests, between these two. */
static test_cluster *cluster;

static inline int fidelity_start(void **state)
{
    (void)state;
    cluster = test_cluster_start();
    return cluster ? 0 : -1;
}

static inline int fidelity_stop(void **state)
{
    (void)state;
    test_cluster_stop(cluster);
    return 0;
}

typedef struct fidelity {
    test_cluster *cluster;
    rh_arena *arena;
    char folder[96]; /* in the cluster's directory: a test that fails leaves nothing behind */
    rh_scenario scenario;
    rh_plan plan;
    const rh_failure *failure; /* of the last replay; NULL: all was well */
} fidelity;

/* Quoted for a shell; NULL when the program is not installed. In ARENA. */
static inline const char *find_program(rh_arena *arena, const char *name)
{
    const char *tools = getenv("RH_TOOLS");
    if (!tools)
        tools = RH_SOURCE_DIRECTORY "/.cache/tools";
    char *path = rh_arena_printf(arena, "%s/node_modules/.bin/%s", tools, name);
    if (access(path, X_OK) == 0)
        return rh_arena_printf(arena, "'%s'", path);
    for (char *rest = rh_arena_strdup(arena, getenv("PATH")), *entry; (entry = strsep(&rest, ":")) != NULL;) {
        path = rh_arena_printf(arena, "%s/%s", entry, name);
        if (*entry && access(path, X_OK) == 0)
            return rh_arena_printf(arena, "'%s'", path);
    }
    print_message("%s is not installed\n", name);
    return NULL;
}

static inline rh_pg *fidelity_connect(const fidelity *f, const char *database)
{
    static const char *keys[] = {"dbname"};
    rh_error error = {0};
    char *conninfo = rh_pg_conninfo_with(test_cluster_conninfo(f->cluster), 1, keys, &database, &error);
    rh_pg *pg = rh_pg_connect(conninfo, "test", &error);
    if (!pg)
        fail_msg("%s", error.message);
    free(conninfo);
    return pg;
}

static inline void fidelity_execute(const fidelity *f, const char *database, const char *sql)
{
    rh_pg *pg = fidelity_connect(f, database);
    rh_error error = {0};
    if (!rh_pg_execute(pg, sql, &error))
        fail_msg("%s: %s", sql, error.message);
    rh_pg_close(pg);
}

static inline void fidelity_write(fidelity *f, const char *name, const char *text)
{
    char *path = rh_arena_printf(f->arena, "%s/%s", f->folder, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_true(rh_directory_make(path, 0755, NULL));
    *slash = '/';
    assert_true(rh_file_write(path, text, strlen(text), NULL));
}

/* Databases "real" and "replayed", each with the trigger that writes down who changed what. */
static inline fidelity *fidelity_begin(const set_file *files, size_t count)
{
    rh_arena *arena = rh_arena_new();
    fidelity *f = rh_arena_alloc(arena, sizeof *f);
    f->cluster = cluster;
    f->arena = arena;
    snprintf(f->folder, sizeof f->folder, "%s/set-XXXXXX", cluster->directory);
    assert_non_null(mkdtemp(f->folder));
    assert_int_equal(chmod(f->folder, 0755), 0);
    f->scenario.path = "/scenario.yaml";
    f->scenario.migrations.path = f->folder;
    for (size_t i = 0; i < count; i++)
        fidelity_write(f, files[i].name, files[i].text);
    static const char *const databases[] = {"real", "replayed"};
    for (size_t i = 0; i < 2; i++) {
        fidelity_execute(f, "postgres",
                         rh_arena_printf(arena, "drop database if exists %s with (force)", databases[i]));
        fidelity_execute(f, "postgres", rh_arena_printf(arena, "create database %s", databases[i]));
        fidelity_execute(
            f, databases[i],
            "create schema audit;"
            "create table audit.seen (n serial, transaction bigint, tag text, object text);"
            "create function audit.see() returns event_trigger language plpgsql security definer as $$ begin"
            "  if tg_event = 'sql_drop' then insert into audit.seen (transaction, tag, object)"
            "    select txid_current(), tg_tag, object_identity from "
            "pg_event_trigger_dropped_objects() where original;"
            "  else insert into audit.seen (transaction, tag, object)"
            "    select txid_current(), command_tag, object_identity from "
            "pg_event_trigger_ddl_commands(); end if;"
            "end $$;"
            "create event trigger audit_made on ddl_command_end execute function audit.see();"
            "create event trigger audit_dropped on sql_drop execute function audit.see()");
    }
    return f;
}

static inline void fidelity_end(fidelity *f)
{
    rh_tree_remove(f->folder, NULL);
    rh_arena_free(f->arena);
}

/* Runs COMMAND in a shell; its output is shown when it fails unless it MAY_FAIL. */
static inline bool fidelity_run(fidelity *f, const char *command, bool may_fail)
{
    char *whole = rh_arena_printf(f->arena, "{ cd %s && %s; } >%s.log 2>&1", f->folder, command, f->folder);
    char *log = rh_arena_printf(f->arena, "%s.log", f->folder);
    bool ok = system(whole) == 0;
    if (!ok && !may_fail)
        fail_msg("%s\n%s", command, rh_file_read(log, 0, f->arena, NULL, NULL));
    unlink(log);
    return ok;
}

static inline void fidelity_plan(fidelity *f, const char *framework)
{
    rh_error error = {0};
    f->plan.framework_name = NULL;
    if (!rh_plan_make(&f->scenario, NULL, f->arena, &f->plan, &error))
        fail_msg("%s:%d: %s", error.file, error.line, error.message);
    assert_string_equal(f->plan.framework_name, framework);
}

/* All pending migrations in one session; false as soon as one fails. */
static inline bool fidelity_replay(fidelity *f, rh_direction direction)
{
    rh_pg *pg = fidelity_connect(f, "replayed");
    bool ok = true;
    f->failure = NULL;
    for (size_t i = 0; ok && i < f->plan.migration_count; i++) {
        size_t at = direction == RH_UP ? i : f->plan.migration_count - 1 - i;
        rh_replay_options options = {.direction = direction, .repeat = 1, .scale = 1};
        rh_error error = {0};
        if (!f->plan.migrations[at].pending)
            continue;
        rh_attempt attempt = rh_replay(pg, &f->plan, &f->plan.migrations[at], &options, f->arena, &error);
        ok = attempt.outcome == RH_OUTCOME_OK;
        f->failure = attempt.failure;
        if (!ok)
            print_message("replay: %s\n", error.message);
        rh_error_release(&error);
    }
    rh_pg_close(pg);
    return ok;
}

/* Times, durations and random ids as one letter each, so that two dumps can be compared. */
static inline const char *fidelity_dump(fidelity *f, const char *database)
{
    char *command = rh_arena_printf(
        f->arena,
        "%s/pg_dump --inserts -N audit -d '%s dbname=%s' | grep -v -e '^.restrict' -e '^.unrestrict' "
        "-e 'EVENT TRIGGER' | sed -E "
        "-e \"s/'[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.+]+'/'T'/g\" "
        "-e \"s/'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'/'U'/g\"",
        f->cluster->bindir, test_cluster_conninfo(f->cluster), database);
    rh_text text = {0};
    char line[8192];
    FILE *pipe = popen(command, "r");
    while (fgets(line, sizeof line, pipe))
        rh_text_append(&text, line);
    assert_int_equal(pclose(pipe), 0);
    const char *copy = rh_arena_strdup(f->arena, rh_text_string(&text));
    rh_text_release(&text);
    return copy;
}

/* The number of the transaction that each change was made in, counted from the first; then, for each row of
 * the history, whether it was written in one of those. */
static inline const char *fidelity_transactions(fidelity *f, const char *database, const char *history,
                                                const char *version)
{
    rh_pg *pg = fidelity_connect(f, database);
    char *sql = rh_arena_printf(
        f->arena,
        "select (select coalesce(string_agg(format('%%s %%s %%s', rank, tag, object), e'\\n' order by n), "
        "'') from"
        "  (select *, dense_rank() over (order by transaction) as rank from audit.seen) s)"
        " || e'\\n' || (select coalesce(string_agg(format('%%s %%s', %s, exists (select from audit.seen s"
        "   where s.transaction = h.xmin::text::bigint)), e'\\n' order by %s), '') from %s h)",
        version, version, history);
    rh_error error = {0};
    rh_pg_result *result = rh_pg_query(pg, sql, 0, NULL, &error);
    if (!result)
        fail_msg("%s", error.message);
    const char *copy = rh_arena_strdup(f->arena, rh_pg_value(result, 0, 0));
    rh_pg_result_free(result);
    rh_pg_close(pg);
    return copy;
}

/* Fails with what differs. */
static inline void fidelity_same(fidelity *f, const char *replayed, const char *real)
{
    if (strcmp(replayed, real) == 0)
        return;
    fidelity_write(f, "replayed.out", replayed);
    fidelity_write(f, "real.out", real);
    if (system(rh_arena_printf(f->arena, "cd %s && diff -u real.out replayed.out | cat -A >&2", f->folder)) !=
        0)
        print_message("no diff\n");
    fail();
}

static inline void fidelity_compare(fidelity *f, const char *history, const char *version)
{
    fidelity_same(f, fidelity_transactions(f, "replayed", history, version),
                  fidelity_transactions(f, "real", history, version));
    fidelity_same(f, fidelity_dump(f, "replayed"), fidelity_dump(f, "real"));
}
