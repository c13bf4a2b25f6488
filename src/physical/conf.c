#include "conf.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

static void put(rh_arena *arena, const char *name, const char *value, rh_setting **settings, size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        if (strcasecmp((*settings)[i].name, name) == 0) {
            (*settings)[i].value = value;
            return;
        }
    }
    *rh_arena_add(arena, settings, count) = (rh_setting){.name = name, .value = value};
}

/* The value at TEXT, quoted or not: '' and \' are a quote, \\ a backslash. */
static const char *read_value(const char *text, const char *end, rh_arena *arena)
{
    rh_text value = {0};
    if (*text != '\'') {
        size_t length = 0;
        while (text + length < end && !isspace((unsigned char)text[length]) && text[length] != '#')
            length++;
        return rh_arena_strndup(arena, text, length);
    }
    for (text++; text < end; text++) {
        if ((*text == '\'' || *text == '\\') && text + 1 < end && (*text == '\\' || text[1] == '\''))
            text++;
        else if (*text == '\'')
            break;
        rh_text_append_char(&value, *text);
    }
    const char *copy = rh_arena_strdup(arena, rh_text_string(&value));
    rh_text_release(&value);
    return copy;
}

int rh_conf_parse(const char *text, rh_arena *arena, rh_setting **settings, size_t *count)
{
    int includes = 0;
    for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
        end = line + strcspn(line, "\n");
        while (line < end && isspace((unsigned char)*line))
            line++;
        size_t length = 0;
        while (line + length < end && (isalnum((unsigned char)line[length]) || strchr("_.", line[length])))
            length++;
        const char *value = line + length;
        while (value < end && isspace((unsigned char)*value))
            value++;
        value += value < end && *value == '=';
        while (value < end && isspace((unsigned char)*value))
            value++;
        if (length == 0 || value >= end)
            continue;
        const char *name = rh_arena_strndup(arena, line, length);
        if (strncasecmp(name, "include", 7) == 0)
            includes++;
        else
            put(arena, name, read_value(value, end, arena), settings, count);
    }
    return includes;
}
