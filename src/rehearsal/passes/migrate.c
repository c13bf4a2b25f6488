#include "migrate.h"
#include "rehearsal/program/program.h"
#include "rehearsal/roles.h"

static rh_attempt run_program(const rh_run *run, const rh_staging *staging, const rh_migration *migration,
                              const rh_migrate_options *o, rh_error *error)
{
    const rh_program_options options = {.direction = o->direction,
                                        .pass = o->pass,
                                        .repeat = o->repeat,
                                        .scale = o->scale,
                                        .record = o->record,
                                        .observer = o->observer,
                                        .program_hooks = o->fault ? &o->fault->program_hooks : NULL};
    return rh_program_run(run, staging, migration, &options, error);
}

static rh_attempt replay(const rh_run *run, rh_pg *pg, const rh_migration *migration,
                         const rh_migrate_options *o, rh_error *error)
{
    const rh_replay_options options = {.direction = o->direction,
                                       .statement_timeout = o->statement_timeout,
                                       .pass = o->pass,
                                       .repeat = o->repeat,
                                       .scale = o->scale,
                                       .hooks = o->observer ? rh_observer_hooks(o->observer)
                                                : o->fault  ? &o->fault->hooks
                                                            : NULL,
                                       .record = o->record,
                                       .again = o->again};
    return rh_replay(pg, &run->plan, migration, &options, run->arena, error);
}

rh_attempt rh_migrate(const rh_run *run, const rh_staging *staging, rh_pg *pg, const rh_migration *migration,
                      const rh_migrate_options *options, rh_error *error)
{
    rh_attempt attempt = migration->command ? run_program(run, staging, migration, options, error)
                                            : replay(run, pg, migration, options, error);
    if (attempt.failure)
        rh_roles_explain(run, attempt.failure, error);
    if (options->observer)
        rh_observer_add(options->observer, &attempt);
    return attempt;
}
