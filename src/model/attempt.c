#include "pgrehearse/model/attempt.h"

double rh_attempt_own_s(const rh_attempt *attempt)
{
    double own_s = attempt->elapsed_s;
    for (size_t i = 0; i < attempt->statement_count; i++)
        if (attempt->statements[i].run->elapsed_s > 0)
            own_s -= attempt->statements[i].run->elapsed_s;
    return own_s > 0 ? own_s : 0;
}

const rh_script *rh_attempt_script(const rh_attempt *attempt)
{
    return attempt->direction == RH_UP ? &attempt->migration->up : &attempt->migration->down;
}

void rh_migration_add_runs(rh_migration *migration, const rh_attempt *attempt, rh_arena *arena)
{
    rh_script *script = attempt->direction == RH_UP ? &migration->up : &migration->down;
    for (size_t i = 0; i < attempt->added_count; i++)
        *rh_arena_add(arena, &script->statements, &script->statement_count) = attempt->added[i];
    for (size_t i = 0; i < attempt->statement_count; i++) {
        const rh_attempted_statement *attempted = &attempt->statements[i];
        rh_statement *statement = &script->statements[attempted->index];
        rh_statement_run *run = rh_arena_add(arena, &statement->runs, &statement->run_count);
        *run = *attempted->run;
        if (run->command_tag && *run->command_tag)
            statement->command_tag = run->command_tag;
        if (attempted->unattributed_reason)
            statement->class_evidence =
                rh_arena_printf(arena, "Not measured: %s.", attempted->unattributed_reason);
    }
}

void rh_migration_conclude(rh_migration *migration, const rh_attempt *attempt)
{
    if (attempt->outcome == RH_OUTCOME_FAILED) {
        migration->outcome = RH_OUTCOME_FAILED;
        migration->failure = attempt->failure;
    } else if (attempt->outcome == RH_OUTCOME_OK && migration->outcome != RH_OUTCOME_FAILED) {
        migration->outcome = RH_OUTCOME_OK;
    }
}

rh_statement_run rh_statement_run_unmeasured(rh_pass_kind pass, int repeat, double scale)
{
    return (rh_statement_run){
        .pass = pass,
        .repeat = repeat,
        .scale = scale,
        .relation_bytes = RH_NOT_MEASURED,
        .elapsed_s = RH_NOT_MEASURED,
        .lock_wait_s = RH_NOT_MEASURED,
        .lock_timeout_s = RH_NOT_MEASURED,
        .lock_wait_limit_s = RH_NOT_MEASURED,
        .cpu_user_s = RH_NOT_MEASURED,
        .cpu_system_s = RH_NOT_MEASURED,
        .cpu_wait_s = RH_NOT_MEASURED,
        .read_bytes = RH_UNKNOWN,
        .write_bytes = RH_UNKNOWN,
        .wal_bytes = RH_UNKNOWN,
        .temp_bytes = RH_UNKNOWN,
        .rows = RH_UNKNOWN,
        .shared_hit_blocks = RH_UNKNOWN,
        .shared_read_blocks = RH_UNKNOWN,
        .cached_read_bytes = RH_UNKNOWN,
        .cached_write_bytes = RH_UNKNOWN,
        .wal_images = RH_UNKNOWN,
        .fsyncs = RH_UNKNOWN,
    };
}
