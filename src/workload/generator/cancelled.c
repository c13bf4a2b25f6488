/* Statements of the load that the server cancelled, one by one, for the report of lock waits. */
#include "generator.h"
#include <string.h>

/* Memory does not grow with the length of a run; the counts of errors have them all. */
enum { CANCELLED_MAX = 2000 };

void rh_generator_cancelled(rh_generator *generator, const load_client *client, const char *template_name,
                            const char *sqlstate, const char *message)
{
    static const char *const states[] = {"40P01", "55P03", "57014"};
    bool known = false;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        known |= strcmp(sqlstate, states[i]) == 0;
    if (!known || generator->cancelled_count == CANCELLED_MAX)
        return;
    if (!generator->cancelled_arena)
        generator->cancelled_arena = rh_arena_new();
    rh_arena *arena = generator->cancelled_arena;
    rh_load_cancelled *cancelled = rh_arena_add(arena, &generator->cancelled, &generator->cancelled_count);
    *cancelled = (rh_load_cancelled){.at = rh_clock_monotonic(),
                                     .pid = atomic_load(&client->pid),
                                     .template_name = rh_arena_strdup(arena, template_name),
                                     .sqlstate = rh_arena_strdup(arena, sqlstate),
                                     .message = rh_arena_strdup(arena, message)};
}

void rh_generator_report_cancelled(const rh_generator *generator, rh_arena *arena, rh_load *load)
{
    for (size_t i = 0; i < generator->cancelled_count; i++) {
        const rh_load_cancelled *from = &generator->cancelled[i];
        rh_load_cancelled *to = rh_arena_add(arena, &load->cancelled, &load->cancelled_count);
        *to = (rh_load_cancelled){.at = from->at,
                                  .pid = from->pid,
                                  .template_name = rh_arena_strdup(arena, from->template_name),
                                  .sqlstate = rh_arena_strdup(arena, from->sqlstate),
                                  .message = rh_arena_strdup(arena, from->message)};
    }
}
