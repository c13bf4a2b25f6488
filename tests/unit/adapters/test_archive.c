/* Every compression and container, whole and damaged, made by the tools that people use. */
#include "pgrehearse/adapters/archive.h"
#include "pgrehearse/base/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/rh-archive-XXXXXX";
static char text[300000]; /* what every file holds: not too compressible, longer than a block */

static const char *in_directory(const char *name)
{
    static char path[4][256];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", directory, name);
    return path[turn];
}

static void shell(const char *command)
{
    rh_text line = {0};
    rh_text_printf(&line, "cd %s && %s", directory, command);
    assert_int_equal(system(line.data), 0);
    rh_text_release(&line);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return 1;
    unsigned seed = 12345;
    for (size_t i = 0; i < sizeof text; i++) {
        seed = seed * 1103515245 + 12345;
        text[i] = i % 64 == 63 ? '\n' : (char)('a' + (seed >> 16) % 26);
    }
    FILE *file = fopen(in_directory("plain"), "w");
    fwrite(text, 1, sizeof text, file);
    fclose(file);
    shell(
        "gzip -c plain > x.gz && zstd -q plain -o x.zst && lz4 -q plain x.lz4 && xz -c plain > x.xz && bzip2 "
        "-c plain > x.bz2"
        " && tar cf x.tar plain && gzip -c x.tar > x.tar.gz && xz -c x.tar > x.tar.xz && zip -q x.zip plain");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[300];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command);
}

/* Reads every entry: bytes in all, -1 on an error. */
static int64_t read_all(const char *name, const char **compression, const char **container, rh_error *error)
{
    rh_archive *archive = rh_archive_open(in_directory(name), error);
    if (!archive)
        return -1;
    if (compression)
        *compression = rh_archive_compression(archive);
    if (container)
        *container = rh_archive_container(archive);
    const char *entry;
    int64_t size, total = 0;
    bool same = true;
    int more;
    static char buffer[10007];
    while ((more = rh_archive_next(archive, &entry, &size, error)) > 0) {
        int64_t n;
        while ((n = rh_archive_read(archive, buffer, sizeof buffer, error)) > 0) {
            same = same && total + n <= (int64_t)sizeof text && memcmp(buffer, text + total, (size_t)n) == 0;
            total += n;
        }
        if (n < 0)
            more = -1;
        if (more < 0)
            break;
    }
    if (more == 0) {
        if (total > 20)
            assert_true(same);
        struct stat status;
        stat(in_directory(name), &status);
        assert_true(rh_archive_position(archive) > 0);
        assert_true(rh_archive_position(archive) <= status.st_size);
    }
    rh_archive_close(archive);
    return more == 0 ? total : -1;
}

static void every_kind_is_read(void **state)
{
    (void)state;
    static const char *const kinds[][3] = {
        {"plain", "none", "none"}, {"x.gz", "gzip", "none"},    {"x.zst", "zstd", "none"},
        {"x.lz4", "lz4", "none"},  {"x.xz", "xz", "none"},      {"x.bz2", "bzip2", "none"},
        {"x.tar", "none", "tar"},  {"x.tar.gz", "gzip", "tar"}, {"x.tar.xz", "xz", "tar"},
        {"x.zip", "none", "zip"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        rh_error error = {0};
        const char *compression = "", *container = "";
        assert_int_equal(read_all(kinds[i][0], &compression, &container, &error), sizeof text);
        assert_string_equal(compression, kinds[i][1]);
        assert_string_equal(container, kinds[i][2]);
        rh_error_release(&error);
    }
}

static void copy_first(const char *from, const char *to, size_t count)
{
    char command[600];
    snprintf(command, sizeof command, "head -c %zu %s > %s", count, from, to);
    shell(command);
}

static void every_truncation_is_an_error(void **state)
{
    (void)state;
    static const char *const names[] = {"x.gz",  "x.zst",    "x.lz4",    "x.xz", "x.bz2",
                                        "x.tar", "x.tar.gz", "x.tar.xz", "x.zip"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct stat status;
        stat(in_directory(names[i]), &status);
        size_t size = (size_t)status.st_size;
        /* Nobody needs a tar's last blocks of zeros, or the last bytes of a zip's directory. */
        bool padded = strcmp(names[i], "x.tar") == 0 || strcmp(names[i], "x.zip") == 0;
        size_t cuts[] = {padded ? 5000 : 20, size / 2, padded ? size - size / 4 : size - size / 8,
                         padded ? size / 3 : size - 1, padded ? 600 : size - 5};
        for (size_t j = 0; j < sizeof cuts / sizeof *cuts; j++) {
            rh_error error = {0};
            copy_first(names[i], "cut", cuts[j]);
            int64_t got = read_all("cut", NULL, NULL, &error);
            if (got >= 0)
                print_error("%s cut to %zu of %zu bytes: read %lld\n", names[i], cuts[j], size,
                            (long long)got);
            assert_int_equal(got, -1);
            assert_int_equal(error.code, RH_ERROR_BACKUP);
            assert_non_null(error.file);
            rh_error_release(&error);
        }
    }
}

static void flip(const char *from, const char *to, long offset)
{
    char command[600];
    snprintf(command, sizeof command, "cp %s %s", from, to);
    shell(command);
    FILE *file = fopen(in_directory(to), "r+");
    fseek(file, offset, offset < 0 ? SEEK_END : SEEK_SET);
    int c = fgetc(file);
    fseek(file, -1, SEEK_CUR);
    fputc(c ^ 0x41, file);
    fclose(file);
}

static void a_wrong_checksum_is_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        long offset;
    } flips[] = {{"x.gz", -8},    {"x.gz", -3},   {"x.tar.gz", -8}, {"x.tar.gz", -1},
                 {"x.zst", -1},   {"x.lz4", -1},  {"x.xz", -30},    {"x.bz2", -3},
                 {"x.zip", 2000}, {"x.gz", 5000}, {"x.lz4", 5000},  {"x.tar.xz", 9000}};
    for (size_t i = 0; i < sizeof flips / sizeof *flips; i++) {
        rh_error error = {0};
        flip(flips[i].name, "flipped", flips[i].offset);
        int64_t got = read_all("flipped", NULL, NULL, &error);
        if (got >= 0)
            print_error("%s with a byte changed at %ld: read %lld\n", flips[i].name, flips[i].offset,
                        (long long)got);
        assert_int_equal(got, -1);
        rh_error_release(&error);
    }
}

static void gzip_members_follow_one_another(void **state)
{
    (void)state;
    rh_error error = {0};
    shell(
        "(head -c 1000 plain | gzip; tail -c +1001 plain | gzip) > two.gz; cp two.gz padded.gz; head -c 700 "
        "/dev/zero >> padded.gz;"
        "cp two.gz garbage.gz; echo garbage >> garbage.gz; head -c -1 two.gz > cut.gz; : | gzip > empty.gz");
    assert_int_equal(read_all("two.gz", NULL, NULL, &error), sizeof text);
    assert_int_equal(read_all("padded.gz", NULL, NULL, &error), sizeof text);
    assert_int_equal(read_all("empty.gz", NULL, NULL, &error), 0);
    assert_false(rh_error_is_set(&error));
    assert_int_equal(read_all("garbage.gz", NULL, NULL, &error), -1);
    rh_error_release(&error);
    assert_int_equal(read_all("cut.gz", NULL, NULL, &error), -1);
    rh_error_release(&error);
}

static void entries_stay_inside(void **state)
{
    (void)state;
    shell("tar cPf up.tar ../$(basename $PWD)/plain && tar cPf absolute.tar $PWD/plain && ln -sf /etc/passwd "
          "link && tar cf link.tar link plain");
    static const char *const bad[] = {"up.tar", "absolute.tar"};
    for (size_t i = 0; i < 2; i++) {
        rh_error error = {0};
        assert_int_equal(read_all(bad[i], NULL, NULL, &error), -1);
        assert_int_equal(error.code, RH_ERROR_REFUSED);
        rh_error_release(&error);
    }
    rh_error error = {0};
    assert_int_equal(read_all("link.tar", NULL, NULL, &error),
                     sizeof text); /* the link itself is passed over */
}

static void a_bomb_is_refused(void **state)
{
    (void)state;
    shell("yes | head -c 40000000 > yes && zstd -q yes -o bomb.zst && zip -q bomb.zip yes");
    static const char *const names[] = {"bomb.zst", "bomb.zip"};
    for (size_t i = 0; i < 2; i++) {
        rh_error error = {0};
        rh_archive *archive = rh_archive_open(in_directory(names[i]), &error);
        if (!archive)
            print_error("%s\n", error.message);
        assert_non_null(archive);
        rh_archive_limit(archive, 4000000, 100);
        const char *entry;
        int64_t size, n;
        int more = rh_archive_next(archive, &entry, &size, &error);
        if (more != 1)
            print_error("%s\n", error.message);
        assert_int_equal(more, 1);
        static char buffer[65536];
        while ((n = rh_archive_read(archive, buffer, sizeof buffer, &error)) > 0)
            ;
        assert_int_equal(n, -1);
        assert_int_equal(error.code, RH_ERROR_REFUSED);
        rh_archive_close(archive);
        rh_error_release(&error);
    }
}

static void a_missing_file_is_reported(void **state)
{
    (void)state;
    rh_error error = {0};
    assert_null(rh_archive_open(in_directory("nothing"), &error));
    assert_int_equal(error.code, RH_ERROR_IO);
    rh_error_release(&error);
    rh_archive_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read),           cmocka_unit_test(every_truncation_is_an_error),
        cmocka_unit_test(a_wrong_checksum_is_an_error), cmocka_unit_test(gzip_members_follow_one_another),
        cmocka_unit_test(entries_stay_inside),          cmocka_unit_test(a_bomb_is_refused),
        cmocka_unit_test(a_missing_file_is_reported),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
