/* The environment: machine, backup, settings, and objects that were disabled. */
#include "pgrehearse/base/units.h"
#include "html.h"
#include <math.h>

static void pair(rh_html *html, const char *term, const char *text)
{
    if (!text)
        return;
    rh_xml_element(html->xml, "dt", term, NULL);
    rh_xml_element(html->xml, "dd", text, NULL);
}

static void staging(rh_html *html, const rh_json *s)
{
    const rh_view *view = &html->view;
    const char *kind = rh_view_string(s, "kind"), *location = rh_view_string(s, "location");
    const char *method = rh_view_string(s, "reset_method");
    pair(html, "PostgreSQL", rh_view_string(s, "server_version"));
    pair(html, "Staging", rh_view_printf(view, "%s, %s", kind ? kind : "?", location ? location : "?"));
    pair(html, "Machine",
         rh_view_printf(view, "%s CPUs, %s of memory",
                        rh_view_count_or(view, rh_json_int(rh_json_get(s, "cpu_count")), "unknown"),
                        rh_view_bytes_or(view, rh_json_int(rh_json_get(s, "memory_bytes")), "unknown")));
    if (method)
        pair(html, "Reset",
             rh_view_printf(view, "by %s, %lld times, %s each (median)", method,
                            (long long)rh_json_int(rh_json_get(s, "resets")),
                            rh_view_seconds(view, rh_view_real(s, "reset_s"))));
}

static void backup(rh_html *html, const rh_json *b)
{
    const rh_view *view = &html->view;
    const char *shape = rh_view_string(b, "format"), *dumped = rh_view_string(b, "dump_version"),
               *sha = rh_view_string(b, "sha256");
    pair(html, "Backup", rh_view_string(b, "path"));
    pair(html, "Format",
         rh_view_printf(view, "%s, %s%s%s", shape ? shape : "unknown",
                        rh_view_bytes_or(view, rh_json_int(rh_json_get(b, "bytes")), "?"),
                        dumped ? ", by pg_dump " : "", dumped ? dumped : ""));
    const rh_json *copy = rh_json_get(b, "physical");
    if (rh_json_is_object(copy)) {
        const char *label = rh_view_string(copy, "label"), *state = rh_view_string(copy, "server_state");
        pair(html, "Physical copy",
             rh_view_printf(view, "of system %s, %s%s%s, server %s",
                            rh_view_string(copy, "system_identifier"), label ? "label \"" : "no label",
                            label ? label : "", label ? "\"" : "", state ? state : "of unknown state"));
    }
    pair(html, "SHA-256", sha);
    pair(html, "Checksum", rh_view_string(b, "integrity_checked_by"));
    if (!isnan(rh_view_real(b, "restore_s")))
        pair(html, "Restored",
             rh_view_printf(view, "%s table%s, %s row%s, %s, in %s",
                            rh_view_count_or(view, rh_json_int(rh_json_get(b, "tables")), "?"),
                            rh_plural(rh_json_int(rh_json_get(b, "tables"))),
                            rh_view_count_or(view, rh_json_int(rh_json_get(b, "rows")), "?"),
                            rh_plural(rh_json_int(rh_json_get(b, "rows"))),
                            rh_view_bytes_or(view, rh_json_int(rh_json_get(b, "database_bytes")), "?"),
                            rh_view_seconds(view, rh_view_real(b, "restore_s"))));
}

static void settings(rh_html *html, const rh_json *list)
{
    static const char *const columns[] = {"Setting", "#Timed passes", "#Restore", "#Production", NULL};
    if (rh_json_count(list) == 0)
        return;
    rh_html_table(html, "Settings in force, and production's where they are known", columns);
    rh_xml_open(html->xml, "tbody", NULL);
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *s = rh_json_at(list, i);
        const char *value = rh_view_string(s, "value"), *restore = rh_view_string(s, "restore_value");
        const char *production = rh_view_string(s, "production_value");
        rh_html_row(html, NULL);
        rh_html_cell(html, rh_view_string(s, "name"));
        rh_html_figure(html, value ? value : "–");
        rh_html_figure(html, restore ? restore : "the same");
        rh_html_figure(html, production ? production : "not known");
        rh_html_row_end(html);
    }
    rh_xml_close(html->xml);
    rh_html_table_end(html);
}

/* "UTF8, libc en_US.UTF-8"; NULL where nothing is known. */
static const char *locale(const rh_view *view, const rh_json *of)
{
    const char *encoding = rh_view_string(of, "encoding"), *provider = rh_view_string(of, "locale_provider");
    const char *own = rh_view_string(of, "locale"), *collate = rh_view_string(of, "collate");
    const char *name = own ? own : collate;
    return name ? rh_view_printf(view, "%s, %s %s", encoding ? encoding : "encoding not known",
                                 provider ? provider : "", name)
                : NULL;
}

static void origin(rh_html *html, const rh_json *s, const rh_json *b)
{
    const rh_view *view = &html->view;
    const rh_json *database = rh_json_get(b, "database");
    const char *backup_locale = locale(view, database), *staging_locale = locale(view, s);
    pair(html, "Locale",
         staging_locale ? rh_view_printf(view, "%s; the backup's database: %s", staging_locale,
                                         backup_locale ? backup_locale : "it does not say")
                        : NULL);
    pair(html, "Roles", rh_view_roles(view));
}

static void database_settings(rh_html *html, const rh_json *list)
{
    static const char *const columns[] = {"Setting", "Sessions", "Value", "Applied", NULL};
    if (rh_json_count(list) == 0)
        return;
    rh_html_table(html, "Settings of the backup's database", columns);
    rh_xml_open(html->xml, "tbody", NULL);
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *s = rh_json_at(list, i);
        const char *role = rh_view_string(s, "role"), *why = rh_view_string(s, "reason");
        const char *value = rh_view_string(s, "value");
        rh_html_row(html, NULL);
        rh_html_cell(html, rh_view_string(s, "name"));
        rh_html_cell(html, role ? role : "all");
        rh_html_cell(html, value ? value : "not shown");
        rh_html_cell(html, rh_json_bool(rh_json_get(s, "applied")) ? "yes" : why ? why : "no");
        rh_html_row_end(html);
    }
    rh_xml_close(html->xml);
    rh_html_table_end(html);
}

static void sentences(rh_html *html, const char *title, const rh_json *list)
{
    if (rh_json_count(list) == 0)
        return;
    rh_xml_element(html->xml, "h3", title, NULL);
    rh_xml_open(html->xml, "ul", NULL);
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *item = rh_json_at(list, i);
        const char *what = rh_view_string(item, "subject"), *why = rh_view_string(item, "reason");
        rh_xml_element(html->xml, "li",
                       what ? rh_view_printf(&html->view, "%s: %s", what, why ? why : "no reason given")
                            : rh_json_string(item),
                       NULL);
    }
    rh_xml_close(html->xml);
}

static void steps(rh_html *html, const char *caption, const rh_json *list)
{
    static const char *const columns[] = {"Step", "Outcome", "#Time", "#Failures", "Detail", NULL};
    if (rh_json_count(list) == 0)
        return;
    rh_html_table(html, caption, columns);
    rh_xml_open(html->xml, "tbody", NULL);
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *s = rh_json_at(list, i);
        bool ok = rh_view_is(s, "outcome", "ok"), failed = rh_view_is(s, "outcome", "failed");
        rh_html_row(html, NULL);
        rh_html_cell(html, rh_view_string(s, "name"));
        rh_xml_open(html->xml, "td", NULL);
        rh_xml_element(html->xml, "span",
                       ok       ? "ok"
                       : failed ? "failed"
                                : "not run",
                       "class",
                       ok       ? "good"
                       : failed ? "bad"
                                : "muted",
                       NULL);
        rh_xml_close(html->xml);
        rh_html_figure(html, rh_view_seconds_or(&html->view, rh_view_real(s, "elapsed_s"), "–"));
        rh_html_figure(html, rh_view_count_or(&html->view, rh_json_int(rh_json_get(s, "failures")), "–"));
        rh_html_cell(html, rh_view_line(&html->view, rh_view_string(s, "detail"), 200));
        rh_html_row_end(html);
    }
    rh_xml_close(html->xml);
    rh_html_table_end(html);
}

void rh_html_environment(rh_html *html)
{
    const rh_json *report = html->view.report;
    const rh_json *s = rh_json_get(report, "staging"), *b = rh_json_get(report, "backup"),
                  *plan = rh_json_get(report, "plan");
    rh_html_section(html, "environment", "Environment");
    if (!s)
        rh_html_absent(html, "Staging", RH_UNMEASURED_COUNT);
    rh_xml_open(html->xml, "dl", NULL);
    if (s)
        staging(html, s);
    pair(html, "Isolation", rh_view_isolation(&html->view));
    if (b)
        backup(html, b);
    origin(html, s, b);
    if (plan)
        pair(html, "Framework",
             rh_view_printf(
                 &html->view, "%s (%s); migrations: %lld, pending: %lld", rh_view_string(plan, "framework"),
                 rh_view_string(plan, "framework_reason") ? rh_view_string(plan, "framework_reason")
                                                          : "as the scenario says",
                 (long long)rh_json_int(rh_json_get(plan, "migrations")),
                 (long long)rh_json_int(rh_json_get(plan, "pending"))));
    pair(html, "Scenario", rh_json_string(rh_json_path(report, "scenario.path")));
    pair(html, "Scenario SHA-256", rh_json_string(rh_json_path(report, "scenario.sha256")));
    rh_xml_close(html->xml);
    rh_html_production(html);
    settings(html, rh_json_get(s, "settings"));
    database_settings(html, rh_json_path(b, "database.settings"));
    steps(html, "Run before the restore", rh_json_get(report, "before_restore"));
    steps(html, "Prepared after the restore", rh_json_get(report, "prepare"));
    steps(html, "Verified after the migrations", rh_json_get(report, "verify"));
    rh_html_isolation(html, rh_json_get(s, "isolation"));
    sentences(html, "Disabled", rh_json_get(s, "neutralised"));
    sentences(html, "Missing from the backup", rh_json_get(b, "missing"));
    sentences(html, "Skipped or changed by the restore", rh_json_get(b, "skipped"));
    rh_html_section_end(html);
}
