/* The disk watch sees the peak, also when it is gone again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgrehearse/observe/observe.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void write_file(const char *path, size_t size)
{
    char *bytes = calloc(1, size);
    assert_true(rh_file_write(path, bytes, size, NULL));
    free(bytes);
}

static void await_growth(rh_disk_watch *watch, int64_t growth)
{
    while (rh_disk_watch_growth(watch) != growth)
        rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND / 1000);
}

static void the_peak_is_seen(void **state)
{
    (void)state;
    char directory[] = "/tmp/pgrehearse-watch-XXXXXX", first[64], second[64];
    assert_non_null(mkdtemp(directory));
    snprintf(first, sizeof first, "%s/first", directory);
    snprintf(second, sizeof second, "%s/second", directory);
    write_file(first, 1000);
    rh_disk_watch *watch = rh_disk_watch_start(directory, NULL);
    assert_non_null(watch);
    await_growth(watch, 0);
    write_file(second, 5000);
    await_growth(watch, 5000);
    unlink(second);
    assert_int_equal(rh_disk_watch_stop(watch), 5000);
    rh_tree_remove(directory, NULL);
}

static void nothing_to_see_is_unknown(void **state)
{
    (void)state;
    rh_disk_watch *watch = rh_disk_watch_start("/nonexistent/directory", NULL);
    assert_int_equal(rh_disk_watch_stop(watch), -1);
    assert_int_equal(rh_disk_watch_stop(NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_peak_is_seen),
        cmocka_unit_test(nothing_to_see_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
