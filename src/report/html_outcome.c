/* The way back, and how far the predictions were off. */
#include "html.h"
#include <math.h>
#include <string.h>

enum { DIFFERENCES_SHOWN = 40 };

static void differences(rh_html *html, const rh_json *rollback)
{
    const rh_json *list = rh_json_get(rollback, "differences");
    const rh_json *failure = rh_json_get(rollback, "error");
    if (rh_json_count(list) == 0 && !failure)
        return;
    rh_html_row(html, "under");
    rh_xml_open(html->xml, "td", "colspan", "6", NULL);
    if (failure)
        rh_html_paragraph(html, "bad", rh_view_failure(&html->view, failure));
    rh_xml_open(html->xml, "ul", NULL);
    for (size_t i = 0; i < rh_json_count(list) && i < DIFFERENCES_SHOWN; i++) {
        const rh_json *d = rh_json_at(list, i);
        const char *object = rh_view_string(d, "object"), *change = rh_view_string(d, "change");
        const char *before = rh_view_string(d, "before"), *after = rh_view_string(d, "after");
        rh_xml_open(html->xml, "li", NULL);
        rh_xml_textf(html->xml, "%s %s", object ? object : "?", change ? change : "differs");
        if (before || after) {
            rh_xml_text(html->xml, ": ");
            rh_xml_element(html->xml, "code", rh_view_line(&html->view, before ? before : "nothing", 200),
                           NULL);
            rh_xml_text(html->xml, " → ");
            rh_xml_element(html->xml, "code", rh_view_line(&html->view, after ? after : "nothing", 200),
                           NULL);
        }
        rh_xml_close(html->xml);
    }
    if (rh_json_count(list) > DIFFERENCES_SHOWN)
        rh_xml_element(html->xml, "li",
                       rh_view_printf(&html->view, "and %zu more, in report.json",
                                      rh_json_count(list) - DIFFERENCES_SHOWN),
                       NULL);
    rh_xml_close(html->xml);
    rh_xml_close(html->xml);
    rh_html_row_end(html);
}

static void rollback_row(rh_html *html, const rh_view_migration *m)
{
    const rh_view *view = &html->view;
    const rh_json *rollback = rh_json_get(m->record, "rollback"),
                  *restored = rh_json_get(rollback, "schema_restored");
    bool has_down = rh_json_bool(rh_json_get(rollback, "has_down"));
    bool ok = rh_view_is(rollback, "outcome", "ok"), failed = rh_view_is(rollback, "outcome", "failed");
    rh_xml_open(html->xml, "tbody", NULL);
    rh_html_row(html, NULL);
    rh_html_cell(html, rh_view_line(view, m->title, 80));
    rh_html_cell(html, has_down ? "yes" : "none");
    rh_xml_open(html->xml, "td", NULL);
    rh_xml_element(html->xml, "span",
                   ok       ? "ok"
                   : failed ? "failed"
                            : "not run",
                   "class",
                   ok       ? "good"
                   : failed ? "bad"
                            : "muted",
                   NULL);
    rh_xml_close(html->xml);
    rh_html_figure(html, rh_view_seconds_or(view, rh_view_real(rollback, "elapsed_s"), "–"));
    rh_html_figure(html, rh_view_seconds_or(view, rh_view_real(rollback, "up_again_s"), "–"));
    rh_xml_open(html->xml, "td", NULL);
    if (!restored)
        rh_xml_text(html->xml, "not checked");
    else
        rh_xml_element(html->xml, "span", rh_json_bool(restored) ? "as it was" : "different", "class",
                       rh_json_bool(restored) ? "good" : "bad", NULL);
    rh_xml_close(html->xml);
    rh_html_row_end(html);
    differences(html, rollback);
    rh_xml_close(html->xml);
}

void rh_html_rollback(rh_html *html)
{
    static const char *const columns[] = {"Migration", "Way down",          "Outcome", "#Down",
                                          "#Up again", "Schema after down", NULL};
    bool any = false;
    for (size_t i = 0; i < html->view.migration_count; i++)
        any = any ||
              !rh_view_is(rh_json_get(html->view.migrations[i].record, "rollback"), "outcome", "not_run");
    rh_html_section(html, "rollback", "Rollback");
    if (!any) {
        rh_html_absent(html, "Rollback", "rollback");
    } else {
        rh_html_paragraph(html, NULL, rh_view_rollback(&html->view));
        rh_html_table(html,
                      "Each migration went up, down and up again; the schema was compared object by object",
                      columns);
        for (size_t i = 0; i < html->view.migration_count; i++)
            rollback_row(html, &html->view.migrations[i]);
        rh_html_table_end(html);
    }
    rh_html_section_end(html);
}

static void baselines(rh_html *html, const rh_json *backtest)
{
    static const char *const columns[] = {"Method", "#Median error", NULL};
    const rh_json *list = rh_json_get(backtest, "baselines");
    rh_html_table(html, "The same statements by simpler methods, on the same evidence", columns);
    rh_xml_open(html->xml, "tbody", NULL);
    rh_html_row(html, NULL);
    rh_html_cell(html, "this prediction");
    rh_html_figure(html, rh_view_percent(&html->view, rh_view_real(backtest, "median_abs_error")));
    rh_html_row_end(html);
    for (size_t i = 0; i < rh_json_count(list); i++) {
        rh_html_row(html, NULL);
        rh_html_cell(html, rh_view_string(rh_json_at(list, i), "name"));
        rh_html_figure(html,
                       rh_view_percent(&html->view, rh_view_real(rh_json_at(list, i), "median_abs_error")));
        rh_html_row_end(html);
    }
    rh_xml_close(html->xml);
    rh_html_table_end(html);
}

static void backtest_row(rh_html *html, const rh_json *row)
{
    const rh_view *view = &html->view;
    const char *migration = rh_view_string(row, "migration"), *class_ = rh_view_string(row, "class");
    double predicted = rh_view_real(row, "predicted_s"), actual = rh_view_real(row, "actual_s");
    double low = rh_view_real(row, "low_s"), high = rh_view_real(row, "high_s");
    rh_html_row(html, NULL);
    rh_html_cell(html, rh_view_printf(view, "%s, statement %lld",
                                      migration ? rh_view_line(view, migration, 40) : "?",
                                      (long long)rh_json_int(rh_json_get(row, "statement"))));
    rh_html_cell(html, class_);
    rh_html_figure(html, rh_view_seconds_or(view, predicted, "–"));
    rh_html_figure(html, isnan(low) || isnan(high)
                             ? "none"
                             : rh_view_printf(view, "%s to %s", rh_view_seconds(view, low),
                                              rh_view_seconds(view, high)));
    rh_html_figure(html, rh_view_seconds_or(view, actual, "–"));
    rh_html_figure(html, predicted > 0 && actual > 0
                             ? rh_view_printf(view, "%+.0f %%", 100 * (predicted / actual - 1))
                             : "–");
    static const char *const keys[] = {"linear_largest_s", "linear_smallest_s", "power_law_s"};
    for (int i = 0; i < 3; i++)
        rh_html_figure(html, rh_view_seconds_or(view, rh_view_real(row, keys[i]), "–"));
    rh_html_row_end(html);
}

void rh_html_backtest(rh_html *html)
{
    static const char *const columns[] = {"Statement",
                                          "Class",
                                          "#Predicted",
                                          "#Interval",
                                          "#Measured",
                                          "#Error",
                                          "#Linear, largest sample",
                                          "#Linear, smallest sample",
                                          "#Power law",
                                          NULL};
    const rh_json *backtest = rh_json_path(html->view.report, "prediction.backtest"),
                  *rows = rh_json_get(backtest, "rows");
    rh_html_section(html, "backtest", "Back-test: predicted, then measured");
    if (rh_json_count(rows) == 0) {
        rh_html_absent(html, "Back-test", "back-test");
        rh_html_section_end(html);
        return;
    }
    rh_html_paragraph(html, NULL, rh_view_backtest(&html->view));
    rh_html_paragraph(html, "note",
                      "Each prediction was written to predictions.log before the run that it predicts, and "
                      "was not changed after.");
    baselines(html, backtest);
    rh_html_table(html, "Statement by statement, beside the naive baselines", columns);
    rh_xml_open(html->xml, "tbody", NULL);
    for (size_t i = 0; i < rh_json_count(rows); i++)
        backtest_row(html, rh_json_at(rows, i));
    rh_xml_close(html->xml);
    rh_html_table_end(html);
    rh_html_section_end(html);
}
