#include "pgrehearse/base/sql_name.h"
#include "pgrehearse/base/text.h"
#include <string.h>

enum { NAME_LIMIT = 63 }; /* NAMEDATALEN - 1 */

/* One part from *AT, which is moved behind it; NULL when there is none. */
static const char *read_part(const char **at, rh_arena *arena)
{
    rh_text part = {0};
    bool complete = true;
    const char *p = *at;
    if (*p == '"') {
        for (p++; *p && (*p != '"' || p[1] == '"'); p++) {
            p += *p == '"';
            rh_text_append_char(&part, *p);
        }
        complete = *p == '"';
        p += complete;
    } else {
        for (; *p && *p != '.' && *p != '"'; p++)
            rh_text_append_char(&part, *p);
    }
    *at = p;
    complete = complete && part.length > 0 && part.length <= NAME_LIMIT;
    const char *copy = complete ? rh_arena_strdup(arena, rh_text_string(&part)) : NULL;
    rh_text_release(&part);
    return copy;
}

bool rh_sql_name_read(const char *text, rh_arena *arena, rh_sql_name *name)
{
    *name = (rh_sql_name){.name = read_part(&text, arena)};
    if (name->name && *text == '.') {
        text++;
        name->schema = name->name;
        name->name = read_part(&text, arena);
    }
    return name->name && *text == '\0';
}

static void append_part(rh_text *text, const char *part)
{
    const bool plain =
        !strchr("0123456789$", *part) && part[strspn(part, "abcdefghijklmnopqrstuvwxyz0123456789_$")] == '\0';
    if (plain) {
        rh_text_append(text, part);
        return;
    }
    rh_text_append_char(text, '"');
    for (const char *p = part; *p; p++) {
        if (*p == '"')
            rh_text_append_char(text, '"');
        rh_text_append_char(text, *p);
    }
    rh_text_append_char(text, '"');
}

const char *rh_sql_name_text(const char *schema, const char *name, rh_arena *arena)
{
    rh_text text = {0};
    if (schema) {
        append_part(&text, schema);
        rh_text_append_char(&text, '.');
    }
    append_part(&text, name);
    const char *copy = rh_arena_strdup(arena, rh_text_string(&text));
    rh_text_release(&text);
    return copy;
}
