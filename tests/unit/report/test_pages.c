#include "fixture_backfills.h"
#include "fixture_disturbed.h"
#include "fixture_production.h"
#include "pgrehearse/adapters/csv.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/report/report.h"
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "pages.h"

static rh_run *empty(rh_arena *arena)
{
    rh_run *run = rh_arena_alloc(arena, sizeof *run);
    run->id = "empty";
    return run;
}

static const struct {
    const char *name;
    maker make;
} RUNS[] = {{"full", fixture_full},           {"quiet", fixture_quiet},
            {"failed", fixture_failed},       {"refused", fixture_refused},
            {"backfills", fixture_backfills}, {"hostile", fixture_hostile},
            {"disturbed", fixture_disturbed}, {"production", fixture_production},
            {"start", fixture_start},         {"empty", empty}};
enum { RUN_COUNT = sizeof RUNS / sizeof *RUNS };

static void text_and_markdown_equal_the_golden_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        rh_text text = {0};
        char name[64];
        render(RUNS[i].make, render_text, &text);
        snprintf(name, sizeof name, "%s.txt", RUNS[i].name);
        check_golden(name, rh_text_string(&text));
        rh_text_clear(&text);
        render(RUNS[i].make, rh_report_markdown, &text);
        snprintf(name, sizeof name, "%s.md", RUNS[i].name);
        check_golden(name, rh_text_string(&text));
        rh_text_release(&text);
    }
}

/* 120 migrations, so that every list has to be cut. */
static rh_run *many(rh_arena *arena)
{
    rh_run *run = fixture_full(arena);
    for (int i = 0; i < 112; i++) {
        rh_migration *m = rh_arena_add(arena, &run->plan.migrations, &run->plan.migration_count);
        *m = run->plan.migrations[11 + i % 8];
        m->id = rh_arena_printf(arena, "%06d", 100 + i);
        fixture_note(run, RH_UNMEASURED_OTHER,
                     "one more thing that was left out for a reason that takes a whole long "
                     "sentence to tell to whoever reads it");
    }
    return run;
}

static void text_fits_a_screen(void **state)
{
    (void)state;
    maker makers[RUN_COUNT + 1] = {many};
    for (size_t i = 0; i < RUN_COUNT; i++)
        makers[i + 1] = RUNS[i].make;
    for (size_t i = 0; i <= RUN_COUNT; i++) {
        rh_text text = {0};
        render(makers[i], render_text, &text);
        size_t lines = 0;
        for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n"), lines++) {
            assert_true(rh_utf8_length(line) <= 80 || rh_starts_with(line, "Report: "));
            for (const char *c = line; *c; c++)
                assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
        }
        assert_true(lines > 0);
        assert_true(lines <= 57);
        rh_text_release(&text);
    }
}

static void color_only_on_request(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_json *record = rh_report_json(fixture_full(arena));
    rh_text text = {0};
    assert_true(rh_report_text(record, true, &text, NULL));
    assert_non_null(strstr(text.data, "\033[1;31mFAIL\033[0m"));
    rh_text_release(&text);
    rh_json_free(record);
    rh_arena_free(arena);
}

static void markdown_fits_a_comment(void **state)
{
    (void)state;
    maker makers[] = {many, fixture_full, fixture_hostile, fixture_disturbed, fixture_production, empty};
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        rh_text text = {0};
        render(makers[i], rh_report_markdown, &text);
        size_t lines = 0;
        for (const char *c = text.data; *c; c++)
            lines += *c == '\n';
        assert_true(lines <= 80);
        assert_null(strstr(text.data, "<script"));
        assert_null(strstr(text.data, "`|`"));
        rh_text_release(&text);
    }
}

static void html_is_well_formed_and_stands_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < RUN_COUNT; i++) {
        rh_text text = {0};
        render(RUNS[i].make, rh_report_html, &text);
        assert_true(rh_starts_with(text.data, "<!DOCTYPE html>"));
        xmlDocPtr page = parse(&text);
        assert_true(count(page, "//script | //link | //img | //iframe | //@onclick | //@src") == 0);
        assert_true(count(page, "//table[not(caption)]") == 0);
        assert_true(count(page, "//*[local-name()='svg'][not(*[local-name()='title'])]") == 0);
        /* Every link of the page leads somewhere within it. */
        assert_true(count(page, "//a[not(starts-with(@href,'#'))]") == 0);
        assert_true(count(page, "//a[not(substring(@href,2)=//@id)]") == 0);
        assert_true(count(page, "//@id[. = ../preceding::*/@id]") == 0);
        assert_null(strstr(text.data, "url("));
        assert_null(strstr(text.data, ">nan"));
        assert_null(strstr(text.data, " nan"));
        assert_null(strstr(text.data, "-nan"));
        xmlFreeDoc(page);
        rh_text_release(&text);
    }
}

static void html_lists_what_was_not_measured(void **state)
{
    (void)state;
    rh_text text = {0};
    render(fixture_quiet, rh_report_html, &text);
    xmlDocPtr page = parse(&text);
    assert_true(count(page, "//section[@id='timeline']//*[local-name()='svg']") == 0);
    assert_true(count(page, "//section[@id='timeline']/p[@class='absent']") == 1);
    assert_true(count(page, "//section[@id='waits']/p[@class='absent']") == 1);
    assert_non_null(
        strstr(text.data, "not enough evidence for an interval: 3 quiet runs, a larger repeat gives one"));
    xmlFreeDoc(page);
    rh_text_clear(&text);

    render(fixture_failed, rh_report_html, &text);
    assert_non_null(strstr(text.data, "Migration 000015 customers_email_not_null failed: do not run"));
    assert_non_null(strstr(text.data, "000015_customers_email_not_null.up.sql:4"));
    assert_non_null(strstr(text.data, "What to do: fill or delete those rows"));
    rh_text_clear(&text);

    render(fixture_refused, rh_report_html, &text);
    assert_null(strstr(text.data, "No migration was pending")); /* nobody looked */
    assert_non_null(strstr(text.data, "Migrations: not measured (the run was refused)"));
    rh_text_clear(&text);

    render(fixture_full, rh_report_html, &text);
    assert_null(strstr(text.data, "Isolation: proven")); /* its label is beside it */
    assert_null(strstr(text.data, "Roles: "));
    page = parse(&text);
    assert_non_null(strstr(text.data, "Would block reads for 6.4 s: do not run as is"));
    assert_true(count(page, "//section[@id='timeline']//*[local-name()='svg']") == 1);
    assert_true(count(page, "//section[@id='waits']/details//tbody/tr") == 50);
    xmlFreeDoc(page);
    rh_text_release(&text);
}

static void sections_name_what_was_requested(void **state)
{
    (void)state;
    rh_text text = {0};
    render(fixture_disturbed, rh_report_html, &text);
    xmlDocPtr page = parse(&text);
    assert_true(count(page, "//section[@id='disturbers']//tbody/tr") == 3);
    assert_true(count(page, "//section[@id='disturbers']//tbody/tr[1]/td[5]/div") ==
                2); /* who queued up behind */
    assert_true(count(page, "//section[@id='disturbers']//td[. = 'not started']") == 1);
    assert_true(count(page, "//section[@id='lock-policy']/pre") == 2);
    assert_true(
        count(page, "//section[@id='lock-policy']/pre[contains(., \"SET lock_timeout = '200ms';\")]") == 1);
    assert_true(count(page, "//section[@id='lock-policy']//span[. = 'use this one']") == 2);
    assert_true(count(page, "//section[@id='compatibility']//tbody/tr") == 2);
    assert_true(count(page, "//section[@id='waits']//table[contains(caption, 'Blockers')]/tbody/tr") == 4);
    assert_true(
        count(page, "//section[@id='waits']//table[contains(caption, 'Sessions that waited')]/tbody/tr") ==
        6);
    assert_true(count(page, "//section[@id='waits']//span[. = 'aborted by the server']") == 1);
    xmlFreeDoc(page);
    rh_text_clear(&text);

    render(fixture_production, rh_report_html, &text);
    page = parse(&text);
    assert_true(
        count(
            page,
            "//p[@class='forecast'][contains(., 'On production the 8 pending migrations would take "
            "31.2 s under load (90 % interval: 26.4 s to 38.9 s), 22.8 s alone, blocking reads and writes for 6.5 s (at most "
            "10.4 s) at a stretch')]") == 1);
    assert_true(count(page, "//section[@id='prediction']//*[local-name()='rect'][@class='p-cpu']") == 8);
    assert_true(count(page, "//section[@id='prediction']//*[local-name()='line'][@class='whisker']") == 33);
    assert_true(count(page, "//section[@id='prediction']//span[. = 'none free after 310 ms']") == 0);
    assert_non_null(strstr(text.data, "none free after 310 ms"));
    assert_non_null(strstr(text.data, "18 of 20 fell in their interval"));
    xmlFreeDoc(page);
    rh_text_clear(&text);

    render(fixture_quiet, rh_report_html, &text);
    page = parse(&text);
    assert_true(count(page, "//section[@id='disturbers'] | //section[@id='lock-policy']") == 0);
    assert_true(count(page, "//nav/a[@href='#disturbers']") == 0);
    xmlFreeDoc(page);
    rh_text_release(&text);
}

static void only_what_ran_is_forecast(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_run *run = fixture_full(arena);
    for (size_t i = 12; i < run->plan.migration_count; i++)
        run->plan.migrations[i].outcome = RH_OUTCOME_NOT_RUN;
    rh_json *record = rh_report_json(run);
    rh_text text = {0};
    assert_true(rh_report_markdown(record, &text, NULL));
    assert_non_null(strstr(text.data, " 1 of the 8 pending migrations would take "));
    rh_text_release(&text);
    rh_json_free(record);
    rh_arena_free(arena);
}

static void runners_are_distinguished(void **state)
{
    (void)state;
    static const char json[] =
        "{\"outcome\": \"both_ran\", \"reason\": \"2 programs ran <b>\", \"runners\": ["
        "{\"exit_status\": 0, \"elapsed_s\": 1.5, \"statements\": 9, \"changes\": 4, \"lock_wait_s\": 0, "
        "\"waited_for\": null, \"output\": null}, {\"exit_status\": 1, \"elapsed_s\": 1.7, \"statements\": 3, "
        "\"changes\": 1, \"lock_wait_s\": 0.4, \"waited_for\": \"an advisory lock\", \"output\": \"duplicate "
        "key\"}], "
        "\"repeated_changes\": 1, \"repeated_sql\": \"ALTER TABLE t ADD c int\", \"differences\": [], "
        "\"row_differences\": [\"public.t has 2 rows more\"]}";
    rh_arena *arena = rh_arena_new();
    rh_json *record = rh_report_json(fixture_full(arena));
    rh_error error = {0};
    rh_json_add(record, "concurrent_runners", rh_json_parse(json, strlen(json), "runners", &error));
    rh_text text = {0};
    assert_true(rh_report_html(record, &text, &error));
    xmlDocPtr page = parse(&text);
    assert_true(count(page, "//section[@id='runners']//tbody/tr") == 2);
    assert_true(count(page, "//section[@id='runners']//td[. = '400 ms for an advisory lock']") == 1);
    assert_true(count(page, "//section[@id='runners']/p[@class='bad'][contains(., '2 programs ran <b>')]") ==
                1);
    assert_true(count(page, "//nav/a[@href='#runners']") == 1);
    xmlFreeDoc(page);
    rh_text_clear(&text);
    assert_true(rh_report_junit(record, &text, &error));
    page = parse(&text);
    assert_true(count(page, "//testcase[@classname='pgrehearse.runners']/failure") == 1);
    xmlFreeDoc(page);
    rh_text_clear(&text);
    assert_true(rh_report_text(record, false, &text, &error));
    assert_non_null(
        strstr(text.data, "Started 2 instances at the same time: more than one made the same change"));
    rh_text_release(&text);
    rh_json_free(record);
    rh_arena_free(arena);
}

/* 186 migrations of three statements and 10,000 waits: the page stays one that can be read and mailed. */
static rh_run *huge(rh_arena *arena)
{
    rh_run *run = many(arena);
    for (int i = 0; i < 66; i++) {
        rh_migration *m = rh_arena_add(arena, &run->plan.migrations, &run->plan.migration_count);
        *m = run->plan.migrations[11 + 7];
        m->id = rh_arena_printf(arena, "%06d", 300 + i);
    }
    rh_contention *c = &run->contention;
    for (int i = 0; i < 10000; i++) {
        rh_wait *w = rh_arena_add(arena, &c->waits, &c->wait_count);
        *w = c->waits[i % 60];
        w->at_s = 10 + i * 4e-3;
        w->template_name = rh_arena_printf(arena, "template %d of many that the application has", i % 400);
        rh_queue_point *q = rh_arena_add(arena, &c->queue, &c->queue_count);
        *q = (rh_queue_point){w->at_s, i % 20};
        rh_blocked_interval *b = rh_arena_add(arena, &c->blocked, &c->blocked_count);
        *b = c->blocked[i % 3];
        b->from_s = w->at_s;
        b->to_s = w->at_s + 2e-3;
        b->relation = rh_arena_printf(arena, "public.table_%d", i % 40);
    }
    return run;
}

static void huge_runs_stay_small(void **state)
{
    (void)state;
    rh_text text = {0};
    render(huge, rh_report_html, &text);
    assert_true(text.length < 900000);
    xmlDocPtr page = parse(&text);
    assert_true(count(page, "//section[@id='who']//tbody") == 40);
    assert_true(count(page, "//section[@id='statements']//code[@class='sql']") <= 150);
    assert_true(
        count(page, "//section[@id='waits']//table[contains(caption, 'Sessions that waited')]/tbody/tr") ==
        10);
    assert_true(count(page, "//p[contains(., 'more in report.json')]") >= 3);
    assert_true(count(page, "//a[not(substring(@href,2)=//@id)]") == 0);
    xmlFreeDoc(page);
    rh_text_release(&text);
}

static void killed_programs_are_reported(void **state)
{
    (void)state;
    rh_text text = {0};
    render(fixture_interrupted, rh_report_html, &text);
    xmlDocPtr page = parse(&text);
    assert_true(count(page, "//section[@id='interruptions']//tbody") == 3);
    assert_true(count(page, "//section[@id='interruptions']//td[contains(., 'orders <i>')]") >= 1);
    assert_true(count(page, "//section[@id='interruptions']//p[@class='bad']") == 1);
    assert_non_null(strstr(text.data, "server crashed, 1.5 s into statement 1"));
    assert_non_null(strstr(text.data, "refused; after the history table is repaired: failed"));
    assert_true(count(page, "//section[@id='rollback']//tbody") == 9); /* each, and all of them together */
    xmlFreeDoc(page);
    rh_text_clear(&text);
    render(fixture_interrupted, render_text, &text);
    assert_non_null(strstr(text.data, "Interrupted: 2 refused until the history table is repaired"));
    rh_text_clear(&text);
    render(fixture_interrupted, rh_report_junit, &text);
    page = parse(&text);
    assert_true(count(page, "//testcase[@name='all migrations together']/failure") == 1);
    xmlFreeDoc(page);
    rh_text_clear(&text);
    render(fixture_full, rh_report_html, &text);
    assert_null(strstr(text.data, "Interrupted"));
    rh_text_release(&text);
}

static void junit_counts_what_it_has(void **state)
{
    (void)state;
    for (size_t i = 0; i < RUN_COUNT; i++) {
        rh_text text = {0};
        render(RUNS[i].make, rh_report_junit, &text);
        xmlDocPtr page = parse(&text);
        assert_true(count(page, "//testsuite[@tests != count(testcase)]") == 0);
        assert_true(count(page, "//testsuite[@failures != count(testcase/failure)]") == 0);
        assert_true(count(page, "//testsuite[@skipped != count(testcase/skipped)]") == 0);
        assert_true(count(page, "//testsuite[@errors != count(testcase/error)]") == 0);
        xmlFreeDoc(page);
        rh_text_release(&text);
    }
    rh_text text = {0};
    render(fixture_full, rh_report_junit, &text);
    xmlDocPtr page = parse(&text);
    /* 1 prepare, 8 up, 8 rollbacks, 1 verify, 5 gates, 2 releases; 3 gates, one schema and both releases
     * failed; one has no way down. */
    assert_true(count(page, "//testcase") == 25);
    assert_true(count(page, "//failure") == 6);
    assert_true(count(page, "//skipped") == 1);
    xmlFreeDoc(page);
    rh_text_clear(&text);
    render(fixture_refused, rh_report_junit, &text);
    assert_non_null(strstr(text.data, "<error message=\"/srv/shop/rehearsal.yaml:6:8: database"));
    rh_text_release(&text);
}

static void compare_shows_what_changed(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_run *first = fixture_full(arena), *second = fixture_full(arena);
    second->id = "20261123T121403Z";
    second->verdict = RH_VERDICT_INCONCLUSIVE;
    second->gates[2].outcome = RH_GATE_HELD;
    second->gates[2].measured = 1.2;
    second->plan.migrations[12].up.statements[0].runs[1].elapsed_s *= 2;
    second->plan.migrations[12].up.statements[0].runs[2].elapsed_s *= 2;
    second->plan.migrations[18].id = "000020";
    second->contention.deepest_queue = 31;
    second->contention.writes_blocked_s = 1.2;
    for (size_t i = 0; i < second->load.window_count; i++)
        for (size_t t = 0; t < second->load.windows[i].template_count; t++)
            second->load.windows[i].templates[t].response_ms.max *= t == 1 ? 0.3 : 1;
    add_lock_policy(arena, &second->lock_policy);
    rh_json *a = rh_report_json(first), *b = rh_report_json(second);
    rh_text text = {0};
    assert_true(rh_report_compare(a, b, false, &text, NULL));
    check_golden("compare.txt", text.data);
    rh_text_release(&text);
    /* Without a load nothing is better: it was not measured. */
    rh_json_free(b);
    second->load.measured = false;
    second->gates[1].outcome = RH_GATE_HELD;
    second->gates[3].outcome = RH_GATE_NOT_MEASURED;
    b = rh_report_json(second);
    assert_true(rh_report_compare(a, b, false, &text, NULL));
    assert_non_null(strstr(text.data, "lock waits not comparable"));
    assert_non_null(strstr(text.data, "held without a load"));
    assert_non_null(strstr(text.data, "no longer measured"));
    assert_null(strstr(text.data, "no longer fails"));
    assert_null(strstr(text.data, "longest lock wait"));
    rh_text_release(&text);
    rh_json_free(a);
    rh_json_free(b);
    rh_arena_free(arena);
}

static size_t rows_of(const char *directory, const char *name, rh_arena *arena)
{
    rh_csv_table table;
    rh_error error = {0};
    assert_true(rh_csv_read(rh_arena_printf(arena, "%s/samples/%s", directory, name), arena, &table, &error));
    for (size_t i = 0; i < table.row_count; i++)
        assert_int_equal(table.rows[i].count, table.header.count);
    return table.row_count;
}

/* PAGES=directory in the environment keeps the pages there, to look at. */
static void writes_every_file(void **state)
{
    (void)state;
    char template[] = "/tmp/rh-report-XXXXXX";
    const char *base = getenv("PAGES") ? getenv("PAGES") : mkdtemp(template);
    assert_non_null(base);
    rh_error error = {0};
    for (size_t i = 0; i < RUN_COUNT; i++) {
        rh_arena *arena = rh_arena_new();
        rh_run *run = RUNS[i].make(arena);
        run->directory = rh_arena_printf(arena, "%s/%s", base, RUNS[i].name);
        assert_true(rh_directory_make(run->directory, 0755, &error));
        assert_true(rh_report_write(run, &error));
        static const char *const names[] = {"report.json", "report.html", "report.md", "junit.xml"};
        for (size_t n = 0; n < 4; n++)
            assert_true(rh_file_exists(rh_arena_printf(arena, "%s/%s", run->directory, names[n])));
        assert_int_equal(rows_of(run->directory, "waits.csv", arena), run->contention.wait_count);
        assert_int_equal(rows_of(run->directory, "load.csv", arena), run->load.second_count);
        assert_int_equal(rows_of(run->directory, "blocked.csv", arena), run->contention.blocked_count);
        assert_int_equal(rows_of(run->directory, "resources.csv", arena), run->resource_count);
        assert_int_equal(rows_of(run->directory, "queue.csv", arena), run->contention.queue_count);
        assert_int_equal(rows_of(run->directory, "disturbances.csv", arena), run->disturbance_count);
        assert_int_equal(rows_of(run->directory, "lock_forecasts.csv", arena),
                         run->production.locks.row_count);
        assert_int_equal(rows_of(run->directory, "incompatibilities.csv", arena),
                         run->compatibility.row_count);
        assert_int_equal(rows_of(run->directory, "lock_policies.csv", arena),
                         run->lock_policy.case_count ? 4 : 0);
        size_t templates = 0;
        for (size_t w = 0; w < run->load.window_count; w++)
            templates += run->load.windows[w].template_count;
        assert_int_equal(rows_of(run->directory, "templates.csv", arena), templates);
        bool full = i == 0;
        assert_true(!full || rows_of(run->directory, "blocked_sessions.csv", arena) == 6);
        assert_true(!full || rows_of(run->directory, "blockers.csv", arena) == 4);
        assert_true(!full || rows_of(run->directory, "statements.csv", arena) == 44);
        assert_true(!full || rows_of(run->directory, "locks.csv", arena) == 44);
        /* What was written renders again. */
        rh_json *record = rh_json_read(rh_arena_printf(arena, "%s/report.json", run->directory), &error);
        rh_text again = {0};
        assert_true(rh_report_html(record, &again, &error));
        const char *first =
            rh_file_read(rh_arena_printf(arena, "%s/report.html", run->directory), 0, arena, NULL, &error);
        assert_string_equal(again.data, first);
        rh_text_release(&again);
        rh_json_free(record);
        rh_arena_free(arena);
    }
    if (!getenv("PAGES"))
        assert_true(rh_tree_remove(base, &error));
}

static void reports_when_it_cannot_write(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_run *run = fixture_refused(arena);
    run->directory = "/dev/null/not-a-directory";
    rh_error error = {0};
    assert_false(rh_report_write(run, &error));
    assert_non_null(strstr(error.message, "/dev/null/not-a-directory/report.json"));
    rh_error_release(&error);
    rh_text text = {0};
    assert_false(rh_report_html(NULL, &text, &error));
    rh_error_release(&error);
    rh_text_release(&text);
    rh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_markdown_equal_the_golden_files),
        cmocka_unit_test(text_fits_a_screen),
        cmocka_unit_test(color_only_on_request),
        cmocka_unit_test(markdown_fits_a_comment),
        cmocka_unit_test(html_is_well_formed_and_stands_alone),
        cmocka_unit_test(html_lists_what_was_not_measured),
        cmocka_unit_test(sections_name_what_was_requested),
        cmocka_unit_test(huge_runs_stay_small),
        cmocka_unit_test(runners_are_distinguished),
        cmocka_unit_test(only_what_ran_is_forecast),
        cmocka_unit_test(killed_programs_are_reported),
        cmocka_unit_test(junit_counts_what_it_has),
        cmocka_unit_test(compare_shows_what_changed),
        cmocka_unit_test(writes_every_file),
        cmocka_unit_test(reports_when_it_cannot_write),
    };
    int status = cmocka_run_group_tests(tests, NULL, NULL);
    xmlCleanupParser();
    return status;
}
