/* When a backfill is to run: start, windows, days, zone, load by hour. */
#include "backfill_schedule.h"
#include "pgrehearse/adapters/csv.h"
#include "pgrehearse/base/text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY = 86400, YEAR = 366 * DAY, ZONE_YEARS = 4 };

/* What must be known together before it can be checked. */
typedef struct schedule_text {
    rh_civil_time start;
    rh_yaml_node *start_node, *window_node, *zone_node;
    const char *zone;
} schedule_text;

static bool read_start(rh_reader *reader, const char *name, rh_yaml_node *node, schedule_text *text)
{
    const char *value = rh_value_text(reader, name, node);
    text->start_node = node;
    if (!value)
        return false;
    if (rh_civil_parse(value, &text->start))
        return true;
    rh_value_fail(reader, node, "%s must be a date and a time, not \"%s\"", name, value);
    return rh_error_hint(reader->error, "write start: 2026-12-01T22:00");
}

/* "22:00-06:00" */
static bool read_window(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill_schedule *s)
{
    const char *value = rh_value_text(reader, name, node);
    int h1, m1, h2, m2, used = 0;
    if (!value)
        return false;
    if (sscanf(value, "%2d:%2d-%2d:%2d%n", &h1, &m1, &h2, &m2, &used) != 4 || value[used] || h1 < 0 ||
        h1 > 23 || m1 < 0 || m1 > 59 || h2 < 0 || h2 > 24 || m2 < 0 || m2 > 59 || h2 * 60 + m2 > 24 * 60) {
        rh_value_fail(reader, node, "%s must be two times of day, not \"%s\"", name, value);
        return rh_error_hint(reader->error, "write window: 22:00-06:00, or a list of such");
    }
    const rh_schedule_window window = {h1 * 60 + m1, h2 * 60 + m2};
    if (window.from == window.to)
        return rh_value_fail(reader, node, "%s never opens: it begins when it ends", name);
    *rh_arena_add(reader->arena, &s->windows, &s->window_count) = window;
    return true;
}

static bool read_windows(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill_schedule *s)
{
    if (rh_yaml_node_kind(node) != RH_YAML_SEQUENCE)
        return read_window(reader, name, node, s);
    for (size_t i = 0; i < rh_yaml_count(node); i++)
        if (!read_window(reader, name, rh_yaml_item(node, i), s))
            return false;
    return s->window_count > 0 || rh_value_fail(reader, node, "%s never opens: it is an empty list", name);
}

static bool read_days(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill_schedule *s)
{
    static const rh_key_word words[] = {{"mon", 0, NULL}, {"tue", 1, NULL}, {"wed", 2, NULL},
                                        {"thu", 3, NULL}, {"fri", 4, NULL}, {"sat", 5, NULL},
                                        {"sun", 6, NULL}};
    const bool list = rh_yaml_node_kind(node) == RH_YAML_SEQUENCE;
    for (size_t i = 0; i < (list ? rh_yaml_count(node) : 1); i++) {
        int day;
        if (!rh_value_word(reader, name, list ? rh_yaml_item(node, i) : node, words, 7, &day))
            return false;
        s->days |= 1u << day;
    }
    return s->days != 0 || rh_value_fail(reader, node, "the window never opens: %s is an empty list", name);
}

static bool read_load(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill_schedule *s)
{
    const char *path = rh_value_path(reader, name, node);
    rh_csv_table table;
    if (!path || !rh_csv_read(path, reader->arena, &table, reader->error))
        return false;
    const int hour_at = rh_csv_column(&table, "hour"), rate_at = rh_csv_column(&table, "tps");
    if (hour_at < 0 || rate_at < 0) {
        rh_value_fail(reader, node, "%s: %s has no column %s", name, path, hour_at < 0 ? "hour" : "tps");
        return rh_error_hint(reader->error,
                             "the first line names the columns: hour,tps; hours are 0-23, or 0-167 "
                             "from Monday on");
    }
    if (table.row_count != 24 && table.row_count != 168)
        return rh_value_fail(reader, node, "%s: %s has %zu hours, not 24 or 168", name, path,
                             table.row_count);
    for (size_t i = 0; i < table.row_count; i++) {
        const rh_csv_row *row = &table.rows[i];
        const bool whole = (size_t)hour_at < row->count && (size_t)rate_at < row->count;
        char *end = NULL;
        const double rate = whole ? strtod(row->fields[rate_at], &end) : -1;
        if (!whole || atoi(row->fields[hour_at]) != (int)i || *end || !(rate >= 0) || !isfinite(rate)) {
            rh_error_set(reader->error, RH_ERROR_SCENARIO, "hour %zu must be in this line, with its tps", i);
            return rh_error_at(reader->error, path, row->line, 0);
        }
        s->hours[i] = rate;
    }
    s->hour_count = table.row_count;
    return true;
}

static bool read_pair(rh_reader *reader, const char *section, rh_yaml_node *key, rh_yaml_node *value,
                      schedule_text *text, rh_backfill_schedule *s)
{
    static const char *const known[] = {"start", "window", "days", "zone", "load"};
    const char *word = rh_yaml_scalar(key), *name = rh_arena_printf(reader->arena, "%s.%s", section, word);
    if (strcmp(word, "start") == 0)
        return read_start(reader, name, value, text);
    if (strcmp(word, "window") == 0) {
        text->window_node = value;
        return read_windows(reader, name, value, s);
    }
    if (strcmp(word, "days") == 0)
        return read_days(reader, name, value, s);
    if (strcmp(word, "zone") == 0) {
        text->zone_node = value;
        text->zone = rh_value_text(reader, name, value);
        return text->zone != NULL;
    }
    if (strcmp(word, "load") == 0)
        return read_load(reader, name, value, s);
    return rh_value_unknown_key(reader, key, section, known, sizeof known / sizeof *known);
}

static int64_t utc_s(const rh_zone *zone, const rh_civil_time *time)
{
    return time->has_offset ? time->local_s - time->offset_s : rh_zone_utc_s(zone, time->local_s);
}

bool rh_backfill_read_schedule(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    rh_backfill_schedule *s = &b->schedule;
    schedule_text text = {.zone = "UTC"};
    if (rh_yaml_node_kind(node) != RH_YAML_MAPPING)
        return rh_value_fail(reader, node, "%s must be a map of keys", name);
    for (size_t i = 0; i < rh_yaml_count(node); i++)
        if (!read_pair(reader, name, rh_yaml_key(node, i), rh_yaml_value(node, i), &text, s))
            return false;
    if (!text.start_node) {
        rh_value_fail(reader, node, "%s needs start", name);
        return rh_error_hint(reader->error, "write start: 2026-12-01T22:00");
    }
    const int64_t from_s = text.start.local_s - YEAR;
    if (!rh_zone_read(text.zone, from_s, from_s + (int64_t)(ZONE_YEARS + 1) * YEAR, reader->arena,
                      &s->zone)) {
        rh_value_fail(reader, text.zone_node, "%s.zone: \"%s\" is no time zone of this system", name,
                      text.zone);
        return rh_error_hint(reader->error, "write zone: Europe/Berlin");
    }
    s->start_s = utc_s(&s->zone, &text.start);
    s->set = true;
    if (isinf(rh_schedule_finish(s, 1, NAN)))
        return rh_value_fail(reader, text.window_node ? text.window_node : node, "%s: the window never opens",
                             name);
    return true;
}

bool rh_backfill_read_finish(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    const char *value = rh_value_text(reader, name, node);
    rh_civil_time time;
    if (!value)
        return false;
    if (!rh_civil_parse(value, &time)) {
        rh_value_fail(reader, node, "%s must be a date and a time, not \"%s\"", name, value);
        return rh_error_hint(reader->error, "write finish_by: 2026-12-04T06:00");
    }
    b->gates[RH_BACKFILL_GATE_FINISH_BY] =
        (rh_gate_limit){.set = true, .text = value, .where = rh_value_where(reader, node)};
    return true;
}

bool rh_backfill_check_finish(rh_reader *reader, rh_backfill *b)
{
    rh_gate_limit *gate = &b->gates[RH_BACKFILL_GATE_FINISH_BY];
    rh_civil_time time;
    if (!gate->set)
        return true;
    if (!b->schedule.set) {
        rh_error_set(reader->error, RH_ERROR_SCENARIO, "gates.finish_by needs a schedule");
        rh_error_hint(reader->error, "write schedule: {start: 2026-12-01T22:00}");
        return rh_error_at(reader->error, gate->where.file, gate->where.line, gate->where.column);
    }
    rh_civil_parse(gate->text, &time);
    gate->limit = (double)utc_s(&b->schedule.zone, &time);
    return true;
}
