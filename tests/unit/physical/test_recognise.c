/* Which directories are physical copies, and which of them are refused. */
#include "pgrehearse/physical/physical.h"
#include "physical/control.h"
#include "physical/crc32c.h"
#include "physical/label.h"
#include "physical/manifest.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "group.h"

static const char LABEL[] = "START WAL LOCATION: 1A/2000028 (file 000000030000001A00000002)\n"
                            "CHECKPOINT LOCATION: 1A/2000060\n"
                            "BACKUP METHOD: streamed\n"
                            "BACKUP FROM: standby\n"
                            "START TIME: 2026-11-28 06:00:00 UTC\n"
                            "LABEL: nightly\n"
                            "START TIMELINE: 3\n";
/* ---- the parsers ---- */

static void a_checksum_is_castagnolis(void **state)
{
    (void)state;
    assert_int_equal(rh_crc32c(0, "123456789", 9), 0xE3069283);
}

static void a_checksum_continues(void **state)
{
    (void)state;
    assert_int_equal(rh_crc32c(rh_crc32c(0, "1234", 4), "56789", 5), 0xE3069283);
}

static void a_label_is_read(void **state)
{
    (void)state;
    rh_backup_label label;
    assert_true(rh_backup_label_parse(LABEL, arena, &label));
    assert_true(label.start_lsn == 0x1A02000028);
    assert_int_equal(label.timeline, 3);
    assert_true(label.from_standby);
    assert_string_equal(label.label, "nightly");
    assert_string_equal(label.started_at, "2026-11-28 06:00:00 UTC");
    assert_null(label.incremental_from);
}

static void a_label_of_an_incremental_backup_says_so(void **state)
{
    (void)state;
    rh_backup_label label;
    const char *text = rh_arena_printf(arena, "%sINCREMENTAL FROM LSN: 1A/1000028\n", LABEL);
    assert_true(rh_backup_label_parse(text, arena, &label));
    assert_string_equal(label.incremental_from, "1A/1000028");
}

static void a_label_that_was_cut_off_is_none(void **state)
{
    (void)state;
    rh_backup_label label;
    for (size_t length = 0; length < 80; length++)
        assert_false(rh_backup_label_parse(rh_arena_strndup(arena, LABEL, length), arena, &label));
}

static void a_label_whose_timelines_differ_is_none(void **state)
{
    (void)state;
    rh_backup_label label;
    char *text = rh_arena_strdup(arena, LABEL);
    memcpy(strstr(text, "TIMELINE: 3"), "TIMELINE: 4", 11);
    assert_false(rh_backup_label_parse(text, arena, &label));
}

static void an_lsn_is_read_and_written(void **state)
{
    (void)state;
    uint64_t lsn;
    assert_true(rh_lsn_parse("FF/A0", &lsn));
    assert_string_equal(rh_lsn_format(lsn, arena), "FF/A0");
}

static void what_is_no_lsn_is_refused(void **state)
{
    (void)state;
    uint64_t lsn;
    static const char *const bad[] = {"", "/", "1", "1/", "/1", "x/1", "100000000/0", "-1/0"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (rh_lsn_parse(bad[i], &lsn))
            fail_msg("%s was taken for an LSN", bad[i]);
}

/* ---- pg_control ---- */

static void put(unsigned char *bytes, size_t at, uint64_t value, int size)
{
    for (int i = 0; i < size; i++)
        bytes[at + (size_t)i] = (unsigned char)(value >> 8 * i);
}

static void make_control(unsigned char bytes[512])
{
    memset(bytes, 0, 512);
    put(bytes, 0, 7000000000000000001, 8);
    put(bytes, 8, 1300, 4);
    put(bytes, 12, 202209061, 4);
    put(bytes, 16, RH_CONTROL_IN_PRODUCTION, 4);
    put(bytes, 32, 0x2000060, 8);
    put(bytes, 40, 0x2000028, 8);
    put(bytes, 48, 1, 4);
    put(bytes, 228, 16 << 20, 4);
    put(bytes, 288, rh_crc32c(0, bytes, 288), 4);
}

static bool parse_control(const unsigned char *bytes, size_t length, int major, const char *said)
{
    rh_control control;
    rh_error error = {0};
    bool ok = rh_control_parse(bytes, length, major, &control, &error);
    if (!ok && (error.code != RH_ERROR_BACKUP || !strstr(error.message, said)))
        fail_msg("\"%s\" has no \"%s\"", error.message, said);
    rh_error_release(&error);
    return ok;
}

static void a_control_file_is_read(void **state)
{
    (void)state;
    unsigned char bytes[512];
    rh_control control;
    make_control(bytes);
    assert_true(rh_control_parse(bytes, sizeof bytes, 15, &control, NULL));
    assert_true(control.system_identifier == 7000000000000000001);
    assert_int_equal(control.catalog, 202209061);
    assert_int_equal(control.state, RH_CONTROL_IN_PRODUCTION);
    assert_true(control.redo == 0x2000028);
    assert_int_equal(control.segment_bytes, 16 << 20);
}

static void a_control_file_with_a_flipped_bit_is_damaged(void **state)
{
    (void)state;
    unsigned char bytes[512];
    make_control(bytes);
    bytes[41] ^= 4;
    assert_false(parse_control(bytes, sizeof bytes, 15, "checksum"));
}

static void a_control_file_that_was_cut_off_is_refused(void **state)
{
    (void)state;
    unsigned char bytes[512];
    make_control(bytes);
    assert_false(parse_control(bytes, 100, 15, "cut off"));
}

static void a_control_file_of_another_byte_order_is_refused(void **state)
{
    (void)state;
    unsigned char bytes[512];
    make_control(bytes);
    put(bytes, 8, __builtin_bswap32(1300), 4);
    assert_false(parse_control(bytes, sizeof bytes, 15, "byte order"));
}

static void a_control_file_of_another_version_is_refused(void **state)
{
    (void)state;
    unsigned char bytes[512];
    make_control(bytes);
    assert_false(parse_control(bytes, sizeof bytes, 17, "1700"));
}

/* ---- manifest ---- */

static const char *make_manifest(const char *body)
{
    char digest[65];
    const char *head = rh_arena_printf(arena, "{ \"PostgreSQL-Backup-Manifest-Version\": 1,\n%s", body);
    rh_sha256_bytes(head, strlen(head), digest);
    return rh_arena_printf(arena, "%s\"Manifest-Checksum\": \"%s\"}\n", head, digest);
}

static const char FILES[] =
    "\"Files\": [\n{ \"Path\": \"base/1/112\", \"Size\": 8192, \"Last-Modified\": \"x\", \"Checksum-Algorithm\": "
    "\"CRC32C\", \"Checksum\": \"e3069283\" },\n{ \"Encoded-Path\": \"62617365\", \"Size\": 0 }\n],\n\"WAL-Ranges\": "
    "[\n{ \"Timeline\": 1, \"Start-LSN\": \"0/2000028\", \"End-LSN\": \"0/2000100\" }\n],\n";

static void a_manifest_is_read(void **state)
{
    (void)state;
    rh_manifest manifest;
    rh_error error = {0};
    const char *text = make_manifest(FILES);
    if (!rh_manifest_parse(text, strlen(text), "m", arena, &manifest, &error))
        fail_msg("%s", error.message);
    assert_int_equal(manifest.file_count, 2);
    assert_string_equal(manifest.files[0].path, "base/1/112");
    assert_string_equal(manifest.files[0].checksum, "e3069283");
    assert_string_equal(manifest.files[1].path, "base");
    assert_null(manifest.files[1].checksum);
    assert_true(manifest.ranges[0].end == 0x2000100);
}

static void refused_manifest(const char *text, size_t length, const char *said)
{
    rh_manifest manifest;
    rh_error error = {0};
    assert_false(rh_manifest_parse(text, length, "m", arena, &manifest, &error));
    assert_int_equal(error.code, RH_ERROR_BACKUP);
    if (!strstr(error.message, said))
        fail_msg("\"%s\" has no \"%s\"", error.message, said);
    rh_error_release(&error);
}

static void a_manifest_that_was_cut_off_is_damaged(void **state)
{
    (void)state;
    const char *text = make_manifest(FILES);
    refused_manifest(text, strlen(text) - 20, "cut off");
}

static void a_manifest_with_a_changed_byte_is_damaged(void **state)
{
    (void)state;
    char *text = rh_arena_strdup(arena, make_manifest(FILES));
    *strstr(text, "8192") = '9';
    refused_manifest(text, strlen(text), "checksum");
}

static void a_manifest_does_not_lead_out_of_the_copy(void **state)
{
    (void)state;
    static const char *const paths[] = {"/etc/passwd", "../x", "base/../../x", "base/.."};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const char *text = make_manifest(rh_arena_printf(
            arena, "\"Files\": [{ \"Path\": \"%s\", \"Size\": 1 }], \"WAL-Ranges\": [],\n", paths[i]));
        refused_manifest(text, strlen(text), "path");
    }
}

/* ---- directories ---- */

static const char *make_directory(const char *name, const char *label)
{
    unsigned char bytes[512];
    const char *path = rh_arena_printf(arena, "%s/%s", directory, name);
    make_control(bytes);
    assert_true(rh_directory_make(rh_arena_printf(arena, "%s/global", path), 0700, NULL));
    assert_true(rh_file_write(rh_arena_printf(arena, "%s/PG_VERSION", path), "15\n", 3, NULL));
    assert_true(rh_file_write(rh_arena_printf(arena, "%s/global/pg_control", path), (char *)bytes,
                              sizeof bytes, NULL));
    if (label)
        assert_true(
            rh_file_write(rh_arena_printf(arena, "%s/backup_label", path), label, strlen(label), NULL));
    return path;
}

static rh_physical_facts *recognise(const char *path)
{
    rh_physical_facts *copy = NULL;
    rh_error error = {0};
    if (!rh_physical_recognise(path, arena, &copy, &error))
        fail_msg("%s", error.message);
    return copy;
}

static void refused(const char *path, const char *said)
{
    rh_physical_facts *copy = NULL;
    rh_error error = {0};
    assert_false(rh_physical_recognise(path, arena, &copy, &error));
    assert_int_equal(error.code, RH_ERROR_BACKUP);
    assert_non_null(error.file);
    if (!strstr(error.message, said))
        fail_msg("\"%s\" has no \"%s\"", error.message, said);
    assert_non_null(error.hint);
    rh_error_release(&error);
}

static void a_data_directory_is_recognised(void **state)
{
    (void)state;
    const rh_physical_facts *copy = recognise(make_directory("plain", LABEL));
    assert_non_null(copy);
    assert_int_equal(copy->major, 15);
    assert_false(copy->tar);
    assert_string_equal(copy->label, "nightly");
    assert_string_equal(copy->start_lsn, "1A/2000028");
    assert_string_equal(copy->system_identifier, "7000000000000000001");
    assert_string_equal(copy->state, "in production");
}

static void a_base_backup_in_tar_files_is_recognised(void **state)
{
    (void)state;
    const char *from = make_directory("tar-from", LABEL), *to = rh_arena_printf(arena, "%s/tar", directory);
    assert_true(rh_directory_make(to, 0700, NULL));
    assert_int_equal(system(rh_arena_printf(arena, "tar -C %s -czf %s/base.tar.gz .", from, to)), 0);
    const rh_physical_facts *copy = recognise(to);
    assert_non_null(copy);
    assert_true(copy->tar);
    assert_int_equal(copy->major, 15);
}

static void another_directory_is_no_copy(void **state)
{
    (void)state;
    assert_null(recognise("/usr"));
}

static void a_database_directory_is_no_copy(void **state)
{
    (void)state;
    const char *path = rh_arena_printf(arena, "%s/base-1", directory);
    assert_true(rh_directory_make(path, 0700, NULL));
    assert_true(rh_file_write(rh_arena_printf(arena, "%s/PG_VERSION", path), "15\n", 3, NULL));
    assert_null(recognise(path));
}

static void an_incremental_backup_is_refused(void **state)
{
    (void)state;
    const char *label = rh_arena_printf(arena, "%sINCREMENTAL FROM LSN: 1A/1000028\n", LABEL);
    refused(make_directory("incremental", label), "incremental");
}

static void a_copy_with_a_damaged_label_is_refused(void **state)
{
    (void)state;
    refused(make_directory("label", "START WAL LOC"), "backup_label");
}

static void a_copy_of_an_old_version_is_refused(void **state)
{
    (void)state;
    const char *path = make_directory("old", NULL);
    assert_true(rh_file_write(rh_arena_printf(arena, "%s/PG_VERSION", path), "9.6\n", 4, NULL));
    refused(path, "9.6");
}

static void a_running_servers_directory_is_refused(void **state)
{
    (void)state;
    const char *path = make_directory("running", NULL);
    const char *pid = rh_arena_printf(arena, "%d\n%s\n", (int)getpid(), path);
    assert_true(rh_file_write(rh_arena_printf(arena, "%s/postmaster.pid", path), pid, strlen(pid), NULL));
    refused(path, "running");
}

static void the_process_of_another_directory_is_no_server_of_it(void **state)
{
    (void)state;
    const char *path = make_directory("elsewhere", NULL);
    const char *pid = rh_arena_printf(arena, "%d\n/nonexistent\n", (int)getpid());
    assert_true(rh_file_write(rh_arena_printf(arena, "%s/postmaster.pid", path), pid, strlen(pid), NULL));
    assert_non_null(recognise(path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_checksum_is_castagnolis),
        cmocka_unit_test(a_checksum_continues),
        cmocka_unit_test(a_label_is_read),
        cmocka_unit_test(a_label_of_an_incremental_backup_says_so),
        cmocka_unit_test(a_label_that_was_cut_off_is_none),
        cmocka_unit_test(a_label_whose_timelines_differ_is_none),
        cmocka_unit_test(an_lsn_is_read_and_written),
        cmocka_unit_test(what_is_no_lsn_is_refused),
        cmocka_unit_test(a_control_file_is_read),
        cmocka_unit_test(a_control_file_with_a_flipped_bit_is_damaged),
        cmocka_unit_test(a_control_file_that_was_cut_off_is_refused),
        cmocka_unit_test(a_control_file_of_another_byte_order_is_refused),
        cmocka_unit_test(a_control_file_of_another_version_is_refused),
        cmocka_unit_test(a_manifest_is_read),
        cmocka_unit_test(a_manifest_that_was_cut_off_is_damaged),
        cmocka_unit_test(a_manifest_with_a_changed_byte_is_damaged),
        cmocka_unit_test(a_manifest_does_not_lead_out_of_the_copy),
        cmocka_unit_test(a_data_directory_is_recognised),
        cmocka_unit_test(a_base_backup_in_tar_files_is_recognised),
        cmocka_unit_test(another_directory_is_no_copy),
        cmocka_unit_test(a_database_directory_is_no_copy),
        cmocka_unit_test(an_incremental_backup_is_refused),
        cmocka_unit_test(a_copy_with_a_damaged_label_is_refused),
        cmocka_unit_test(a_copy_of_an_old_version_is_refused),
        cmocka_unit_test(a_running_servers_directory_is_refused),
        cmocka_unit_test(the_process_of_another_directory_is_no_server_of_it),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
