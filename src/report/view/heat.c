#include "heat.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct interval {
    const char *relation;
    double from_s, to_s;
    bool reads, writes;
} interval;

static int by_relation_then_time(const void *left, const void *right)
{
    const interval *a = left, *b = right;
    int order = strcmp(a->relation, b->relation);
    return order ? order : (a->from_s > b->from_s) - (a->from_s < b->from_s);
}

/* Adds [FROM_S, TO_S) to what each bin has. */
static void fill(double *bins, size_t count, double origin_s, double width_s, double from_s, double to_s)
{
    double first = floor((from_s - origin_s) / width_s);
    for (size_t i = first > 0 ? (size_t)first : 0; i < count; i++) {
        double begin = origin_s + (double)i * width_s, end = begin + width_s;
        if (begin >= to_s)
            return;
        double share_s = (to_s < end ? to_s : end) - (from_s > begin ? from_s : begin);
        bins[i] += share_s > 0 ? share_s : 0;
    }
}

static int level_of(double blocked_s, double width_s)
{
    if (!(blocked_s > 0))
        return 0;
    int level = (int)ceil(RH_HEAT_LEVELS * blocked_s / width_s - 1e-9);
    return level < 1 ? 1 : level > RH_HEAT_LEVELS ? RH_HEAT_LEVELS : level;
}

static void cells_of(const rh_view *view, rh_heat_row *row, const double *bins, size_t count, double origin_s,
                     double width_s)
{
    rh_heat_cell *last = NULL;
    for (size_t i = 0; i < count; i++) {
        int level = level_of(bins[i], width_s);
        double from_s = origin_s + (double)i * width_s;
        if (level == 0) {
            last = NULL;
        } else if (last && last->level == level) {
            last->to_s = from_s + width_s;
        } else {
            last = rh_arena_add(view->arena, &row->cells, &row->cell_count);
            *last = (rh_heat_cell){from_s, from_s + width_s, level};
        }
    }
}

/* LIST: the intervals of one relation by their start. */
static rh_heat_row row_of(const rh_view *view, const interval *list, size_t count, bool reads,
                          double origin_s, double width_s, size_t bins)
{
    rh_heat_row row = {0};
    double *filled = rh_alloc(bins * sizeof *filled), from_s = 0, to_s = -INFINITY;
    for (size_t i = 0; i < bins; i++)
        filled[i] = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(reads ? list[i].reads : list[i].writes) || list[i].to_s <= to_s)
            continue;
        double begin_s = list[i].from_s > to_s ? list[i].from_s : to_s; /* an earlier one covers the rest */
        if (list[i].from_s > to_s)
            from_s = list[i].from_s;
        to_s = list[i].to_s;
        row.total_s += to_s - begin_s;
        row.longest_s = to_s - from_s > row.longest_s ? to_s - from_s : row.longest_s;
        fill(filled, bins, origin_s, width_s, begin_s, to_s);
    }
    cells_of(view, &row, filled, bins, origin_s, width_s);
    free(filled);
    return row;
}

static int hottest(const void *left, const void *right)
{
    const rh_heat_strip *a = left, *b = right;
    double x = a->reads.total_s + a->writes.total_s, y = b->reads.total_s + b->writes.total_s;
    return x != y ? (x < y) - (x > y) : strcmp(a->relation, b->relation);
}

size_t rh_heat_gather(const rh_view *view, double from_s, double to_s, size_t bins, rh_heat_strip **strips)
{
    const rh_json *blocked = rh_json_path(view->report, "contention.blocked");
    size_t count = 0, found = 0;
    interval *list = rh_alloc((rh_json_count(blocked) + 1) * sizeof *list);
    for (size_t i = 0; i < rh_json_count(blocked); i++) {
        const rh_json *b = rh_json_at(blocked, i);
        const char *relation = rh_view_string(b, "relation");
        interval new = {relation ? relation : "?", rh_view_real(b, "from_s"), rh_view_real(b, "to_s"),
                        rh_json_bool(rh_json_get(b, "reads")), rh_json_bool(rh_json_get(b, "writes"))};
        if (new.to_s > new.from_s && (new.reads || new.writes))
            list[count++] = new;
    }
    qsort(list, count, sizeof *list, by_relation_then_time);
    *strips = NULL;
    double width_s = (to_s - from_s) / (double)bins;
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && strcmp(list[next].relation, list[i].relation) == 0;)
            next++;
        rh_heat_strip *strip = rh_arena_add(view->arena, strips, &found);
        strip->relation = list[i].relation;
        strip->reads = row_of(view, list + i, next - i, true, from_s, width_s, bins);
        strip->writes = row_of(view, list + i, next - i, false, from_s, width_s, bins);
    }
    free(list);
    if (found)
        qsort(*strips, found, sizeof **strips, hottest);
    return found;
}
