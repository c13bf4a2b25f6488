#include "hazard_state.h"
#include "pgrehearse/sql/hazards.h"
#include "pgrehearse/base/text.h"
#include <math.h>
#include <string.h>

/* A table below both is small. */
enum { SMALL_ROWS = 5000, SMALL_PAGES = 64, SMALL_INDEX_PAGES = 4 };

/* The classes that bear a rule out, as bits; a statement of another class is not what the rule warns of. */
#define BIT(class_) (1u << (class_))
static const struct {
    const char *rule;
    unsigned classes;
} BORNE_OUT[] = {
    {"rewrite-access-exclusive", BIT(RH_CLASS_REWRITE) | BIT(RH_CLASS_MAINTENANCE)},
    {"volatile-default", BIT(RH_CLASS_REWRITE)},
    {"type-change", BIT(RH_CLASS_REWRITE) | BIT(RH_CLASS_INDEX_BUILD)},
    {"set-not-null-scan", BIT(RH_CLASS_HEAP_SCAN) | BIT(RH_CLASS_REWRITE)},
    {"scan-access-exclusive", BIT(RH_CLASS_HEAP_SCAN)},
    {"constraint-without-not-valid", BIT(RH_CLASS_HEAP_SCAN) | BIT(RH_CLASS_REWRITE)},
    {"foreign-key-without-not-valid",
     BIT(RH_CLASS_FOREIGN_KEY) | BIT(RH_CLASS_HEAP_SCAN) | BIT(RH_CLASS_INDEX_BUILD) | BIT(RH_CLASS_REWRITE)},
    {"index-without-concurrently", BIT(RH_CLASS_INDEX_BUILD) | BIT(RH_CLASS_REWRITE) | BIT(RH_CLASS_CATALOG)},
    {"whole-table-update", BIT(RH_CLASS_DATA_CHANGE)},
    {"exclude-constraint", BIT(RH_CLASS_INDEX_BUILD) | BIT(RH_CLASS_REWRITE)},
    {"attach-partition", BIT(RH_CLASS_HEAP_SCAN)},
    {"constrained-domain", BIT(RH_CLASS_HEAP_SCAN) | BIT(RH_CLASS_REWRITE)},
    {"primary-key-from-nullable",
     BIT(RH_CLASS_HEAP_SCAN) | BIT(RH_CLASS_INDEX_BUILD) | BIT(RH_CLASS_REWRITE)},
    {"reindex-without-concurrently", BIT(RH_CLASS_MAINTENANCE) | BIT(RH_CLASS_INDEX_BUILD)},
};

static bool is_rule(const rh_hazard *hazard, const char *rule)
{
    return strcmp(hazard->rule, rule) == 0;
}

/* ---- what the transaction held ---- */

static const rh_statement_run *timed_run(const rh_statement *statement)
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

static double least_elapsed(const rh_statement *statement)
{
    double quiet_s = RH_NOT_MEASURED, loaded_s = RH_NOT_MEASURED;
    for (size_t i = 0; i < statement->run_count; i++) {
        const rh_statement_run *run = &statement->runs[i];
        if (run->pass == RH_PASS_KIND_QUIET)
            quiet_s = fmin(quiet_s, run->elapsed_s);
        else if (run->pass == RH_PASS_KIND_LOADED)
            loaded_s = fmin(loaded_s, run->elapsed_s);
    }
    return isnan(quiet_s) ? loaded_s : quiet_s;
}

/* A lock on a relation that no other session can use comes last. */
static int rank(const rh_lock *lock)
{
    const int strength = lock->mode;
    return strength >= RH_LOCK_SHARE && !lock->blocks_writes ? 0 : strength;
}

static bool is_stronger(const rh_lock *lock, const rh_lock *than)
{
    return !than || rank(lock) > rank(than);
}

rh_measured rh_measured_of(const rh_migration *migration, size_t index, const int *transactions,
                           rh_arena *arena)
{
    rh_statement *statements = migration->up.statements;
    rh_measured m = {.arena = arena,
                     .migration = migration,
                     .statement = &statements[index],
                     .ran = timed_run(&statements[index]),
                     .elapsed_s = least_elapsed(&statements[index]),
                     .waits_first = true};
    for (size_t i = 0; i <= index; i++) {
        const rh_statement_run *run =
            transactions[i] == transactions[index] ? timed_run(&statements[i]) : NULL;
        for (size_t k = 0; run && k < run->lock_count; k++) {
            const rh_lock *lock = &run->locks[k];
            if (is_stronger(lock, m.lock)) {
                m.lock = lock;
                m.acquirer = &statements[i];
            }
            if (i < index && !lock->inferred && (lock->blocks_reads || lock->blocks_writes) &&
                is_stronger(lock, m.kept)) {
                m.kept = lock;
                m.keeper = &statements[i];
            }
        }
    }
    m.waits_first = !m.kept || m.kept->mode < RH_LOCK_SHARE;
    return m;
}

/* ---- states ---- */

/* Few rows of a large table were changed after all: at most a tenth. */
static bool changed_few(const rh_statement *statement)
{
    for (size_t i = 0; i < statement->run_count; i++) {
        const rh_statement_run *run = &statement->runs[i];
        for (size_t r = 0; run->work && r < run->work->relation_count; r++) {
            const rh_relation_work *w = &run->work->relations[r];
            const int64_t changed = w->rows_updated + w->rows_deleted;
            if (w->kind != 'i' && changed > 0)
                return w->rows_before > 0 && 10 * changed <= w->rows_before;
        }
        if (run->work)
            return run->rows == 0;
    }
    return false;
}

/* Of an index whose table was not observed, only the pages are known. */
static bool is_small_relation(const rh_statement_work *work, const rh_relation_work *w)
{
    bool alone = w->kind == 'i';
    for (size_t r = 0; alone && r < work->relation_count; r++)
        alone = !w->table || strcmp(work->relations[r].relation, w->table) != 0;
    if (alone)
        return w->pages_after <= SMALL_INDEX_PAGES;
    return w->is_private ||
           (w->rows_before < SMALL_ROWS && w->pages_before < SMALL_PAGES && w->rows_inserted < SMALL_ROWS);
}

/* It took no time to speak of, here and as predicted, on nothing of size. Not known: false. */
static bool is_small(const rh_measured *m)
{
    const rh_statement_work *work = NULL;
    const double predicted_s = m->statement->prediction.median_s;
    if (!(m->elapsed_s < RH_LONG_S) || predicted_s >= RH_LONG_S)
        return false;
    for (size_t i = 0; i < m->statement->run_count && !work; i++)
        work = m->statement->runs[i].work;
    for (size_t r = 0; work && r < work->relation_count; r++)
        if (!is_small_relation(work, &work->relations[r]))
            return false;
    return work != NULL;
}

static rh_hazard_state state_by_class(const rh_hazard *hazard, const rh_measured *m, bool small)
{
    for (size_t i = 0; m->statement->class_measured && i < sizeof BORNE_OUT / sizeof *BORNE_OUT; i++) {
        if (!is_rule(hazard, BORNE_OUT[i].rule))
            continue;
        if (small || (is_rule(hazard, "whole-table-update") && changed_few(m->statement)))
            return RH_HAZARD_REFUTED;
        return BORNE_OUT[i].classes & BIT(m->statement->class_) ? RH_HAZARD_MEASURED : RH_HAZARD_REFUTED;
    }
    return hazard->state;
}

/* The SQLSTATE by which the server refuses what the rule warns of, two for dependents: of what is dropped, of
 * a column whose type changes. NULL: it does not. */
static const char *const *refusals_of(const rh_hazard *hazard)
{
    static const char *const block[] = {"25001", NULL}; /* active_sql_transaction */
    static const char *const value[] = {"55P04", NULL}; /* unsafe_new_enum_value_usage */
    static const char *const user[] = {"2BP01", "0A000",
                                       NULL}; /* dependent_objects_still_exist, feature_not_supported */
    return is_rule(hazard, "concurrently-in-transaction") ? block
           : is_rule(hazard, "enum-value-in-transaction") ? value
           : is_rule(hazard, "blocked-by-dependents")     ? user
                                                          : NULL;
}

static rh_hazard_state state_of(const rh_hazard *hazard, const rh_measured *m, bool small)
{
    const rh_lock *lock = m->ran ? rh_lock_strongest(m->ran->locks, m->ran->lock_count) : NULL;
    if (is_rule(hazard, "missing-lock-timeout"))
        return lock && !lock->inferred && lock->mode >= RH_LOCK_SHARE ? RH_HAZARD_MEASURED : hazard->state;
    if (is_rule(hazard, "lock-then-long-work") || is_rule(hazard, "foreign-key-without-index")) {
        if (isnan(m->elapsed_s))
            return hazard->state;
        return m->elapsed_s >= RH_LONG_S || m->statement->prediction.median_s >= RH_LONG_S
                   ? RH_HAZARD_MEASURED
                   : RH_HAZARD_REFUTED;
    }
    const char *const *refusals = refusals_of(hazard);
    if (refusals) {
        const rh_failure *failure = m->migration->failure;
        return failure && failure->sqlstate && rh_is_one_of(failure->sqlstate, refusals) &&
                       failure->line >= m->statement->line
                   ? RH_HAZARD_MEASURED
                   : hazard->state;
    }
    return state_by_class(hazard, m, small);
}

bool rh_lock_timeout_is_missing(double limit_s)
{
    return limit_s == 0 || limit_s > 60;
}

/* The text could not know what was in force. */
static bool is_disproved(const rh_hazard *hazard, const rh_measured *m)
{
    return is_rule(hazard, "missing-lock-timeout") && m->ran && !isnan(m->ran->lock_wait_limit_s) &&
           !rh_lock_timeout_is_missing(m->ran->lock_wait_limit_s);
}

static bool is_warned_of(const rh_statement *statement)
{
    for (size_t h = 0; h < statement->hazard_count; h++)
        for (size_t i = 0; i < sizeof BORNE_OUT / sizeof *BORNE_OUT; i++)
            if (is_rule(&statement->hazards[h], BORNE_OUT[i].rule) &&
                BORNE_OUT[i].classes & BIT(statement->class_))
                return true;
    return false;
}

void rh_hazards_measure(const rh_measured *m)
{
    rh_statement *statement = m->statement;
    const bool small = is_small(m);
    size_t kept = 0;
    for (size_t h = 0; h < statement->hazard_count; h++)
        if (!is_disproved(&statement->hazards[h], m))
            statement->hazards[kept++] = statement->hazards[h];
    statement->hazard_count = kept;
    const bool warned = is_warned_of(statement);
    for (size_t h = 0; h < statement->hazard_count; h++)
        statement->hazards[h].state = state_of(&statement->hazards[h], m, small);
    if (m->ran)
        rh_hazards_add_measured(m, small || warned);
    rh_hazards_silence(statement);
}
