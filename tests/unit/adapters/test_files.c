/* Files, digests, and copying a tree there and back. */
#include "pgrehearse/adapters/files.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct fixture {
    rh_arena *arena;
    char root[64];
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    snprintf(f->root, sizeof f->root, "/tmp/pgrehearse-files-XXXXXX");
    f->arena = rh_arena_new();
    *state = f;
    return mkdtemp(f->root) ? 0 : -1;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    rh_tree_remove(f->root, NULL);
    rh_arena_free(f->arena);
    free(f);
    return 0;
}

static char *in(fixture *f, const char *name)
{
    return rh_arena_printf(f->arena, "%s/%s", f->root, name);
}

static void put(fixture *f, const char *name, const char *text)
{
    assert_true(rh_file_write(in(f, name), text, strlen(text), NULL));
}

static const char *get(fixture *f, const char *name)
{
    char *text = rh_file_read(in(f, name), 0, f->arena, NULL, NULL);
    return text ? text : "(missing)";
}

static void test_write_append_read(void **state)
{
    fixture *f = *state;
    rh_error error = {0};
    size_t length = 0;
    put(f, "a", "one\n");
    put(f, "a", "two\n");
    assert_true(rh_file_append(in(f, "a"), "x\0y", 3, &error));
    char *text = rh_file_read(in(f, "a"), 0, f->arena, &length, &error);
    assert_int_equal(length, 7);
    assert_memory_equal(text, "two\nx\0y", 8);
    assert_null(rh_file_read(in(f, "a"), 6, f->arena, NULL, &error));
    assert_non_null(strstr(error.message, "larger than 6"));
    rh_error_release(&error);
    char **names;
    size_t count;
    assert_true(rh_directory_list(f->root, f->arena, &names, &count, &error));
    assert_int_equal(count, 1);                                  /* no temporary file is left */
    assert_int_equal(truncate(in(f, "a"), INT64_C(1) << 40), 0); /* refused before a TiB is allocated */
    assert_null(rh_file_read(in(f, "a"), 0, f->arena, NULL, &error));
    assert_non_null(strstr(error.message, "larger than"));
    rh_error_release(&error);
    assert_non_null(rh_file_read("/proc/self/status", 0, f->arena, &length, &error));
    assert_true(length > 100);
}

static void test_failures(void **state)
{
    fixture *f = *state;
    rh_error error = {0};
    assert_null(rh_file_read(in(f, "none"), 0, f->arena, NULL, &error));
    assert_int_equal(error.code, RH_ERROR_IO);
    rh_error_release(&error);
    assert_null(rh_file_read(f->root, 0, f->arena, NULL, &error));
    rh_error_release(&error);
    assert_false(rh_file_write(in(f, "none/a"), "", 0, &error));
    rh_error_release(&error);
    assert_false(rh_tree_bytes(in(f, "none"), &(int64_t){0}, &error));
    rh_error_release(&error);
    put(f, "file", "");
    assert_false(rh_directory_make(in(f, "file/below"), 0700, &error));
    rh_error_release(&error);
    if (access("/dev/full", W_OK) == 0) {
        assert_false(rh_file_append("/dev/full", "x", 1, &error));
        assert_int_equal(error.code, RH_ERROR_NO_SPACE);
        rh_error_release(&error);
    }
    assert_true(rh_disk_free("/no/such/place") == -1);
    assert_true(rh_disk_free(f->root) > 0);
}

static void test_directories(void **state)
{
    fixture *f = *state;
    rh_error error = {0};
    struct stat status;
    char **names;
    size_t count;
    assert_true(rh_directory_make(in(f, "x/y/z"), 0700, &error));
    assert_true(rh_directory_make(in(f, "x/y/z"), 0700, &error));
    assert_int_equal(stat(in(f, "x/y/z"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    put(f, "x/b", "12345");
    put(f, "x/a", "123");
    put(f, "x/B", "");
    assert_true(rh_directory_list(in(f, "x"), f->arena, &names, &count, &error));
    assert_int_equal(count, 4);
    assert_string_equal(names[0], "B");
    assert_string_equal(names[3], "y");
    int64_t bytes = 0;
    assert_true(rh_tree_bytes(f->root, &bytes, &error));
    assert_int_equal(bytes, 8);
}

static void test_remove_does_not_follow_links(void **state)
{
    fixture *f = *state;
    rh_error error = {0};
    assert_true(rh_directory_make(in(f, "keep"), 0700, &error));
    put(f, "keep/file", "precious");
    assert_true(rh_directory_make(in(f, "gone/deep"), 0700, &error));
    assert_int_equal(symlink(in(f, "keep"), in(f, "gone/deep/link")), 0);
    assert_int_equal(symlink("nowhere", in(f, "gone/broken")), 0);
    assert_true(rh_tree_remove(in(f, "gone"), &error));
    assert_false(rh_directory_exists(in(f, "gone")));
    assert_string_equal(get(f, "keep/file"), "precious");
    assert_true(rh_tree_remove(in(f, "gone"), &error));
    assert_int_equal(symlink(in(f, "keep"), in(f, "link")), 0);
    assert_true(rh_tree_remove(in(f, "link"), &error));
    assert_string_equal(get(f, "keep/file"), "precious");
}

static void test_digest(void **state)
{
    fixture *f = *state;
    rh_error error = {0};
    char digest[65], expected[65];
    int64_t bytes = 0;
    put(f, "abc", "abc");
    assert_true(rh_sha256_path(in(f, "abc"), digest, &bytes, NULL, "digest", &error));
    /* FIPS 180-2, appendix B.1 */
    assert_string_equal(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(bytes, 3);
    assert_true(rh_directory_make(in(f, "d/sub"), 0700, &error));
    put(f, "d/sub-x", "abc");
    put(f, "d/sub/y", "");
    /* "sub-x" < "sub/y" as whole paths, whatever order the directories are walked in. */
    const char *lines = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  sub-x\n"
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  sub/y\n";
    rh_sha256_bytes(lines, strlen(lines), expected);
    assert_true(rh_sha256_path(in(f, "d"), digest, &bytes, NULL, "digest", &error));
    assert_string_equal(digest, expected);
    assert_true(rh_sha256_path(in(f, "d/"), digest, &bytes, NULL, "digest", &error));
    assert_string_equal(digest, expected);
    assert_false(rh_sha256_path(in(f, "none"), digest, NULL, NULL, "digest", &error));
    rh_error_release(&error);
}

static rh_tree_state *state_now(const char *path)
{
    rh_tree_state *now = rh_tree_state_read(path, NULL);
    assert_non_null(now);
    nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000},
              NULL); /* let the file system's coarse clock pass it */
    return now;
}

static void make_tree(fixture *f)
{
    assert_true(rh_directory_make(in(f, "from/sub"), 0700, NULL));
    put(f, "from/same", "same");
    put(f, "from/longer", "short");
    put(f, "from/touched", "before");
    put(f, "from/sub/deleted", "deleted");
    put(f, "from/was_file", "file");
    assert_int_equal(symlink("same", in(f, "from/link")), 0);
    int fd = open(in(f, "from/sparse"), O_WRONLY | O_CREAT, 0640);
    assert_int_equal(pwrite(fd, "end", 3, 64 << 20), 3);
    assert_int_equal(ftruncate(fd, 128 << 20), 0);
    close(fd);
}

static void check_tree(fixture *f, const char *name)
{
    struct stat from, to;
    char digest[2][65];
    char **names;
    size_t count;
    assert_true(rh_sha256_path(in(f, "from"), digest[0], NULL, NULL, "", NULL));
    assert_true(rh_sha256_path(in(f, name), digest[1], NULL, NULL, "", NULL));
    assert_string_equal(digest[0], digest[1]);
    assert_true(rh_directory_list(in(f, name), f->arena, &names, &count, NULL));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(lstat(rh_arena_printf(f->arena, "%s/from/%s", f->root, names[i]), &from), 0);
        assert_int_equal(lstat(rh_arena_printf(f->arena, "%s/%s/%s", f->root, name, names[i]), &to), 0);
        assert_int_equal(from.st_mode, to.st_mode);
        assert_int_equal(from.st_mtim.tv_nsec, to.st_mtim.tv_nsec);
        assert_int_equal(from.st_mtim.tv_sec, to.st_mtim.tv_sec);
    }
    assert_int_equal(count, 7);
}

static void test_copy(void **state)
{
    fixture *f = *state;
    rh_error error = {0};
    rh_copy_method method;
    struct stat status;
    make_tree(f);
    assert_true(rh_tree_copy(in(f, "from"), in(f, "to"), &method, &error));
    check_tree(f, "to");
    assert_int_equal(stat(in(f, "to/sparse"), &status), 0);
    assert_int_equal(status.st_size, 128 << 20);
    assert_true(status.st_blocks * 512 < 1 << 20);
    assert_false(rh_tree_copy(in(f, "from"), in(f, "to"), &method, &error));
    assert_non_null(strstr(error.message, "File exists"));
    rh_error_release(&error);
}

static void test_restore(void **state)
{
    fixture *f = *state;
    rh_error error = {0};
    int64_t copied = -1;
    make_tree(f);
    assert_true(rh_tree_copy(in(f, "from"), in(f, "to"), NULL, &error));
    for (int round = 0; round < 3; round++) {
        rh_tree_state *written = state_now(in(f, "to"));
        struct stat before;
        assert_int_equal(stat(in(f, "to/touched"), &before), 0);
        assert_true(rh_file_append(in(f, "to/longer"), "!", 1, &error));
        /* Same size and modification time, other content: only the change time tells. */
        int fd = open(in(f, "to/touched"), O_RDWR);
        assert_int_equal(pwrite(fd, "BEFORE", 6, 0), 6);
        assert_int_equal(futimens(fd, (struct timespec[]){before.st_atim, before.st_mtim}), 0);
        close(fd);
        assert_true(rh_tree_remove(in(f, "to/sub/deleted"), &error));
        assert_true(rh_directory_make(in(f, "to/new/deep"), 0700, &error));
        put(f, "to/new/deep/file", "new");
        assert_true(rh_tree_remove(in(f, "to/was_file"), &error));
        assert_true(rh_directory_make(in(f, "to/was_file/now"), 0700, &error));
        const rh_tree_restore_options options = {.state = written};
        assert_true(rh_tree_restore(in(f, "from"), in(f, "to"), &options, &copied, &error));
        rh_tree_state_free(written);
        check_tree(f, "to");
        assert_false(rh_file_exists(in(f, "to/new")));
        assert_int_equal(copied, strlen("short") + strlen("before") + strlen("deleted") + strlen("file"));
    }
    /* Nothing changed: nothing is copied. */
    rh_tree_state *same = state_now(in(f, "to"));
    const rh_tree_restore_options options = {.state = same};
    assert_true(rh_tree_restore(in(f, "from"), in(f, "to"), &options, &copied, &error));
    rh_tree_state_free(same);
    assert_int_equal(copied, 0);
}

static void test_lock(void **state)
{
    fixture *f = *state;
    rh_error error = {0};
    int fd = rh_file_lock(in(f, "lock"), &error);
    assert_true(fd >= 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(rh_file_lock(in(f, "lock"), NULL) == -1 ? 0 : 1);
    int status = -1;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(rh_file_lock(in(f, "lock"), &error), -1);
    assert_false(rh_error_is_set(&error));
    close(fd);
    fd = rh_file_lock(in(f, "lock"), &error);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(rh_file_lock(in(f, "none/lock"), &error), -1);
    assert_true(rh_error_is_set(&error));
    rh_error_release(&error);
}

static void test_path_beside(void **state)
{
    fixture *f = *state;
    assert_string_equal(rh_path_beside("/a/b/file.yaml", "x/y", f->arena), "/a/b/x/y");
    assert_string_equal(rh_path_beside("/a/b/file.yaml", "/x", f->arena), "/x");
    assert_string_equal(rh_path_beside("file.yaml", "x", f->arena), "x");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_write_append_read),
        TEST(test_failures),
        TEST(test_directories),
        TEST(test_remove_does_not_follow_links),
        TEST(test_digest),
        TEST(test_copy),
        TEST(test_restore),
        TEST(test_lock),
        TEST(test_path_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
