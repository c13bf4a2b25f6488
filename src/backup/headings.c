#include "headings.h"
#include <string.h>

rh_headings rh_headings_of(rh_contents *contents)
{
    static const rh_dump_entry none = {"", "", "", ""};
    return (rh_headings){.contents = contents, .entry = none, .waiting = none};
}

void rh_headings_finish(rh_headings *h, const char *definition)
{
    if (h->is_waiting)
        rh_contents_add(h->contents, &h->waiting, definition);
    h->is_waiting = false;
}

static void read_comment(rh_headings *h, const char *line, size_t length)
{
    static const char complete[] = "-- PostgreSQL database dump complete";
    rh_dump_entry entry;
    while (length > 0 && (line[length - 1] == '\r' || line[length - 1] == ' '))
        length--;
    if (length == sizeof complete - 1 && memcmp(line, complete, length) == 0)
        h->complete = true;
    if (!rh_dump_entry_read_heading(line, length, h->contents->arena, &entry))
        return;
    rh_headings_finish(h, "");
    h->seen = true;
    h->complete = false;
    h->entry = h->waiting = entry;
    h->is_waiting = true;
    if (strcmp(entry.desc, "TABLE DATA") ==
        0) /* its rows may be none, or INSERTs: no statement to wait for */
        rh_headings_finish(h, "");
}

void rh_headings_read(rh_headings *h, const char *bytes, size_t length)
{
    for (const char *end = bytes + length; bytes < end;) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        size_t line = newline ? (size_t)(newline - bytes) : (size_t)(end - bytes);
        if (line > 3 && bytes[0] == '-' && bytes[1] == '-')
            read_comment(h, bytes, line);
        bytes += line + 1;
    }
}

rh_dump_entry rh_headings_entry_of(const rh_headings *h, const rh_dump_statement *s)
{
    rh_arena *arena = h->contents->arena;
    rh_dump_entry entry = {"", "", "", ""};
    bool data = strcmp(h->entry.desc, "TABLE DATA") == 0;
    if (s->kind == RH_STATEMENT_EXTENSION)
        entry.desc = "EXTENSION";
    else if (s->kind == RH_STATEMENT_SCHEMA)
        entry.desc = "SCHEMA";
    else if ((s->kind == RH_STATEMENT_COPY_IN || s->kind == RH_STATEMENT_INSERT) && !data)
        entry.desc = "TABLE DATA";
    else if (s->kind == RH_STATEMENT_INDEX)
        entry.desc = "INDEX";
    else if (s->kind == RH_STATEMENT_REFRESH)
        entry.desc = "MATERIALIZED VIEW DATA";
    else if (s->kind == RH_STATEMENT_EXTENSION_COMMENT)
        entry.desc = "COMMENT";
    else
        return h->entry;
    bool inside = s->kind != RH_STATEMENT_EXTENSION && s->kind != RH_STATEMENT_SCHEMA;
    entry.schema = inside && *s->schema ? rh_arena_strdup(arena, s->schema) : "";
    entry.tag = s->kind == RH_STATEMENT_EXTENSION_COMMENT ? rh_arena_printf(arena, "EXTENSION %s", s->name)
                                                          : rh_arena_strdup(arena, s->name);
    return entry;
}
