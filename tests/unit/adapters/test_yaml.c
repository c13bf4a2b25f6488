/* The YAML adapter: places of nodes, and everything that it must refuse. */
#include "pgrehearse/adapters/yaml.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static rh_yaml *parse(const char *text)
{
    rh_error error = {0};
    rh_yaml *yaml = rh_yaml_parse(text, "t.yaml", &error);
    if (!yaml)
        fail_msg("%s:%d:%d: %s", error.file, error.line, error.column, error.message);
    return yaml;
}

static void check_refused(const char *text, size_t length, int line, int column, const char *says)
{
    rh_error error = {0};
    rh_yaml *yaml = rh_yaml_parse_bytes(text, length, "t.yaml", &error);
    assert_null(yaml);
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    if (!strstr(error.message, says))
        fail_msg("\"%s\" does not say \"%s\"", error.message, says);
    assert_string_equal(error.file, "t.yaml");
    assert_int_equal(error.line, line);
    assert_int_equal(error.column, column);
    rh_error_release(&error);
}

static void refused(const char *text, int line, int column, const char *says)
{
    check_refused(text, strlen(text), line, column, says);
}

static void test_places(void **state)
{
    (void)state;
    rh_yaml *yaml = parse(
        "# comment\nname: größe\nbackup: {path: \"a b\", jobs: 2}\nsteps:\n  - sql: x.sql\n  - ~\nlast:\n");
    rh_yaml_node *root = rh_yaml_root(yaml);
    assert_int_equal(rh_yaml_node_kind(root), RH_YAML_MAPPING);
    assert_int_equal(rh_yaml_count(root), 4);
    assert_string_equal(rh_yaml_scalar(rh_yaml_key(root, 1)), "backup");
    rh_yaml_node *path = rh_yaml_get(rh_yaml_get(root, "backup"), "path");
    assert_string_equal(rh_yaml_scalar(path), "a b");
    assert_true(rh_yaml_is_quoted(path));
    assert_string_equal(rh_yaml_name(path), "t.yaml");
    assert_int_equal(rh_yaml_line(path), 3);
    assert_int_equal(rh_yaml_column(path), 16);
    rh_yaml_node *steps = rh_yaml_get(root, "steps");
    assert_int_equal(rh_yaml_node_kind(steps), RH_YAML_SEQUENCE);
    assert_int_equal(rh_yaml_line(rh_yaml_get(rh_yaml_item(steps, 0), "sql")), 5);
    assert_int_equal(rh_yaml_column(rh_yaml_get(rh_yaml_item(steps, 0), "sql")), 10);
    assert_int_equal(rh_yaml_node_kind(rh_yaml_item(steps, 1)), RH_YAML_NULL);
    assert_int_equal(rh_yaml_node_kind(rh_yaml_get(root, "last")), RH_YAML_NULL);
    assert_null(rh_yaml_scalar(rh_yaml_get(root, "last")));
    assert_null(rh_yaml_get(root, "absent"));
    rh_yaml_free(yaml);
}

static void test_empty(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "# only a comment\n", "---\n", "\xef\xbb\xbf"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        rh_yaml *yaml = parse(texts[i]);
        assert_int_equal(rh_yaml_node_kind(rh_yaml_root(yaml)), RH_YAML_NULL);
        rh_yaml_free(yaml);
    }
}

static void test_strings(void **state)
{
    (void)state;
    rh_yaml *yaml = parse("a: !!str\nb: \"\"\nc: 'null'\nd: |\n  two\n  lines\ne: \"x\\ty\"\n");
    rh_yaml_node *root = rh_yaml_root(yaml);
    assert_string_equal(rh_yaml_scalar(rh_yaml_get(root, "a")), "");
    assert_string_equal(rh_yaml_scalar(rh_yaml_get(root, "b")), "");
    assert_string_equal(rh_yaml_scalar(rh_yaml_get(root, "c")), "null");
    assert_string_equal(rh_yaml_scalar(rh_yaml_get(root, "d")), "two\nlines\n");
    assert_string_equal(rh_yaml_scalar(rh_yaml_get(root, "e")), "x\ty");
    rh_yaml_free(yaml);
}

static void test_aliases(void **state)
{
    (void)state;
    rh_yaml *yaml = parse("a: &x {k: v}\nb: *x\n");
    rh_yaml_node *root = rh_yaml_root(yaml);
    assert_ptr_equal(rh_yaml_get(root, "a"), rh_yaml_get(root, "b"));
    rh_yaml_free(yaml);
    refused("a: *nowhere\n", 1, 5, "\"nowhere\"");
    refused("a: &x [1, *x]\n", 1, 12, "\"x\"");
}

/* "Billion laughs": nine levels of nine aliases. */
static void test_alias_bomb(void **state)
{
    (void)state;
    char text[2048] = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 9; i++) {
        char line[128];
        int p = i - 1;
        snprintf(line, sizeof line, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, p, p,
                 p, p, p, p, p, p, p);
        strcat(text, line);
    }
    rh_error error = {0};
    assert_null(rh_yaml_parse(text, "t.yaml", &error));
    assert_non_null(strstr(error.message, "expand"));
    rh_error_release(&error);
}

static void test_refusals(void **state)
{
    (void)state;
    refused("a: 1\nb: 2\na: 3\n", 3, 1, "duplicate key \"a\"");
    refused("a: {b: 1, b: 2}\n", 1, 11, "duplicate key \"b\"");
    refused("a: 1\n---\nb: 1\n", 2, 1, "second document");
    refused("a: b\n c: d\n", 1, 4, "not valid YAML");
    refused("a: [1, 2\n", 2, 1, "closing bracket");
    refused("\ta: 1\n", 1, 1, "tab");
    refused("a: \"x\n", 1, 5, "closing quote");
    refused("? [1]\n: 2\n", 1, 3, "plain word");
    refused("a: !ruby/object 1\n", 1, 17, "tags");
    refused("a: \"x\\0y\"\n", 1, 4, "NUL");
    refused("ok: 1\nä: \xff\n", 2, 4, "UTF-8");
    refused("a: \xed\xa0\x80\n", 1, 4, "UTF-8");
    check_refused("a: b\0c", 6, 1, 5, "control character");
    refused("\x7f"
            "ELF\x02",
            1, 1, "control character");
}

static void test_depth_and_size(void **state)
{
    (void)state;
    char text[402];
    memset(text, '[', 200);
    memset(text + 200, ']', 200);
    text[400] = 0;
    rh_error error = {0};
    assert_null(rh_yaml_parse(text, "t.yaml", &error));
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    rh_error_release(&error);
    size_t length = RH_YAML_LIMIT + 1;
    char *large = malloc(length);
    memset(large, '#', length);
    check_refused(large, length, 0, 0, "1 MB");
    free(large);
}

static void test_read(void **state)
{
    (void)state;
    char path[] = "/tmp/rh_test_yaml_XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "a: 1\n", 5), 5);
    close(fd);
    rh_error error = {0};
    rh_yaml *yaml = rh_yaml_read(path, &error);
    unlink(path);
    assert_non_null(yaml);
    assert_string_equal(rh_yaml_name(rh_yaml_root(yaml)), path);
    rh_yaml_free(yaml);
    assert_null(rh_yaml_read(path, &error));
    assert_int_equal(error.code, RH_ERROR_IO);
    rh_error_release(&error);
}

static rh_error graft(rh_yaml *yaml, const char *dotted, const char *value)
{
    rh_error error = {0};
    rh_yaml *part = rh_yaml_parse(value, "--set", &error);
    assert_non_null(part);
    rh_yaml_set(yaml, dotted, part, &error);
    return error;
}

static void test_set_value(void **state)
{
    (void)state;
    rh_yaml *yaml = parse("a: {b: 1}\nn:\n");
    rh_yaml_node *root = rh_yaml_root(yaml);
    assert_int_equal(graft(yaml, "a.b", "2").code, RH_OK);
    assert_string_equal(rh_yaml_scalar(rh_yaml_get(rh_yaml_get(root, "a"), "b")), "2");
    assert_string_equal(rh_yaml_name(rh_yaml_get(rh_yaml_get(root, "a"), "b")), "--set");
    assert_int_equal(graft(yaml, "n.x.y", "[1, 2]").code, RH_OK);
    assert_int_equal(rh_yaml_count(rh_yaml_get(rh_yaml_get(rh_yaml_get(root, "n"), "x"), "y")), 2);
    rh_error error = graft(yaml, "a.b.c", "1");
    assert_int_equal(error.code, RH_ERROR_USAGE);
    rh_error_release(&error);
    error = graft(yaml, "a..c", "1");
    assert_int_equal(error.code, RH_ERROR_USAGE);
    rh_error_release(&error);
    rh_yaml_free(yaml);
    yaml = parse("");
    assert_int_equal(graft(yaml, "a", "1").code, RH_OK);
    assert_int_equal(rh_yaml_count(rh_yaml_root(yaml)), 1);
    rh_yaml_free(yaml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),         cmocka_unit_test(test_empty),
        cmocka_unit_test(test_strings),        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_alias_bomb),     cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_depth_and_size), cmocka_unit_test(test_read),
        cmocka_unit_test(test_set_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
