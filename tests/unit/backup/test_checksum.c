/* Checksums that were written down beside a backup. */
#include "pgrehearse/backup/backup.h"
#include "pgrehearse/base/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
#define LOWER_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void expect(const char *text, const char *name, bool alone, const char *digest)
{
    char found[65];
    bool is = rh_checksum_find(text, name, alone, found);
    assert_int_equal(is, digest != NULL);
    if (digest)
        assert_string_equal(found, digest);
}

static void every_spelling_is_read(void **state)
{
    (void)state;
    expect(A "  x.dump\n" B "  y.dump\n", "y.dump", false, LOWER_B);
    expect(B " *y.dump\r\n", "y.dump", false, LOWER_B);
    expect("SHA256 (y (1).dump) = " B "\n", "y (1).dump", false, LOWER_B);
    expect("\\" B "  new\\nline\\\\\n", "new\nline\\", false, LOWER_B);
    expect("# comment\n" A "  ./y.dump", "y.dump", false, A);
    expect(A "\n", "y.dump", true, A);
    expect(A "  other.dump\n", "y.dump", true, A);
    expect(A "  other.dump\n", "y.dump", false, NULL);
    expect(A "  other.dump\n" A "  third.dump\n", "y.dump", true, NULL);
    expect(A "a  y.dump\n", "y.dump", true, NULL);
    expect("SHA512 (y.dump) = " A "\n", "y.dump", true, NULL);
    expect("", "y.dump", true, NULL);
}

static char directory[] = "/tmp/rh-checksum-XXXXXX";

static bool examine(const char *commands, const char *sha256, rh_backup_facts *facts, rh_arena *arena,
                    rh_error *error)
{
    rh_text line = {0};
    rh_text_printf(&line, "cd %s && rm -rf * && printf 'CREATE TABLE t (a int);\\n' > y.sql && %s", directory,
                   commands);
    assert_int_equal(system(line.data), 0);
    rh_text_release(&line);
    rh_scenario scenario = {0};
    scenario.backup.path = rh_arena_printf(arena, "%s/y.sql", directory);
    scenario.backup.sha256 = sha256;
    return rh_backup_examine(&scenario, arena, facts, NULL, error);
}

static void expect_vouched(const char *commands, bool whole, const char *vouched)
{
    rh_arena *arena = rh_arena_new();
    rh_backup_facts facts;
    rh_error error = {0};
    if (!examine(commands, NULL, &facts, arena, &error))
        fail_msg("%s: %s", commands, error.message);
    assert_int_equal(facts.checksum.whole, whole);
    assert_string_equal(facts.checksum.vouched, vouched);
    rh_arena_free(arena);
}

static void expect_refused(const char *commands, const char *sha256, const char *said)
{
    rh_arena *arena = rh_arena_new();
    rh_backup_facts facts;
    rh_error error = {0};
    assert_false(examine(commands, sha256, &facts, arena, &error));
    assert_int_equal(error.code, RH_ERROR_BACKUP);
    if (!strstr(error.message, said))
        fail_msg("%s: \"%s\" has no \"%s\"", commands, error.message, said);
    rh_error_release(&error);
    rh_arena_free(arena);
}

static void the_checksum_is_reported(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(directory));
    expect_vouched("sha256sum y.sql > y.sql.sha256", true, "the SHA-256 in y.sql.sha256");
    expect_vouched("sha256sum --tag * > SHA256SUMS", true, "the SHA-256 in SHA256SUMS");
    expect_vouched("printf '" A "  z.sql\\n' > SHA256SUMS", false,
                   "nothing: a changed byte may go unnoticed");
    expect_vouched("gzip -c y.sql > z && mv z y.sql", true, "the checksum that gzip has of the data");
    expect_vouched("xz --check=none -c y.sql > z && mv z y.sql", false,
                   "nothing: a changed byte may go unnoticed");
    expect_vouched("zstd -q --no-check y.sql -o z && mv z y.sql", false,
                   "nothing: a changed byte may go unnoticed");
    expect_vouched("zstd -q y.sql -o z && mv z y.sql", true, "the checksum that zstd has of the data");
    expect_refused("sha256sum y.sql > y.sql.sha256 && printf ' ' >> y.sql", NULL, "y.sql.sha256");
    expect_refused("sha256sum y.sql > SHA256SUMS && printf ' ' >> y.sql", NULL, "SHA256SUMS");
    expect_refused("sha256sum y.sql > y.sql.sha256 && printf 'CREATE TABLE' > y.sql", NULL, "y.sql.sha256");
    expect_refused("true", A, "backup.sha256");
    expect_refused("echo none > y.sql.sha256", NULL, "has no SHA-256 of y.sql");
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_spelling_is_read),
                                       cmocka_unit_test(the_checksum_is_reported)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
