/* The arguments of a program of the user's. */
#include "pgrehearse/adapters/process.h"
#include <ctype.h>
#include <string.h>

/* As a shell would have them. */
static const char *fill(const char *argument, const char *const (*variables)[2], size_t count,
                        rh_arena *arena)
{
    rh_text text = {0};
    for (const char *at = argument; *at;) {
        size_t i = 0, length = 0;
        for (; *at == '$' && i < count; i++) {
            length = strlen(variables[i][0]);
            if (strncmp(at + 1, variables[i][0], length) == 0 &&
                !(isalnum((unsigned char)at[1 + length]) || at[1 + length] == '_'))
                break;
        }
        if (*at == '$' && i < count) {
            rh_text_append(&text, variables[i][1]);
            at += 1 + length;
        } else {
            rh_text_append_char(&text, *at++);
        }
    }
    const char *filled = rh_arena_strdup(arena, rh_text_string(&text));
    rh_text_release(&text);
    return filled;
}

const char **rh_process_arguments(const char *const *command, const char *const (*variables)[2], size_t count,
                                  rh_arena *arena)
{
    const char **argv = NULL;
    size_t added = 0;
    for (; *command; command++) {
        const char *argument = added == 0 ? *command : fill(*command, variables, count, arena);
        *rh_arena_add(arena, &argv, &added) = argument;
    }
    *rh_arena_add(arena, &argv, &added) = NULL;
    return argv;
}

const char **rh_process_environment(const char *const (*variables)[2], size_t count, rh_arena *arena)
{
    const char **entries = NULL;
    size_t added = 0;
    for (size_t i = 0; i < count; i++)
        *rh_arena_add(arena, &entries, &added) =
            rh_arena_printf(arena, "%s=%s", variables[i][0], variables[i][1]);
    *rh_arena_add(arena, &entries, &added) = NULL;
    return entries;
}
