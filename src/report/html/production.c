/* Production beside staging: the profile, probe by probe. */
#include "html.h"
#include <math.h>
#include <string.h>

static const char *figure(const rh_view *view, const char *unit, double value)
{
    if (isnan(value))
        return "not known";
    if (strcmp(unit, "s") == 0)
        return rh_view_seconds(view, value);
    if (strcmp(unit, "bytes/s") == 0)
        return rh_view_printf(view, "%s/s", rh_view_bytes_or(view, (int64_t)value, "?"));
    if (strcmp(unit, "times") == 0)
        return rh_view_printf(view, "%.2g times", value);
    return rh_view_printf(view, "%s/s", rh_view_count_or(view, (int64_t)value, "?"));
}

static const char *probe_title(const char *name)
{
    static const char *const titles[][2] = {{"cpu", "CPU, one thread: numbers hashed"},
                                            {"sort", "CPU, one thread: numbers sorted in memory"},
                                            {"cached", "Read from shared buffers"},
                                            {"sequential", "Read from outside shared buffers, sequentially"},
                                            {"random", "Read from outside shared buffers, a random page"},
                                            {"wal", "Commit with a flush to disk"},
                                            {"write", "WAL written and flushed"},
                                            {"parallel", "CPU, three processes compared with one"}};
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (strcmp(titles[i][0], name) == 0)
            return titles[i][1];
    return name;
}

static void probe_row(rh_html *html, const rh_json *probe)
{
    const rh_view *view = &html->view;
    const char *unit = rh_view_string(probe, "unit"), *name = rh_view_string(probe, "name");
    double ratio = rh_view_real(probe, "staging_speed_ratio");
    rh_html_row(html, NULL);
    rh_html_cell(html, probe_title(name ? name : "?"));
    rh_html_figure(html, figure(view, unit ? unit : "", rh_view_real(probe, "production")));
    rh_html_figure(html, figure(view, unit ? unit : "", rh_view_real(probe, "staging")));
    rh_html_figure(html, isnan(ratio) ? "not known" : rh_view_printf(view, "%.2f ×", ratio));
    rh_html_row_end(html);
}

void rh_html_production(rh_html *html)
{
    static const char *const columns[] = {"Probe", "#Production", "#Staging", "#Staging's speed", NULL};
    const rh_view *view = &html->view;
    const rh_json *profile = rh_json_path(view->report, "production.profile");
    const rh_json *probe = rh_json_get(profile, "probe");
    if (!profile)
        return;
    const char *taken = rh_view_string(profile, "taken_at"),
               *version = rh_view_string(profile, "server_version");
    rh_html_table(
        html,
        rh_view_printf(
            view, "Production by its profile (PostgreSQL %s, %s, %s tables, taken %s), and staging",
            version ? version : "?",
            rh_view_bytes_or(view, rh_json_int(rh_json_get(profile, "database_bytes")), "size not known"),
            rh_view_count_or(view, rh_json_int(rh_json_get(profile, "tables")), "?"),
            taken ? taken : "at a time not known"),
        columns);
    rh_xml_open(html->xml, "tbody", NULL);
    for (size_t i = 0; i < rh_json_count(probe); i++)
        probe_row(html, rh_json_at(probe, i));
    rh_xml_close(html->xml);
    rh_html_table_end(html);
}
