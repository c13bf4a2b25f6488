#include "record.h"
#include <string.h>

const char *rh_record_pass_name(rh_pass_kind pass)
{
    static const char *const names[RH_PASS_KIND_COUNT] = {
        [RH_PASS_KIND_QUIET] = "quiet",
        [RH_PASS_KIND_LOADED] = "loaded",
        [RH_PASS_KIND_SCALED] = "scaled",
        [RH_PASS_KIND_ROLLBACK] = "rollback",
    };
    return names[pass];
}

static void add_phases(rh_json *object, const rh_statement_run *r)
{
    if (r->phase_count == 0) {
        rh_json_add_null(object, "progress_phases");
        return;
    }
    rh_json *phases = rh_json_add_array(object, "progress_phases");
    for (size_t i = 0; i < r->phase_count; i++) {
        const rh_progress_phase *p = &r->phases[i];
        rh_json *phase = rh_json_add_object(phases, NULL);
        rh_json_add_string(phase, "command", p->command);
        rh_json_add_string(phase, "phase", p->phase);
        rh_record_figure(phase, "elapsed_s", p->elapsed_s);
        rh_record_figure(phase, "cpu_s", p->cpu_s);
        rh_json_add_count(phase, "read_bytes", p->read_bytes);
        rh_json_add_count(phase, "write_bytes", p->write_bytes);
        rh_json_add_count(phase, "wal_bytes", p->wal_bytes);
    }
}

/* Without what samples/statements.csv has beside it. */
static void add_run(rh_json *runs, const rh_run *run, const rh_statement_run *r)
{
    rh_json *object = rh_json_add_object(runs, NULL);
    bool loaded = r->pass == RH_PASS_KIND_LOADED && run->load.measured;
    rh_json_add_string(object, "pass", rh_record_pass_name(r->pass));
    rh_json_add_int(object, "repeat", r->repeat);
    rh_record_figure(object, "at_s", loaded ? rh_seconds(r->started - run->load.began) : RH_NOT_MEASURED);
    rh_record_figure(object, "relation_bytes", r->relation_bytes);
    rh_record_figure(object, "elapsed_s", r->elapsed_s);
    rh_record_figure(object, "lock_wait_s", r->lock_wait_s);
    rh_record_figure(object, "lock_timeout_s", r->lock_timeout_s);
    rh_record_figure(object, "cpu_user_s", r->cpu_user_s);
    rh_record_figure(object, "cpu_system_s", r->cpu_system_s);
    rh_record_figure(object, "cpu_wait_s", r->cpu_wait_s);
    rh_json_add_count(object, "read_bytes", r->read_bytes);
    rh_json_add_count(object, "write_bytes", r->write_bytes);
    rh_json_add_count(object, "wal_bytes", r->wal_bytes);
    rh_json_add_count(object, "temp_bytes", r->temp_bytes);
    rh_json_add_count(object, "rows", r->rows);
    add_phases(object, r);
}

/* The run whose locks stand for the statement: under load if there was one, else the last at full size. */
static const rh_statement_run *run_of_locks(const rh_statement *statement)
{
    const rh_statement_run *chosen = NULL;
    for (size_t i = 0; i < statement->run_count; i++) {
        const rh_statement_run *r = &statement->runs[i];
        if (r->pass == RH_PASS_KIND_LOADED)
            return r;
        if (r->pass != RH_PASS_KIND_SCALED)
            chosen = r;
    }
    return chosen;
}

static void add_locks(rh_json *object, const rh_statement *statement)
{
    rh_json *locks = rh_json_add_array(object, "locks");
    const rh_statement_run *r = run_of_locks(statement);
    for (size_t i = 0; r && i < r->lock_count; i++) {
        const rh_lock *l = &r->locks[i];
        rh_json *lock = rh_json_add_object(locks, NULL);
        rh_json_add_string(lock, "relation", l->relation);
        rh_json_add_string(lock, "table", rh_lock_table(l));
        rh_json_add_string(lock, "mode", rh_lock_mode_name(l->mode));
        rh_record_figure(lock, "wait_s", l->wait_s);
        rh_record_figure(lock, "held_s", l->held_s);
        rh_json_add_string(lock, "blocks", rh_lock_mode_blocks(l->mode));
        rh_json_add_bool(lock, "blocks_reads", l->blocks_reads);
        rh_json_add_bool(lock, "blocks_writes", l->blocks_writes);
        rh_json_add_bool(lock, "inferred", l->inferred);
        rh_json_add_string(lock, "pass", rh_record_pass_name(r->pass));
    }
}

/* What the statement did to relations, where it was looked at. */
static void add_work(rh_json *object, const rh_statement *statement)
{
    const rh_statement_work *work = NULL;
    for (size_t i = 0; i < statement->run_count && !work; i++)
        work = statement->runs[i].work;
    if (!work) {
        rh_json_add_null(object, "work");
        return;
    }
    rh_json *relations = rh_json_add_array(object, "work");
    for (size_t i = 0; i < work->relation_count; i++) {
        const rh_relation_work *w = &work->relations[i];
        rh_json *r = rh_json_add_object(relations, NULL);
        rh_json_add_string(r, "relation", w->relation);
        rh_json_add_string(r, "index_of", w->table);
        rh_json_add_bool(r, "created", w->created);
        rh_json_add_bool(r, "rewritten", w->rewritten);
        rh_json_add_bool(r, "valid", w->valid);
        rh_json_add_count(r, "pages_before", w->pages_before);
        rh_json_add_count(r, "rows_before", w->rows_before);
        rh_json_add_count(r, "pages_written", w->pages_after);
        rh_json_add_count(r, "blocks_read", w->blocks_read);
        rh_json_add_count(r, "scans", w->scans);
        rh_json_add_count(r, "rows_inserted", w->rows_inserted);
        rh_json_add_count(r, "rows_updated", w->rows_updated);
        rh_json_add_count(r, "rows_deleted", w->rows_deleted);
    }
}

/* By the text and the backup's definitions, never measured. */
static void add_expected_locks(rh_json *object, const rh_statement *s)
{
    rh_json *locks = rh_json_add_array(object, "expected_locks");
    for (size_t i = 0; i < s->expected_lock_count; i++) {
        rh_json *lock = rh_json_add_object(locks, NULL);
        rh_json_add_string(lock, "relation", s->expected_locks[i].relation);
        rh_json_add_string(lock, "mode", rh_lock_mode_name(s->expected_locks[i].mode));
        rh_json_add_string(lock, "reason", s->expected_locks[i].because);
    }
}

static void add_prediction(rh_json *object, const rh_prediction *prediction)
{
    if (!prediction->basis) {
        rh_json_add_null(object, "prediction");
        return;
    }
    rh_json *p = rh_json_add_object(object, "prediction");
    rh_record_figure(p, "median_s", prediction->median_s);
    rh_record_figure(p, "low_s", prediction->low_s);
    rh_record_figure(p, "high_s", prediction->high_s);
    rh_record_figure(p, "level", prediction->level > 0 ? prediction->level : RH_NOT_MEASURED);
    rh_json_add_string(p, "basis", prediction->basis);
    rh_record_prediction_parts(p, &prediction->parts);
    rh_record_figure(p, "staging_s", prediction->staging_s > 0 ? prediction->staging_s : RH_NOT_MEASURED);
    rh_json_add_bool(p, "translated", prediction->translated);
    rh_record_figure(p, "correction", prediction->correction > 0 ? prediction->correction : RH_NOT_MEASURED);
    rh_json_add_string(p, "uncertainty_source", prediction->drivers);
    rh_json_add_string(p, "uncertainty_reduced_by", prediction->narrows);
    rh_record_figure(p, "cold_s", prediction->cold_basis ? prediction->cold_s : RH_NOT_MEASURED);
    rh_json_add_string(p, "cold_basis", prediction->cold_basis);
    rh_record_loaded_prediction(p, &prediction->loaded);
}

rh_json *rh_record_statements(const rh_run *run, const rh_script *script)
{
    rh_json *array = rh_json_array();
    for (size_t i = 0; i < script->statement_count; i++) {
        const rh_statement *s = &script->statements[i];
        rh_json *object = rh_json_add_object(array, NULL);
        rh_json_add_int(object, "ordinal", s->ordinal);
        rh_json_add_count(object, "line", s->line > 0 ? s->line : RH_UNKNOWN);
        rh_json_add_string(object, "sql", s->redacted_sql);
        rh_json_add_string(object, "command_tag", s->command_tag);
        rh_json_add_string(object, "class", rh_statement_class_name(s->class_));
        rh_json_add_string(object, "class_expected", rh_statement_class_name(s->class_expected));
        rh_json_add_bool(object, "class_measured", s->class_measured);
        rh_json_add_bool(object, "class_differs", s->class_differs);
        rh_json_add_string(object, "class_evidence", s->class_evidence);
        rh_json_add_string(object, "phase", rh_phase_name(s->phase));
        rh_json_add_string(object, "expected_lock", rh_lock_mode_name(s->expected_lock));
        rh_json_add_string(object, "expected_relation", s->expected_relation);
        add_expected_locks(object, s);
        rh_json_add_string(object, "unknown_effect", s->unknown_effect);
        rh_json_add_string(object, "parse_error", s->parse_error);
        rh_json *runs = rh_json_add_array(object, "runs");
        for (size_t r = 0; r < s->run_count; r++)
            if (s->runs[r].pass != RH_PASS_KIND_SCALED)
                add_run(runs, run, &s->runs[r]);
        add_locks(object, s);
        add_work(object, s);
        rh_json *hazards = rh_json_add_array(object, "hazards");
        for (size_t h = 0; h < s->hazard_count; h++) {
            rh_json *hazard = rh_json_add_object(hazards, NULL);
            rh_json_add_string(hazard, "rule", s->hazards[h].rule);
            rh_json_add_string(hazard, "message", s->hazards[h].message);
            rh_json_add_string(hazard, "evidence", s->hazards[h].evidence);
            rh_json_add_string(hazard, "safer", s->hazards[h].safer);
            rh_json_add_string(hazard, "state", rh_hazard_state_name(s->hazards[h].state));
            rh_json_add_string(hazard, "silenced_reason", s->hazards[h].silenced);
        }
        add_prediction(object, &s->prediction);
    }
    return array;
}

rh_json *rh_record_migrations(const rh_run *run)
{
    rh_json *array = rh_json_array();
    for (size_t i = 0; i < run->plan.migration_count; i++) {
        const rh_migration *m = &run->plan.migrations[i];
        rh_json *object = rh_json_add_object(array, NULL);
        rh_json_add_string(object, "id", m->id);
        rh_json_add_string(object, "name", m->name);
        rh_json_add_string(object, "framework", run->plan.framework_name);
        rh_json_add_string(object, "file", m->up.file);
        rh_json_add_bool(object, "program", m->command != NULL);
        rh_json_add_string(object, "sha256", m->up.sha256[0] ? m->up.sha256 : NULL);
        rh_json_add_string(object, "transaction", rh_transaction_rule_name(m->up.rule));
        rh_json_add_bool(object, "applied_in_backup", m->applied_in_backup);
        rh_json_add_string(object, "outcome", rh_outcome_name(m->outcome));
        rh_json_add_string(object, "failed_pass", m->failed_pass);
        rh_json *own = m->own_count ? rh_json_add_array(object, "outside_statements_s") : NULL;
        for (size_t k = 0; k < m->own_count; k++)
            rh_record_figure(own, NULL, m->own_s[k]);
        if (!own)
            rh_json_add_null(object, "outside_statements_s");
        rh_record_failure(object, "error", m->failure);
        rh_json_add(object, "statements", rh_record_statements(run, &m->up));
        rh_json_add(object, "impact", rh_record_impact(run, m));
        rh_json_add(object, "rollback", rh_record_rollback(run, &m->rollback, &m->down));
        rh_json_add(object, "interruptions", rh_record_interruptions(m));
    }
    return array;
}
