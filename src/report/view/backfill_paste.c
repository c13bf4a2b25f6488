/* The setting to use, as the tools that run backfills on production want it. */
#include "backfill.h"
#include "pgrehearse/adapters/json.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The pause after a batch: as it was written, or the share of the median batch. */
static double pause_s(const rh_json *setting)
{
    const char *text = rh_view_string(setting, "pause");
    char *end = NULL;
    const double number = text ? strtod(text, &end) : 0;
    if (!text || end == text)
        return 0;
    if (strcmp(end, "%") == 0)
        return number / 100 * rh_view_real(setting, "batch_p50_s");
    return number * (strcmp(end, "us") == 0    ? 1e-6
                     : strcmp(end, "ms") == 0  ? 1e-3
                     : strcmp(end, "min") == 0 ? 60
                     : strcmp(end, "h") == 0   ? 3600
                     : strcmp(end, "d") == 0   ? 86400
                                               : 1);
}

size_t rh_view_backfill_paste(const rh_view *view, const rh_view_backfill *b, rh_view_paste **list)
{
    const rh_json *setting = b->chosen && b->chosen->recommended ? b->chosen->record : NULL;
    const long long batch = setting ? (long long)rh_json_int(rh_json_get(setting, "batch")) : 0,
                    workers = setting ? (long long)rh_json_int(rh_json_get(setting, "workers")) : 0;
    const double seconds = setting ? pause_s(setting) : NAN;
    const char *walk = rh_view_string(b->record, "walk");
    size_t count = 0;
    *list = NULL;
    if (!setting || isnan(seconds) || workers != 1 || (walk && strcmp(walk, "range") == 0))
        return 0; /* the tools below have one connection, and count rows */
    const double ms = seconds * 1000;
    const rh_view_paste all[] = {
        {"procedure", rh_view_printf(view,
                                     "UPDATE backfill_%s_progress SET batch_rows = %lld, pause_s = %.3f, "
                                     "pause_share = 0; -- of plan --backfill",
                                     b->name, batch, seconds)},
        {"psql loop", rh_view_printf(view, "LIMIT %lld in the statement of a batch, \\watch %.3f after it",
                                     batch, fmax(seconds, 0.001))},
        {"pgroll",
         rh_view_printf(view, "--backfill-batch-size=%lld --backfill-batch-delay=%.0fms", batch, ms)},
        {"GitLab", rh_view_printf(view, "sub_batch_size: %lld, pause_ms: %.0f", batch, ms)},
        {"online_migrations", rh_view_printf(view, "batch_size: %lld, pause_ms: %.0f", batch, ms)},
        {"maintenance_tasks, in_batches",
         rh_view_printf(view, "in_batches(of: %lld), sleep(%.3f)", batch, seconds)},
        {"Zulip's do_batch_update", rh_view_printf(view, "batch_size=%lld, sleep=%.3f", batch, seconds)},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        *rh_arena_add(view->arena, list, &count) = all[i];
    return count;
}
