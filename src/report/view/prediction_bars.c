#include "prediction_bars.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int longest_first(const void *left, const void *right)
{
    const rh_prediction_bar *a = left, *b = right;
    return a->median_s != b->median_s ? (a->median_s < b->median_s) - (a->median_s > b->median_s)
                                      : strcmp(a->label, b->label);
}

static const char *label_of(const rh_view *view, const rh_view_migration *m, const rh_json *statement)
{
    const char *tag = rh_view_string(statement, "command_tag");
    size_t letters = tag ? strspn(tag, "ABCDEFGHIJKLMNOPQRSTUVWXYZ ") : 0;
    while (letters && tag[letters - 1] == ' ')
        letters--;
    return rh_view_printf(view, "%s.%lld %.*s", rh_view_line(view, m->id, 20),
                          (long long)rh_json_int(rh_json_get(statement, "ordinal")), (int)letters,
                          tag ? tag : "");
}

static void fill_parts(rh_prediction_bar *bar, const rh_json *parts)
{
    static const char *const keys[RH_PARTS] = {"cpu_s", "read_s", "write_s", "wal_s", "wait_s"};
    double sum = 0;
    for (int i = 0; i < RH_PARTS; i++) {
        double value = rh_view_real(parts, keys[i]);
        bar->parts_s[i] = value > 0 ? value : 0;
        sum += bar->parts_s[i];
    }
    bar->has_parts = sum > 0;
    for (int i = 0; bar->has_parts && i < RH_PARTS; i++)
        bar->parts_s[i] *= bar->median_s / sum; /* they were rounded one by one */
}

size_t rh_prediction_bars(const rh_view *view, rh_prediction_bar **bars)
{
    size_t count = 0;
    *bars = NULL;
    for (size_t m = 0; m < view->migration_count; m++) {
        const rh_json *statements = rh_json_get(view->migrations[m].record, "statements");
        for (size_t i = 0; i < rh_json_count(statements); i++) {
            const rh_json *statement = rh_json_at(statements, i), *p = rh_json_get(statement, "prediction");
            double median_s = rh_view_real(p, "median_s");
            if (!(median_s >= 0))
                continue;
            rh_prediction_bar *bar = rh_arena_add(view->arena, bars, &count);
            *bar = (rh_prediction_bar){.label = label_of(view, &view->migrations[m], statement),
                                       .median_s = median_s,
                                       .low_s = rh_view_real(p, "low_s"),
                                       .high_s = rh_view_real(p, "high_s"),
                                       .staging_s = rh_view_real(p, "staging_s"),
                                       .drivers = rh_view_string(p, "uncertainty_source"),
                                       .narrows = rh_view_string(p, "uncertainty_reduced_by"),
                                       .basis = rh_view_string(p, "basis"),
                                       .cold_s = rh_view_real(p, "cold_s"),
                                       .cold_basis = rh_view_string(p, "cold_basis")};
            fill_parts(bar, rh_json_get(p, "parts"));
        }
    }
    if (count)
        qsort(*bars, count, sizeof **bars, longest_first);
    return count;
}
