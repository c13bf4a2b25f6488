#include "record.h"
#include "pgrehearse/report/report.h"
#include <math.h>

void rh_record_figure(rh_json *parent, const char *key, double value)
{
    rh_json_add_real(parent, key, round(value * 1e6) / 1e6);
}

void rh_record_failure(rh_json *parent, const char *key, const rh_failure *failure)
{
    if (!failure) {
        rh_json_add_null(parent, key);
        return;
    }
    rh_json *object = rh_json_add_object(parent, key);
    rh_json_add_string(object, "message", failure->message);
    rh_json_add_string(object, "sqlstate",
                       failure->sqlstate && failure->sqlstate[0] ? failure->sqlstate : NULL);
    rh_json_add_string(object, "hint", failure->hint);
    rh_json_add_string(object, "file", failure->file);
    rh_json_add_count(object, "line", failure->line > 0 ? failure->line : RH_UNKNOWN);
    rh_json_add_count(object, "column", failure->column > 0 ? failure->column : RH_UNKNOWN);
}

void rh_record_strings(rh_json *parent, const char *key, const char *const *strings, size_t count)
{
    rh_json *array = rh_json_add_array(parent, key);
    for (size_t i = 0; i < count; i++)
        rh_json_add_string(array, NULL, strings[i]);
}

static rh_json *scenario_record(const rh_scenario *scenario)
{
    if (!scenario)
        return NULL;
    rh_json *object = rh_json_object();
    rh_json_add_string(object, "name", scenario->name);
    rh_json_add_string(object, "path", scenario->path);
    rh_json_add_string(object, "sha256", scenario->sha256[0] ? scenario->sha256 : NULL);
    rh_json_add_int(object, "repeat", scenario->repeat);
    rh_json_add_bool(object, "rollback", scenario->rollback);
    rh_json_add_bool(object, "interrupt", scenario->interrupt);
    rh_json *passes = rh_json_add_array(object, "passes");
    if (scenario->passes & RH_PASS_SCALED)
        rh_json_add_string(passes, NULL, "scaled");
    if (scenario->passes & RH_PASS_QUIET)
        rh_json_add_string(passes, NULL, "quiet");
    if (scenario->passes & RH_PASS_LOADED)
        rh_json_add_string(passes, NULL, "loaded");
    if (scenario->passes & RH_PASS_BACKFILL)
        rh_json_add_string(passes, NULL, "backfill");
    return object;
}

static rh_json *staging_record(const rh_staging_facts *staging)
{
    if (!staging->server_version)
        return NULL; /* it never started */
    rh_json *object = rh_json_object();
    rh_json_add_string(object, "kind", staging->kind == RH_STAGING_EMBEDDED ? "embedded" : "server");
    rh_json_add_string(object, "server_version", staging->server_version);
    rh_json_add_int(object, "server_version_num", staging->server_version_num);
    rh_json_add_string(object, "encoding", staging->encoding);
    rh_json_add_string(object, "locale_provider", staging->provider);
    rh_json_add_string(object, "collate", staging->collate);
    rh_json_add_string(object, "ctype", staging->ctype);
    rh_json_add_string(object, "locale", staging->locale);
    rh_json_add_string(object, "locale_missing", staging->locale_missing);
    rh_json_add_string(object, "location", staging->location);
    rh_json_add_string(object, "reset_method", staging->reset_method);
    rh_json_add_string(object, "copy_on_write", staging->copy_on_write);
    rh_record_figure(object, "snapshot_s", staging->snapshot_s);
    rh_json_add_count(object, "snapshot_bytes", staging->snapshot_bytes);
    rh_record_figure(object, "reset_s", staging->resets > 0 ? staging->reset_s : RH_NOT_MEASURED);
    rh_json_add_count(object, "reset_bytes", staging->reset_bytes);
    rh_json_add_int(object, "resets", staging->resets);
    rh_json_add_count(object, "cpu_count", staging->cpu_count);
    rh_json_add_count(object, "memory_bytes", staging->memory_bytes);
    rh_json_add_bool(object, "local", staging->local);
    rh_json *settings = rh_json_add_array(object, "settings");
    for (size_t i = 0; i < staging->setting_count; i++) {
        const rh_setting_fact *fact = &staging->settings[i];
        rh_json *setting = rh_json_add_object(settings, NULL);
        rh_json_add_string(setting, "name", fact->name);
        rh_json_add_string(setting, "value", fact->value);
        rh_json_add_string(setting, "restore_value", fact->restore_value);
        rh_json_add_string(setting, "production_value", fact->production_value);
    }
    rh_json_add(object, "isolation", rh_record_isolation(&staging->isolation));
    rh_record_strings(object, "neutralised", staging->neutralised, staging->neutralised_count);
    return object;
}

static void add_parts(rh_json *object, const char *key, const rh_skipped *parts, size_t count)
{
    rh_json *list = rh_json_add_array(object, key);
    for (size_t i = 0; i < count; i++) {
        rh_json *item = rh_json_add_object(list, NULL);
        rh_json_add_string(item, "subject", parts[i].what);
        rh_json_add_string(item, "reason", parts[i].why);
    }
}

static rh_json *physical_record(const rh_physical_facts *copy)
{
    if (!copy)
        return NULL;
    rh_json *object = rh_json_object();
    rh_json_add_string(object, "system_identifier", copy->system_identifier);
    rh_json_add_string(object, "server_state", copy->state);
    rh_json_add_string(object, "label", copy->label);
    rh_json_add_string(object, "backup_started_at", copy->started_at);
    rh_json_add_bool(object, "from_standby", copy->from_standby);
    rh_json_add_count(object, "timeline", copy->timeline > 0 ? copy->timeline : RH_UNKNOWN);
    rh_json_add_string(object, "start_lsn", copy->start_lsn);
    rh_json_add_string(object, "stop_lsn", copy->stop_lsn);
    rh_json_add_string(object, "recovery_target", copy->recovery_target);
    rh_json_add_string(object, "recovery_stopped", copy->recovery_stopped);
    rh_json_add_string(object, "recovered_lsn", copy->recovered_lsn);
    rh_json_add_int(object, "wal_segments_brought", copy->wal_brought);
    rh_json_add_bool(object, "has_manifest", copy->manifest);
    rh_json_add_int(object, "files_verified", copy->files_verified);
    rh_json_add_bool(object, "page_checksums", copy->page_checksums);
    rh_json_add_int(object, "tablespaces", copy->tablespaces);
    return object;
}

static rh_json *csv_record(const rh_csv_facts *csv)
{
    if (!csv)
        return NULL;
    rh_json *object = rh_json_object();
    rh_json_add_string(object, "definitions", rh_base_name(csv->definitions));
    rh_json_add_int(object, "files", (int64_t)csv->file_count);
    rh_json_add_string(object, "null", csv->null_word);
    return object;
}

static rh_json *backup_record(const rh_backup_facts *backup)
{
    if (!backup->path)
        return NULL;
    bool restored = backup->restore_s > 0;
    rh_json *object = rh_json_object();
    rh_json_add_string(object, "path", backup->path);
    rh_json_add_string(object, "format", rh_backup_shape_name(backup->shape));
    rh_json_add_string(object, "compression", backup->compression);
    rh_json_add_string(object, "container", backup->container);
    rh_json_add_string(object, "entry", backup->entry);
    rh_json_add_string(object, "sha256", backup->sha256[0] ? backup->sha256 : NULL);
    rh_json_add_string(object, "checksum_source", backup->checksum.from);
    rh_json_add_string(object, "integrity_checked_by", backup->checksum.vouched);
    rh_json_add_count(object, "bytes", backup->bytes);
    rh_json_add_string(object, "archive_version", backup->archive_version);
    rh_json_add_string(object, "dump_version", backup->dump_version);
    rh_json_add_count(object, "server_major", backup->server_major > 0 ? backup->server_major : RH_UNKNOWN);
    rh_json_add(object, "database", rh_record_database(&backup->database));
    rh_json_add(object, "physical", physical_record(backup->physical));
    rh_json_add(object, "csv", csv_record(backup->csv));
    rh_record_figure(object, "restore_s", restored ? backup->restore_s : RH_NOT_MEASURED);
    rh_json_add_count(object, "database_bytes", restored ? backup->database_bytes : RH_UNKNOWN);
    rh_json_add_count(object, "tables", restored ? backup->tables : RH_UNKNOWN);
    rh_json_add_count(object, "rows", restored ? backup->rows : RH_UNKNOWN);
    add_parts(object, "skipped", backup->skipped, backup->skipped_count);
    add_parts(object, "missing", backup->missing, backup->missing_count);
    return object;
}

static rh_json *plan_record(const rh_plan *plan)
{
    if (!plan->framework_name)
        return NULL;
    rh_json *object = rh_json_object();
    rh_json_add_string(object, "framework", plan->framework_name);
    rh_json_add_string(object, "framework_reason", plan->framework_reason);
    rh_json_add_string(object, "history_table", plan->history_table);
    rh_json_add_int(object, "migrations", (int64_t)plan->migration_count);
    rh_json_add_int(object, "pending", (int64_t)plan->pending_count);
    return object;
}

static rh_json *steps_record(const rh_step_result *steps, size_t count)
{
    rh_json *array = rh_json_array();
    for (size_t i = 0; i < count; i++) {
        rh_json *step = rh_json_add_object(array, NULL);
        rh_json_add_string(step, "name", steps[i].name);
        rh_json_add_string(step, "outcome", rh_outcome_name(steps[i].outcome));
        bool ran = steps[i].outcome != RH_OUTCOME_NOT_RUN;
        rh_record_figure(step, "elapsed_s", ran ? steps[i].elapsed_s : RH_NOT_MEASURED);
        rh_json_add_count(step, "failures", ran ? steps[i].failures : RH_UNKNOWN);
        rh_json_add_string(step, "detail", steps[i].detail);
    }
    return array;
}

static rh_json *resources_record(const rh_run *run)
{
    if (run->resource_count == 0)
        return NULL;
    const rh_resource_sample *last = &run->resources[run->resource_count - 1];
    int64_t free_min = last->disk_free_bytes;
    for (size_t i = 0; i < run->resource_count; i++)
        if (run->resources[i].disk_free_bytes >= 0 && run->resources[i].disk_free_bytes < free_min)
            free_min = run->resources[i].disk_free_bytes;
    rh_json *object = rh_json_object();
    rh_json_add_int(object, "samples", (int64_t)run->resource_count);
    rh_json_add_count(object, "wal_bytes", last->wal_bytes);
    rh_json_add_count(object, "disk_free_min_bytes", free_min);
    return object;
}

static rh_json *gates_record(const rh_run *run)
{
    static const char *const units[RH_GATE_COUNT + 1] = {
        [RH_GATE_PREDICTED_DURATION] = "s", [RH_GATE_READS_BLOCKED] = "s",
        [RH_GATE_WRITES_BLOCKED] = "s",     [RH_GATE_RESPONSE_P99_RATIO] = "ratio",
        [RH_GATE_LOAD_ERRORS] = "count",    [RH_GATE_BACKUP_CHECKSUM] = "count",
        [RH_GATE_BACKFILL] = NULL, /* several gates, each with its own */
    };
    rh_json *array = rh_json_array();
    for (size_t i = 0; i < run->gate_count; i++) {
        const rh_gate *g = &run->gates[i];
        rh_json *gate = rh_json_add_object(array, NULL);
        rh_json_add_string(gate, "name", g->name ? g->name : rh_gate_kind_name(g->kind));
        rh_json_add_string(gate, "unit", units[g->kind]);
        rh_json_add_string(gate, "limit_text", g->limit_text);
        rh_record_figure(gate, "limit", g->limit);
        rh_record_figure(gate, "measured", g->measured);
        rh_json_add_string(gate, "outcome", rh_gate_outcome_name(g->outcome));
        rh_json_add_string(gate, "detail", g->worst);
    }
    return array;
}

static rh_json *passes_record(const rh_run *run)
{
    rh_json *array = rh_json_array();
    for (size_t i = 0; i < run->pass_count; i++) {
        rh_json *object = rh_json_add_object(array, NULL);
        rh_json_add_string(object, "name", run->passes[i].name);
        rh_record_figure(object, "elapsed_s", run->passes[i].elapsed_s);
        rh_json_add_bool(object, "complete", run->passes[i].complete);
    }
    return array;
}

void rh_record_note(rh_json *notes, const rh_note *note)
{
    rh_json *object = rh_json_add_object(notes, NULL);
    rh_json_add_string(object, "code", rh_unmeasured_name(note->code));
    rh_json_add_string(object, "text", note->text);
}

rh_json *rh_report_json(const rh_run *run)
{
    char started[32];
    rh_json *root = rh_json_object();
    rh_json_add_int(root, "schema_version", RH_REPORT_SCHEMA_VERSION);
    rh_json_add_string(root, "tool_version", run->tool_version);
    rh_json_add_string(root, "run_id", run->id);
    rh_json_add_string(root, "directory", run->directory);
    rh_json_add_string(root, "verdict", rh_verdict_name(run->verdict));
    rh_json_add_int(root, "exit_code", run->exit_code);
    rh_json_add_string(root, "reason", run->reason);
    rh_json_add_string(root, "failed_stage", run->failed_stage);
    rh_record_failure(root, "failure", run->failure);
    rh_json_add_string(root, "started_at", rh_clock_format_utc(run->started_wall, started, sizeof started));
    rh_record_figure(root, "elapsed_s", run->elapsed_s);
    rh_json_add(root, "scenario", scenario_record(run->scenario));
    rh_json_add(root, "staging", staging_record(&run->staging));
    rh_json_add(root, "backup", backup_record(&run->backup));
    rh_json_add(root, "production", rh_record_production(run));
    rh_json_add(root, "before_restore", steps_record(run->before, run->before_count));
    rh_json_add(root, "prepare", steps_record(run->prepare, run->prepare_count));
    rh_json_add(root, "plan", plan_record(&run->plan));
    rh_json_add(root, "roles", rh_record_roles(run));
    rh_json_add(root, "migrations", rh_record_migrations(run));
    bool set = run->set_rollback.reversibility != RH_REVERSIBILITY_UNKNOWN;
    rh_json_add(root, "rollback", set ? rh_record_rollback(run, &run->set_rollback, NULL) : NULL);
    rh_json_add(root, "concurrent_runners", rh_record_runners(&run->runners));
    rh_json_add(root, "passes", passes_record(run));
    rh_json_add(root, "load", rh_record_load(&run->load));
    rh_json_add(root, "compatibility", rh_record_compatibility(&run->compatibility));
    rh_json *contention = rh_record_contention(run);
    if (contention)
        rh_record_waiters(contention, run);
    rh_json_add(root, "contention", contention);
    rh_json_add(root, "disturbances", rh_record_disturbances(run));
    rh_json_add(root, "lock_policy", rh_record_lock_policy(&run->lock_policy));
    rh_json_add(root, "backfills", rh_record_backfills(run));
    rh_json_add(root, "resources", resources_record(run));
    rh_json_add(root, "prediction", rh_record_prediction(&run->prediction));
    rh_json_add(root, "verify", steps_record(run->verify, run->verify_count));
    rh_json_add_string(root, "verify_outcome", rh_outcome_name(run->verify_outcome));
    rh_json_add(root, "gates", gates_record(run));
    rh_json *not_measured = rh_json_add_array(root, "not_measured");
    for (size_t i = 0; i < run->not_measured.count; i++)
        rh_record_note(not_measured, &run->not_measured.items[i]);
    return root;
}
