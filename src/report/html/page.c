/* report.html: one file, no network, no script. It begins with the verdict, its reasons, and what to do. */
#include "html.h"
#include "pgrehearse/report/report.h"
#include "report/view/backfill.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *verdict_class(const rh_html *html)
{
    return rh_view_is(html->view.report, "verdict", "pass")           ? "good"
           : rh_view_is(html->view.report, "verdict", "inconclusive") ? "warn"
                                                                      : "bad";
}

static void facts(rh_html *html)
{
    const rh_json *report = html->view.report;
    const char *started = rh_view_string(report, "started_at"), *id = rh_view_string(report, "run_id");
    const char *version = rh_view_string(report, "tool_version");
    const char *sha = rh_json_string(rh_json_path(report, "scenario.sha256"));
    rh_xml_open(html->xml, "p", "class", "facts", NULL);
    rh_xml_textf(html->xml, "Rehearsed %.10s %.5s UTC in %s", started ? started : "?",
                 started ? started + 11 : "",
                 rh_view_seconds(&html->view, rh_view_real(report, "elapsed_s")));
    rh_xml_textf(html->xml, " · run %s · pgrehearse %s", id ? id : "?", version ? version : "?");
    if (sha)
        rh_xml_textf(html->xml, " · scenario sha256 %.12s", sha);
    rh_xml_close(html->xml);
}

static void contents(rh_html *html)
{
    const rh_json *report = html->view.report;
    const struct {
        const char *href, *title;
        bool shown;
    } links[] = {
        {"#gates", "Gates", true},
        {"#prediction", "Prediction", true},
        {"#timeline", "Timeline", true},
        {"#who", "Blocked sessions", true},
        {"#waits", "Lock waits", true},
        {"#disturbers", "Disturbers", rh_json_count(rh_json_get(report, "disturbances")) > 0},
        {"#lock-policy", "Lock policy", rh_json_get(report, "lock_policy") != NULL},
        {"#backfill-1", "Backfills", rh_json_count(rh_json_get(report, "backfills")) > 0},
        {"#compatibility", "Compatibility", rh_json_get(report, "compatibility") != NULL},
        {"#statements", "Statements", true},
        {"#load", "Load", true},
        {"#rollback", "Rollback", true},
        {"#runners", "Concurrent runners", rh_json_get(report, "concurrent_runners") != NULL},
        {"#backtest", "Back-test", true},
        {"#environment", "Environment", true},
        {"#not-measured", "Not measured", true},
        {"#sign-off", "Sign-off", true},
    };
    rh_xml_open(html->xml, "nav", "aria-label", "Contents", NULL);
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        if (!links[i].shown)
            continue;
        rh_xml_element(html->xml, "a", links[i].title, "href", links[i].href, NULL);
        rh_xml_text(html->xml, " ");
    }
    rh_xml_close(html->xml);
}

static void failure(rh_html *html)
{
    const char *what;
    const rh_json *failed = rh_view_first_failure(&html->view, &what);
    if (!failed)
        return;
    const char *file = rh_view_string(failed, "file"), *hint = rh_view_string(failed, "hint");
    const char *message = rh_view_string(failed, "message"), *sqlstate = rh_view_string(failed, "sqlstate");
    int64_t line = rh_json_int(rh_json_get(failed, "line"));
    rh_xml_open(html->xml, "div", "class", "failure", "role", "alert", NULL);
    rh_xml_open(html->xml, "p", NULL);
    rh_xml_element(html->xml, "strong", rh_view_printf(&html->view, "What failed: %s.", what), NULL);
    rh_xml_textf(html->xml, " %s", message ? message : "No message.");
    if (sqlstate)
        rh_xml_textf(html->xml, " (SQLSTATE %s)", sqlstate);
    rh_xml_close(html->xml);
    if (file) {
        rh_xml_open(html->xml, "p", NULL);
        rh_xml_text(html->xml, "Where: ");
        rh_xml_element(html->xml, "code",
                       line > 0 ? rh_view_printf(&html->view, "%s:%lld", file, (long long)line) : file, NULL);
        rh_xml_close(html->xml);
    }
    if (hint)
        rh_html_paragraph(html, NULL, rh_view_printf(&html->view, "What to do: %s", hint));
    rh_xml_close(html->xml);
}

/* The answer of a run that was made for a backfill. */
static void backfill_headlines(rh_html *html)
{
    rh_view_backfill *list;
    const size_t count = rh_view_backfills(&html->view, &list);
    for (size_t i = 0; i < count; i++)
        rh_html_paragraph(html, "forecast", list[i].headline);
}

static void head(rh_html *html)
{
    const rh_json *report = html->view.report;
    const char *name = rh_json_string(rh_json_path(report, "scenario.name"));
    const char *reason = rh_view_string(report, "reason");
    rh_xml_open(html->xml, "header", NULL);
    rh_xml_element(html->xml, "h1",
                   rh_view_printf(&html->view, "Migration rehearsal: %s", name ? name : "no scenario"), NULL);
    rh_xml_element(html->xml, "p", rh_view_verdict(&html->view), "class", "verdict", NULL);
    rh_xml_open(html->xml, "p", "class", "reason", NULL);
    rh_xml_element(html->xml, "span", rh_view_verdict_word(&html->view), "class",
                   rh_view_printf(&html->view, "word %s", verdict_class(html)), NULL);
    if (reason)
        rh_xml_textf(html->xml, " %s", reason);
    rh_xml_close(html->xml);
    if (rh_json_get(report, "prediction"))
        rh_html_paragraph(html, "forecast", rh_view_prediction(&html->view));
    backfill_headlines(html);
    facts(html);
    failure(html);
    contents(html);
    rh_xml_close(html->xml);
}

static void gates(rh_html *html)
{
    static const char *const columns[] = {"Gate", "#Limit", "#Measured", "Outcome", "Detail", NULL};
    bool translated = rh_json_bool(rh_json_get(rh_json_get(html->view.report, "prediction"), "translated"));
    const char *const meanings[][2] = {
        {"predicted_duration",
         translated ? "Predicted duration on production" : "Predicted duration on a machine like staging"},
        {"reads_blocked", "Longest time reads of a relation were blocked"},
        {"writes_blocked", "Longest time writes to a relation were blocked"},
        {"response_p99_ratio", "Response time during / before, 99th percentile"},
        {"load_errors", "Transactions of the load that failed"},
        {"backup_checksum", "Backups without a checksum of all their bytes"},
    };
    const rh_json *list = rh_json_get(html->view.report, "gates");
    rh_html_section(html, "gates", "Gates");
    if (rh_json_count(list) == 0 && rh_json_get(html->view.report, "failure"))
        rh_html_absent(html, "Gates", RH_UNMEASURED_COUNT);
    else if (rh_json_count(list) == 0)
        rh_html_paragraph(html, NULL, "The scenario sets no gate.");
    else
        rh_html_table(html, "Limits of the scenario and measured figures", columns);
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *gate = rh_json_at(list, i);
        bool held = rh_view_is(gate, "outcome", "held"), failed = rh_view_is(gate, "outcome", "failed");
        const char *meaning = rh_view_string(gate, "name");
        for (size_t m = 0; m < sizeof meanings / sizeof *meanings; m++)
            if (rh_view_is(gate, "name", meanings[m][0]))
                meaning = meanings[m][1];
        rh_html_row(html, NULL);
        rh_html_cell(html, meaning);
        const char *limit = rh_view_string(gate, "limit_text"), *worst = rh_view_string(gate, "detail");
        rh_html_figure(html, limit ? limit : "–");
        rh_html_figure_marked(html, rh_view_gate_measured(&html->view, gate), failed ? "bad" : NULL);
        rh_xml_open(html->xml, "td", NULL);
        rh_xml_element(html->xml, "span",
                       held     ? "held"
                       : failed ? "failed"
                                : "not measured",
                       "class",
                       held     ? "good"
                       : failed ? "bad"
                                : "warn",
                       NULL);
        rh_xml_close(html->xml);
        rh_html_cell(html, worst ? worst : "");
        rh_html_row_end(html);
    }
    if (rh_json_count(list))
        rh_html_table_end(html);
    rh_html_section_end(html);
}

static void not_measured(rh_html *html)
{
    const rh_json *list = rh_json_get(html->view.report, "not_measured");
    rh_html_section(html, "not-measured", "What was not measured");
    if (rh_json_count(list) == 0)
        rh_html_paragraph(html, NULL, "No entries.");
    rh_xml_open(html->xml, "ul", NULL);
    for (size_t i = 0; i < rh_json_count(list); i++)
        rh_xml_element(html->xml, "li", rh_view_string(rh_json_at(list, i), "text"), NULL);
    rh_xml_close(html->xml);
    rh_html_section_end(html);
}

static void sign_off(rh_html *html)
{
    static const char *const columns[] = {"Decision", "Name", "Role", "Date", "Signature", NULL};
    rh_html_section(html, "sign-off", "Sign-off");
    rh_xml_open(html->xml, "div", "class", "sign", NULL);
    rh_html_table(html, "Filled in by hand", columns);
    rh_html_row(html, NULL);
    for (int i = 0; i < 5; i++)
        rh_html_cell(html, NULL);
    rh_html_row_end(html);
    rh_html_table_end(html);
    rh_xml_close(html->xml);
    rh_html_section_end(html);
}

static void document(rh_html *html)
{
    const char *name = rh_json_string(rh_json_path(html->view.report, "scenario.name"));
    rh_xml_open(html->xml, "html", "lang", "en", NULL);
    rh_xml_open(html->xml, "head", NULL);
    rh_xml_element(html->xml, "meta", NULL, "charset", "utf-8", NULL);
    rh_xml_element(html->xml, "meta", NULL, "name", "viewport", "content",
                   "width=device-width, initial-scale=1", NULL);
    rh_xml_element(html->xml, "title",
                   rh_view_printf(&html->view, "%s: %s", rh_view_verdict_word(&html->view),
                                  name ? name : "migration rehearsal"),
                   NULL);
    rh_xml_open(html->xml, "style", NULL);
    rh_xml_raw(html->xml, RH_HTML_STYLE);
    rh_xml_close(html->xml);
    rh_xml_close(html->xml);
    rh_xml_open(html->xml, "body", NULL);
    rh_xml_open(html->xml, "main", NULL);
    head(html);
    gates(html);
    rh_html_prediction(html);
    rh_html_timeline(html);
    rh_html_wait_table(html);
    rh_html_waits(html);
    rh_html_disturbers(html);
    rh_html_lock_policy(html);
    rh_html_backfills(html);
    rh_html_compatibility(html);
    rh_html_statements(html);
    rh_html_load(html);
    rh_html_rollback(html);
    rh_html_interruptions(html);
    rh_html_runners(html);
    rh_html_backtest(html);
    rh_html_environment(html);
    not_measured(html);
    sign_off(html);
    rh_xml_close(html->xml);
    rh_xml_close(html->xml);
    rh_xml_close(html->xml);
}

bool rh_report_html(const rh_json *report, rh_text *html_text, rh_error *error)
{
    if (!rh_json_is_object(report))
        return rh_error_set(error, RH_ERROR_INTERNAL, "no record to render");
    rh_html html = {.xml = rh_xml_new(false)};
    rh_view_init(&html.view, report);
    rh_xml_doctype_html(html.xml);
    document(&html);
    char *page = rh_xml_finish(html.xml, error);
    bool done = page != NULL;
    if (done)
        rh_text_append(html_text, page);
    free(page);
    rh_xml_free(html.xml);
    rh_view_release(&html.view);
    return done;
}
