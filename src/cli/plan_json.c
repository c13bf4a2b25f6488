#include "pgrehearse/base/arena.h"
#include "plan.h"
#include <stdlib.h>

static void add_statement(rh_json *array, const rh_statement *s, int transaction)
{
    rh_json *object = rh_json_add_object(array, NULL);
    rh_json_add_int(object, "ordinal", s->ordinal);
    rh_json_add_count(object, "line", s->line > 0 ? s->line : -1);
    rh_json_add_int(object, "transaction", transaction);
    rh_json_add_string(object, "sql", s->redacted_sql);
    rh_json_add_string(object, "command_tag", s->command_tag);
    rh_json_add_string(object, "class", rh_statement_class_name(s->class_));
    rh_json_add_string(object, "phase", rh_phase_name(s->phase));
    rh_json_add_string(object, "expected_lock", rh_lock_mode_name(s->expected_lock));
    rh_json_add_string(object, "expected_relation", s->expected_relation);
    rh_json_add_string(object, "blocks", s->expected_lock ? rh_lock_mode_blocks(s->expected_lock) : NULL);
    rh_json *locks = rh_json_add_array(object, "expected_locks");
    for (size_t i = 0; i < s->expected_lock_count; i++) {
        const rh_expected_lock *expected = &s->expected_locks[i];
        rh_json *lock = rh_json_add_object(locks, NULL);
        rh_json_add_string(lock, "relation", expected->relation);
        rh_json_add_string(lock, "mode", rh_lock_mode_name(expected->mode));
        rh_json_add_string(lock, "blocks", rh_lock_mode_blocks(expected->mode));
        rh_json_add_string(lock, "reason", expected->because);
        rh_json_add_bool(lock, "new_relation", expected->on_new);
    }
    rh_json_add_string(object, "unknown_effect", s->unknown_effect);
    rh_json_add_string(object, "parse_error", s->parse_error);
    rh_json_add_bool(object, "needs_no_transaction", s->needs_no_transaction);
    rh_json *hazards = rh_json_add_array(object, "hazards");
    for (size_t i = 0; i < s->hazard_count; i++) {
        rh_json *hazard = rh_json_add_object(hazards, NULL);
        rh_json_add_string(hazard, "rule", s->hazards[i].rule);
        rh_json_add_string(hazard, "message", s->hazards[i].message);
        rh_json_add_string(hazard, "safer", s->hazards[i].safer);
        rh_json_add_string(hazard, "silenced_reason", s->hazards[i].silenced);
    }
}

static void add_migration(rh_json *array, const rh_migration *m)
{
    rh_json *object = rh_json_add_object(array, NULL);
    rh_json_add_string(object, "id", m->id);
    rh_json_add_string(object, "name", m->name);
    rh_json_add_bool(object, "applied_in_backup", m->applied_in_backup);
    rh_json_add_bool(object, "pending", m->pending);
    rh_json_add_string(object, "file", m->up.file);
    rh_json_add_bool(object, "program", m->command != NULL);
    rh_json_add_string(object, "down_file", m->has_down ? m->down.file : NULL);
    if (!m->pending)
        return;
    rh_json_add_string(object, "sha256", m->up.sha256[0] ? m->up.sha256 : NULL);
    rh_json_add_string(object, "transaction", rh_transaction_rule_name(m->up.rule));
    int *numbers = rh_alloc((m->up.statement_count + 1) * sizeof *numbers);
    rh_json_add_int(object, "transactions", rh_plan_transactions(&m->up, numbers));
    rh_json *statements = rh_json_add_array(object, "statements");
    for (size_t i = 0; i < m->up.statement_count; i++)
        add_statement(statements, &m->up.statements[i], numbers[i]);
    free(numbers);
}

rh_json *rh_plan_json(const rh_scenario *scenario, const rh_plan *plan, const rh_backup_facts *backup)
{
    rh_json *root = rh_json_object();
    rh_json_add_int(root, "schema_version", 2);
    rh_json *object = rh_json_add_object(root, "scenario");
    rh_json_add_string(object, "name", scenario->name);
    rh_json_add_string(object, "path", scenario->path);
    rh_json_add_string(object, "sha256", scenario->sha256);
    object = rh_json_add_object(root, "backup");
    rh_json_add_string(object, "path", scenario->backup.path);
    rh_json_add_string(object, "format", backup->path ? rh_backup_shape_name(backup->shape) : NULL);
    rh_json_add_string(object, "dump_version", backup->dump_version);
    rh_json_add_string(root, "framework", plan->framework_name);
    rh_json_add_string(root, "framework_reason", plan->framework_reason);
    rh_json_add_string(root, "history_table", plan->history_table);
    rh_json_add_int(root, "pending", (int64_t)plan->pending_count);
    rh_json *migrations = rh_json_add_array(root, "migrations");
    for (size_t i = 0; i < plan->migration_count; i++)
        add_migration(migrations, &plan->migrations[i]);
    rh_plan_backfills_json(scenario, root);
    return root;
}
