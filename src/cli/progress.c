#include "progress.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/base/text.h"
#include "terminal.h"
#include <stdlib.h>
#include <string.h>

enum {
    MAX_STAGES = 8,
    BAR_CELLS = 12,
    NAME_WIDTH = 22,
    REDRAW_US = 100000,
    FIRST_REPORT_US = 10000000, /* of a long stage, where there is no live line */
    REPORT_US = 60000000,
};

typedef struct stage {
    char *name;
    rh_usec began, reported; /* reported: time of the last plain line about this stage */
    int inner; /* how often it has begun again inside itself: two layers speak of the same stage */
} stage;

struct rh_progress_display {
    rh_progress_style style;
    rh_progress events;
    stage stages[MAX_STAGES]; /* a stage may run inside another */
    int depth;
    rh_usec drawn;
    bool line_is_open;
};

/* Tenths of a second are enough for the eye. */
static const char *elapsed(const stage *s, char *buffer, size_t size)
{
    double seconds = rh_seconds(rh_clock_monotonic() - s->began);
    if (seconds >= 59.95)
        return rh_duration_format(seconds, buffer, size);
    snprintf(buffer, size, "%.1f s", seconds);
    return buffer;
}

static const char *color(const rh_progress_display *display, const char *code)
{
    return display->style.color ? code : "";
}

/* ---- stages ---- */

static stage *top(rh_progress_display *display)
{
    return display->depth ? &display->stages[display->depth - 1] : NULL;
}

static void push(rh_progress_display *display, const char *name)
{
    if (display->depth == MAX_STAGES)
        free(display->stages[--display->depth].name);
    rh_usec now = rh_clock_monotonic();
    display->stages[display->depth++] = (stage){rh_strdup(name), now, now, 0};
}

/* The stage NAME, with those that began inside it forgotten; begun now if it is not known. */
static stage *unwind_to(rh_progress_display *display, const char *name)
{
    for (int i = display->depth - 1; i >= 0; i--)
        if (strcmp(display->stages[i].name, name) == 0) {
            while (display->depth > i + 1)
                free(display->stages[--display->depth].name);
            return &display->stages[i];
        }
    push(display, name);
    return top(display);
}

/* ---- lines ---- */

static void clear_line(rh_progress_display *display)
{
    if (display->line_is_open)
        fputs("\r\033[K", display->style.out);
    display->line_is_open = false;
}

static void append_amount(rh_text *text, const rh_progress_event *event, int64_t amount)
{
    char buffer[32];
    if (event->unit == RH_UNIT_BYTES)
        rh_text_append(text, rh_size_format(amount, buffer, sizeof buffer));
    else if (event->unit == RH_UNIT_SECONDS)
        rh_text_append(text, rh_duration_format((double)amount, buffer, sizeof buffer));
    else
        rh_text_append(text, rh_count_format(amount, buffer, sizeof buffer));
}

/* "120 MB of 190 MB", "1,200", or nothing. */
static void append_amounts(rh_text *text, const rh_progress_event *event)
{
    if (event->kind != RH_PROGRESS_UPDATE || event->unit == RH_UNIT_NONE || event->done < 0)
        return;
    append_amount(text, event, event->done);
    if (event->total > 0) {
        rh_text_append(text, " of ");
        append_amount(text, event, event->total);
    }
    rh_text_append(text, "  ");
}

static void append_bar(rh_text *text, const rh_progress_display *display, const rh_progress_event *event)
{
    if (event->kind != RH_PROGRESS_UPDATE || event->total <= 0 || event->done < 0)
        return;
    double share = (double)event->done / (double)event->total;
    int full = share >= 1 ? BAR_CELLS : (int)(share * BAR_CELLS);
    bool utf8 = display->style.utf8;
    rh_text_append_char(text, '[');
    for (int i = 0; i < BAR_CELLS; i++)
        rh_text_append(text, i < full ? (utf8 ? "█" : "#") : (utf8 ? "·" : "-"));
    rh_text_printf(text, "] %3d %%  ", share >= 1 ? 100 : (int)(share * 100));
}

static void append_name(rh_text *text, const char *name)
{
    rh_text brief = {0};
    rh_text_append_brief(&brief, name, 60);
    rh_text_append(text, rh_text_string(&brief));
    for (size_t i = rh_utf8_length(rh_text_string(&brief)); i < NAME_WIDTH; i++)
        rh_text_append_char(text, ' ');
    rh_text_append(text, "  ");
    rh_text_release(&brief);
}

/* Cut to the terminal's width, so that it stays one line. */
static void put_line(rh_progress_display *display, const char *line)
{
    int width = display->style.width ? display->style.width : rh_terminal_width(display->style.out);
    rh_text text = {0};
    size_t room = width > 1 ? (size_t)width - 1 : 1;
    uint32_t code;
    for (size_t length; room > 0 && (length = rh_utf8_decode(line, &code)) > 0; line += length, room--)
        rh_text_append_bytes(&text, line, length);
    fputs(rh_text_string(&text), display->style.out);
    rh_text_release(&text);
}

static void draw(rh_progress_display *display, const stage *s, const rh_progress_event *event)
{
    char buffer[32];
    rh_text line = {0};
    rh_text_append(&line, "  ");
    append_name(&line, s->name);
    append_bar(&line, display, event);
    append_amounts(&line, event);
    rh_text_printf(&line, "%s  ", elapsed(s, buffer, sizeof buffer));
    if (event->detail)
        rh_text_append_brief(&line, event->detail, 200);
    clear_line(display);
    put_line(display, rh_text_string(&line));
    display->line_is_open = true;
    display->drawn = rh_clock_monotonic();
    rh_text_release(&line);
}

/* A line that stays. MARK is only for terminals. */
static void print_line(rh_progress_display *display, const stage *s, const char *mark, const char *code,
                       const char *detail, bool with_time)
{
    char buffer[32];
    rh_text line = {0}, clean = {0};
    rh_text_append_brief(&clean, detail ? detail : "", 400);
    clear_line(display);
    if (display->style.live) {
        fprintf(display->style.out, "%s%s%s ", color(display, code), mark, color(display, "\033[0m"));
        append_name(&line, s->name);
    } else {
        rh_text_append_brief(&line, s->name, 100);
        rh_text_append(&line, ": ");
    }
    rh_text_append(&line, rh_text_string(&clean));
    if (with_time)
        rh_text_printf(&line, "%s(%s)", clean.length ? " " : "", elapsed(s, buffer, sizeof buffer));
    fprintf(display->style.out, "%s\n", rh_text_string(&line));
    rh_text_release(&line);
    rh_text_release(&clean);
}

/* ---- events ---- */

static void on_begin(rh_progress_display *display, const rh_progress_event *event)
{
    stage *open = top(display);
    bool again = open && strcmp(open->name, event->stage) == 0;
    if (again)
        open->inner++;
    else
        push(display, event->stage);
    if (display->style.live)
        draw(display, top(display), event);
    else if (again)
        return;
    else if (event->detail && *event->detail)
        print_line(display, top(display), "", "", event->detail, false);
}

static void on_update(rh_progress_display *display, const rh_progress_event *event)
{
    stage *s = unwind_to(display, event->stage);
    rh_usec now = rh_clock_monotonic();
    if (display->style.live) {
        if (now - display->drawn >= REDRAW_US || !display->line_is_open)
            draw(display, s, event);
        return;
    }
    if (now - s->reported < (s->reported == s->began ? FIRST_REPORT_US : REPORT_US))
        return;
    s->reported = now;
    rh_text text = {0};
    append_amounts(&text, event);
    rh_text_append_brief(&text, event->detail ? event->detail : "", 60); /* a statement may be pages long */
    print_line(display, s, "", "", rh_text_string(&text), true);
    rh_text_release(&text);
}

static void on_end(rh_progress_display *display, const rh_progress_event *event)
{
    stage *s = unwind_to(display, event->stage);
    if (s->inner > 0) {
        s->inner--;
        return;
    }
    print_line(display, s, display->style.utf8 ? "✓" : "*", "\033[32m", event->detail, true);
    free(s->name);
    display->depth--;
}

static void on_note(rh_progress_display *display, const rh_progress_event *event)
{
    rh_text line = {0};
    rh_text_append_clean(&line, event->detail ? event->detail : "", false);
    clear_line(display);
    fprintf(display->style.out, "%s%s%s %s\n", color(display, "\033[33m"),
            display->style.live ? "!" : "note:", color(display, "\033[0m"), rh_text_string(&line));
    rh_text_release(&line);
}

static void on_event(void *user, const rh_progress_event *event)
{
    rh_progress_display *display = user;
    switch (event->kind) {
    case RH_PROGRESS_BEGIN:
        on_begin(display, event);
        break;
    case RH_PROGRESS_UPDATE:
        on_update(display, event);
        break;
    case RH_PROGRESS_END:
        on_end(display, event);
        break;
    case RH_PROGRESS_NOTE:
        on_note(display, event);
        break;
    case RH_PROGRESS_DETAIL:
        return;
    }
    fflush(display->style.out);
}

rh_progress_display *rh_progress_display_new(const rh_progress_style *style)
{
    rh_progress_display *display = rh_alloc(sizeof *display);
    display->style = *style;
    display->events = (rh_progress){on_event, display};
    return display;
}

const rh_progress *rh_progress_display_events(rh_progress_display *display)
{
    return &display->events;
}

void rh_progress_display_free(rh_progress_display *display)
{
    if (!display)
        return;
    if (display->depth)
        print_line(display, top(display), display->style.utf8 ? "✗" : "x", "\033[31m", "stopped", true);
    clear_line(display);
    fflush(display->style.out);
    while (display->depth)
        free(display->stages[--display->depth].name);
    free(display);
}
