/* Trees that share blocks: restored in place, whatever was written. The files lie in
 * $PGREHEARSE_TEST_DIRECTORY, else in /tmp: where the file system has no reflinks, what needs them is
 * skipped. */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/random.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAGE = 8192, PAGES = 64 };

typedef struct fixture {
    rh_arena *arena;
    char root[256];
    bool reflinks;
} fixture;

static char *in(fixture *f, const char *name)
{
    return rh_arena_printf(f->arena, "%s/%s", f->root, name);
}

static void write_pages(const char *path, int first, int count, unsigned char with)
{
    unsigned char page[PAGE];
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    memset(page, with, sizeof page);
    for (int i = first; i < first + count; i++)
        assert_int_equal(pwrite(fd, page, sizeof page, (off_t)i * PAGE), sizeof page);
    close(fd);
}

static rh_tree_state *state_now(const char *path)
{
    rh_tree_state *now = rh_tree_state_read(path, NULL);
    assert_non_null(now);
    nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    return now;
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    const char *parent = getenv("PGREHEARSE_TEST_DIRECTORY");
    rh_copy_method method;
    snprintf(f->root, sizeof f->root, "%s/pgrehearse-blocks-XXXXXX", parent ? parent : "/tmp");
    f->arena = rh_arena_new();
    *state = f;
    if (!mkdtemp(f->root) || !rh_directory_make(in(f, "from/base"), 0700, NULL))
        return -1;
    for (int i = 0; i < 4; i++)
        write_pages(rh_arena_printf(f->arena, "%s/from/base/%d", f->root, i), 0, PAGES,
                    (unsigned char)('a' + i));
    write_pages(in(f, "from/base/holes"), PAGES, 1, 'h');
    if (!rh_tree_copy(in(f, "from"), in(f, "to"), &method, NULL))
        return -1;
    f->reflinks = method == RH_COPY_REFLINK;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    rh_tree_remove(f->root, NULL);
    rh_arena_free(f->arena);
    free(f);
    return 0;
}

static void assert_equal(fixture *f)
{
    char digest[2][65];
    assert_true(rh_sha256_path(in(f, "from"), digest[0], NULL, NULL, "", NULL));
    assert_true(rh_sha256_path(in(f, "to"), digest[1], NULL, NULL, "", NULL));
    assert_string_equal(digest[0], digest[1]);
}

static int64_t restore(fixture *f, const rh_tree_state *state)
{
    const rh_tree_restore_options options = {.state = state, .shared = true};
    rh_error error = {0};
    int64_t copied = -1;
    if (!rh_tree_restore(in(f, "from"), in(f, "to"), &options, &copied, &error))
        fail_msg("%s", error.message);
    assert_equal(f);
    return copied;
}

static ino_t inode(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_ino;
}

static void need_reflinks(fixture *f)
{
    if (!f->reflinks) {
        print_message("the file system of %s has no reflinks\n", f->root);
        skip();
    }
}

static void test_only_what_was_written(void **state)
{
    fixture *f = *state;
    need_reflinks(f);
    const ino_t before = inode(in(f, "to/base/1"));
    rh_tree_state *then = state_now(in(f, "to"));
    write_pages(in(f, "to/base/1"), 10, 2, 'X');
    write_pages(in(f, "to/base/2"), PAGES, 3, 'X'); /* longer */
    const int64_t copied = restore(f, then);
    assert_in_range(copied, 2 * PAGE, 8 * PAGE); /* file systems share in larger blocks than a page */
    assert_int_equal(inode(in(f, "to/base/1")), before);
    rh_tree_state_free(then);
}

/* What was written once is not shared any more. */
static void test_blocks_stay(void **state)
{
    fixture *f = *state;
    int64_t bytes;
    need_reflinks(f);
    rh_tree_state *then = state_now(in(f, "to"));
    write_pages(in(f, "to/base/1"), 10, 2, 'X');
    restore(f, then);
    rh_tree_state_free(then);
    then = state_now(in(f, "to"));
    write_pages(in(f, "to/base/1"), 10, 2, 'Y');
    assert_true(restore(f, then) >= 2 * PAGE);
    assert_true(rh_tree_unshare(in(f, "to/base"), &bytes, NULL));
    assert_in_range(bytes, (4 * PAGES - 10) * PAGE, (4 * PAGES + 1 - 2) * PAGE);
    assert_true(rh_tree_unshare(in(f, "to/base"), &bytes, NULL));
    assert_int_equal(bytes, 0);
    assert_equal(f);
    rh_tree_state_free(then);
}

static void test_cut_off_is_shared_again(void **state)
{
    fixture *f = *state;
    need_reflinks(f);
    rh_tree_state *then = state_now(in(f, "to"));
    assert_int_equal(truncate(in(f, "to/base/1"), 0), 0);
    assert_int_equal(truncate(in(f, "to/base/2"), 5 * PAGE + 100), 0);
    assert_in_range(restore(f, then), 0, 16 * PAGE); /* what was cut within a block was written */
    rh_tree_state_free(then);
}

/* The same size and modification time: only the change time tells. */
static void test_hidden_write(void **state)
{
    fixture *f = *state;
    struct stat before;
    rh_tree_state *then = state_now(in(f, "to"));
    assert_int_equal(stat(in(f, "to/base/3"), &before), 0);
    write_pages(in(f, "to/base/3"), 7, 1, 'X');
    assert_int_equal(
        utimensat(AT_FDCWD, in(f, "to/base/3"), (struct timespec[]){before.st_atim, before.st_mtim}, 0), 0);
    restore(f, then);
    rh_tree_state_free(then);
}

/* A file that took the place of another, with its times: the inode tells. */
static void test_exchanged(void **state)
{
    fixture *f = *state;
    struct stat before;
    rh_tree_state *then = state_now(in(f, "to"));
    assert_int_equal(stat(in(f, "to/base/3"), &before), 0);
    write_pages(in(f, "to/new"), 0, PAGES, 'X');
    assert_int_equal(rename(in(f, "to/new"), in(f, "to/base/3")), 0);
    assert_int_equal(
        utimensat(AT_FDCWD, in(f, "to/base/3"), (struct timespec[]){before.st_atim, before.st_mtim}, 0), 0);
    restore(f, then);
    rh_tree_state_free(then);
}

static void change(fixture *f, rh_random *random)
{
    const char *path = rh_arena_printf(f->arena, "%s/to/base/%d", f->root, (int)rh_random_below(random, 5));
    const int page = (int)rh_random_below(random, PAGES + 4), what = (int)rh_random_below(random, 6);
    struct stat status;
    if (what == 0)
        unlink(path);
    else if (what == 1 && stat(path, &status) == 0)
        assert_int_equal(truncate(path, (off_t)rh_random_below(random, 2 * PAGES * PAGE)), 0);
    else if (what == 2)
        rename(path, in(f, "to/base/0"));
    else if (what == 3 && rh_file_exists(path))
        assert_true(rh_file_append(path, "tail", 4, NULL));
    else
        write_pages(path, page, 1 + (int)rh_random_below(random, 8), 'X');
}

static void test_whatever_was_done(void **state)
{
    fixture *f = *state;
    rh_random random;
    rh_random_seed(&random, 7);
    for (int round = 0; round < 60; round++) {
        rh_tree_state *then = state_now(in(f, "to"));
        for (int i = 0; i < 6; i++)
            change(f, &random);
        restore(f, then);
        rh_tree_state_free(then);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_what_was_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_blocks_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cut_off_is_shared_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hidden_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_exchanged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_whatever_was_done, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
