/* The backfills of a plan: what a run tries, and SQL to paste (plan --backfill NAME). */
#include "pgrehearse/backfill/backfill.h"
#include "plan.h"
#include "terminal.h"
#include <string.h>

enum { WIDTH = 80 };

static void append_one(const rh_backfill *b, rh_text *text)
{
    const size_t settings = b->batch_count * b->pause_count * b->worker_count;
    rh_text line = {0};
    rh_text_printf(&line, "backfill %s of %s: ", b->name, b->table);
    if (b->command)
        rh_text_printf(&line, "the program %s", b->command[0]);
    else
        rh_text_printf(&line, "walk %s", rh_backfill_walk_name(b->walk));
    for (size_t i = 0; i < b->key_count; i++)
        rh_text_printf(&line, "%s%s", i ? ", " : " by ", b->key[i]);
    if (b->replaces)
        rh_text_printf(&line, ", instead of statement %d of %s", b->replaces_statement, b->replaces);
    else
        rh_text_printf(&line, ", after %s", b->after ? b->after : "the last pending migration");
    if (!b->command || b->range)
        rh_text_printf(&line, ", %zu setting%s to try", settings, settings == 1 ? "" : "s");
    rh_text_append_char(text, '\n');
    rh_text_append_wrapped(text, rh_text_string(&line), 2, WIDTH);
    rh_text_release(&line);
}

void rh_plan_backfills_text(const rh_scenario *scenario, rh_text *text)
{
    for (size_t i = 0; i < scenario->backfill_count; i++)
        append_one(&scenario->backfills[i], text);
}

void rh_plan_backfills_json(const rh_scenario *scenario, rh_json *parent)
{
    rh_json *list = rh_json_add_array(parent, "backfills");
    for (size_t i = 0; i < scenario->backfill_count; i++) {
        const rh_backfill *b = &scenario->backfills[i];
        rh_json *object = rh_json_add_object(list, NULL);
        rh_json_add_string(object, "name", b->name);
        rh_json_add_string(object, "table", b->table);
        rh_json_add_string(object, "walk", rh_backfill_walk_name(b->walk));
        rh_json_add_string(object, "after", b->after);
    }
}

static const rh_backfill *find(const rh_scenario *scenario, const char *name, rh_arena *arena,
                               rh_error *error)
{
    const char **names = rh_arena_alloc(arena, (scenario->backfill_count + 1) * sizeof *names);
    for (size_t i = 0; i < scenario->backfill_count; i++) {
        names[i] = scenario->backfills[i].name;
        if (strcmp(names[i], name) == 0)
            return &scenario->backfills[i];
    }
    const char *nearest = rh_nearest(name, names, scenario->backfill_count);
    rh_error_set(error, RH_ERROR_USAGE, "the scenario has no backfill \"%s\"", name);
    if (nearest)
        rh_error_hint(error, "did you mean \"%s\"?", nearest);
    else if (scenario->backfill_count == 0)
        rh_error_hint(error, "it has none: write backfills: [{table: …, set: …}]");
    else
        rh_error_hint(error, "\"pgrehearse plan\" lists them");
    return NULL;
}

bool rh_plan_backfill_sql(const rh_scenario *scenario, const rh_plan *plan, const char *name,
                          bool to_terminal, rh_arena *arena, rh_text *text, rh_error *error)
{
    const rh_backfill *b = find(scenario, name, arena, error);
    rh_text script = {0};
    const bool ok = b && rh_backfill_script(b, plan, arena, &script, error);
    if (ok && to_terminal && !rh_text_is_clean(rh_text_string(&script)))
        rh_text_append(text,
                       "-- Its SQL holds characters that a terminal obeys instead of showing them: send the\n"
                       "-- output to a file.\n");
    else if (ok)
        rh_text_append(text, rh_text_string(&script));
    rh_text_release(&script);
    return ok;
}

rh_json *rh_plan_backfill_json(const rh_scenario *scenario, const char *name, const rh_text *script)
{
    rh_json *root = rh_json_object();
    rh_json_add_int(root, "schema_version", 2);
    rh_json_add_string(root, "scenario", scenario->name);
    rh_json_add_string(root, "backfill", name);
    rh_json_add_string(root, "sql", rh_text_string(script));
    return root;
}
