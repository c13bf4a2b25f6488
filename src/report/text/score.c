/* A score as a table and as score.json. */
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/report/report.h"
#include <math.h>
#include <stdio.h>

enum { NAME_WIDTH = 14 }; /* so that a row has 80 columns; a longer name has a line of its own */

static void table_row(rh_text *text, const rh_score_row *row)
{
    char predicted[32], low[32], high[32], actual[32], which[16] = "whole";
    rh_duration_format(row->predicted_s, predicted, sizeof predicted);
    rh_duration_format(row->actual_s, actual, sizeof actual);
    if (row->statement)
        snprintf(which, sizeof which, "%d", row->statement);
    const bool fits = rh_utf8_length(row->migration) <= NAME_WIDTH;
    if (!fits)
        rh_text_printf(text, "%s\n", row->migration);
    const char *name = fits ? row->migration : "";
    rh_text_printf(text, "%s%*s %9s %9s %8s ", name, NAME_WIDTH - (int)rh_utf8_length(name), "", which,
                   predicted, actual);
    if (isnan(row->predicted_s) || !(row->actual_s > 0))
        rh_text_append(text, "         not scored");
    else if (isnan(row->low_s) || isnan(row->high_s))
        rh_text_printf(text, "%+5.0f %%  no interval", (row->predicted_s / row->actual_s - 1) * 100);
    else
        rh_text_printf(text, "%+5.0f %%  %s (%s to %s)", (row->predicted_s / row->actual_s - 1) * 100,
                       row->actual_s >= row->low_s && row->actual_s <= row->high_s ? "inside" : "OUTSIDE",
                       rh_duration_format(row->low_s, low, sizeof low),
                       rh_duration_format(row->high_s, high, sizeof high));
    if (row->lock_wait_s > 0)
        rh_text_printf(text, "\n  besides %s of waiting for locks",
                       rh_duration_format(row->lock_wait_s, low, sizeof low));
    rh_text_append_char(text, '\n');
}

void rh_report_score(const rh_score *score, rh_text *text)
{
    rh_text_printf(text, "%-*s %9s %9s %8s %7s  %s\n", NAME_WIDTH, "migration", "statement", "predicted",
                   "actual", "error", "interval");
    for (size_t i = 0; i < score->row_count; i++)
        table_row(text, &score->rows[i]);
    rh_text_append_char(text, '\n');
    if (isnan(score->median_abs_error))
        rh_text_append(text, score->too_short
                                 ? "Nothing could be scored: all of them are too short.\n"
                                 : "Nothing could be scored: the run predicted none of these.\n");
    else
        rh_text_printf(text, "%zu prediction%s off by %.0f %% in the median, %.0f %% too %s.\n",
                       score->scored, score->scored == 1 ? " was" : "s were", score->median_abs_error * 100,
                       fabs(score->bias) * 100, score->bias < 0 ? "short" : "long");
    if (score->too_short && score->scored)
        rh_text_printf(text, "%zu of less than 10 ms %s not scored.\n", score->too_short,
                       score->too_short == 1 ? "was" : "were");
    if (score->with_interval)
        rh_text_printf(
            text,
            "%zu of %zu fell inside their %.0f %% interval: %.0f %% (with this many, anything between "
            "%.0f and %.0f %% could be true).\n",
            score->inside, score->with_interval, score->level * 100, score->coverage * 100,
            score->coverage_low * 100, score->coverage_high * 100);
    for (size_t i = 0; i < score->unmatched_count; i++)
        rh_text_printf(text, "Left out: %s\n", score->unmatched[i]);
}

rh_json *rh_report_score_json(const rh_score *score)
{
    rh_json *root = rh_json_object();
    rh_json_add_int(root, "schema_version", 1);
    rh_json_add_string(root, "source", score->source);
    rh_json_add_int(root, "scored", (int64_t)score->scored);
    rh_json_add_int(root, "too_short", (int64_t)score->too_short);
    rh_json_add_real(root, "median_abs_error", score->median_abs_error);
    rh_json_add_real(root, "bias", score->bias);
    rh_json_add_real(root, "level", score->level);
    rh_json_add_real(root, "coverage", score->coverage);
    rh_json_add_real(root, "coverage_low", score->coverage_low);
    rh_json_add_real(root, "coverage_high", score->coverage_high);
    rh_json *rows = rh_json_add_array(root, "rows");
    for (size_t i = 0; i < score->row_count; i++) {
        const rh_score_row *row = &score->rows[i];
        rh_json *object = rh_json_add_object(rows, NULL);
        rh_json_add_string(object, "migration", row->migration);
        rh_json_add_count(object, "statement", row->statement ? row->statement : -1);
        rh_json_add_real(object, "predicted_s", row->predicted_s);
        rh_json_add_real(object, "low_s", row->low_s);
        rh_json_add_real(object, "high_s", row->high_s);
        rh_json_add_real(object, "actual_s", row->actual_s);
        rh_json_add_real(object, "lock_wait_s", row->lock_wait_s);
        rh_json_add_string(object, "class", row->class_);
        rh_json_add_real(object, "correction", row->correction);
        rh_json_add_bool(object, "translated", row->translated);
    }
    return root;
}
