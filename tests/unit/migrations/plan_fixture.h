/* A folder of migrations for one test, removed by fixture_end; and the plan that is made of it. */
#pragma once
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/migrations/plan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct fixture {
    rh_arena *arena;
    char folder[64];
    rh_scenario scenario;
    rh_plan plan;
    rh_error error;
} fixture;

/* The folder of the test under way, for the one that fails: its fixture_end is never reached. */
static char fixture_folder[64];

static inline void fixture_sweep(void)
{
    if (*fixture_folder)
        rh_tree_remove(fixture_folder, NULL);
    *fixture_folder = '\0';
}

static inline fixture *fixture_begin(void)
{
    static bool registered;
    if (!registered)
        registered = atexit(fixture_sweep) == 0;
    fixture_sweep();
    rh_arena *arena = rh_arena_new();
    fixture *f = rh_arena_alloc(arena, sizeof *f);
    f->arena = arena;
    strcpy(f->folder, "/tmp/pgrehearse-plan-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    strcpy(fixture_folder, f->folder);
    f->scenario.path = "/scenario.yaml";
    f->scenario.migrations.path = f->folder;
    f->scenario.migrations.where = (rh_location){"/scenario.yaml", 7, 3};
    return f;
}

static inline void fixture_end(fixture *f)
{
    rh_error_release(&f->error);
    fixture_sweep();
    rh_arena_free(f->arena);
}

/* TEXT NULL: no such file. */
static inline void fixture_file(fixture *f, const char *name, const char *text)
{
    char *path = rh_arena_printf(f->arena, "%s/%s", f->folder, name);
    if (!text) {
        unlink(path);
        return;
    }
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_true(rh_directory_make(path, 0700, NULL));
    *slash = '/';
    assert_true(rh_file_write(path, text, strlen(text), NULL));
}

static inline bool fixture_plan(fixture *f, const rh_rows *history)
{
    rh_error_release(&f->error);
    f->plan.framework_name = NULL;
    return rh_plan_make(&f->scenario, history, f->arena, &f->plan, &f->error);
}

/* golang-migrate's history with one row. */
static inline const rh_rows *fixture_history(fixture *f, const char *version, const char *dirty)
{
    rh_rows *rows = rh_arena_alloc(f->arena, sizeof *rows);
    static const char *columns[] = {"version", "dirty"};
    const char **row = rh_arena_alloc(f->arena, 2 * sizeof *row);
    row[0] = version;
    row[1] = dirty;
    rows->present = true;
    rows->columns = columns;
    rows->column_count = 2;
    rows->rows = rh_arena_alloc(f->arena, sizeof *rows->rows);
    rows->rows[0] = row;
    rows->row_count = version ? 1 : 0;
    return rows;
}

/* "id:name" of each migration; pending ones are followed by '*'. */
static inline const char *fixture_order(fixture *f)
{
    rh_text text = {0};
    for (size_t i = 0; i < f->plan.migration_count; i++)
        rh_text_printf(&text, "%s%s:%s%s", i ? " " : "", f->plan.migrations[i].id, f->plan.migrations[i].name,
                       f->plan.migrations[i].pending ? "*" : "");
    const char *copy = rh_arena_strdup(f->arena, rh_text_string(&text));
    rh_text_release(&text);
    return copy;
}

/* A history table of COLUMN with the values of a NULL-ended list. */
static inline const rh_rows *fixture_versions(fixture *f, const char *column, const char *const *values)
{
    rh_rows *rows = rh_arena_alloc(f->arena, sizeof *rows);
    rows->present = true;
    rows->columns = rh_arena_alloc(f->arena, sizeof *rows->columns);
    rows->columns[0] = column;
    rows->column_count = 1;
    while (values[rows->row_count])
        rows->row_count++;
    rows->rows = rh_arena_alloc(f->arena, (rows->row_count + 1) * sizeof *rows->rows);
    for (size_t i = 0; i < rows->row_count; i++) {
        rows->rows[i] = rh_arena_alloc(f->arena, sizeof **rows->rows);
        rows->rows[i][0] = values[i];
    }
    return rows;
}

/* "up" or "down" of migration INDEX: line:sql | line:sql. */
static inline const char *fixture_script(fixture *f, size_t index, rh_direction direction)
{
    const rh_migration *migration = &f->plan.migrations[index];
    const rh_script *script = direction == RH_UP ? &migration->up : &migration->down;
    rh_text text = {0};
    for (size_t i = 0; i < script->statement_count; i++)
        rh_text_printf(&text, "%s%d:%s", i ? " | " : "", script->statements[i].line,
                       script->statements[i].sql);
    const char *copy = rh_arena_strdup(f->arena, rh_text_string(&text));
    rh_text_release(&text);
    return copy;
}

/* NAME with TEXT, alone in the folder, is refused with WORDS. */
static inline void fixture_refused(const char *framework, const char *name, const char *text,
                                   const char *words, int line)
{
    fixture *f = fixture_begin();
    fixture_file(f, name, text);
    if (fixture_plan(f, NULL))
        fail_msg("%s was not refused: %s", framework, text);
    assert_int_equal(f->error.code, RH_ERROR_SCENARIO);
    if (!strstr(f->error.message, words) || !strstr(f->error.message, framework))
        fail_msg("%s", f->error.message);
    assert_int_equal(f->error.line, line);
    assert_non_null(strstr(f->error.file, name));
    fixture_end(f);
}
