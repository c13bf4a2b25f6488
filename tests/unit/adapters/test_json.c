#include "pgrehearse/adapters/json.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void writes_null_for_what_was_not_measured(void **state)
{
    (void)state;
    rh_json *object = rh_json_object();
    rh_json_add_real(object, "a_s", NAN);
    rh_json_add_real(object, "b_s", 0.1);
    rh_json_add_count(object, "c_bytes", -1);
    rh_json_add_int(object, "d", -1);
    rh_json_add_string(object, "e", NULL);
    rh_json_add(object, "f", NULL);
    char *text = rh_json_format(object);
    assert_string_equal(text, "{\n  \"a_s\": null,\n  \"b_s\": 0.1,\n  \"c_bytes\": null,\n  \"d\": -1,\n"
                              "  \"e\": null,\n  \"f\": null\n}\n");
    free(text);
    rh_json_free(object);
}

static void repairs_bytes_that_are_not_utf8(void **state)
{
    (void)state;
    rh_json *array = rh_json_array();
    rh_json_add_string(array, NULL, "caf\xe9 \xc3\xa9 \xed\xa0\x80 \xf0\x9f\x90\x98");
    assert_string_equal(rh_json_string(rh_json_at(array, 0)),
                        "caf\xef\xbf\xbd \xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xf0\x9f\x90\x98");
    rh_json_free(array);
}

static void reads_what_is_missing_as_null(void **state)
{
    (void)state;
    const char text[] = "{\"a\": {\"b\": [1, 2.5, null, \"x\", true]}, \"n\": null}";
    rh_error error = {0};
    rh_json *root = rh_json_parse(text, strlen(text), "test", &error);
    assert_non_null(root);
    rh_json *list = rh_json_path(root, "a.b");
    assert_int_equal(rh_json_count(list), 5);
    assert_int_equal(rh_json_int(rh_json_at(list, 0)), 1);
    assert_true(rh_json_real(rh_json_at(list, 0)) == 1.0);
    assert_true(rh_json_real(rh_json_at(list, 1)) == 2.5);
    assert_int_equal(rh_json_int(rh_json_at(list, 1)), -1);
    assert_null(rh_json_at(list, 2));
    assert_true(rh_json_bool(rh_json_at(list, 4)));
    assert_null(rh_json_at(list, 5));
    assert_null(rh_json_get(root, "n"));
    assert_null(rh_json_path(root, "a.c.d"));
    assert_null(rh_json_path(NULL, "a"));
    assert_true(isnan(rh_json_real(NULL)));
    assert_int_equal(rh_json_int(NULL), -1);
    assert_null(rh_json_string(NULL));
    assert_false(rh_json_bool(NULL));
    assert_true(rh_json_is_null(NULL));
    assert_int_equal(rh_json_count(NULL), 0);
    void *iterator = NULL;
    rh_json *value = NULL;
    assert_string_equal(rh_json_each(root, &iterator, &value), "a");
    assert_true(rh_json_is_object(value));
    assert_string_equal(rh_json_each(root, &iterator, &value), "n");
    assert_null(rh_json_each(root, &iterator, &value));
    rh_json_free(root);
}

static void reports_where_the_text_is_not_json(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line;
    } cases[] = {{"", 1}, {"{\"a\": 1,\n \"a\": 2}", 2}, {"{\n\"a\": \xff}", 2}, {"[1, 2", 1}, {"[1]x", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rh_error error = {0};
        assert_null(rh_json_parse(cases[i].text, strlen(cases[i].text), "bad.json", &error));
        assert_non_null(strstr(error.message, "bad.json is not valid JSON: "));
        assert_int_equal(error.line, cases[i].line);
        rh_error_release(&error);
    }
    rh_error error = {0};
    assert_null(rh_json_read("/nowhere/x.json", &error));
    assert_string_equal(error.message, "cannot read /nowhere/x.json: No such file or directory");
    rh_error_release(&error);
}

static void test_record_format(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\": [1, 2], \"b\": {\"c\": \"x,\\n  \\\"{ }\\\\\", \"d\": []}, \"e\": [{\"f\": [{\"g\": [1, {}]}]}, 3]}";
    rh_json *value = rh_json_parse(text, strlen(text), "test", NULL);
    assert_non_null(value);
    char *written = rh_json_format_record(value);
    assert_string_equal(written, "{\n"
                                 "  \"a\":[\n"
                                 "    1,\n"
                                 "    2\n"
                                 "  ],\n"
                                 "  \"b\":{\n"
                                 "    \"c\":\"x,\\n  \\\"{ }\\\\\",\n"
                                 "    \"d\":[]\n"
                                 "  },\n"
                                 "  \"e\":[\n"
                                 "    {\n"
                                 "      \"f\":[\n"
                                 "        {\"g\":[1,{}]}\n"
                                 "      ]\n"
                                 "    },\n"
                                 "    3\n"
                                 "  ]\n"
                                 "}\n");
    rh_json *again = rh_json_parse(written, strlen(written), "test", NULL);
    char *a = rh_json_format_line(value), *b = rh_json_format_line(again);
    assert_string_equal(a, b);
    free(a);
    free(b);
    free(written);
    rh_json_free(value);
    rh_json_free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_null_for_what_was_not_measured),
        cmocka_unit_test(repairs_bytes_that_are_not_utf8),
        cmocka_unit_test(reads_what_is_missing_as_null),
        cmocka_unit_test(reports_where_the_text_is_not_json),
        cmocka_unit_test(test_record_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
