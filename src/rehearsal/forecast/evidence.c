#include "evidence.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include "hazard_state.h"
#include <math.h>
#include <string.h>

static void append_victims(rh_text *text, const rh_contention *contention, const char *migration,
                           int statement)
{
    size_t waits = 0;
    double longest = 0;
    for (size_t i = 0; i < contention->wait_count; i++) {
        const rh_wait *wait = &contention->waits[i];
        if (!wait->blocked_by_migration || wait->waiter_is_migration || !wait->migration ||
            wait->statement != statement || strcmp(wait->migration, migration) != 0)
            continue;
        waits++;
        longest = wait->wait_s > longest ? wait->wait_s : longest;
    }
    char duration[32];
    if (waits)
        rh_text_printf(text, "; %zu wait%s behind it, the longest %s", waits, waits == 1 ? "" : "s",
                       rh_duration_format(longest, duration, sizeof duration));
    else
        rh_text_append(text, "; no session waited for it");
}

/* The strongest lock that the transaction held meanwhile. */
static void append_lock(rh_text *text, const rh_measured *m)
{
    char duration[32];
    const rh_lock *lock = m->lock;
    if (!lock || !(lock->held_s >= 0))
        return;
    const char *relation = rh_lock_table(lock), *mode = rh_lock_mode_sql(lock->mode);
    if (lock->inferred)
        rh_text_printf(text, ", %s on %s by its text (not observed)", mode, relation);
    else if (m->acquirer == m->statement)
        rh_text_printf(text, ", held %s on %s%s for %s", mode, relation,
                       lock->table ? " (an index or TOAST relation of it)" : "",
                       rh_duration_format(lock->held_s, duration, sizeof duration));
    else
        rh_text_printf(text, ", while its transaction held %s on %s (since statement %d, %s in all)", mode,
                       relation, m->acquirer->ordinal,
                       rh_duration_format(lock->held_s, duration, sizeof duration));
}

/* NULL: it did not run. */
static const char *evidence_of(const rh_run *run, const rh_measured *m)
{
    const rh_statement_run *ran = m->ran;
    const rh_statement *statement = m->statement;
    if (!ran || isnan(ran->elapsed_s))
        return NULL;
    char duration[32], count[32];
    rh_text text = {0};
    rh_text_printf(&text, "took %s%s", rh_duration_format(ran->elapsed_s, duration, sizeof duration),
                   ran->pass == RH_PASS_KIND_LOADED ? " under load" : "");
    if (ran->rows >= 0)
        rh_text_printf(&text, ", %s row%s", rh_count_format(ran->rows, count, sizeof count),
                       rh_plural(ran->rows));
    append_lock(&text, m);
    if (run->load.measured && run->contention.measured)
        append_victims(&text, &run->contention, m->migration->id, statement->ordinal);
    if (statement->class_differs)
        rh_text_printf(&text, "; measured as %s, not %s", rh_statement_class_name(statement->class_),
                       rh_statement_class_name(statement->class_expected));
    const char *evidence = rh_arena_strdup(run->arena, text.data);
    rh_text_release(&text);
    return evidence;
}

/* With the lock_timeout that was in force, where the hazard is about that. */
static const char *with_timeout(const rh_hazard *hazard, const rh_measured *m, const char *evidence)
{
    double timeout_s = m->ran->lock_timeout_s;
    char duration[32];
    if (strcmp(hazard->rule, "missing-lock-timeout") != 0 || isnan(timeout_s))
        return evidence;
    return rh_arena_printf(m->arena, "%s; lock_timeout was %s", evidence,
                           timeout_s > 0 ? rh_duration_format(timeout_s, duration, sizeof duration)
                                         : "0 (no limit)");
}

static rh_hazard *long_work_of(const rh_statement *statement)
{
    for (size_t h = 0; h < statement->hazard_count; h++)
        if (strcmp(statement->hazards[h].rule, "lock-then-long-work") == 0)
            return &statement->hazards[h];
    return NULL;
}

static void remove_hazard(rh_statement *statement, const rh_hazard *hazard)
{
    size_t kept = 0;
    for (size_t h = 0; h < statement->hazard_count; h++)
        if (&statement->hazards[h] != hazard)
            statement->hazards[kept++] = statement->hazards[h];
    statement->hazard_count = kept;
}

/* That a lock is held through long work is reported once a transaction, of the statement that worked longest.
 */
static void keep_longest_work(const rh_script *script, const int *transactions, const double *elapsed_s)
{
    for (size_t i = 0; i < script->statement_count; i++) {
        const rh_hazard *mine = long_work_of(&script->statements[i]);
        for (size_t k = 0; mine && k < script->statement_count; k++) {
            const rh_hazard *other = long_work_of(&script->statements[k]);
            if (k == i || transactions[k] != transactions[i] || !other || other->state != RH_HAZARD_MEASURED)
                continue;
            if (mine->state != RH_HAZARD_MEASURED || elapsed_s[k] > elapsed_s[i] ||
                (k < i && elapsed_s[k] == elapsed_s[i])) {
                remove_hazard(&script->statements[i], mine);
                mine = NULL;
            }
        }
    }
}

static void fill_migration(rh_run *run, const rh_migration *migration)
{
    const rh_script *up = &migration->up;
    int *transactions = rh_arena_alloc(run->arena, (up->statement_count + 1) * sizeof *transactions);
    double *elapsed_s = rh_arena_alloc(run->arena, (up->statement_count + 1) * sizeof *elapsed_s);
    rh_plan_transactions(up, transactions);
    for (size_t i = 0; i < up->statement_count; i++) {
        const rh_measured m = rh_measured_of(migration, i, transactions, run->arena);
        rh_hazards_measure(&m);
        elapsed_s[i] = m.elapsed_s;
        const char *evidence = m.statement->hazard_count ? evidence_of(run, &m) : NULL;
        for (size_t h = 0; evidence && h < m.statement->hazard_count; h++)
            if (!m.statement->hazards[h].evidence) /* a failure may have left its own */
                m.statement->hazards[h].evidence = with_timeout(&m.statement->hazards[h], &m, evidence);
    }
    keep_longest_work(up, transactions, elapsed_s);
}

void rh_evidence_fill(rh_run *run)
{
    for (size_t m = 0; m < run->plan.migration_count; m++)
        fill_migration(run, &run->plan.migrations[m]);
}
