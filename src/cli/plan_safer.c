/* plan --safer: the output can be executed as SQL, so all other text is a comment. */
#include "plan.h"
#include "terminal.h"
#include "pgrehearse/rewrite/rewrite.h"
#include <string.h>

enum { WIDTH = 80 };

/* TEXT in comment lines. */
static void append_comment(rh_text *text, const char *comment)
{
    rh_text wrapped = {0};
    rh_text_append_wrapped(&wrapped, comment, 0, WIDTH - 3);
    for (const char *line = rh_text_string(&wrapped); *line;) {
        size_t length = strcspn(line, "\n");
        rh_text_printf(text, "-- %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
    rh_text_release(&wrapped);
}

static void append_file(const rh_safer_file *file, size_t number, size_t count, rh_arena *arena,
                        rh_text *text)
{
    rh_text_append_char(text, '\n');
    if (count > 1 || file->note)
        append_comment(text, rh_arena_printf(arena, "%s%zu of %zu%s%s", count > 1 ? "migration " : "", number,
                                             count, file->note ? ": " : "", file->note ? file->note : ""));
    if (file->later)
        append_comment(text, "In a later release, once no instance of the old one runs:");
    if (file->directive)
        rh_text_printf(text, "%s\n", file->directive);
    for (size_t i = 0; i < file->step_count; i++) {
        const rh_safer_step *step = &file->steps[i];
        if (step->note)
            append_comment(text, step->note);
        if (step->begin)
            rh_text_printf(text, "%s\n", step->begin);
        rh_text_printf(text, "%s;\n", step->sql);
        if (step->end)
            rh_text_printf(text, "%s\n", step->end);
    }
}

/* A terminal that shows all of it does nothing else with it. */
static bool is_shown_as_it_is(const rh_safer *safer)
{
    for (size_t f = 0; f < safer->file_count; f++)
        for (size_t i = 0; i < safer->files[f].step_count; i++)
            if (!rh_text_is_clean(safer->files[f].steps[i].sql))
                return false;
    return true;
}

static bool has_unread(const rh_safer *safer)
{
    for (size_t i = 0; i < safer->left_count; i++)
        if (!safer->left[i].rule)
            return true;
    return false;
}

static void append_migration(const rh_migration *m, const rh_safer *safer, bool to_terminal, rh_arena *arena,
                             rh_text *text)
{
    rh_text head = {0};
    rh_text_append_clean(&head, m->id, false);
    if (m->name && *m->name) {
        rh_text_append_char(&head, ' ');
        rh_text_append_clean(&head, m->name, false);
    }
    append_comment(text,
                   rh_arena_printf(arena, "%s: %s", rh_text_string(&head),
                                   !safer->changed && has_unread(safer) ? "not changed; not analysed in part"
                                   : !safer->changed                    ? "as it is"
                                   : safer->file_count > 1 ? "as several migrations, in this order"
                                                           : "as one migration"));
    rh_text_release(&head);
    for (size_t i = 0; i < safer->left_count; i++) {
        const rh_safer_left *left = &safer->left[i];
        if (!left->rule) {
            append_comment(
                text, rh_arena_printf(arena,
                                      "Not analysed: statement %d was not understood (its syntax is not "
                                      "PostgreSQL 15's, or wrong). It is kept as it is; whether it blocks is "
                                      "not known.",
                                      left->statement));
            continue;
        }
        append_comment(text, rh_arena_printf(arena, "Left as it is: statement %d (%s)%s%s. %s",
                                             left->statement, left->rule, left->why ? ": " : "",
                                             left->why ? left->why : "", left->advice ? left->advice : ""));
    }
    bool shown = !to_terminal || is_shown_as_it_is(safer);
    if (safer->changed && !shown)
        append_comment(text, "Its SQL contains terminal control characters: redirect the output to a file.");
    for (size_t i = 0; safer->changed && shown && i < safer->file_count; i++)
        append_file(&safer->files[i], i + 1, safer->file_count, arena, text);
    rh_text_append_char(text, '\n');
}

void rh_plan_safer_text(const rh_plan *plan, bool to_terminal, rh_arena *arena, rh_text *text)
{
    const rh_safer *safer = rh_safer_make(plan, arena);
    for (size_t i = 0; i < plan->migration_count; i++)
        if (plan->migrations[i].pending)
            append_migration(&plan->migrations[i], &safer[i], to_terminal, arena, text);
    if (plan->pending_count == 0)
        rh_text_append(text, "-- no migration is pending\n");
    else if (plan->framework == RH_FRAMEWORK_COMMAND)
        rh_text_append(
            text,
            "-- a program: its statements are known only after a run; the report has their safer ways\n");
}

static void add_file(rh_json *array, const rh_safer_file *file)
{
    rh_json *object = rh_json_add_object(array, NULL);
    rh_json_add_bool(object, "transaction", file->transaction);
    rh_json_add_bool(object, "later_release", file->later);
    rh_json_add_string(object, "directive", file->directive);
    rh_json_add_string(object, "note", file->note);
    rh_json *steps = rh_json_add_array(object, "statements");
    for (size_t i = 0; i < file->step_count; i++) {
        const rh_safer_step *step = &file->steps[i];
        rh_json *item = rh_json_add_object(steps, NULL);
        rh_json_add_string(item, "sql", step->sql);
        rh_json_add_count(item, "statement", step->statement > 0 ? step->statement : -1);
        rh_json_add_string(item, "rule", step->rule);
        rh_json_add_bool(item, "needs_no_transaction", step->alone);
        rh_json_add_string(item, "note", step->note);
    }
}

rh_json *rh_plan_safer_json(const rh_scenario *scenario, const rh_plan *plan, rh_arena *arena)
{
    rh_json *root = rh_json_object();
    rh_json_add_int(root, "schema_version", 2);
    rh_json_add_string(root, "scenario", scenario->name);
    rh_json_add_string(root, "framework", plan->framework_name);
    rh_json *migrations = rh_json_add_array(root, "migrations");
    const rh_safer *all = rh_safer_make(plan, arena);
    for (size_t i = 0; i < plan->migration_count; i++) {
        const rh_migration *m = &plan->migrations[i];
        const rh_safer *safer = &all[i];
        if (!m->pending)
            continue;
        rh_json *object = rh_json_add_object(migrations, NULL);
        rh_json_add_string(object, "id", m->id);
        rh_json_add_string(object, "name", m->name);
        rh_json_add_string(object, "file", m->up.file);
        rh_json_add_bool(object, "changed", safer->changed);
        rh_json *files = rh_json_add_array(object, "migrations");
        for (size_t f = 0; f < safer->file_count; f++)
            add_file(files, &safer->files[f]);
        rh_json *left = rh_json_add_array(object, "left");
        for (size_t l = 0; l < safer->left_count; l++) {
            rh_json *item = rh_json_add_object(left, NULL);
            rh_json_add_int(item, "statement", safer->left[l].statement);
            rh_json_add_string(item, "rule", safer->left[l].rule);
            rh_json_add_string(item, "safer", safer->left[l].advice);
            rh_json_add_string(item, "reason", safer->left[l].why);
        }
    }
    return root;
}
