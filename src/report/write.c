#include "pgrehearse/adapters/files.h"
#include "pgrehearse/report/report.h"
#include "report/samples/samples.h"
#include <stdlib.h>
#include <unistd.h>

typedef bool (*renderer)(const rh_json *report, rh_text *text, rh_error *error);

static bool write_page(const rh_run *run, const rh_json *record, const char *name, renderer render,
                       rh_error *error)
{
    rh_text path = {0}, page = {0};
    rh_text_printf(&path, "%s/%s", run->directory, name);
    bool done = render(record, &page, error) &&
                rh_file_write(rh_text_string(&path), rh_text_string(&page), page.length, error);
    if (!done) /* an earlier version would contradict the record */
        unlink(rh_text_string(&path));
    rh_text_release(&page);
    rh_text_release(&path);
    return done;
}

static bool render_json(const rh_json *report, rh_text *text, rh_error *error)
{
    (void)error;
    char *formatted = rh_json_format_record(report);
    rh_text_append(text, formatted);
    free(formatted);
    return true;
}

static bool write_samples(const rh_run *run, const rh_json *record, rh_error *error)
{
    rh_text path = {0};
    rh_text_printf(&path, "%s/samples", run->directory);
    bool done = rh_directory_make(rh_text_string(&path), 0755, error) &&
                rh_samples_write(run, rh_text_string(&path), error);
    done = rh_samples_write_record(record, rh_text_string(&path), error) && done;
    rh_text_release(&path);
    return done;
}

/* The record goes first, and what can be written is written: one page that fails does not take the others
 * with it. */
bool rh_report_write(const rh_run *run, rh_error *error)
{
    static const struct {
        const char *name;
        renderer render;
    } pages[] = {
        {"report.json", render_json},
        {"report.html", rh_report_html},
        {"report.md", rh_report_markdown},
        {"junit.xml", rh_report_junit},
    };
    rh_json *record = rh_report_json(run);
    bool done = true;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        done = write_page(run, record, pages[i].name, pages[i].render, error) && done;
    done = write_samples(run, record, error) && done;
    rh_json_free(record);
    return done;
}
