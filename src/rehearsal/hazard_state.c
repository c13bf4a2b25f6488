#include "pgrehearse/rehearsal/hazard_state.h"
#include "pgrehearse/migrations/migrations.h"
#include <string.h>

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
};

static bool is_rule(const rh_hazard *hazard, const char *rule)
{
    return strcmp(hazard->rule, rule) == 0;
}

/* A table of which more than half the rows were changed in one statement, which is no small one; NULL: none.
 */
static const rh_relation_work *changed_most(const rh_statement *statement)
{
    enum { MANY = 10000 };
    for (size_t i = 0; i < statement->run_count; i++) {
        const rh_statement_work *work = statement->runs[i].work;
        for (size_t r = 0; work && r < work->relation_count; r++) {
            const rh_relation_work *w = &work->relations[r];
            const int64_t changed = w->rows_updated + w->rows_deleted;
            if (w->kind != 'i' && !w->is_private && changed >= MANY && 2 * changed > w->rows_before)
                return w;
        }
    }
    return NULL;
}

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

static rh_hazard_state state_by_class(const rh_hazard *hazard, const rh_statement *statement)
{
    for (size_t i = 0; statement->class_measured && i < sizeof BORNE_OUT / sizeof *BORNE_OUT; i++) {
        if (!is_rule(hazard, BORNE_OUT[i].rule))
            continue;
        if (is_rule(hazard, "whole-table-update") && changed_few(statement))
            return RH_HAZARD_REFUTED;
        return BORNE_OUT[i].classes & BIT(statement->class_) ? RH_HAZARD_MEASURED : RH_HAZARD_REFUTED;
    }
    return hazard->state;
}

static rh_hazard_state state_of(const rh_hazard *hazard, const rh_migration *migration,
                                const rh_statement *statement, const rh_statement_run *ran)
{
    const rh_lock *lock = (ran ? rh_lock_strongest(ran->locks, ran->lock_count) : NULL);
    if (is_rule(hazard, "missing-lock-timeout"))
        return lock && rh_lock_mode_strength(lock->mode) >= 5 ? RH_HAZARD_MEASURED : hazard->state;
    if (is_rule(hazard, "lock-then-long-work"))
        return ran ? RH_HAZARD_MEASURED : hazard->state;
    if (is_rule(hazard, "concurrently-in-transaction")) {
        const rh_failure *failure = migration->failure;
        return failure && failure->sqlstate && strcmp(failure->sqlstate, "25001") == 0 &&
                       failure->line >= statement->line
                   ? RH_HAZARD_MEASURED
                   : hazard->state;
    }
    return state_by_class(hazard, statement);
}

/* ---- what only the measurement shows ---- */

static bool is_warned_of(const rh_statement *statement)
{
    for (size_t h = 0; h < statement->hazard_count; h++)
        for (size_t i = 0; i < sizeof BORNE_OUT / sizeof *BORNE_OUT; i++)
            if (is_rule(&statement->hazards[h], BORNE_OUT[i].rule) &&
                BORNE_OUT[i].classes & BIT(statement->class_))
                return true;
    return false;
}

static void add(rh_statement *statement, rh_arena *arena, const char *rule, const char *message,
                const char *safer)
{
    rh_hazard *hazard = rh_arena_add(arena, &statement->hazards, &statement->hazard_count, sizeof *hazard);
    *hazard = (rh_hazard){.rule = rule, .message = message, .safer = safer, .state = RH_HAZARD_MEASURED};
}

static void add_measured(rh_statement *statement, const rh_lock *lock, rh_arena *arena)
{
    const rh_relation_work *most = statement->class_ == RH_CLASS_DATA_CHANGE ? changed_most(statement) : NULL;
    const bool nobody_reads = rh_lock_mode_strength(lock->mode) == 8;
    if (statement->class_ == RH_CLASS_REWRITE && nobody_reads)
        add(statement, arena, "rewrite-access-exclusive",
            rh_arena_printf(arena,
                            "Its text does not tell, but all of %s was written anew under ACCESS EXCLUSIVE.",
                            lock->relation),
            rh_arena_printf(arena,
                            "Add a new column or table beside %s, fill it in batches, and change over.",
                            lock->relation));
    else if (statement->class_ == RH_CLASS_HEAP_SCAN && nobody_reads)
        add(statement, arena, "scan-access-exclusive",
            rh_arena_printf(arena,
                            "%s was read from end to end while ACCESS EXCLUSIVE kept every reader and writer "
                            "out.",
                            lock->relation),
            rh_arena_printf(
                arena,
                "Prove it beforehand: ALTER TABLE %s ADD CONSTRAINT <name> CHECK (…) NOT VALID, then, in a "
                "transaction of its own, VALIDATE CONSTRAINT <name>; then this statement needs no scan.",
                lock->relation));
    else if (most)
        add(statement, arena, "whole-table-update",
            rh_arena_printf(
                arena,
                "Most rows of %s were changed in one transaction: their locks are held, and their old "
                "versions kept, until the end.",
                most->relation),
            rh_arena_printf(
                arena,
                "Change %s in batches by a range of its primary key, each committed, with a pause "
                "between.",
                most->relation));
    else if (statement->class_ == RH_CLASS_INDEX_BUILD && rh_lock_mode_strength(lock->mode) >= 5)
        add(statement, arena, "index-without-concurrently",
            rh_arena_printf(arena, "Its text does not tell, but an index was built on %s while %s waited.",
                            lock->relation, rh_lock_mode_blocks(lock->mode)),
            rh_arena_printf(arena, "CREATE INDEX CONCURRENTLY … ON %s, outside a transaction.",
                            lock->relation));
}

void rh_hazards_measure(const rh_migration *migration, rh_statement *statement, const rh_statement_run *ran,
                        rh_arena *arena)
{
    const rh_lock *lock = (ran ? rh_lock_strongest(ran->locks, ran->lock_count) : NULL);
    if (statement->class_measured && lock && !is_warned_of(statement))
        add_measured(statement, lock, arena);
    for (size_t h = 0; h < statement->hazard_count; h++)
        statement->hazards[h].state = state_of(&statement->hazards[h], migration, statement, ran);
    rh_hazards_silence(statement);
}
