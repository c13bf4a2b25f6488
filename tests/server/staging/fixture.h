/* A scenario in memory and a staging directory of its own, for the tests of staging/. */
#pragma once
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include "staging/shared_memory.h"
#include "pgrehearse/staging/staging.h"
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct fixture {
    rh_arena *arena;
    char root[64]; /* staging.directory and log directory, in $PGREHEARSE_TEST_DIRECTORY or /tmp */
    rh_scenario scenario;
    rh_staging *staging;
    rh_error error;
} fixture;

static inline int fixture_set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    const char *parent = getenv("PGREHEARSE_TEST_DIRECTORY");
    snprintf(f->root, sizeof f->root, "%s/pgrehearse-staging-XXXXXX", parent ? parent : "/tmp");
    *state = f;
    if (!mkdtemp(f->root) || chmod(f->root, 0755))
        return -1;
    f->arena = rh_arena_new();
    f->scenario.name = "test";
    f->scenario.backup.jobs = 2;
    f->scenario.staging.kind = RH_STAGING_EMBEDDED;
    f->scenario.staging.directory = f->root;
    f->scenario.staging.where = (rh_location){"scenario.yaml", 7, 3};
    return 0;
}

static inline int fixture_tear_down(void **state)
{
    fixture *f = *state;
    rh_staging_free(f->staging, false);
    rh_tree_remove(f->root, NULL);
    rh_error_release(&f->error);
    rh_arena_free(f->arena);
    free(f);
    return 0;
}

static inline bool fixture_start(fixture *f)
{
    rh_staging_request request = {.scenario = &f->scenario, .log_directory = f->root, .load_connections = 20};
    f->staging = rh_staging_start(&request, &f->error);
    return f->staging != NULL;
}

/* What the postmaster and its children have mapped. */
typedef struct mapped {
    rh_shared_memory of[32];
    size_t count;
} mapped;

static inline void note_mapped(fixture *f, pid_t postmaster, mapped *all)
{
    rh_shared_memory_note(postmaster, &all->of[0]);
    all->count = 1;
    const char *path =
        rh_arena_printf(f->arena, "/proc/%d/task/%d/children", (int)postmaster, (int)postmaster);
    char *children = rh_file_read(path, 0, f->arena, NULL, &f->error), *end = children;
    assert_non_null(children);
    for (long pid; all->count < 32 && (pid = strtol(children, &end, 10)) > 0; children = end)
        rh_shared_memory_note((pid_t)pid, &all->of[all->count++]);
    assert_true(all->count > 3);
}

/* A server that was killed has left nothing of it. */
static inline void assert_none_left(const mapped *all)
{
    struct shmid_ds status;
    assert_true(all->of[0].file_count > 0);
    assert_true(all->of[0].has_segment);
    for (size_t i = 0; i < all->count; i++)
        for (size_t k = 0; k < all->of[i].file_count; k++)
            if (access(all->of[i].files[k], F_OK) == 0)
                fail_msg("%s is left", all->of[i].files[k]);
    assert_int_not_equal(shmctl(all->of[0].segment, IPC_STAT, &status), 0);
}

/* Fails the test with the error's words, which assert_true would hide. */
#define assert_ok(f, expression)                                                                             \
    do {                                                                                                     \
        if (!(expression))                                                                                   \
            fail_msg("%s: %s (%s)", #expression, (f)->error.message ? (f)->error.message : "no message",     \
                     (f)->error.hint ? (f)->error.hint : "no hint");                                         \
    } while (0)

static inline void fixture_sql(fixture *f, const char *sql)
{
    rh_pg *pg = rh_pg_connect(rh_staging_conninfo(f->staging), ": test", &f->error);
    bool ok = pg && rh_pg_execute(pg, sql, &f->error);
    rh_pg_close(pg);
    assert_ok(f, ok);
}

/* The first value of the first row, in the fixture's arena; "(null)" for NULL; "(error: …)" when it fails. */
static inline const char *fixture_value(fixture *f, const char *sql)
{
    rh_error error = {0};
    rh_pg *pg = rh_pg_connect(rh_staging_conninfo(f->staging), ": test", &error);
    rh_pg_result *result = pg ? rh_pg_query(pg, sql, 0, NULL, &error) : NULL;
    const char *value = result && rh_pg_rows(result) ? rh_pg_value(result, 0, 0) : NULL;
    char *copy = result ? rh_arena_strdup(f->arena, value ? value : "(null)")
                        : rh_arena_printf(f->arena, "(error: %s)", error.message);
    rh_pg_result_free(result);
    rh_pg_close(pg);
    rh_error_release(&error);
    return copy;
}

static inline bool fixture_noted(fixture *f, const char *part)
{
    rh_staging_facts facts;
    assert_ok(f, rh_staging_describe(f->staging, f->arena, &facts, &f->error));
    for (size_t i = 0; i < facts.neutralised_count; i++) {
        if (strstr(facts.neutralised[i], part))
            return true;
    }
    return false;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
