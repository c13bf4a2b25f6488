/* Formats figures, and cleans text from elsewhere, for display. */
#include "pgrehearse/base/units.h"
#include "pgrehearse/base/text.h"
#include "view.h"
#include "backfill.h"
#include "pgrehearse/model/lock.h"
#include <math.h>
#include <string.h>

const char *rh_view_printf(const rh_view *view, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = rh_arena_vprintf(view->arena, format, args);
    va_end(args);
    return text;
}

const char *rh_view_seconds_or(const rh_view *view, double seconds, const char *dash)
{
    if (isnan(seconds))
        return dash;
    if (seconds == 0)
        return "0";
    return rh_duration_format(seconds, rh_arena_alloc(view->arena, 48), 48);
}

const char *rh_view_seconds(const rh_view *view, double seconds)
{
    return rh_view_seconds_or(view, seconds, "not measured");
}

const char *rh_view_longest_wait(const rh_view *view, const rh_view_migration *m)
{
    return rh_view_seconds_or(view, m->longest_load_wait_s, m->load_waits == 0 ? "none" : "–");
}

const char *rh_view_bytes_or(const rh_view *view, int64_t bytes, const char *dash)
{
    return bytes < 0 ? dash : rh_size_format(bytes, rh_arena_alloc(view->arena, 48), 48);
}

const char *rh_view_count_or(const rh_view *view, int64_t count, const char *dash)
{
    return count < 0 ? dash : rh_count_format(count, rh_arena_alloc(view->arena, 48), 48);
}

const char *rh_view_percent(const rh_view *view, double share)
{
    if (isnan(share))
        return "not measured";
    double percent = 100 * share;
    return rh_view_printf(view, fabs(percent) < 9.95 && percent != round(percent) ? "%.1f %%" : "%.0f %%",
                          percent);
}

const char *rh_view_mode(const char *mode)
{
    const char *sql = rh_lock_mode_sql(rh_lock_mode_named(mode));
    return sql ? sql : mode ? mode : "";
}

const char *rh_view_line(const rh_view *view, const char *string, size_t width)
{
    if (!string)
        return "";
    rh_text line = {0};
    size_t count = 0, last = 0; /* LAST: where the last character that fits begins */
    bool blank = false;
    uint32_t code;
    for (size_t length; (length = rh_utf8_decode(string, &code)); string += length) {
        bool space = code == ' ' || (code >= '\t' && code <= '\r');
        if (space && blank)
            continue;
        blank = space;
        if (width && count == width) {
            line.length = last;
            rh_text_append(&line, "…");
            break;
        }
        last = line.length;
        count++;
        if (space)
            rh_text_append_char(&line, ' ');
        else if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xfffd)
            rh_text_append(&line, "\xef\xbf\xbd");
        else
            rh_text_append_bytes(&line, string, length);
    }
    const char *result = rh_arena_strdup(view->arena, rh_text_string(&line));
    rh_text_release(&line);
    return result;
}

const char *rh_view_basename(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash && slash[1] ? slash + 1 : path;
}

const char *rh_view_gate_measured(const rh_view *view, const rh_json *gate)
{
    double measured = rh_view_real(gate, "measured");
    const char *setting = rh_view_backfill_setting(view, gate);
    if (setting)
        return setting;
    if (isnan(measured))
        return "not measured";
    if (rh_view_is(gate, "unit", "s"))
        return rh_view_seconds(view, measured);
    if (rh_view_is(gate, "unit", "ratio"))
        return rh_view_printf(view, measured < 9.95 ? "%.1f" : "%.0f", measured);
    return rh_view_count_or(view, llround(measured), "not measured");
}

const char *rh_view_range(const rh_view *view, double low_s, double high_s)
{
    const char *low = rh_view_seconds(view, low_s), *high = rh_view_seconds(view, high_s);
    size_t number = strcspn(low, " ");
    /* "5.8–6.1 s" rather than "5.8 s – 6.1 s" when both have the one same unit. */
    bool one_unit =
        strcmp(low + number, high + strcspn(high, " ")) == 0 && strchr(low, ' ') == strrchr(low, ' ');
    return one_unit ? rh_view_printf(view, "%.*s–%s", (int)number, low, high)
                    : rh_view_printf(view, "%s – %s", low, high);
}

const char *rh_view_time(const rh_view *view, const rh_view_migration *m, const char **range)
{
    *range = m->quiet_runs > 1 ? rh_view_range(view, m->quiet_min_s, m->quiet_max_s) : NULL;
    if (m->quiet_runs > 0)
        return rh_view_seconds(view, m->quiet_median_s);
    return isnan(m->loaded_s) ? "not measured"
                              : rh_view_printf(view, "%s under load", rh_view_seconds(view, m->loaded_s));
}
