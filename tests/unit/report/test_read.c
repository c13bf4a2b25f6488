/* Records of schema_version 1 (v1/) are read, and rendered, as those of today. */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/report/report.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include "validate.h"

static const char *const RECORDS[] = {"production", "failed"};
enum { RECORD_COUNT = sizeof RECORDS / sizeof *RECORDS };

static rh_json *read_record(const char *name)
{
    char path[4096];
    rh_error error = {0};
    snprintf(path, sizeof path, "%s/tests/unit/report/v1/%s.json", RH_SOURCE_DIRECTORY, name);
    rh_json *record = rh_report_read(path, &error);
    assert_non_null(record);
    return record;
}

static void version_1_gets_the_keys_of_the_schema(void **state)
{
    (void)state;
    if (!can_validate())
        return;
    char directory[] = "/tmp/rh-records-XXXXXX";
    assert_non_null(mkdtemp(directory));
    for (int i = 0; i < RECORD_COUNT; i++) {
        rh_json *record = read_record(RECORDS[i]);
        write_record(directory, i, record);
        rh_json_free(record);
    }
    int status = validate("--older", directory);
    remove_records(directory, RECORD_COUNT);
    assert_int_equal(status, 0);
}

/* GOLDEN=1 in the environment writes the expected files. */
static void check_golden(const char *name, const char *suffix, const rh_text *text)
{
    char path[4096];
    rh_error error = {0};
    snprintf(path, sizeof path, "%s/tests/unit/report/golden/v1_%s.%s", RH_SOURCE_DIRECTORY, name, suffix);
    if (getenv("GOLDEN"))
        assert_true(rh_file_write(path, rh_text_string(text), text->length, &error));
    rh_arena *arena = rh_arena_new();
    const char *expected = rh_file_read(path, 0, arena, NULL, &error);
    assert_non_null(expected);
    assert_string_equal(rh_text_string(text), expected);
    rh_arena_free(arena);
}

static void version_1_renders(void **state)
{
    (void)state;
    for (int i = 0; i < RECORD_COUNT; i++) {
        rh_json *record = read_record(RECORDS[i]);
        rh_text text = {0};
        rh_error error = {0};
        assert_true(rh_report_text(record, false, &text, &error));
        check_golden(RECORDS[i], "txt", &text);
        rh_text_clear(&text);
        assert_true(rh_report_markdown(record, &text, &error));
        check_golden(RECORDS[i], "md", &text);
        rh_text_clear(&text);
        assert_true(rh_report_junit(record, &text, &error));
        check_golden(RECORDS[i], "xml", &text);
        rh_text_release(&text);
        rh_json_free(record);
    }
}

static void sentences_of_version_1_get_codes(void **state)
{
    (void)state;
    rh_json *record = read_record("production");
    const rh_json *notes = rh_json_get(record, "not_measured");
    const rh_json *known = rh_json_at(notes, 0), *other = rh_json_at(notes, 1);
    assert_string_equal(rh_json_string(rh_json_get(known, "code")), "interruption");
    assert_true(
        rh_starts_with(rh_json_string(rh_json_get(known, "text")), "interruption of migration 000014"));
    assert_string_equal(rh_json_string(rh_json_get(other, "code")), "other");
    rh_json_free(record);
}

static void the_page_of_version_1_says_why_a_section_is_empty(void **state)
{
    (void)state;
    rh_json *record = read_record("failed");
    rh_text html = {0};
    rh_error error = {0};
    assert_true(rh_report_html(record, &html, &error));
    assert_non_null(strstr(rh_text_string(&html),
                           "Load: not measured (the loaded pass: migration 000015 failed before it)."));
    rh_text_release(&html);
    rh_json_free(record);
}

/* What TEXT as a record gives: the error's message contains MESSAGE. */
static void refuses(const char *text, const char *message)
{
    char path[] = "/tmp/rh-record-XXXXXX";
    rh_error error = {0};
    int file = mkstemp(path);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
    assert_null(rh_report_read(path, &error));
    unlink(path);
    assert_non_null(strstr(error.message, message));
    rh_error_release(&error);
}

static void what_is_no_record_of_a_known_version_is_refused(void **state)
{
    (void)state;
    refuses("{\"schema_version\": 3, \"verdict\": \"pass\"}", "has schema_version 3");
    refuses("{\"schema_version\": 2}", "is not the record of a run");
    refuses("{\"verdict\": \"pass\"}", "is not the record of a run");
    refuses("[]", "is not the record of a run");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1_gets_the_keys_of_the_schema),
        cmocka_unit_test(version_1_renders),
        cmocka_unit_test(sentences_of_version_1_get_codes),
        cmocka_unit_test(the_page_of_version_1_says_why_a_section_is_empty),
        cmocka_unit_test(what_is_no_record_of_a_known_version_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
