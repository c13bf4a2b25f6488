#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/units.h"
#include "plan.h"
#include "terminal.h"
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 80 };

static void append_label(rh_text *text, const char *label, const char *value)
{
    rh_text_printf(text, "  %-11s", label);
    rh_text_append_wrapped(text, value, 13, WIDTH);
}

static void append_backup(rh_text *text, const rh_backup_facts *backup)
{
    static const char *const shapes[] = {
        "unknown",   "pg_dump custom format", "pg_dump directory format", "pg_dump tar format",
        "plain SQL", "data directory",        "base backup (tar)",        "CSV files",
        "clone"};
    _Static_assert(sizeof shapes / sizeof *shapes == RH_SHAPE_COUNT, "one text a value");
    char size[32];
    rh_text line = {0};
    if (!backup->path)
        return;
    rh_text_append(&line, shapes[backup->shape]);
    if (backup->compression && backup->shape == RH_SHAPE_PLAIN && strcmp(backup->compression, "none") != 0)
        rh_text_printf(&line, ", %s", backup->compression);
    if (backup->bytes >= 0)
        rh_text_printf(&line, ", %s", rh_size_format(backup->bytes, size, sizeof size));
    if (backup->dump_version)
        rh_text_printf(&line, ", by pg_dump %s", backup->dump_version);
    append_label(text, "backup", rh_text_string(&line));
    rh_text_release(&line);
}

/* Ids of the migrations that do not run, in one wrapped line: first to last when there are many. */
static void append_others(rh_text *text, const rh_plan *plan, const char *label, bool applied)
{
    rh_text line = {0};
    size_t count = 0;
    const char *first = NULL, *last = NULL;
    for (size_t i = 0; i < plan->migration_count; i++) {
        const rh_migration *m = &plan->migrations[i];
        if (m->pending || m->applied_in_backup != applied)
            continue;
        first = first ? first : m->id;
        last = m->id;
        rh_text_printf(&line, "%s%s", count++ ? ", " : "", m->id);
    }
    if (count > 12) {
        rh_text_clear(&line);
        rh_text_printf(&line, "%zu, from %s to %s", count, first, last);
    }
    if (count)
        append_label(text, label, rh_text_string(&line));
    rh_text_release(&line);
}

/* The transactions of a file. They decide how long its statements hold their locks. */
static void append_rule(rh_text *text, const rh_script *script, int transactions)
{
    size_t count = script->statement_count;
    const size_t sent = rh_script_sent(script);
    if (sent > count)
        rh_text_printf(text, "%zu statements, summarised as %zu: ", sent, count);
    if (count == 0)
        rh_text_append(text, "no statements");
    else if (count == 1)
        rh_text_append(text, script->rule == RH_TRANSACTION_ONE ? "1 statement, in a transaction"
                                                                : "1 statement, in a transaction of its own");
    else if (transactions == 1)
        rh_text_printf(text, "%zu statements in one transaction: locks are held until its end", count);
    else if ((size_t)transactions == count)
        rh_text_printf(text, "%zu statements, each in a transaction of its own", count);
    else
        rh_text_printf(text, "%zu statements in %d transactions", count, transactions);
}

static void append_lock(rh_text *text, const char *label, const rh_expected_lock *lock, bool shared)
{
    rh_text line = {0};
    rh_text_append(&line, rh_lock_mode_sql(lock->mode));
    if (lock->relation)
        rh_text_printf(&line, " on %s", lock->relation);
    if (lock->because)
        rh_text_printf(&line, " (%s)", lock->because);
    if (lock->on_new)
        rh_text_append(&line, ": new, so no other session waits for it");
    else
        rh_text_printf(&line, ": blocks %s%s", rh_lock_mode_blocks(lock->mode),
                       shared ? " until commit" : "");
    rh_text_append(text, label);
    rh_text_append_wrapped(text, rh_text_string(&line), 18, WIDTH);
    rh_text_release(&line);
}

/* The first lock, and those of the others that may block reads or writes. */
static void append_locks(rh_text *text, const rh_statement *s, bool shared)
{
    enum { MOST = 12 };
    size_t shown = 0, left = 0;
    if (!s->expected_lock_count && s->expected_lock)
        append_lock(text, "          lock    ",
                    &(rh_expected_lock){.relation = s->expected_relation, .mode = s->expected_lock}, shared);
    for (size_t i = 0; i < s->expected_lock_count; i++) {
        const rh_expected_lock *lock = &s->expected_locks[i];
        if (i && lock->mode < RH_LOCK_ROW_SHARE)
            continue;
        if (shown++ < MOST)
            append_lock(text, i ? "                  " : "          lock    ", lock, shared);
        else
            left++;
    }
    if (left)
        rh_text_printf(text, "                  and %zu more relation%s\n", left, left == 1 ? "" : "s");
    if (s->unknown_effect) {
        rh_text_append(text, "          work    ");
        rh_text_append_wrapped(text, s->unknown_effect, 18, WIDTH);
    }
    if (s->parse_error) {
        rh_text_append(text, "          parser  ");
        rh_text_append_wrapped(text, s->parse_error, 18, WIDTH);
    }
}

static void append_hazard(rh_text *text, const rh_hazard *hazard)
{
    rh_text line = {0};
    if (hazard->state == RH_HAZARD_SILENCED) {
        rh_text_printf(&line, "%s: %s", hazard->rule, hazard->silenced);
        rh_text_append(text, "          ignored ");
        rh_text_append_wrapped(text, rh_text_string(&line), 18, WIDTH);
        rh_text_release(&line);
        return;
    }
    rh_text_printf(&line, "%s (%s)", hazard->message, hazard->rule);
    rh_text_append(text, "          hazard  ");
    rh_text_append_wrapped(text, rh_text_string(&line), 18, WIDTH);
    if (hazard->safer) {
        rh_text_append(text, "          safer   ");
        rh_text_append_wrapped(text, hazard->safer, 18, WIDTH);
    }
    rh_text_release(&line);
}

static void append_statement(rh_text *text, const rh_statement *s, bool shared)
{
    char class_[32];
    snprintf(class_, sizeof class_, "%s", rh_statement_class_name(s->class_));
    for (char *c = class_; *c; c++)
        if (*c == '_')
            *c = ' ';
    rh_text_printf(text, "    %3d.  ", s->ordinal);
    rh_text_append_brief(text, s->redacted_sql ? s->redacted_sql : "", WIDTH - 10);
    rh_text_printf(text, "\n          line %d, %s", s->line, class_);
    if (s->needs_no_transaction)
        rh_text_append(text, ", cannot run in a transaction");
    rh_text_append_char(text, '\n');
    append_locks(text, s, shared);
    for (size_t i = 0; i < s->hazard_count; i++)
        append_hazard(text, &s->hazards[i]);
}

static void append_migration(rh_text *text, const rh_scenario *scenario, const rh_migration *m)
{
    const rh_script *script = &m->up;
    int *numbers = rh_alloc((script->statement_count + 1) * sizeof *numbers);
    int transactions = rh_plan_transactions(script, numbers);
    rh_text head = {0};
    rh_text_printf(&head, "%s%s%s", m->id, m->name && *m->name ? " " : "", m->name ? m->name : "");
    rh_text_append_char(text, '\n');
    rh_text_append_clean(text, rh_text_string(&head), false);
    rh_text_append(text, "\n  ");
    const char *program = m->command ? m->command[0] : "";
    const char *file = script->file ? script->file : program;
    size_t prefix = strlen(scenario->directory);
    bool below = strncmp(file, scenario->directory, prefix) == 0 && file[prefix] == '/';
    rh_text_append_clean(text, below ? file + prefix + 1 : file, false);
    rh_text_append(text, m->has_down        ? ", with a down migration\n  "
                         : m->down_is_empty ? ", with a down migration without statements\n  "
                                            : ", without a down migration\n  ");
    if (m->command)
        rh_text_append(text, "a program: its statements are seen when it runs");
    else
        append_rule(text, script, transactions);
    rh_text_append_char(text, '\n');
    for (size_t i = 0; i < script->statement_count; i++) {
        bool before = i && numbers[i - 1] == numbers[i];
        bool after = i + 1 < script->statement_count && numbers[i + 1] == numbers[i];
        if (!before && transactions > 1 && (size_t)transactions < script->statement_count)
            rh_text_printf(text, "    transaction %d of %d\n", numbers[i], transactions);
        append_statement(text, &script->statements[i], before || after);
    }
    rh_text_release(&head);
    free(numbers);
}

void rh_plan_text(const rh_scenario *scenario, const rh_plan *plan, const rh_backup_facts *backup,
                  rh_text *text)
{
    rh_text_append_clean(text, scenario->name, false);
    bool none = !scenario->migrations.path && !scenario->migrations.command;
    if (none)
        rh_text_append(text, ": no migrations; a run restores, verifies and reports\n");
    else if (scenario->migrations.command)
        rh_text_append(text, ": one program that migrates\n");
    else
        rh_text_printf(text, ": %zu pending of %zu migration%s\n", plan->pending_count, plan->migration_count,
                       plan->migration_count == 1 ? "" : "s");
    append_backup(text, backup);
    if (none) {
        rh_plan_backfills_text(scenario, text);
        return;
    }
    rh_text why = {0};
    rh_text_printf(&why, "%s%s%s", plan->framework_name ? plan->framework_name : "",
                   plan->framework_reason ? ": " : "", plan->framework_reason ? plan->framework_reason : "");
    append_label(text, "framework", rh_text_string(&why));
    rh_text_release(&why);
    if (!scenario->migrations.command)
        append_label(text, "history", plan->history_table ? plan->history_table : "none");
    append_others(text, plan, "applied", true);
    append_others(text, plan, "left out", false);
    for (size_t i = 0; i < plan->migration_count; i++)
        if (plan->migrations[i].pending)
            append_migration(text, scenario, &plan->migrations[i]);
    rh_plan_backfills_text(scenario, text);
}
