/* A section a backfill: the setting to use, what the others cost, and the statement of a batch. */
#include "backfill_charts.h"
#include <math.h>
#include <string.h>

/* The figure, and below it what belongs to it. */
static void two_lines(rh_html *html, const char *above, const char *below)
{
    rh_xml_open(html->xml, "td", "class", "f", NULL);
    rh_xml_text(html->xml, above);
    if (below)
        rh_xml_element(html->xml, "div", below, "class", "muted", NULL);
    rh_xml_close(html->xml);
}

static void interval(rh_html *html, const rh_view_figure *f,
                     const char *(*format)(const rh_view *view, double value))
{
    const rh_view *view = &html->view;
    const bool known = !isnan(f->low) && !isnan(f->high);
    if (isnan(f->median))
        rh_html_figure(html, "–");
    else
        two_lines(html, format(view, f->median),
                  known ? rh_view_printf(view, "%s – %s", format(view, f->low), format(view, f->high))
                        : "no interval");
}

static const char *seconds_or_dash(const rh_view *view, const rh_json *object, const char *key)
{
    return rh_view_seconds_or(view, rh_view_real(object, key), "–");
}

static const char *bytes_or_dash(const rh_view *view, const rh_json *object, const char *key)
{
    const double value = rh_view_real(object, key);
    return isnan(value) ? "–" : rh_view_bytes_or(view, llround(value), "–");
}

static void setting_cell(rh_html *html, const rh_view_setting *s, size_t number)
{
    const rh_view *view = &html->view;
    const char *rows = rh_view_count_or(view, rh_json_int(rh_json_get(s->record, "batch")), "?");
    rh_xml_open(html->xml, "td", "class", "locks", NULL);
    rh_xml_element(html->xml, s->recommended ? "strong" : "span",
                   rh_view_printf(view, "%zu. %s rows", number, rows), NULL);
    rh_xml_element(html->xml, "div", s->pacing, "class", "muted", NULL);
    rh_xml_close(html->xml);
}

static void state_cell(rh_html *html, const rh_view_setting *s)
{
    const char *class_ = strcmp(s->state, "held") == 0     ? "good"
                         : strcmp(s->state, "failed") == 0 ? "bad"
                         : s->ran                          ? "warn"
                                                           : "muted";
    const char *why = rh_view_string(s->record, "why");
    rh_xml_open(html->xml, "td", NULL);
    rh_xml_element(html->xml, "span", rh_view_setting_state(s), "class", class_, NULL);
    if (s->recommended)
        rh_xml_element(html->xml, "strong", " recommended", NULL);
    if (why)
        rh_xml_element(html->xml, "div", why, "class", "muted", NULL);
    rh_xml_close(html->xml);
}

static void setting_row(rh_html *html, const rh_view_setting *s, size_t number, bool has_load)
{
    const rh_view *view = &html->view;
    rh_html_row(html, NULL);
    setting_cell(html, s, number);
    state_cell(html, s);
    interval(html, &s->total_s, rh_view_seconds);
    interval(html, &s->p99_ratio, rh_view_ratio);
    rh_html_figure(html, has_load && s->ran ? seconds_or_dash(view, s->record, "lock_wait_s") : "–");
    two_lines(html, s->ran ? seconds_or_dash(view, s->record, "batch_p50_s") : "–",
              s->ran ? rh_view_printf(view, "at most %s", seconds_or_dash(view, s->record, "batch_max_s"))
                     : NULL);
    const double rate = rh_view_real(s->record, "rows_per_s");
    two_lines(html, isnan(rate) ? "–" : rh_view_count_or(view, llround(rate), "–"),
              s->ran ? rh_view_printf(view, "%s of WAL", bytes_or_dash(view, s->record, "wal_bytes_per_s"))
                     : NULL);
    rh_html_figure(html, bytes_or_dash(view, s->record, "wal_bytes"));
    rh_html_figure(html, s->ran ? rh_view_count_or(view, rh_json_int(rh_json_get(s->record, "batches")), "–")
                                : "–");
    rh_html_row_end(html);
}

static void settings(rh_html *html, const rh_view_backfill *b)
{
    static const char *const columns[] = {
        "Setting",        "State and reason", "#Duration of the whole", "#p99 ratio",   "#Longest lock wait",
        "#Batch, median", "#Rows a second",   "#WAL of the whole",      "#Batches run", NULL};
    const bool has_load = rh_view_real(b->record, "rate_per_s") > 0;
    rh_html_table(html,
                  rh_view_printf(&html->view, "Each setting; below a figure its interval at %s; %s",
                                 rh_view_percent(&html->view, rh_view_real(b->record, "level")),
                                 has_load ? rh_view_printf(&html->view, "load: %.0f transactions per second",
                                                           rh_view_real(b->record, "rate_per_s"))
                                          : "there was no load"),
                  columns);
    rh_xml_open(html->xml, "tbody", NULL);
    for (size_t i = 0; i < b->setting_count; i++)
        setting_row(html, &b->settings[i], i + 1, has_load);
    rh_xml_close(html->xml);
    rh_html_table_end(html);
}

/* A count of RECORD, or a dash. */
static const char *count_of(const rh_view *view, const rh_json *record, const char *key)
{
    const double count = rh_view_real(record, key);
    return isnan(count) ? "–" : rh_view_count_or(view, llround(count), "–");
}

static void activity_row(rh_html *html, const rh_view_setting *s, size_t number)
{
    const rh_view *view = &html->view;
    const double hot = rh_view_real(s->record, "hot_share"), growth = rh_view_real(s->record, "growth_bytes");
    rh_html_row(html, NULL);
    setting_cell(html, s, number);
    rh_html_figure(html, rh_view_seconds_or(view, rh_view_real(s->record, "elapsed_s"), "–"));
    rh_html_figure(html, count_of(view, s->record, "rows"));
    rh_html_figure(html, count_of(view, s->record, "page_images"));
    rh_html_figure(html, isnan(hot) ? "–" : rh_view_percent(view, hot));
    rh_html_figure(html, growth < 0 ? "0 B" : bytes_or_dash(view, s->record, "growth_bytes"));
    rh_html_figure(html, count_of(view, s->record, "checkpoints"));
    rh_html_figure(html, count_of(view, s->record, "autovacuums"));
    rh_html_figure(html, bytes_or_dash(view, s->record, "temp_bytes"));
    rh_html_row_end(html);
}

/* What the server did beside the batches, where it tells. */
static void activity(rh_html *html, const rh_view_backfill *b)
{
    static const char *const columns[] = {"Setting",          "#Windows", "#Rows",        "#Full-page images",
                                          "#HOT updates",     "#Growth",  "#Checkpoints", "#Autovacuums",
                                          "#Temporary files", NULL};
    bool known = false;
    for (size_t i = 0; i < b->setting_count; i++)
        known = known || !isnan(rh_view_real(b->settings[i].record, "page_images"));
    if (!known)
        return;
    rh_html_table(html, "What the server did in the windows of each setting, for the load as well", columns);
    for (size_t i = 0; i < b->setting_count; i++)
        if (b->settings[i].ran)
            activity_row(html, &b->settings[i], i + 1);
    rh_html_table_end(html);
}

static void gates(rh_html *html, const rh_view_backfill *b)
{
    static const char *const columns[] = {"Gate", "#Limit", "#Measured", "Outcome", NULL};
    if (b->gate_count == 0)
        return;
    rh_html_table(html,
                  b->chosen ? rh_view_printf(&html->view, "Gates with %s", b->chosen->name)
                            : "Gates: no setting ran",
                  columns);
    for (size_t i = 0; i < b->gate_count; i++) {
        const rh_view_backfill_gate *gate = &b->gates[i];
        const bool held = strcmp(gate->outcome, "held") == 0, failed = strcmp(gate->outcome, "failed") == 0;
        rh_html_row(html, NULL);
        rh_html_cell(html, gate->name);
        rh_html_figure(html, gate->limit_text ? gate->limit_text : "–");
        rh_html_figure(html, gate->reading);
        rh_xml_open(html->xml, "td", NULL);
        rh_xml_element(html->xml, "span",
                       held     ? "held"
                       : failed ? "failed"
                                : "unclear",
                       "class",
                       held     ? "good"
                       : failed ? "bad"
                                : "warn",
                       NULL);
        rh_xml_close(html->xml);
        rh_html_row_end(html);
    }
    rh_html_table_end(html);
}

static void proof(rh_html *html, const rh_view_backfill *b)
{
    static const char *const columns[] = {"Claim", "Outcome", "#Whole runs", "Figures, or the reason", NULL};
    if (b->claim_count == 0) {
        rh_html_paragraph(html, "absent",
                          rh_view_printf(&html->view, "Proof: %s.", rh_view_backfill_proof(&html->view, b)));
        return;
    }
    rh_html_table(html, "Proof, by whole runs on a sample of the database", columns);
    for (size_t i = 0; i < b->claim_count; i++) {
        const rh_view_claim *claim = &b->claims[i];
        const bool held = strcmp(claim->outcome, "held") == 0, failed = strcmp(claim->outcome, "failed") == 0;
        rh_html_row(html, NULL);
        rh_html_cell(html, claim->claim);
        rh_xml_open(html->xml, "td", NULL);
        rh_xml_element(html->xml, "span", claim->outcome, "class",
                       held     ? "good"
                       : failed ? "bad"
                                : "warn",
                       NULL);
        rh_xml_close(html->xml);
        rh_html_figure(html, rh_view_printf(&html->view, "%lld", (long long)claim->runs));
        rh_html_cell(html, claim->why);
        rh_html_row_end(html);
    }
    rh_html_table_end(html);
}

static void bounds(rh_html *html, const rh_view_backfill *b)
{
    const rh_json *list = rh_json_get(b->record, "bounds");
    if (rh_json_count(list) == 0)
        return;
    rh_xml_open(html->xml, "ul", NULL);
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *bound = rh_json_at(list, i);
        const char *why = rh_view_string(bound, "why"), *name = rh_view_string(bound, "name");
        const double limit = rh_view_real(bound, "limit");
        rh_xml_element(
            html->xml, "li",
            rh_view_printf(&html->view, "Bound on %s: %s. %s", name ? name : "?",
                           isnan(limit) ? "not known" : rh_view_count_or(&html->view, llround(limit), "?"),
                           why ? why : ""),
            NULL);
    }
    rh_xml_close(html->xml);
}

static void statement(rh_html *html, const rh_view_backfill *b)
{
    const rh_view *view = &html->view;
    const char *key = rh_view_string(b->record, "key"), *walk = rh_view_string(b->record, "walk"),
               *after = rh_view_string(b->record, "after"), *sql = rh_view_string(b->record, "statement");
    if (!sql) /* a program's */
        return;
    rh_xml_element(html->xml, "h3", "The statement of a batch", NULL);
    rh_html_sql(html, sql);
    rh_html_paragraph(
        html, "note",
        rh_view_printf(
            view,
            "Walk %s%s%s, after %s. The table has %s rows, %s, and %s of indexes. The sweep changed %s "
            "rows. \"pgrehearse plan --backfill %s\" prints a procedure with this statement.",
            walk ? walk : "?", key ? " by " : "", key ? key : "",
            after ? after : "the last pending migration",
            rh_view_count_or(view, rh_json_int(rh_json_get(b->record, "table_rows")), "?"),
            bytes_or_dash(view, b->record, "table_bytes"), bytes_or_dash(view, b->record, "index_bytes"),
            rh_view_count_or(view, rh_json_int(rh_json_get(b->record, "changed")), "?"), b->name));
}

static void settings_to_paste(rh_html *html, const rh_view_backfill *b)
{
    static const char *const columns[] = {"Tool", "Setting", NULL};
    rh_view_paste *list;
    const size_t count = rh_view_backfill_paste(&html->view, b, &list);
    if (count == 0)
        return;
    rh_html_table(html, "The recommended setting to paste", columns);
    for (size_t i = 0; i < count; i++) {
        rh_html_row(html, NULL);
        rh_html_cell(html, list[i].tool);
        rh_html_cell(html, list[i].text);
        rh_html_row_end(html);
    }
    rh_html_table_end(html);
}

static void backfill(rh_html *html, const rh_view_backfill *b, size_t index)
{
    rh_html_section(html, rh_view_printf(&html->view, "backfill-%zu", index + 1),
                    rh_view_printf(&html->view, "Backfill %s", b->name));
    rh_html_paragraph(html, "headline", b->headline);
    if (b->one_statement)
        rh_html_paragraph(html, NULL, b->one_statement);
    if (b->advice)
        rh_html_paragraph(html, NULL, b->advice);
    if (b->measured) {
        gates(html, b);
        proof(html, b);
        rh_xml_element(html->xml, "h3", "Duration against response time", NULL);
        rh_html_backfill_frontier(html, b, index);
        settings(html, b);
        activity(html, b);
        bounds(html, b);
        rh_html_backfill_standby(html, b, index);
        rh_xml_element(html->xml, "h3", "Cost along the key", NULL);
        rh_html_backfill_strata(html, b, index);
        rh_xml_element(html->xml, "h3", "What the duration consists of", NULL);
        if (b->tested)
            rh_html_paragraph(html, NULL, b->tested);
        if (b->parts)
            rh_html_paragraph(html, NULL, b->parts);
        rh_html_backfill_phases(html, b, index);
        rh_html_backfill_course(html, b, index);
        statement(html, b);
        settings_to_paste(html, b);
    }
    if (!b->measured)
        proof(html, b);
    rh_html_section_end(html);
}

void rh_html_backfills(rh_html *html)
{
    rh_view_backfill *list;
    const size_t count = rh_view_backfills(&html->view, &list);
    for (size_t i = 0; i < count; i++)
        backfill(html, &list[i], i);
}
