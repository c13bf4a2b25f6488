/* WAL segments that a recovery needs, settings as data, and files against their checksums. */
#include "physical/conf.h"
#include "physical/copy.h"
#include "physical/verify.h"
#include "physical/wal.h"
#include "pgrehearse/adapters/files.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "group.h"

enum { SEGMENT = 16 << 20 };

/* ---- segments ---- */

static char TWO[] = "000000010000000000000002", THREE[] = "000000010000000000000003",
            FOUR[] = "000000010000000000000004", LAST[] = "0000000100000000000000FF",
            NEXT[] = "000000010000000100000000", OTHER[] = "000000020000000000000003";

static void the_name_of_a_segment_is_read(void **state)
{
    (void)state;
    uint32_t timeline;
    uint64_t number;
    assert_true(rh_wal_segment_parse(NEXT, SEGMENT, &timeline, &number));
    assert_int_equal(timeline, 1);
    assert_int_equal(number, 256);
    assert_string_equal(rh_wal_segment_name(1, 256, SEGMENT, arena), NEXT);
}

static void other_names_are_no_segments(void **state)
{
    (void)state;
    uint32_t timeline;
    uint64_t number;
    static const char *const bad[] = {"00000002.history", "archive_status", "000000010000000000000100",
                                      "000000010000000000000002.partial"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(rh_wal_segment_parse(bad[i], SEGMENT, &timeline, &number));
}

static void a_missing_middle_segment_is_named(void **state)
{
    (void)state;
    const rh_wal_range range = {1, 0x2000028, 0x4000100};
    char *names[] = {TWO, FOUR};
    assert_string_equal(rh_wal_missing(&range, 1, SEGMENT, names, 2, arena), THREE);
    assert_string_equal(rh_wal_gap(1, 0x2000028, SEGMENT, names, 2, arena), THREE);
}

static void all_segments_are_there(void **state)
{
    (void)state;
    const rh_wal_range range = {1, 0x2000028, 0x4000000};
    char *names[] = {TWO, THREE};
    assert_null(rh_wal_missing(&range, 1, SEGMENT, names, 2, arena));
    assert_null(rh_wal_gap(1, 0x2000028, SEGMENT, names, 2, arena));
}

static void a_missing_last_segment_is_named_by_the_manifest(void **state)
{
    (void)state;
    const rh_wal_range range = {1, 0x2000028, 0x4000001};
    char *names[] = {TWO, THREE};
    assert_string_equal(rh_wal_missing(&range, 1, SEGMENT, names, 2, arena), FOUR);
}

static void segments_continue_over_the_end_of_a_log(void **state)
{
    (void)state;
    const rh_wal_range range = {1, 0xFF000028, 0x100000100};
    char *names[] = {LAST, NEXT};
    assert_null(rh_wal_missing(&range, 1, SEGMENT, names, 2, arena));
}

static void a_segment_in_which_a_timeline_begins_has_the_new_name(void **state)
{
    (void)state;
    const rh_wal_range ranges[] = {{1, 0x2000028, 0x3000100}, {2, 0x3000100, 0x3000200}};
    char *names[] = {TWO, OTHER};
    assert_null(rh_wal_missing(ranges, 2, SEGMENT, names, 2, arena));
}

static void the_first_segment_is_needed(void **state)
{
    (void)state;
    char *names[] = {THREE};
    assert_string_equal(rh_wal_gap(1, 0x2000028, SEGMENT, names, 1, arena), TWO);
}

/* ---- settings ---- */

static const char *setting(const char *text, const char *name)
{
    rh_setting *settings = NULL;
    size_t count = 0;
    rh_conf_parse(text, arena, &settings, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(settings[i].name, name) == 0)
            return settings[i].value;
    return NULL;
}

static void a_setting_is_read(void **state)
{
    (void)state;
    assert_string_equal(setting("# a\nwork_mem = 7MB # comment\n", "work_mem"), "7MB");
    assert_string_equal(setting("work_mem 7MB", "work_mem"), "7MB");
    assert_string_equal(setting("  a.b='x y'\n", "a.b"), "x y");
}

static void quotes_in_a_setting_are_read(void **state)
{
    (void)state;
    assert_string_equal(setting("archive_command = 'cp ''%p'' \\'x\\''", "archive_command"), "cp '%p' 'x'");
}

static void a_later_setting_replaces_an_earlier(void **state)
{
    (void)state;
    assert_string_equal(setting("work_mem = 1MB\nwork_mem = 2MB", "work_mem"), "2MB");
}

static void a_comment_is_no_setting(void **state)
{
    (void)state;
    assert_null(setting("#work_mem = 1MB\n", "work_mem"));
}

static void included_files_are_counted(void **state)
{
    (void)state;
    rh_setting *settings = NULL;
    size_t count = 0;
    assert_int_equal(
        rh_conf_parse("include 'x'\ninclude_dir = 'y'\ninclude_if_exists 'z'", arena, &settings, &count), 3);
    assert_int_equal(count, 0);
}

/* ---- checksums ---- */

static void write_nine(const char *text)
{
    assert_true(rh_file_write(rh_arena_printf(arena, "%s/nine", directory), text, strlen(text), NULL));
}

static void verify_nine(const char *algorithm, const char *checksum, const char *said)
{
    rh_manifest_file file = {.path = "nine", .size = 9, .algorithm = algorithm, .checksum = checksum};
    const rh_manifest manifest = {.files = &file, .file_count = 1};
    rh_error error = {0};
    int64_t verified;
    bool ok = rh_manifest_verify(&manifest, directory, NULL, &verified, &error);
    if (!said && !ok)
        fail_msg("%s", error.message);
    if (said && (ok || error.code != RH_ERROR_BACKUP || !strstr(error.message, said)))
        fail_msg("\"%s\" has no \"%s\"", ok ? "" : error.message, said);
    rh_error_release(&error);
}

static void a_file_has_the_checksum_of_the_manifest(void **state)
{
    (void)state;
    write_nine("123456789");
    verify_nine("CRC32C", "839206e3", NULL);
    verify_nine("SHA224", "9b3e61bf29f17c75572fae2e86e17809a4513d07c8a18152acf34521", NULL);
}

static void a_changed_byte_is_found(void **state)
{
    (void)state;
    write_nine("123456788");
    verify_nine("CRC32C", "839206e3", "nine does not have the checksum");
}

static void a_short_file_is_found(void **state)
{
    (void)state;
    write_nine("12345678");
    verify_nine(NULL, NULL, "size");
}

static void a_missing_file_is_found(void **state)
{
    (void)state;
    unlink(rh_arena_printf(arena, "%s/nine", directory));
    verify_nine("CRC32C", "839206e3", "nine is missing");
}

/* ---- what is left out ---- */

static void what_a_server_made_for_itself_is_transient(void **state)
{
    (void)state;
    assert_true(rh_physical_is_transient("postmaster.pid"));
    assert_true(rh_physical_is_transient("pg_replslot/standby1"));
    assert_true(rh_physical_is_transient("base/pgsql_tmp"));
    assert_true(rh_physical_is_transient("base/5/pg_internal.init"));
}

static void data_are_not_transient(void **state)
{
    (void)state;
    assert_false(rh_physical_is_transient("pg_replslot"));
    assert_false(rh_physical_is_transient("base/5/1259"));
    assert_false(rh_physical_is_transient("backup_label.old")); /* a manifest names it */
    assert_false(rh_physical_is_transient("current_logfiles"));
    assert_false(rh_physical_is_transient("pg_twophase/00000305"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_of_a_segment_is_read),
        cmocka_unit_test(other_names_are_no_segments),
        cmocka_unit_test(a_missing_middle_segment_is_named),
        cmocka_unit_test(all_segments_are_there),
        cmocka_unit_test(a_missing_last_segment_is_named_by_the_manifest),
        cmocka_unit_test(segments_continue_over_the_end_of_a_log),
        cmocka_unit_test(a_segment_in_which_a_timeline_begins_has_the_new_name),
        cmocka_unit_test(the_first_segment_is_needed),
        cmocka_unit_test(a_setting_is_read),
        cmocka_unit_test(quotes_in_a_setting_are_read),
        cmocka_unit_test(a_later_setting_replaces_an_earlier),
        cmocka_unit_test(a_comment_is_no_setting),
        cmocka_unit_test(included_files_are_counted),
        cmocka_unit_test(a_file_has_the_checksum_of_the_manifest),
        cmocka_unit_test(a_changed_byte_is_found),
        cmocka_unit_test(a_short_file_is_found),
        cmocka_unit_test(a_missing_file_is_found),
        cmocka_unit_test(what_a_server_made_for_itself_is_transient),
        cmocka_unit_test(data_are_not_transient),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
