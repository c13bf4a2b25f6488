/* The back-test: errors of the predictions. */
#include "html.h"
#include <math.h>
#include <string.h>

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
        rh_html_absent(html, "Back-test", RH_UNMEASURED_SCALED_PASSES);
        rh_html_section_end(html);
        return;
    }
    rh_html_paragraph(html, NULL, rh_view_backtest(&html->view));
    rh_html_paragraph(html, "note",
                      "Each prediction was written to predictions.log before the run that it predicts, and "
                      "was not changed after.");
    baselines(html, backtest);
    rh_html_table(html, "Statement by statement, with the naive baselines", columns);
    rh_xml_open(html->xml, "tbody", NULL);
    for (size_t i = 0; i < rh_json_count(rows); i++)
        backtest_row(html, rh_json_at(rows, i));
    rh_xml_close(html->xml);
    rh_html_table_end(html);
    rh_html_section_end(html);
}
