/* What the pages say of backfills. */
#include "fixture_backfills.h"
#include "report/view/backfill.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <unistd.h>
#include "pages.h"

enum { RECOMMENDED, NONE_HOLDS, NOT_MEASURED };

typedef struct fixture {
    rh_arena *arena;
    rh_json *record;
    rh_view view;
    rh_view_backfill *list;
    size_t count;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    f = (fixture){.arena = rh_arena_new()};
    f.record = rh_report_json(fixture_backfills(f.arena));
    rh_view_init(&f.view, f.record);
    f.count = rh_view_backfills(&f.view, &f.list);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    rh_view_release(&f->view);
    rh_json_free(f->record);
    rh_arena_free(f->arena);
    return 0;
}

static void the_headline_has_the_figures_of_the_recommended_setting(void **state)
{
    const fixture *f = *state;
    assert_string_equal(
        f->list[RECOMMENDED].headline,
        "Backfill order_totals of public.orders, 84,200,000 rows: 5,000 rows a batch, pause "
        "100ms, 1 worker: 6 h 40 min on staging (90 %: 6 h 0 min – 8 h 0 min); done Wed 2026-12-02 04:40 "
        "(04:00 – 06:00); the load's p99 ×1.21 (×1.09–1.33), longest lock wait "
        "120 ms; 197 GB of WAL, 35 GB of disk; may be killed at any time, repeated, and misses nothing.");
}

static void the_nearest_setting_stands_in_where_none_holds(void **state)
{
    const fixture *f = *state;
    const rh_view_backfill *b = &f->list[NONE_HOLDS];
    assert_ptr_equal(b->chosen, &b->settings[0]);
    assert_non_null(strstr(b->headline, "no setting holds every gate; the nearest, 1,000 rows a batch"));
}

static void what_was_not_measured_is_said(void **state)
{
    const fixture *f = *state;
    assert_non_null(strstr(f->list[NONE_HOLDS].headline, "its effect on the load not measured"));
    assert_non_null(strstr(f->list[NONE_HOLDS].headline, "WAL not measured"));
    assert_string_equal(f->list[NOT_MEASURED].headline,
                        "Backfill 3 of public.orders: not measured: no row matches where.");
}

/* Who comes at the wrong moment waits as long as a batch takes. */
static void a_lock_wait_may_be_as_long_as_a_batch(void **state)
{
    const fixture *f = *state;
    const rh_view_backfill_gate *gate = &f->list[RECOMMENDED].gates[1];
    assert_string_equal(gate->name, "lock_wait");
    assert_string_equal(gate->reading, "120 ms (may be 140 ms)");
    assert_string_equal(gate->outcome, "held");
}

static void without_load_no_gate_of_it_holds(void **state)
{
    const fixture *f = *state;
    const rh_view_backfill_gate *gate = &f->list[NONE_HOLDS].gates[0];
    assert_string_equal(gate->name, "lock_wait");
    assert_string_equal(gate->outcome, "not_measured");
}

static void a_gate_fails_with_the_lower_end_of_its_interval(void **state)
{
    const fixture *f = *state;
    assert_string_equal(f->list[NONE_HOLDS].gates[1].outcome, "failed");
}

static void the_page_has_a_section_a_backfill(void **state)
{
    (void)state;
    rh_text text = {0};
    render(fixture_backfills, rh_report_html, &text);
    xmlDocPtr page = parse(&text);
    assert_true(count(page, "//section[starts-with(@id, 'backfill-')]") == 3);
    assert_true(count(page, "//nav/a[@href='#backfill-1']") == 1);
    xmlFreeDoc(page);
    rh_text_release(&text);
}

static void each_setting_that_ran_is_a_point_and_the_recommended_has_a_ring(void **state)
{
    (void)state;
    rh_text text = {0};
    render(fixture_backfills, rh_report_html, &text);
    xmlDocPtr page = parse(&text);
#define FRONTIER "//*[local-name()='svg'][@aria-labelledby='frontier-1-title frontier-1-desc']"
    assert_true(count(page, FRONTIER "//*[local-name()='path']") == 3);
    assert_true(count(page, FRONTIER "//*[@class='s-held']") == 1);
    assert_true(count(page, FRONTIER "//*[@class='s-unclear']") == 1);
    assert_true(count(page, FRONTIER "//*[@class='s-failed']") == 1);
    assert_true(count(page, FRONTIER "//*[@class='s-ring']") == 1);
    assert_true(count(page, FRONTIER "//*[@class='want']") == 2);
    /* Shapes differ, not only colours. */
    assert_true(count(page, FRONTIER "//*[@class='s-held'][contains(@d, 'a5 5')]") == 1);
    assert_true(count(page, FRONTIER "//*[@class='s-failed'][contains(@d, 'l10 10')]") == 1);
    xmlFreeDoc(page);
    rh_text_release(&text);
}

static void the_table_has_the_excluded_setting_and_why(void **state)
{
    (void)state;
    rh_text text = {0};
    render(fixture_backfills, rh_report_html, &text);
    xmlDocPtr page = parse(&text);
    assert_true(count(page, "//section[@id='backfill-1']//td[span = 'excluded'][contains(div, 'a batch alone "
                            "takes 480 ms')]") == 1);
    assert_true(count(page, "//section[@id='backfill-1']//tbody/tr") == 4);
    xmlFreeDoc(page);
    rh_text_release(&text);
}

static void a_stratum_without_batches_has_no_bar(void **state)
{
    (void)state;
    rh_text text = {0};
    render(fixture_backfills, rh_report_html, &text);
    xmlDocPtr page = parse(&text);
#define STRATA "//*[local-name()='svg'][@aria-labelledby='strata-1-title strata-1-desc']"
    assert_true(count(page, STRATA "//*[local-name()='rect']") == 2 * 3);
    assert_true(count(page, STRATA "//*[. = '–']") == 2);
    xmlFreeDoc(page);
    rh_text_release(&text);
}

static void what_did_not_run_has_no_chart(void **state)
{
    (void)state;
    rh_text text = {0};
    render(fixture_backfills, rh_report_html, &text);
    xmlDocPtr page = parse(&text);
    assert_true(count(page, "//section[@id='backfill-3']//*[local-name()='svg']") == 0);
    assert_true(count(page, "//section[@id='backfill-2']//p[@class='absent']") == 2);
    xmlFreeDoc(page);
    rh_text_release(&text);
}

static void junit_has_a_case_a_gate(void **state)
{
    (void)state;
    rh_text text = {0};
    render(fixture_backfills, rh_report_junit, &text);
    xmlDocPtr page = parse(&text);
#define CASE "//testcase[@classname='pgrehearse.backfill']"
    assert_true(count(page, CASE) == 11);
    assert_true(count(page, CASE "[@name='order_totals: lock_wait'][not(*)]") == 1);
    assert_true(count(page, CASE "[@name='emails: lock_wait']/skipped") == 1);
    assert_true(count(page, CASE "[@name='emails: duration']/failure[starts-with(@message, '2 h 0 min')]") ==
                1);
    assert_true(count(page, CASE "[@name='order_totals: misses no row'][not(*)]") == 1);
    assert_true(count(page, CASE "[@name='emails: loses no update']/failure") == 1);
    assert_true(count(page, CASE "[@name='emails: stops when it is asked to']/skipped") == 1);
    xmlFreeDoc(page);
    rh_text_release(&text);
}

/* Another setting might hold every gate: the run's exit code is not that of a failure. */
static void no_case_fails_where_the_gates_are_open(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_run *run = fixture_backfills(arena);
    run->gates[run->gate_count - 1].outcome = RH_GATE_NOT_MEASURED;
    rh_json *record = rh_report_json(run);
    rh_text text = {0};
    assert_true(rh_report_junit(record, &text, NULL));
    xmlDocPtr page = parse(&text);
    assert_true(count(page, CASE "/failure") == 1); /* the claim of its proof */
    xmlFreeDoc(page);
    rh_text_release(&text);
    rh_json_free(record);
    rh_arena_free(arena);
}

/* Another night: the first backfill takes twice as long and fails. */
static void compare_shows_what_changed(void **state)
{
    const fixture *f = *state;
    rh_arena *arena = rh_arena_new();
    rh_run *run = fixture_backfills(arena);
    run->backfills[RECOMMENDED].cells[0].total_s.median *= 2;
    run->gates[run->gate_count - 2].outcome = RH_GATE_FAILED;
    rh_json *second = rh_report_json(run);
    rh_text text = {0};
    assert_true(rh_report_compare(f->record, second, false, &text, NULL));
    assert_non_null(strstr(text.data, "gates of backfill order_totals"));
    assert_non_null(strstr(text.data, "now fails"));
    assert_non_null(strstr(text.data, "6 h 40 min"));
    assert_non_null(strstr(text.data, "×2.00"));
    rh_text_release(&text);
    rh_json_free(second);
    rh_arena_free(arena);
}

static void a_record_read_back_gives_the_same_page(void **state)
{
    const fixture *f = *state;
    char path[] = "/tmp/pgrehearse-backfills-XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    char *written = rh_json_format(f->record);
    rh_error error = {0};
    rh_text first = {0}, second = {0};
    assert_true(rh_file_write(path, written, strlen(written), &error));
    rh_json *read = rh_report_read(path, &error);
    assert_non_null(read);
    assert_true(rh_report_html(f->record, &first, &error));
    assert_true(rh_report_html(read, &second, &error));
    assert_string_equal(first.data, second.data);
    rh_text_release(&first);
    rh_text_release(&second);
    rh_json_free(read);
    free(written);
    assert_int_equal(close(file), 0);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_headline_has_the_figures_of_the_recommended_setting),
        cmocka_unit_test(the_nearest_setting_stands_in_where_none_holds),
        cmocka_unit_test(what_was_not_measured_is_said),
        cmocka_unit_test(a_lock_wait_may_be_as_long_as_a_batch),
        cmocka_unit_test(without_load_no_gate_of_it_holds),
        cmocka_unit_test(a_gate_fails_with_the_lower_end_of_its_interval),
        cmocka_unit_test(the_page_has_a_section_a_backfill),
        cmocka_unit_test(each_setting_that_ran_is_a_point_and_the_recommended_has_a_ring),
        cmocka_unit_test(the_table_has_the_excluded_setting_and_why),
        cmocka_unit_test(a_stratum_without_batches_has_no_bar),
        cmocka_unit_test(what_did_not_run_has_no_chart),
        cmocka_unit_test(junit_has_a_case_a_gate),
        cmocka_unit_test(no_case_fails_where_the_gates_are_open),
        cmocka_unit_test(compare_shows_what_changed),
        cmocka_unit_test(a_record_read_back_gives_the_same_page),
    };
    const int status = cmocka_run_group_tests(tests, set_up, tear_down);
    xmlCleanupParser();
    return status;
}
