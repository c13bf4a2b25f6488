#include "pgrehearse/model/attempt.h"
#include <string.h>

static void add(rh_notes *notes, rh_arena *arena, rh_note note)
{
    for (size_t i = 0; i < notes->count; i++)
        if (strcmp(notes->items[i].text, note.text) == 0)
            return;
    *rh_arena_add(arena, &notes->items, &notes->count) = note;
}

void rh_notes_printf(rh_notes *notes, rh_arena *arena, rh_unmeasured code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(notes, arena, (rh_note){code, rh_arena_vprintf(arena, format, args)});
    va_end(args);
}

void rh_notes_add(rh_notes *notes, rh_arena *arena, const rh_notes *from)
{
    for (size_t i = 0; i < from->count; i++)
        add(notes, arena, from->items[i]);
}
