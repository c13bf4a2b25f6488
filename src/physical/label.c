#include "label.h"
#include "pgrehearse/base/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool rh_lsn_parse(const char *text, uint64_t *lsn)
{
    char *end, *tail;
    if (!text || strspn(text, "0123456789ABCDEFabcdef") == 0)
        return false;
    uint64_t high = strtoull(text, &end, 16);
    if (*end != '/' || strspn(end + 1, "0123456789ABCDEFabcdef") == 0)
        return false;
    uint64_t low = strtoull(end + 1, &tail, 16);
    *lsn = high << 32 | low;
    return high <= UINT32_MAX && low <= UINT32_MAX;
}

const char *rh_lsn_format(uint64_t lsn, rh_arena *arena)
{
    return rh_arena_printf(arena, "%" PRIX64 "/%" PRIX64, lsn >> 32, lsn & UINT32_MAX);
}

/* What follows NAME at the beginning of a line, up to the line's end; NULL. */
static const char *value_of(const char *text, const char *name, rh_arena *arena)
{
    for (const char *line = text; line && *line;) {
        if (rh_starts_with(line, name)) {
            line += strlen(name);
            return rh_arena_strndup(arena, line, strcspn(line, "\r\n"));
        }
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return NULL;
}

bool rh_backup_label_parse(const char *text, rh_arena *arena, rh_backup_label *label)
{
    const char *start = value_of(text, "START WAL LOCATION: ", arena);
    const char *timeline = value_of(text, "START TIMELINE: ", arena);
    const char *from = value_of(text, "BACKUP FROM: ", arena);
    const char *segment = start ? strstr(start, "(file ") : NULL;
    char name[25] = "";
    *label = (rh_backup_label){.label = value_of(text, "LABEL: ", arena),
                               .started_at = value_of(text, "START TIME: ", arena),
                               .from_standby = from && strcmp(from, "standby") == 0,
                               .incremental_from = value_of(text, "INCREMENTAL FROM LSN: ", arena)};
    if (!segment || !rh_lsn_parse(start, &label->start_lsn) ||
        !value_of(text, "CHECKPOINT LOCATION: ", arena) || sscanf(segment, "(file %24[0-9A-F])", name) != 1 ||
        strlen(name) != 24)
        return false;
    /* The line of the timeline is missing before 11; the segment's name has it, too. */
    label->timeline = (uint32_t)strtoul(rh_arena_strndup(arena, name, 8), NULL, 16);
    return label->timeline > 0 && (!timeline || strtoul(timeline, NULL, 10) == label->timeline);
}
