/* The names of enums in report.json. */
#include "pgrehearse/model/backfill.h"
#include "pgrehearse/model/prediction.h"
#include "pgrehearse/model/passes.h"
#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/statement.h"
#include "pgrehearse/model/lock.h"
#include "pgrehearse/model/profile.h"
#include "pgrehearse/model/run.h"
#include <string.h>

const char *rh_statement_class_name(rh_statement_class class_)
{
    static const char *const names[RH_CLASS_COUNT] = {
        [RH_CLASS_UNCLASSIFIED] = "unclassified", [RH_CLASS_CATALOG] = "catalog",
        [RH_CLASS_HEAP_SCAN] = "heap_scan",       [RH_CLASS_REWRITE] = "rewrite",
        [RH_CLASS_INDEX_BUILD] = "index_build",   [RH_CLASS_INDEX_CONCURRENT] = "index_concurrent",
        [RH_CLASS_VALIDATION] = "validation",     [RH_CLASS_FOREIGN_KEY] = "foreign_key",
        [RH_CLASS_DATA_CHANGE] = "data_change",   [RH_CLASS_QUERY] = "query",
        [RH_CLASS_TRANSACTION] = "transaction",   [RH_CLASS_MAINTENANCE] = "maintenance",
        [RH_CLASS_PROCEDURE] = "procedure",       [RH_CLASS_BACKFILL_BATCH] = "backfill_batch",
    };
    return names[class_];
}

bool rh_statement_class_named(const char *name, rh_statement_class *class_)
{
    for (int i = 0; name && i < RH_CLASS_COUNT; i++)
        if (strcmp(rh_statement_class_name((rh_statement_class)i), name) == 0) {
            *class_ = (rh_statement_class)i;
            return true;
        }
    return false;
}

const char *rh_growth_model_name(rh_growth_model model)
{
    static const char *const names[] = {"terms of the work", "straight line", "mean of both"};
    _Static_assert(sizeof names / sizeof *names == RH_GROWTH_COUNT, "one name a value");
    return names[model];
}

const char *rh_phase_name(rh_phase phase)
{
    static const char *const names[] = {NULL, "expand", "migrate", "contract"};
    _Static_assert(sizeof names / sizeof *names == RH_PHASE_COUNT, "one name a value");
    return names[phase];
}

const char *rh_hazard_state_name(rh_hazard_state state)
{
    static const char *const names[] = {"expected", "measured", "refuted", "silenced"};
    _Static_assert(sizeof names / sizeof *names == RH_HAZARD_STATE_COUNT, "one name a value");
    return names[state];
}

const char *rh_pass_kind_name(rh_pass_kind kind)
{
    static const char *const names[RH_PASS_KIND_COUNT] = {
        [RH_PASS_KIND_QUIET] = "quiet pass",   [RH_PASS_KIND_LOADED] = "loaded pass",
        [RH_PASS_KIND_SCALED] = "scaled pass", [RH_PASS_KIND_ROLLBACK] = "rollback",
        [RH_PASS_KIND_VERIFY] = "verify",      [RH_PASS_KIND_COMPATIBILITY] = "compatibility pass",
    };
    return names[kind];
}

const char *rh_outcome_name(rh_outcome outcome)
{
    static const char *const names[] = {"not_run", "ok", "failed"};
    _Static_assert(sizeof names / sizeof *names == RH_OUTCOME_COUNT, "one name a value");
    return names[outcome];
}

const char *rh_reversibility_name(rh_reversibility reversibility)
{
    static const char *const names[] = {NULL, "reversible", "reversible_with_loss", "irreversible", "broken"};
    _Static_assert(sizeof names / sizeof *names == RH_REVERSIBILITY_COUNT, "one name a value");
    return names[reversibility];
}

const char *rh_change_name(rh_change change)
{
    static const char *const names[] = {"missing", "added", "changed", "moved", "emptied"};
    _Static_assert(sizeof names / sizeof *names == RH_CHANGE_COUNT, "one name a value");
    return names[change];
}

const char *rh_runners_outcome_name(rh_runners_outcome outcome)
{
    static const char *const names[] = {NULL,       "waited",   "refused",       "serialised",
                                        "both_ran", "collided", "not_concurrent"};
    _Static_assert(sizeof names / sizeof *names == RH_RUNNERS_OUTCOME_COUNT, "one name a value");
    return names[outcome];
}

const char *rh_data_depth_name(rh_data_depth depth)
{
    static const char *const names[] = {"none", "rows", "digest"};
    _Static_assert(sizeof names / sizeof *names == RH_DATA_DEPTH_COUNT, "one name a value");
    return names[depth];
}

const char *rh_interruption_how_name(rh_interruption_how how)
{
    static const char *const names[] = {"connection_lost", "server_restarted", "failed"};
    _Static_assert(sizeof names / sizeof *names == RH_INTERRUPTION_HOW_COUNT, "one name a value");
    return names[how];
}

const char *rh_run_again_name(rh_run_again again)
{
    static const char *const names[] = {NULL, "ok", "failed", "refused", "skipped"};
    _Static_assert(sizeof names / sizeof *names == RH_RUN_AGAIN_COUNT, "one name a value");
    return names[again];
}

const char *rh_unmeasured_name(rh_unmeasured code)
{
    static const char *const names[RH_UNMEASURED_COUNT] = {
        [RH_UNMEASURED_BACKUP_CHECKSUM] = "backup_checksum",
        [RH_UNMEASURED_BACKUP_INCOMPLETE] = "backup_incomplete",
        [RH_UNMEASURED_SERVER_VERSION] = "server_version",
        [RH_UNMEASURED_PHYSICAL_COPY] = "physical_copy",
        [RH_UNMEASURED_DATABASE_LOCALE] = "database_locale",
        [RH_UNMEASURED_DATABASE_SETTINGS] = "database_settings",
        [RH_UNMEASURED_PRODUCTION_GUARD] = "production_guard",
        [RH_UNMEASURED_PRODUCTION_PROFILE] = "production_profile",
        [RH_UNMEASURED_PRODUCTION_LOCK_WAITS] = "production_lock_waits",
        [RH_UNMEASURED_HARDWARE] = "hardware",
        [RH_UNMEASURED_COLD_CACHES] = "cold_caches",
        [RH_UNMEASURED_ROLES] = "roles",
        [RH_UNMEASURED_MIGRATIONS] = "migrations",
        [RH_UNMEASURED_STATEMENT_LOCKS] = "statement_locks",
        [RH_UNMEASURED_STATEMENT_HAZARDS] = "statement_hazards",
        [RH_UNMEASURED_STATEMENT_WORK] = "statement_work",
        [RH_UNMEASURED_STATEMENT_RESOURCES] = "statement_resources",
        [RH_UNMEASURED_PROGRAM_STATEMENTS] = "program_statements",
        [RH_UNMEASURED_MASKED_CONSTRAINTS] = "masked_constraints",
        [RH_UNMEASURED_SCALED_PASSES] = "scaled_passes",
        [RH_UNMEASURED_PREDICTION] = "prediction",
        [RH_UNMEASURED_LOAD] = "load",
        [RH_UNMEASURED_LOAD_TEMPLATES] = "load_templates",
        [RH_UNMEASURED_LOAD_CONNECTIONS] = "load_connections",
        [RH_UNMEASURED_LOAD_CONSTRAINTS] = "load_constraints",
        [RH_UNMEASURED_LOCK_WAITS] = "lock_waits",
        [RH_UNMEASURED_COMPATIBILITY] = "compatibility",
        [RH_UNMEASURED_DISTURBERS] = "disturbers",
        [RH_UNMEASURED_ROLLBACK] = "rollback",
        [RH_UNMEASURED_ROLLBACK_ROWS] = "rollback_rows",
        [RH_UNMEASURED_INTERRUPTION] = "interruption",
        [RH_UNMEASURED_LOCK_POLICY] = "lock_policy",
        [RH_UNMEASURED_DISK_SPACE] = "disk_space",
        [RH_UNMEASURED_BACKFILL] = "backfill",
        [RH_UNMEASURED_OTHER] = "other",
    };
    return names[code];
}

const char *rh_standby_mode_name(rh_standby_mode mode)
{
    static const char *const names[RH_STANDBY_COUNT] = {"none", "async", "sync", "remote_apply"};
    return names[mode];
}

const char *rh_disturber_kind_name(rh_disturber_kind kind)
{
    static const char *const names[] = {"pg_dump", "idle_in_transaction", "query", "autovacuum", "snapshot"};
    _Static_assert(sizeof names / sizeof *names == RH_DISTURBER_COUNT, "one name a value");
    return names[kind];
}

const char *rh_disturbance_outcome_name(rh_disturbance_outcome outcome)
{
    static const char *const names[] = {"stopped", "ended", "not_started"};
    _Static_assert(sizeof names / sizeof *names == RH_DISTURBANCE_OUTCOME_COUNT, "one name a value");
    return names[outcome];
}

const char *rh_verdict_name(rh_verdict verdict)
{
    static const char *const names[] = {"pass", "fail", "inconclusive", "error", "refused"};
    _Static_assert(sizeof names / sizeof *names == RH_VERDICT_COUNT, "one name a value");
    return names[verdict];
}

const char *rh_gate_kind_name(rh_gate_kind kind)
{
    static const char *const names[] = {"predicted_duration", "reads_blocked", "writes_blocked",
                                        "response_p99_ratio", "load_errors",   "backup_checksum"};
    _Static_assert(sizeof names / sizeof *names == RH_GATE_COUNT, "one name a value");
    return kind < RH_GATE_COUNT ? names[kind] : NULL;
}

const char *rh_lock_table(const rh_lock *lock)
{
    return lock->table ? lock->table : lock->relation;
}

const rh_lock *rh_lock_strongest(const rh_lock *locks, size_t count)
{
    const rh_lock *strongest = NULL;
    for (size_t i = 0; i < count; i++)
        if (!strongest || locks[i].mode > strongest->mode)
            strongest = &locks[i];
    return strongest;
}

const char *rh_wait_source_name(rh_wait_source source)
{
    static const char *const names[] = {"sampler", "server log"};
    _Static_assert(sizeof names / sizeof *names == RH_WAIT_SOURCE_COUNT, "one name a value");
    return names[source];
}

const char *rh_probe_name(rh_probe_kind kind)
{
    static const char *const names[] = {"cpu",    "sort", "cached", "sequential",
                                        "random", "wal",  "write",  "parallel"};
    _Static_assert(sizeof names / sizeof *names == RH_PROBE_COUNT, "one name a value");
    return names[kind];
}

const char *rh_probe_unit(rh_probe_kind kind)
{
    static const char *const units[] = {"numbers/s", "numbers/s", "bytes/s", "bytes/s",
                                        "s",         "s",         "bytes/s", "times"};
    _Static_assert(sizeof units / sizeof *units == RH_PROBE_COUNT, "one unit a value");
    return units[kind];
}

const char *rh_template_kind_name(rh_template_kind kind)
{
    static const char *const names[] = {"read", "write"};
    _Static_assert(sizeof names / sizeof *names == RH_TEMPLATE_KIND_COUNT, "one name a value");
    return names[kind];
}

const char *rh_release_name(rh_release release)
{
    static const char *const names[] = {"current", "next"};
    _Static_assert(sizeof names / sizeof *names == RH_RELEASE_COUNT, "one name a value");
    return names[release];
}

const char *rh_window_kind_name(rh_window_kind kind)
{
    static const char *const names[] = {"before", "during", "after"};
    _Static_assert(sizeof names / sizeof *names == RH_WINDOW_COUNT, "one name a value");
    return names[kind];
}

const char *rh_gate_outcome_name(rh_gate_outcome outcome)
{
    static const char *const names[] = {"held", "failed", "not_measured"};
    _Static_assert(sizeof names / sizeof *names == RH_GATE_OUTCOME_COUNT, "one name a value");
    return names[outcome];
}

const char *rh_backup_shape_name(rh_backup_shape shape)
{
    static const char *const names[] = {NULL,    "pgdump_custom",  "pgdump_directory", "pgdump_tar",
                                        "plain", "data_directory", "base_backup_tar",  "csv",
                                        "clone"};
    _Static_assert(sizeof names / sizeof *names == RH_SHAPE_COUNT, "one name a value");
    return names[shape];
}

bool rh_backup_is_copy(const rh_backup_facts *backup)
{
    return backup->physical || backup->shape == RH_SHAPE_CLONE;
}

const char *rh_transaction_rule_name(rh_transaction_rule rule)
{
    static const char *const names[] = {"each", "one", "own"};
    _Static_assert(sizeof names / sizeof *names == RH_TRANSACTION_RULE_COUNT, "one name a value");
    return names[rule];
}

const char *rh_backfill_model_name(rh_backfill_model model)
{
    static const char *const names[RH_MODEL_COUNT] = {"states", "exponential_mean", "mix"};
    return names[model];
}

const char *rh_backfill_walk_name(rh_backfill_walk walk)
{
    static const char *const names[] = {"keyset", "range", "ctid", "remaining"};
    _Static_assert(sizeof names / sizeof *names == RH_WALK_COUNT, "one name a value");
    return names[walk];
}

const char *rh_backfill_gate_name(rh_backfill_gate_kind kind)
{
    static const char *const names[] = {"response_p99_ratio", "lock_wait", "wal_rate",
                                        "load_errors",        "duration",  "replica_lag",
                                        "dead_rows",          "disk",      "finish_by"};
    _Static_assert(sizeof names / sizeof *names == RH_BACKFILL_GATE_COUNT, "one name a value");
    return names[kind];
}

const char *rh_backfill_cell_state_name(rh_backfill_cell_state state)
{
    static const char *const names[] = {"excluded", "not_run", "failed", "unclear", "held"};
    _Static_assert(sizeof names / sizeof *names == RH_CELL_STATE_COUNT, "one name a value");
    return names[state];
}

const char *rh_proof_claim_name(rh_proof_claim claim)
{
    static const char *const names[] = {"resumes", "idempotent", "complete",    "keeps_updates", "ends",
                                        "commits", "reads_once", "no_deadlock", "stops",         "contract"};
    _Static_assert(sizeof names / sizeof *names == RH_PROOF_CLAIM_COUNT, "one name a value");
    return names[claim];
}

const char *rh_proof_outcome_name(rh_proof_outcome outcome)
{
    static const char *const names[] = {"unknown", "held", "failed"};
    _Static_assert(sizeof names / sizeof *names == RH_PROOF_OUTCOME_COUNT, "one name a value");
    return names[outcome];
}
