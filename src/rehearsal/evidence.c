#include "pgrehearse/rehearsal/evidence.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/rehearsal/hazard_state.h"
#include <string.h>

static const rh_statement_run *telling_run(const rh_statement *statement)
{
    const rh_statement_run *found = NULL;
    for (size_t i = 0; i < statement->run_count; i++) {
        const rh_statement_run *run = &statement->runs[i];
        if (run->pass == RH_PASS_KIND_LOADED)
            return run;
        if (run->pass == RH_PASS_KIND_QUIET)
            found = run;
    }
    return found;
}

static void append_victims(rh_text *text, const rh_contention *contention, const char *migration,
                           int statement)
{
    size_t victims = 0;
    double longest = 0;
    for (size_t i = 0; i < contention->wait_count; i++) {
        const rh_wait *wait = &contention->waits[i];
        if (!wait->blocked_by_migration || wait->waiter_is_migration || !wait->migration ||
            wait->statement != statement || strcmp(wait->migration, migration) != 0)
            continue;
        victims++;
        longest = wait->wait_s > longest ? wait->wait_s : longest;
    }
    char duration[32];
    if (victims > 0)
        rh_text_printf(text, ", %zu wait%s behind it, the longest %s", victims, victims == 1 ? "" : "s",
                       rh_duration_format(longest, duration, sizeof duration));
}

static const char *evidence_of(const rh_run *run, const rh_migration *migration,
                               const rh_statement *statement)
{
    const rh_statement_run *ran = telling_run(statement);
    if (!ran || isnan(ran->elapsed_s))
        return NULL;
    char duration[32], count[32];
    rh_text text = {0};
    rh_text_printf(&text, "took %s%s", rh_duration_format(ran->elapsed_s, duration, sizeof duration),
                   ran->pass == RH_PASS_KIND_LOADED ? " under load" : "");
    if (ran->rows > 0)
        rh_text_printf(&text, ", %s rows", rh_count_format(ran->rows, count, sizeof count));
    const rh_lock *lock = (ran ? rh_lock_strongest(ran->locks, ran->lock_count) : NULL);
    if (lock && lock->held_s >= 0)
        rh_text_printf(&text, ", held %s on %s for %s", lock->mode, lock->relation,
                       rh_duration_format(lock->held_s, duration, sizeof duration));
    if (ran->pass == RH_PASS_KIND_LOADED && run->contention.measured)
        append_victims(&text, &run->contention, migration->id, statement->ordinal);
    if (statement->class_differs)
        rh_text_printf(&text, "; %s by what it did, not %s", rh_statement_class_name(statement->class_),
                       rh_statement_class_name(statement->class_expected));
    const char *evidence = rh_arena_strdup(run->arena, text.data);
    rh_text_release(&text);
    return evidence;
}

void rh_evidence_fill(rh_run *run)
{
    for (size_t m = 0; m < run->plan.migration_count; m++) {
        rh_migration *migration = &run->plan.migrations[m];
        for (size_t i = 0; i < migration->up.statement_count; i++) {
            rh_statement *statement = &migration->up.statements[i];
            rh_hazards_measure(migration, statement, telling_run(statement), run->arena);
            const char *evidence = statement->hazard_count ? evidence_of(run, migration, statement) : NULL;
            for (size_t h = 0; evidence && h < statement->hazard_count; h++)
                statement->hazards[h].evidence = evidence;
        }
    }
}
