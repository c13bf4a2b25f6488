/* Two runs never share a directory, and one that did not end says so. */
#include "rehearsal/run_directory.h"
#include "pgrehearse/adapters/files.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct world {
    char folder[64], before[4096];
    rh_scenario scenario;
    rh_run run;
    rh_error error;
} world;

static int set_up(void **state)
{
    world *w = calloc(1, sizeof *w);
    *state = w;
    strcpy(w->folder, "/tmp/pgrehearse-run-XXXXXX");
    if (!mkdtemp(w->folder) || !getcwd(w->before, sizeof w->before) || chdir(w->folder) != 0)
        return -1;
    w->scenario.name = "shop";
    w->run.arena = rh_arena_new();
    w->run.scenario = &w->scenario;
    w->run.started_wall = INT64_C(1795349643000000);
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    int status = chdir(w->before);
    rh_tree_remove(w->folder, NULL);
    rh_error_release(&w->error);
    rh_arena_free(w->run.arena);
    free(w);
    return status;
}

static const char *inside(world *w, const char *name)
{
    return rh_arena_printf(w->run.arena, "%s/%s", w->run.directory, name);
}

static void runs_of_the_same_second_get_their_own(void **state)
{
    world *w = *state;
    assert_true(rh_run_directory_make(&w->run, NULL, &w->error));
    const char *first = w->run.directory, *id = w->run.id;
    assert_string_equal(first, rh_arena_printf(w->run.arena, "%s/reports/runs/shop/%s", w->folder, id));
    assert_null(strpbrk(id, ":."));
    assert_true(rh_directory_exists(inside(w, "samples")));
    assert_true(rh_directory_exists(inside(w, "log")));
    assert_true(rh_run_directory_make(&w->run, NULL, &w->error));
    assert_string_equal(w->run.id, rh_arena_printf(w->run.arena, "%s-2", id));
    assert_string_not_equal(w->run.directory, first);
}

static void a_run_is_incomplete_until_its_end(void **state)
{
    world *w = *state;
    assert_true(rh_run_directory_make(&w->run, "out", &w->error));
    assert_string_equal(w->run.directory, rh_arena_printf(w->run.arena, "%s/out", w->folder));
    assert_string_equal(w->run.id, "out");
    assert_true(rh_file_exists(inside(w, "INCOMPLETE")));
    assert_true(rh_run_directory_complete(&w->run, &w->error));
    assert_false(rh_file_exists(inside(w, "INCOMPLETE")));
    assert_false(rh_run_directory_complete(&w->run, &w->error)); /* somebody took it away */
    assert_int_equal(w->error.code, RH_ERROR_IO);
}

/* Killed at any moment, a directory that has anything in it says that it is incomplete. */
static void the_first_file_is_the_mark(void **state)
{
    world *w = *state;
    union {
        struct inotify_event event;
        char bytes[4096];
    } first;
    assert_int_equal(mkdir("out", 0755), 0);
    int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    assert_true(watch >= 0 && inotify_add_watch(watch, "out", IN_CREATE) >= 0);
    assert_true(rh_run_directory_make(&w->run, "out", &w->error));
    assert_true(read(watch, &first, sizeof first) > 0);
    assert_string_equal(first.event.name, "INCOMPLETE");
    close(watch);
}

static void a_directory_in_use_is_refused(void **state)
{
    world *w = *state;
    const char *output = rh_arena_printf(w->run.arena, "%s/out", w->folder);
    assert_true(rh_directory_make(output, 0755, &w->error)); /* an empty one will do */
    assert_true(rh_run_directory_make(&w->run, output, &w->error));
    assert_string_equal(w->run.directory, output);
    assert_false(rh_run_directory_make(&w->run, output, &w->error));
    assert_int_equal(w->error.code, RH_ERROR_USAGE);
    assert_non_null(strstr(w->error.message, "is not empty"));
    assert_non_null(strstr(w->error.hint, "new directory"));
}

static void a_directory_that_cannot_be_created_is_reported(void **state)
{
    world *w = *state;
    assert_true(rh_file_write("reports", "x", 1, &w->error));
    assert_false(rh_run_directory_make(&w->run, NULL, &w->error));
    assert_int_equal(w->error.code, RH_ERROR_USAGE);
    rh_error_release(&w->error);
    assert_false(rh_run_directory_make(&w->run, "reports/out", &w->error));
    assert_int_equal(w->error.code, RH_ERROR_USAGE);
}

static void count(void *user, const rh_progress_event *event)
{
    (void)event;
    ++*(int *)user;
}

static void the_log_keeps_events_and_passes_them_on(void **state)
{
    world *w = *state;
    int heard = 0;
    rh_progress next = {.report = count, .user = &heard};
    rh_run_log log = {0};
    assert_true(rh_run_directory_make(&w->run, "out", &w->error));
    assert_true(rh_run_log_open(&log, &w->run, &next, &w->error));
    rh_progress_begin(&log.progress, "restore", "%d kB", 753);
    rh_progress_update(&log.progress, "restore", "orders", 1, 2, RH_UNIT_ITEMS);
    rh_progress_end(&log.progress, "restore", "done");
    rh_run_log_close(&log);
    rh_run_log_close(&log);
    assert_int_equal(heard, 3);
    const char *text =
        rh_file_read(inside(w, "log/pgrehearse.log"), 0, w->run.arena, &(size_t){0}, &w->error);
    assert_non_null(text);
    assert_non_null(strstr(text, " begin restore: 753 kB\n"));
    assert_non_null(strstr(text, " end restore: done\n"));
    assert_null(strstr(text, "orders")); /* too many for a log */
}

static void a_log_that_cannot_be_written_is_reported(void **state)
{
    world *w = *state;
    rh_run_log log = {0};
    w->run.directory = "/nowhere";
    assert_false(rh_run_log_open(&log, &w->run, NULL, &w->error));
    assert_non_null(strstr(w->error.message, "/nowhere/log/pgrehearse.log"));
    rh_run_log_close(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_of_the_same_second_get_their_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_run_is_incomplete_until_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_file_is_the_mark, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_directory_in_use_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_directory_that_cannot_be_created_is_reported, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_log_keeps_events_and_passes_them_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_that_cannot_be_written_is_reported, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
