/* pgrehearse score --progress: production's course of a backfill beside the predicted one. */
#include "pgrehearse/base/units.h"
#include "commands.h"
#include "pgrehearse/score/score.h"
#include <math.h>
#include <string.h>

static const char *moment(const rh_progress_score *s, double at_s, char *stamp)
{
    if (isnan(at_s))
        return "not known";
    if (isinf(at_s))
        return "not in three years";
    rh_zone_format(&s->schedule.zone, (int64_t)at_s, stamp, 32);
    stamp[10] = ' ';
    stamp[16] = 0;
    return stamp;
}

static void add_row(const rh_progress_score *s, const rh_progress_row *row, rh_text *text)
{
    char at[32], rows[32], low[32], high[32];
    rh_text_printf(text, "%s  %15s  predicted %s to %s: %s\n", moment(s, row->at_s, at),
                   rh_count_format((int64_t)row->rows, rows, sizeof rows),
                   rh_count_format((int64_t)row->expected.low, low, sizeof low),
                   rh_count_format((int64_t)row->expected.high, high, sizeof high),
                   row->inside                     ? "inside"
                   : row->rows < row->expected.low ? "behind"
                                                   : "ahead");
}

bool rh_cli_score_progress(const rh_json *record, const char *value, rh_arena *arena, rh_text *text,
                           rh_error *error)
{
    const char *equals = strchr(value, '='),
               *name = equals ? rh_arena_strndup(arena, value, (size_t)(equals - value)) : NULL;
    rh_progress_score s;
    char median[32], low[32], high[32];
    if (!rh_score_progress(record, name, equals ? equals + 1 : value, arena, &s, error))
        return false;
    for (size_t i = 0; i < s.row_count; i++)
        add_row(&s, &s.rows[i], text);
    rh_text_printf(text, "\nBackfill %s: %zu of %zu inside the band (%.0f %%).\n", s.name, s.inside,
                   s.row_count, 100 * s.level);
    if (isnan(s.pace))
        rh_text_append(text, "No work was done in an open window yet, so the date stays as predicted.\n");
    else
        rh_text_printf(text, "Pace: %.0f %% of the predicted one. Done %s (%s to %s) at this pace.\n",
                       100 * s.pace, moment(&s, s.corrected_s.median, median),
                       moment(&s, s.corrected_s.low, low), moment(&s, s.corrected_s.high, high));
    return true;
}
