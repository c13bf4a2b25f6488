/* Progress and errors as the user sees them, written into memory. */
#include "cli/progress.h"
#include "cli/terminal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static char *written;
static size_t written_length;
static FILE *out;
static rh_progress_display *display;

static const rh_progress *open_display(bool live, bool utf8, int width)
{
    out = open_memstream(&written, &written_length);
    display = rh_progress_display_new(&(rh_progress_style){out, live, false, utf8, width});
    return rh_progress_display_events(display);
}

/* What was written, without the times in parentheses, which differ. */
static char *close_display(void)
{
    rh_progress_display_free(display);
    fclose(out);
    char *to = written;
    for (const char *from = written; *from;) {
        if (*from == '(' && strchr(from, ')'))
            from = strchr(from, ')') + 1;
        else
            *to++ = *from++;
    }
    *to = 0;
    return written;
}

static void test_plain(void **state)
{
    (void)state;
    const rh_progress *progress = open_display(false, true, 0);
    rh_progress_begin(progress, "restore", "pg_restore with %d jobs", 2);
    rh_progress_update(progress, "restore", NULL, 5, 10, RH_UNIT_ITEMS);
    rh_progress_note(progress, "restore", "role \"app\" does not exist");
    rh_progress_detail(progress, "restore", "only for the log");
    rh_progress_end(progress, "restore", "24 tables");
    rh_progress_begin(progress, "reset", "%s", "");
    rh_progress_end(progress, "reset", "%s", "");
    assert_string_equal(close_display(), "restore: pg_restore with 2 jobs\n"
                                         "note: role \"app\" does not exist\n"
                                         "restore: 24 tables \n"
                                         "reset: \n");
    free(written);
}

static void test_live(void **state)
{
    (void)state;
    const rh_progress *progress = open_display(true, false, 60);
    rh_progress_begin(progress, "restore", "%s", "begins");
    rh_progress_end(progress, "restore", "%s", "24 tables");
    rh_progress_update(progress, "load",
                       "a detail that is much too long for the line of this narrow terminal", 50, 100,
                       RH_UNIT_BYTES);
    rh_progress_end(progress, "load", "%s", "done");
    const char *text = close_display();
    assert_non_null(strstr(text, "* restore                 24 tables \n"));
    const char *bar = strstr(text, "[######------]  50 %");
    assert_non_null(bar);
    const char *begin = bar;
    while (*begin != '\r' && *begin != '\n' && begin > text)
        begin--;
    assert_true(strcspn(bar, "\r\n") + (size_t)(bar - begin) <= 60);
    /* nothing stays of a live line but the last one */
    assert_non_null(strstr(text, "\r\033[K* load"));
    free(written);
}

static void test_stopped(void **state)
{
    (void)state;
    const rh_progress *progress = open_display(false, true, 0);
    rh_progress_begin(progress, "quiet pass", "%s", "");
    rh_progress_begin(progress, "reset", "%s", "");
    assert_string_equal(close_display(), "reset: stopped \n");
    free(written);
    progress = open_display(false, true, 0);
    for (int i = 0; i < 30; i++) /* more than it keeps */
        rh_progress_begin(progress, i % 2 ? "odd" : "even", "%s", "");
    assert_string_equal(close_display(), "odd: stopped \n");
    free(written);
}

/* Two layers speak of the same stage: the outer one's words count. */
static void test_twice(void **state)
{
    (void)state;
    const rh_progress *progress = open_display(false, true, 0);
    rh_progress_begin(progress, "restore", "%s", "outer begins");
    rh_progress_begin(progress, "restore", "%s", "inner begins");
    rh_progress_end(progress, "restore", "%s", "inner ends");
    rh_progress_end(progress, "restore", "%s", "outer ends");
    assert_string_equal(close_display(), "restore: outer begins\nrestore: outer ends \n");
    free(written);
}

/* An inner stage that never ended is forgotten when the outer one goes on. */
static void test_unwound(void **state)
{
    (void)state;
    const rh_progress *progress = open_display(false, true, 0);
    rh_progress_begin(progress, "outer", "%s", "");
    rh_progress_begin(progress, "inner", "%s", "");
    rh_progress_end(progress, "outer", "%s", "ok");
    assert_string_equal(close_display(), "outer: ok \n");
    free(written);
}

static void test_hostile(void **state)
{
    (void)state;
    const rh_progress *progress = open_display(false, true, 0);
    rh_progress_end(progress, "a\033[2J", "x\r\ny\x9b\xff \xe2\x80\xae!");
    assert_string_equal(close_display(), "a?[2J: x y\xef\xbf\xbd\xef\xbf\xbd ?! \n");
    free(written);
}

static void test_brief(void **state)
{
    (void)state;
    rh_text text = {0};
    rh_text_append_brief(&text, "  ALTER\n\tTABLE   orders ", 40);
    assert_string_equal(rh_text_string(&text), "ALTER TABLE orders");
    rh_text_clear(&text);
    rh_text_append_brief(&text, "größer als zehn", 10);
    assert_string_equal(rh_text_string(&text), "größer ...");
    rh_text_clear(&text);
    rh_text_append_wrapped(&text, "one two three four", 2, 9);
    assert_string_equal(rh_text_string(&text), "one two\n  three\n  four\n");
    rh_text_release(&text);
}

static void test_errors(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_text text = {0};
    rh_error_set(&error, RH_ERROR_SQL, "bad\033thing");
    rh_error_sqlstate(&error, "42601");
    rh_error_hint(&error, "try\nthis");
    rh_error_at(&error, "a.yaml", 3, 7);
    rh_error_format(&error, &text);
    assert_string_equal(rh_text_string(&text),
                        "pgrehearse: a.yaml:3:7: bad?thing (SQLSTATE 42601)\n  try this\n");
    rh_error_release(&error);
    rh_text_clear(&text);
    rh_error_set(&error, RH_ERROR_USAGE, "no");
    rh_error_at(&error, "--set a", 0, 0);
    rh_error_format(&error, &text);
    assert_string_equal(rh_text_string(&text), "pgrehearse: --set a: no\n");
    rh_error_release(&error);
    rh_text_clear(&text);
    rh_error_set(&error, RH_ERROR_BACKUP, "b.dump is empty");
    rh_error_at(&error, "b.dump", 0, 0);
    rh_error_format(&error, &text);
    assert_string_equal(rh_text_string(&text), "pgrehearse: b.dump is empty\n");
    rh_error_release(&error);
    rh_text_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),   cmocka_unit_test(test_live),   cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_unwound), cmocka_unit_test(test_twice),  cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_brief),   cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
