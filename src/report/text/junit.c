/* junit.xml: a test case a gate, a gate and a claim of a backfill, a migration up, a rollback, a verify step;
 * one for the rehearsal itself when it failed. */
#include "pgrehearse/adapters/xml.h"
#include "pgrehearse/report/report.h"
#include "report/view/backfill.h"
#include "report/view/view.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum status { PASSED, FAILED, SKIPPED, ERRORED } status;

typedef struct test_case {
    const char *group, *name;
    double time_s;
    status status;
    const char *message;
} test_case;

typedef struct suite {
    rh_view view;
    test_case *cases;
    size_t count;
} suite;

static void add(suite *s, test_case test)
{
    *rh_arena_add(s->view.arena, &s->cases, &s->count) = test;
}

static void add_gates(suite *s)
{
    const rh_json *gates = rh_json_get(s->view.report, "gates");
    for (size_t i = 0; i < rh_json_count(gates); i++) {
        const rh_json *gate = rh_json_at(gates, i);
        bool held = rh_view_is(gate, "outcome", "held"), failed = rh_view_is(gate, "outcome", "failed");
        const char *worst = rh_view_string(gate, "detail"), *limit = rh_view_string(gate, "limit_text");
        const char *message =
            failed
                ? rh_view_printf(&s->view, "measured %s, limit %s%s%s", rh_view_gate_measured(&s->view, gate),
                                 limit ? limit : "?", worst ? ": " : "", worst ? worst : "")
                : worst;
        add(s, (test_case){"gate", rh_view_string(gate, "name"), NAN,
                           held     ? PASSED
                           : failed ? FAILED
                                    : SKIPPED,
                           message});
    }
}

/* The outcome that gates[] has for the backfill. */
static bool backfill_failed(const suite *s, const rh_view_backfill *b)
{
    const rh_json *gates = rh_json_get(s->view.report, "gates");
    const char *name = rh_view_printf(&s->view, "backfills.%s", b->name);
    for (size_t i = 0; i < rh_json_count(gates); i++)
        if (rh_view_is(rh_json_at(gates, i), "name", name))
            return rh_view_is(rh_json_at(gates, i), "outcome", "failed");
    return false;
}

/* Each gate at the setting to use, or at the nearest one. While another setting might hold them all, none has
 * failed. */
static void add_backfills(suite *s)
{
    rh_view_backfill *list;
    const size_t count = rh_view_backfills(&s->view, &list);
    for (size_t i = 0; i < count; i++) {
        const rh_view_backfill *b = &list[i];
        for (size_t g = 0; g < b->gate_count; g++) {
            const rh_view_backfill_gate *gate = &b->gates[g];
            const bool held = strcmp(gate->outcome, "held") == 0,
                       failed = strcmp(gate->outcome, "failed") == 0 && backfill_failed(s, b);
            const char *message =
                b->chosen ? rh_view_printf(&s->view, "%s, limit %s, with %s", gate->reading,
                                           gate->limit_text ? gate->limit_text : "?", b->chosen->name)
                          : b->headline;
            add(s, (test_case){"backfill", rh_view_printf(&s->view, "%s: %s", b->name, gate->name), NAN,
                               held     ? PASSED
                               : failed ? FAILED
                                        : SKIPPED,
                               message});
        }
        for (size_t c = 0; c < b->claim_count; c++)
            add(s,
                (test_case){"backfill", rh_view_printf(&s->view, "%s: %s", b->name, b->claims[c].claim), NAN,
                            strcmp(b->claims[c].outcome, "held") == 0     ? PASSED
                            : strcmp(b->claims[c].outcome, "failed") == 0 ? FAILED
                                                                          : SKIPPED,
                            b->claims[c].why});
    }
}

static const char *failure_message(suite *s, const rh_json *failure, const char *otherwise)
{
    return failure ? rh_view_failure(&s->view, failure) : otherwise;
}

static status status_of(const char *outcome)
{
    return strcmp(outcome, "ok") == 0 ? PASSED : strcmp(outcome, "failed") == 0 ? FAILED : SKIPPED;
}

static void add_rollback(suite *s, const char *name, const rh_json *rollback)
{
    const char *outcome = rh_view_string(rollback, "outcome"), *why = rh_view_string(rollback, "reason");
    test_case test = {"rollback", name, rh_view_real(rollback, "elapsed_s"),
                      status_of(outcome ? outcome : "not_run"), NULL};
    if (test.status == SKIPPED)
        test.message = rh_json_bool(rh_json_get(rollback, "has_down")) ? "not run"
                       : why                                           ? why
                                                                       : "no down migration";
    if (test.status == FAILED)
        test.message = failure_message(s, rh_json_get(rollback, "error"), "rollback failed");
    if (test.status == PASSED && !rh_view_rollback_works(rollback)) {
        test.status = FAILED;
        test.message = rh_view_printf(&s->view, "%s: %s", rh_view_reversibility(rollback), why ? why : "?");
    }
    add(s, test);
}

static void add_migrations(suite *s)
{
    for (size_t i = 0; i < s->view.migration_count; i++) {
        const rh_view_migration *m = &s->view.migrations[i];
        status outcome = status_of(m->outcome);
        add(s, (test_case){"migration", m->title, m->quiet_runs ? m->quiet_median_s : m->loaded_s, outcome,
                           outcome == FAILED ? failure_message(s, rh_json_get(m->record, "error"), "failed")
                                             : "not run"});
    }
    for (size_t i = 0; i < s->view.migration_count; i++)
        add_rollback(s, s->view.migrations[i].title, rh_json_get(s->view.migrations[i].record, "rollback"));
    if (rh_json_get(s->view.report, "rollback"))
        add_rollback(s, "all migrations together", rh_json_get(s->view.report, "rollback"));
}

static void add_steps(suite *s, const char *key)
{
    const rh_json *steps = rh_json_get(s->view.report, key);
    for (size_t i = 0; i < rh_json_count(steps); i++) {
        const rh_json *step = rh_json_at(steps, i);
        const char *outcome = rh_view_string(step, "outcome"), *detail = rh_view_string(step, "detail");
        add(s,
            (test_case){key, rh_view_basename(rh_view_string(step, "name")), rh_view_real(step, "elapsed_s"),
                        status_of(outcome ? outcome : "not_run"), detail});
    }
}

/* A case for each release that was tried on the other's schema; it fails by its first statement that does. */
static void add_compatibility(suite *s)
{
    static const char *const releases[][3] = {
        {"current", "current_tried", "the running release on the new schema"},
        {"next", "next_tried", "the next release on every schema before its own"}};
    const rh_json *c = rh_json_get(s->view.report, "compatibility"),
                  *list = rh_json_get(c, "incompatibilities");
    for (size_t r = 0; r < 2; r++) {
        if (rh_json_int(rh_json_get(c, releases[r][1])) < 0)
            continue;
        const rh_json *first = NULL;
        size_t failing = 0;
        for (size_t i = 0; i < rh_json_count(list); i++) {
            if (!rh_view_is(rh_json_at(list, i), "application", releases[r][0]))
                continue;
            first = first ? first : rh_json_at(list, i);
            failing++;
        }
        const char *name = rh_view_string(first, "template"), *why = rh_view_string(first, "message");
        add(s, (test_case){"compatibility", releases[r][2], NAN, first ? FAILED : PASSED,
                           rh_view_printf(&s->view, "%zu statement%s; %s: %s", failing,
                                          failing == 1 ? " fails" : "s fail", name ? name : "?",
                                          why ? why : "no message")});
    }
}

static void add_runners(suite *s)
{
    const rh_json *record = rh_json_get(s->view.report, "concurrent_runners");
    if (!record)
        return;
    bool bad = rh_view_is(record, "outcome", "both_ran") || rh_view_is(record, "outcome", "collided");
    add(s, (test_case){"runners", "several started at once", NAN,
                       bad                                               ? FAILED
                       : rh_view_is(record, "outcome", "not_concurrent") ? SKIPPED
                                                                         : PASSED,
                       rh_view_runners(&s->view)});
}

static void add_rehearsal(suite *s)
{
    const rh_json *failure = rh_json_get(s->view.report, "failure");
    if (failure)
        add(s, (test_case){"rehearsal", rh_view_string(s->view.report, "failed_stage"), NAN, ERRORED,
                           rh_view_failure(&s->view, failure)});
}

static void write_case(rh_xml *xml, const suite *s, const test_case *test)
{
    static const char *const elements[] = {NULL, "failure", "skipped", "error"};
    rh_xml_open(xml, "testcase", "classname", rh_view_printf(&s->view, "pgrehearse.%s", test->group), "name",
                test->name ? test->name : "?", "time",
                isnan(test->time_s) ? NULL : rh_view_printf(&s->view, "%.6f", test->time_s), NULL);
    if (test->status != PASSED) {
        rh_xml_open(xml, elements[test->status], "message", test->message ? test->message : "no message",
                    NULL);
        rh_xml_close(xml);
    }
    rh_xml_close(xml);
}

static const char *count_of(const suite *s, status wanted)
{
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++)
        count += s->cases[i].status == wanted;
    return rh_view_printf(&s->view, "%zu", count);
}

bool rh_report_junit(const rh_json *report, rh_text *xml_text, rh_error *error)
{
    if (!rh_json_is_object(report))
        return rh_error_set(error, RH_ERROR_INTERNAL, "no record to render");
    suite s = {0};
    rh_view_init(&s.view, report);
    add_rehearsal(&s);
    add_steps(&s, "prepare");
    add_migrations(&s);
    add_steps(&s, "verify");
    add_compatibility(&s);
    add_runners(&s);
    add_backfills(&s);
    add_gates(&s);

    rh_xml *xml = rh_xml_new(true);
    rh_xml_declaration(xml);
    rh_xml_open(xml, "testsuites", NULL);
    const char *name = rh_json_string(rh_json_path(report, "scenario.name"));
    const char *started = rh_view_string(report, "started_at");
    rh_xml_open(xml, "testsuite", "name", name ? name : "pgrehearse", "timestamp",
                started ? rh_view_printf(&s.view, "%.19s", started) : NULL, "time",
                rh_view_printf(&s.view, "%.3f", rh_view_real(report, "elapsed_s")), "tests",
                rh_view_printf(&s.view, "%zu", s.count), "failures", count_of(&s, FAILED), "errors",
                count_of(&s, ERRORED), "skipped", count_of(&s, SKIPPED), NULL);
    for (size_t i = 0; i < s.count; i++)
        write_case(xml, &s, &s.cases[i]);
    rh_xml_close(xml);
    rh_xml_close(xml);
    char *text = rh_xml_finish(xml, error);
    bool done = text != NULL;
    if (done)
        rh_text_append(xml_text, text);
    free(text);
    rh_xml_free(xml);
    rh_view_release(&s.view);
    return done;
}
