#include "program.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool rh_program_mentions(const char *const *arguments, const char *placeholder)
{
    for (; arguments && *arguments; arguments++)
        if (strstr(*arguments, placeholder))
            return true;
    return false;
}

bool rh_program_needs_range(const rh_backfill *backfill)
{
    return rh_program_mentions(backfill->command, "{from}");
}

static const char *fill_in(const char *argument, const rh_backfill_setting *setting,
                           const rh_program_range *range, rh_arena *arena)
{
    const int64_t pause_ms = setting->pause.duration / 1000;
    const struct {
        const char *placeholder, *value;
    } values[] = {
        {"{batch}", rh_arena_printf(arena, "%" PRId64, setting->batch)},
        {"{pause_ms}", rh_arena_printf(arena, "%" PRId64, pause_ms)},
        {"{pause_s}", rh_arena_printf(arena, "%.3f", (double)pause_ms / 1000)},
        {"{workers}", rh_arena_printf(arena, "%d", setting->workers)},
        {"{from}", range ? range->from : ""},
        {"{to}", range ? range->to : ""},
    };
    enum { COUNT = sizeof values / sizeof *values };
    rh_text text = {0};
    while (*argument) {
        size_t i = 0;
        while (i < COUNT && !rh_starts_with(argument, values[i].placeholder))
            i++;
        if (i < COUNT)
            rh_text_append(&text, values[i].value), argument += strlen(values[i].placeholder);
        else
            rh_text_append_char(&text, *argument++);
    }
    const char *filled = rh_arena_strdup(arena, rh_text_string(&text));
    rh_text_release(&text);
    return filled;
}

const char *const *rh_program_arguments(const rh_backfill *b, const rh_backfill_setting *setting,
                                        const rh_program_range *range, bool again, rh_arena *arena)
{
    const char *const *lists[] = {again && b->resume ? b->resume : b->command, range ? b->range : NULL};
    const char **filled = NULL;
    size_t count = 0;
    for (size_t l = 0; l < 2; l++)
        for (const char *const *argument = lists[l]; argument && *argument; argument++)
            *rh_arena_add(arena, &filled, &count) = fill_in(*argument, setting, range, arena);
    *rh_arena_add(arena, &filled, &count) = NULL;
    return filled;
}

const char *rh_program_said(const rh_process *process, rh_arena *arena)
{
    const char *text = rh_process_errors(process);
    if (!*text)
        text = rh_process_output(process);
    const char *last = "";
    size_t length = 0;
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (strcspn(line, "\r\n") > 0) {
            last = line;
            length = strcspn(line, "\r\n");
        }
    char *redacted = rh_redact_line(rh_arena_strndup(arena, last, length));
    const char *kept = rh_arena_strdup(arena, redacted);
    free(redacted);
    return kept;
}
