#include "pgrehearse/score/score.h"
#include "pgrehearse/adapters/csv.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/predict/predict.h"
#include "logged.h"
#include "predicted.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Columns of the file. */
typedef struct columns {
    int migration, statement, seconds;
} columns;

static const char *without_zeros(const char *id)
{
    size_t zeros = strspn(id, "0");
    return id[zeros] ? id + zeros : id;
}

static bool names(const rh_json *migration, const char *word, rh_arena *arena)
{
    const char *id = rh_json_string(rh_json_get(migration, "id"));
    const char *name = rh_json_string(rh_json_get(migration, "name"));
    if (!id)
        return false;
    return strcmp(word, id) == 0 || strcmp(without_zeros(word), without_zeros(id)) == 0 ||
           (name && strcmp(word, rh_arena_printf(arena, "%s_%s", id, name)) == 0);
}

static const rh_json *find_migration(const rh_json *report, const char *word, rh_arena *arena)
{
    const rh_json *migrations = rh_json_get(report, "migrations");
    for (size_t i = 0; i < rh_json_count(migrations); i++)
        if (names(rh_json_at(migrations, i), word, arena))
            return rh_json_at(migrations, i);
    return NULL;
}

static rh_score_row prediction_of(const rh_json *statement, double *level)
{
    const rh_json *prediction = rh_json_get(statement, "prediction");
    double correction = rh_json_real(rh_json_get(prediction, "correction")),
           given = rh_json_real(rh_json_get(prediction, "level"));
    if (!isnan(given))
        *level = given;
    /* Production's durations are those under its load, and come without lock waits. */
    const rh_json *loaded = rh_json_get(prediction, "under_load"), *figure = loaded ? loaded : prediction;
    const double wait = loaded ? rh_json_real(rh_json_get(loaded, "lock_wait_s")) : 0;
    return (rh_score_row){.predicted_s = rh_json_real(rh_json_get(figure, "median_s")) - wait,
                          .low_s = rh_json_real(rh_json_get(figure, "low_s")) - wait,
                          .high_s = rh_json_real(rh_json_get(figure, "high_s")) - wait,
                          .class_ = rh_json_string(rh_json_get(statement, "class")),
                          .correction = correction > 0 ? correction : 1,
                          .translated = rh_json_bool(rh_json_get(prediction, "translated"))};
}

/* One statement that takes so large a share of its migration represents it. */
static const double MOST_OF_IT = 0.8;

rh_score_row rh_score_prediction(const rh_json *migration, int ordinal, double *level, rh_arena *arena)
{
    const rh_json *statements = rh_json_get(migration, "statements");
    rh_score_row row = {.correction = 1}, main = {0};
    double below = 0, above = 0;
    if (ordinal > 0)
        row = prediction_of(rh_json_at(statements, (size_t)ordinal - 1), level);
    for (size_t i = 0; ordinal == 0 && i < rh_json_count(statements); i++) {
        rh_score_row one = prediction_of(rh_json_at(statements, i), level);
        row.predicted_s += one.predicted_s;
        below += (one.predicted_s - one.low_s) * (one.predicted_s - one.low_s);
        above += (one.high_s - one.predicted_s) * (one.high_s - one.predicted_s);
        if (one.predicted_s > main.predicted_s)
            main = one;
    }
    if (ordinal == 0) {
        row.low_s = row.predicted_s - sqrt(below);
        row.high_s = row.predicted_s + sqrt(above);
    }
    if (ordinal == 0 && main.predicted_s >= MOST_OF_IT * row.predicted_s) {
        row.class_ = main.class_;
        row.correction = main.correction;
        row.translated = main.translated;
    }
    row.statement = ordinal;
    row.migration = rh_arena_strdup(arena, rh_json_string(rh_json_get(migration, "id")));
    row.class_ = rh_arena_strdup(arena, row.class_);
    return row;
}

void rh_score_left_out(rh_score *score, rh_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char **slot = rh_arena_add(arena, &score->unmatched, &score->unmatched_count);
    *slot = rh_arena_vprintf(arena, format, args);
    va_end(args);
}

static bool read_number(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == 0 && *value >= 0 && isfinite(*value);
}

static bool read_line(const rh_json *report, const char *actual, const columns *at, const rh_csv_row *line,
                      rh_arena *arena, rh_score *score, rh_error *error)
{
    rh_score_row row = {0};
    const char *word = (size_t)at->migration < line->count ? line->fields[at->migration] : "";
    const char *seconds = (size_t)at->seconds < line->count ? line->fields[at->seconds] : "";
    const char *statement =
        at->statement >= 0 && (size_t)at->statement < line->count ? line->fields[at->statement] : "";
    double ordinal = 0;
    if (!read_number(seconds, &row.actual_s) ||
        (*statement && (!read_number(statement, &ordinal) || ordinal < 1 || ordinal > 1e6))) {
        rh_error_set(error, RH_ERROR_USAGE, "\"%s\" is not a %s",
                     read_number(seconds, &row.actual_s) ? statement : seconds,
                     read_number(seconds, &row.actual_s) ? "statement's ordinal" : "number of seconds");
        return rh_error_at(error, actual, line->line, 0);
    }
    const rh_json *migration = find_migration(report, word, arena);
    size_t statements = rh_json_count(rh_json_get(migration, "statements"));
    if (statements > 0 && (size_t)ordinal <= statements) {
        double actual_s = row.actual_s;
        row = rh_score_prediction(migration, (int)ordinal, &score->level, arena);
        row.actual_s = actual_s;
        *rh_arena_add(arena, &score->rows, &score->row_count) = row;
    } else {
        rh_score_left_out(score, arena, "line %d: migration %s%s%s is not in the run", line->line, word,
                          *statement ? ", statement " : "", statement);
    }
    return true;
}

static bool read_durations(const rh_json *report, const char *actual, rh_arena *arena, rh_score *score,
                           rh_error *error)
{
    rh_csv_table table;
    if (!rh_csv_read(actual, arena, &table, error))
        return false;
    columns at = {rh_csv_column(&table, "migration"), rh_csv_column(&table, "statement"),
                  rh_csv_column(&table, "seconds")};
    if (at.migration < 0 || at.seconds < 0) {
        rh_error_set(error, RH_ERROR_USAGE, "the column %s is missing",
                     at.migration < 0 ? "migration" : "seconds");
        rh_error_hint(error,
                      "the first line names the columns: migration,statement,seconds (statement may be "
                      "left out); or give a server log (plain, csvlog or jsonlog)");
        return rh_error_at(error, actual, 1, 0);
    }
    for (size_t i = 0; i < table.row_count; i++)
        if (!read_line(report, actual, &at, &table.rows[i], arena, score, error))
            return false;
    if (score->row_count > 0)
        return true;
    rh_error_set(error, RH_ERROR_USAGE, "%s: no line fits a migration of the run", actual);
    return rh_error_hint(error, "%s", score->unmatched_count ? score->unmatched[0] : "the file has no lines");
}

/* The first lines of the file tell. */
static bool is_server_log(const char *path)
{
    char head[65536];
    FILE *file = rh_file_stream(path, NULL);
    size_t got = file ? fread(head, 1, sizeof head - 1, file) : 0;
    if (file)
        fclose(file);
    head[got] = 0;
    return rh_logged_format(head) != RH_LOG_NONE;
}

bool rh_score_read(const rh_json *report, const char *actual, rh_arena *arena, rh_score *score,
                   rh_error *error)
{
    bool log = is_server_log(actual);
    *score = (rh_score){.level = NAN, .source = log ? "server log" : "durations"};
    if (!(log ? rh_score_log : read_durations)(report, actual, arena, score, error))
        return false;
    rh_score_rows(score);
    return true;
}
