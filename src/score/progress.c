/* Production's course of a backfill against the predicted one. */
#include "pgrehearse/adapters/csv.h"
#include "pgrehearse/predict/predict.h"
#include "pgrehearse/score/score.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { YEAR = 366 * 86400 };

/* ---- the run's side ---- */

static const char *text_of(const rh_json *object, const char *key)
{
    return rh_json_string(rh_json_get(object, key));
}

static double real_of(const rh_json *object, const char *key)
{
    return rh_json_real(rh_json_get(object, key));
}

/* The backfill called NAME, or the only one with a schedule. */
static const rh_json *find(const rh_json *report, const char *name, rh_error *error)
{
    const rh_json *list = rh_json_get(report, "backfills"), *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *b = rh_json_at(list, i);
        const char *own = text_of(b, "name");
        if (name ? own && strcmp(own, name) == 0 : rh_json_count(rh_json_get(b, "course")) > 0) {
            found = b;
            count++;
        }
    }
    if (count == 1 && rh_json_count(rh_json_get(found, "course")) > 0)
        return found;
    rh_error_set(error, RH_ERROR_USAGE,
                 count > 1 ? "the run has several backfills with a schedule"
                 : found   ? "the backfill has no predicted course"
                 : name    ? "the run has no backfill of that name"
                           : "the run has no backfill with a predicted course");
    rh_error_hint(error, count > 1 ? "name one: --progress NAME=FILE"
                                   : "the course needs schedule: in the scenario");
    return NULL;
}

static bool read_schedule(const rh_json *b, rh_arena *arena, rh_backfill_schedule *s)
{
    const rh_json *schedule = rh_json_get(b, "schedule"), *windows = rh_json_get(schedule, "windows"),
                  *days = rh_json_get(schedule, "days"), *hours = rh_json_get(schedule, "hours");
    const char *start = text_of(schedule, "start"), *zone = text_of(schedule, "zone");
    rh_civil_time time;
    *s = (rh_backfill_schedule){.set = true};
    if (!start || !zone || !rh_civil_parse(start, &time))
        return false;
    s->start_s = time.local_s - time.offset_s;
    if (!rh_zone_read(zone, s->start_s - YEAR, s->start_s + 4LL * YEAR, arena, &s->zone))
        return false;
    for (size_t i = 0; i < rh_json_count(windows); i++)
        *rh_arena_add(arena, &s->windows, &s->window_count) =
            (rh_schedule_window){(int)rh_json_int(rh_json_get(rh_json_at(windows, i), "from_minute")),
                                 (int)rh_json_int(rh_json_get(rh_json_at(windows, i), "to_minute"))};
    for (size_t i = 0; i < rh_json_count(days); i++)
        s->days |= 1u << (rh_json_int(rh_json_at(days, i)) & 7);
    for (; s->hour_count < rh_json_count(hours) && s->hour_count < 168; s->hour_count++)
        s->hours[s->hour_count] = rh_json_real(rh_json_at(hours, s->hour_count));
    return true;
}

static void read_strata(const rh_json *b, rh_arena *arena, rh_progress_score *score)
{
    const rh_json *strata = rh_json_get(b, "strata");
    for (size_t i = 0; i < rh_json_count(strata); i++)
        *rh_arena_add(arena, &score->strata, &score->stratum_count) =
            (rh_backfill_stratum){.rows = rh_json_int(rh_json_get(rh_json_at(strata, i), "rows")),
                                  .us_per_row = real_of(rh_json_at(strata, i), "us_per_row")};
}

/* ---- production's side ---- */

static bool read_line(const char *path, const rh_csv_row *line, int time_at, int rows_at, const rh_zone *zone,
                      rh_progress_row *row, rh_error *error)
{
    const char *time = (size_t)time_at < line->count ? line->fields[time_at] : "",
               *rows = (size_t)rows_at < line->count ? line->fields[rows_at] : "";
    rh_civil_time civil;
    char *end;
    row->rows = strtod(rows, &end);
    const bool is_number = end != rows && *end == 0 && row->rows >= 0 && isfinite(row->rows);
    if (!is_number || !rh_civil_parse(time, &civil)) {
        rh_error_set(error, RH_ERROR_USAGE, "\"%s\" is not a %s", is_number ? time : rows,
                     is_number ? "date and time" : "number of rows");
        return rh_error_at(error, path, line->line, 0);
    }
    row->at_s =
        (double)(civil.has_offset ? civil.local_s - civil.offset_s : rh_zone_utc_s(zone, civil.local_s));
    return true;
}

static bool read_file(const char *path, rh_arena *arena, rh_progress_score *score, rh_error *error)
{
    rh_csv_table table;
    if (!rh_csv_read(path, arena, &table, error))
        return false;
    const int time_at = rh_csv_column(&table, "time"), rows_at = rh_csv_column(&table, "rows");
    if (time_at < 0 || rows_at < 0 || table.row_count == 0) {
        rh_error_set(error, RH_ERROR_USAGE,
                     time_at < 0   ? "the column time is missing"
                     : rows_at < 0 ? "the column rows is missing"
                                   : "the file has no lines");
        rh_error_hint(error, "the first line names the columns: time,rows (rows done by then)");
        return rh_error_at(error, path, 1, 0);
    }
    for (size_t i = 0; i < table.row_count; i++) {
        rh_progress_row row = {0};
        if (!read_line(path, &table.rows[i], time_at, rows_at, &score->schedule.zone, &row, error))
            return false;
        *rh_arena_add(arena, &score->rows, &score->row_count) = row;
    }
    return true;
}

/* ---- both ---- */

static double rows_after(const rh_progress_score *s, double worked_s, double total_s)
{
    return rh_predict_rows_at(s->strata, s->stratum_count, worked_s / total_s);
}

/* The pace so far goes on; what is left has the interval that the whole had. */
static void correct(rh_progress_score *s)
{
    const rh_progress_row *last = &s->rows[0];
    for (size_t i = 1; i < s->row_count; i++)
        if (s->rows[i].at_s > last->at_s)
            last = &s->rows[i];
    const double worked_s = rh_schedule_worked(&s->schedule, last->at_s, s->most_load_per_s),
                 share = rh_predict_work_at(s->strata, s->stratum_count, last->rows);
    s->corrected_s = (rh_backfill_figure){RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED};
    if (!(share > 0) || !(worked_s > 0))
        return;
    s->pace = share * s->total_s.median / worked_s;
    const double left_s = worked_s / share * (1 - share);
    s->corrected_s = (rh_backfill_figure){
        rh_schedule_finish(&s->schedule, worked_s + left_s, s->most_load_per_s),
        rh_schedule_finish(&s->schedule, worked_s + left_s * s->total_s.low / s->total_s.median,
                           s->most_load_per_s),
        rh_schedule_finish(&s->schedule, worked_s + left_s * s->total_s.high / s->total_s.median,
                           s->most_load_per_s)};
}

bool rh_score_progress(const rh_json *report, const char *name, const char *path, rh_arena *arena,
                       rh_progress_score *score, rh_error *error)
{
    const rh_json *b = find(report, name, error);
    *score = (rh_progress_score){.pace = RH_NOT_MEASURED};
    if (!b)
        return false;
    const rh_json *setting =
                      rh_json_at(rh_json_get(b, "settings"), (size_t)rh_json_int(rh_json_get(b, "chosen"))),
                  *total = rh_json_get(setting, "total_s");
    score->name = rh_arena_strdup(arena, text_of(b, "name"));
    score->all_rows = real_of(b, "rows");
    score->level = real_of(b, "level");
    score->total_s =
        (rh_backfill_figure){real_of(total, "median"), real_of(total, "low"), real_of(total, "high")};
    const double rate = real_of(b, "rate_per_s");
    score->most_load_per_s = rate > 0 ? RH_SCHEDULE_LOAD_MARGIN * rate : NAN;
    read_strata(b, arena, score);
    if (!read_schedule(b, arena, &score->schedule) || !(score->total_s.median > 0)) {
        rh_error_set(error, RH_ERROR_USAGE, "the run's record of the backfill has no schedule");
        return false;
    }
    if (!read_file(path, arena, score, error))
        return false;
    for (size_t i = 0; i < score->row_count; i++) {
        rh_progress_row *row = &score->rows[i];
        const double worked_s = rh_schedule_worked(&score->schedule, row->at_s, score->most_load_per_s);
        row->expected = (rh_backfill_figure){rows_after(score, worked_s, score->total_s.median),
                                             rows_after(score, worked_s, score->total_s.high),
                                             rows_after(score, worked_s, score->total_s.low)};
        row->inside = row->rows >= floor(row->expected.low) && row->rows <= ceil(row->expected.high);
        score->inside += row->inside;
    }
    correct(score);
    return true;
}
