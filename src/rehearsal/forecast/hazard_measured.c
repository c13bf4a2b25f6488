/* Hazards that are found by measurement only. */
#include "pgrehearse/base/units.h"
#include "hazard_state.h"
#include <math.h>
#include <string.h>

static void add(const rh_measured *m, const char *rule, const char *message, const char *safer)
{
    rh_statement *statement = m->statement;
    rh_hazard *hazard = rh_arena_add(m->arena, &statement->hazards, &statement->hazard_count);
    *hazard = (rh_hazard){.rule = rule, .message = message, .safer = safer, .state = RH_HAZARD_MEASURED};
}

static bool has(const rh_statement *statement, const char *rule)
{
    for (size_t h = 0; h < statement->hazard_count; h++)
        if (strcmp(statement->hazards[h].rule, rule) == 0)
            return true;
    return false;
}

/* ---- by what it did ---- */

static const rh_statement_work *work_of(const rh_statement *statement)
{
    for (size_t i = 0; i < statement->run_count; i++)
        if (statement->runs[i].work)
            return statement->runs[i].work;
    return NULL;
}

/* The statement's own lock on the table; NULL: none was seen. */
static const rh_lock *lock_on(const rh_measured *m, const char *table)
{
    const rh_lock *strongest = NULL;
    for (size_t k = 0; table && k < m->ran->lock_count; k++) {
        const rh_lock *lock = &m->ran->locks[k];
        if (!lock->inferred && strcmp(rh_lock_table(lock), table) == 0 &&
            (!strongest || lock->mode > strongest->mode))
            strongest = lock;
    }
    if (!strongest && m->kept && strcmp(rh_lock_table(m->kept), table) == 0)
        return m->kept;
    return strongest;
}

static bool keeps_readers_out(const rh_measured *m, const char *table)
{
    const rh_lock *lock = lock_on(m, table);
    return lock && lock->blocks_reads;
}

static bool was_read_through(const rh_relation_work *w)
{
    return w->kind != 'i' && !w->is_private && !w->rewritten && w->pages_before > 0 && w->scans > 0 &&
           2 * w->blocks_read >= w->pages_before;
}

static void add_scan(const rh_measured *m, const char *table)
{
    if (!keeps_readers_out(m, table))
        return;
    add(m, "scan-access-exclusive",
        rh_arena_printf(m->arena,
                        "All of %s was read while ACCESS EXCLUSIVE kept every reader and writer out.", table),
        rh_arena_printf(
            m->arena,
            "Prove it beforehand: ALTER TABLE %s ADD CONSTRAINT <name> CHECK (…) NOT VALID, then, in "
            "a transaction of its own, VALIDATE CONSTRAINT <name>; then this statement needs no "
            "scan.",
            table));
}

static void add_rewrite(const rh_measured *m, const char *table)
{
    if (!keeps_readers_out(m, table))
        return;
    add(m, "rewrite-access-exclusive",
        rh_arena_printf(m->arena,
                        "A full table rewrite of %s ran under ACCESS EXCLUSIVE; the text does not show it.",
                        table),
        rh_arena_printf(m->arena, "Add a new column or table beside %s, fill it in batches, and change over.",
                        table));
}

/* A DO block that commits within a loop: batches, of which none holds all rows. */
static bool commits_in_loop(const char *sql)
{
    const char *at = strcasestr(sql, "loop");
    while (at && (at = strcasestr(at, "commit"))) {
        at += strlen("commit");
        if (at[strspn(at, " \t\r\n")] == ';')
            return strcasestr(at, "end loop") != NULL;
    }
    return false;
}

/* In how many transactions the rows of TABLE were changed, at least. The last one of a procedure that commits
 * may be empty; and where one held the table for half of the time, it may have changed most. */
static int64_t pieces_of(const rh_measured *m, const char *table)
{
    int64_t counted = 0;
    for (size_t i = 0; i < m->statement->run_count && !counted; i++)
        counted = m->statement->runs[i].work ? m->statement->runs[i].transactions : 0;
    if (counted == 0)
        return m->statement->class_expected == RH_CLASS_PROCEDURE && m->statement->sql &&
                       commits_in_loop(m->statement->sql)
                   ? INT64_MAX
                   : 1;
    const rh_lock *lock = lock_on(m, table);
    return counted < 3 || (lock && lock->held_s > m->ran->elapsed_s / 2) ? 1 : counted - 1;
}

static void add_update(const rh_measured *m, const rh_relation_work *w)
{
    enum { MANY = 10000 };
    const int64_t changed = (w->rows_updated + w->rows_deleted) / pieces_of(m, w->relation);
    if (w->is_private || changed < MANY || 2 * changed <= w->rows_before)
        return;
    add(m, "whole-table-update",
        rh_arena_printf(
            m->arena,
            "Most rows of %s were changed in one transaction: their locks are held, and their old "
            "versions kept, until the end.",
            w->relation),
        rh_arena_printf(m->arena,
                        "Change %s in batches by a range of its primary key, each committed, with a pause "
                        "between.",
                        w->relation));
}

static void add_build(const rh_measured *m, const char *table)
{
    const rh_lock *lock = lock_on(m, table);
    if (!lock || !lock->blocks_writes)
        return;
    add(m, "index-without-concurrently",
        rh_arena_printf(m->arena, "An index was built on %s while %s waited; the text does not show it.",
                        table, rh_lock_mode_blocks(lock->mode)),
        rh_arena_printf(
            m->arena,
            "CREATE INDEX CONCURRENTLY … ON %s, outside a transaction; no such form exists for an "
            "exclusion constraint.",
            table));
}

static void add_by_work(const rh_measured *m)
{
    const rh_statement_work *work = work_of(m->statement);
    for (size_t i = 0; work && i < work->relation_count; i++) {
        const rh_relation_work *w = &work->relations[i];
        switch (m->statement->class_) {
        case RH_CLASS_REWRITE:
            if (w->rewritten && w->kind != 'i' && !w->is_private)
                add_rewrite(m, w->relation);
            break;
        case RH_CLASS_HEAP_SCAN:
            if (was_read_through(w))
                add_scan(m, w->relation);
            break;
        case RH_CLASS_DATA_CHANGE:
            if (w->kind != 'i')
                add_update(m, w);
            break;
        case RH_CLASS_INDEX_BUILD:
            if (w->kind == 'i' && (w->created || w->rewritten) && w->table) {
                add_build(m, w->table);
                return;
            }
            break;
        default:
            break;
        }
    }
}

/* ---- by what it waited for, and held ---- */

/* Its own strong lock on a table that other sessions use. */
static const rh_lock *strong_lock(const rh_measured *m)
{
    const rh_lock *lock = NULL;
    for (size_t k = 0; k < m->ran->lock_count; k++)
        if (m->ran->locks[k].blocks_writes && (!lock || (lock->inferred && !m->ran->locks[k].inferred)))
            lock = &m->ran->locks[k];
    return lock;
}

/* A procedure or function may have set one for itself, which cannot be asked from outside. */
static bool may_set_its_own(const rh_statement *statement)
{
    return statement->class_expected == RH_CLASS_PROCEDURE || statement->class_expected == RH_CLASS_QUERY ||
           statement->class_expected == RH_CLASS_DATA_CHANGE;
}

static void add_missing_timeout(const rh_measured *m)
{
    const rh_lock *lock = strong_lock(m);
    if (!lock || !m->waits_first || may_set_its_own(m->statement) ||
        has(m->statement, "missing-lock-timeout") || !rh_lock_timeout_is_missing(m->ran->lock_wait_limit_s))
        return;
    add(m, "missing-lock-timeout",
        rh_arena_printf(
            m->arena,
            "While this waits for its lock on %s behind one long transaction, all other sessions wait behind "
            "it, without limit.",
            rh_lock_table(lock)),
        "SET lock_timeout = '2s' before it, and try again when it fails.");
    m->statement->hazards[m->statement->hazard_count - 1].state =
        lock->inferred ? RH_HAZARD_EXPECTED : RH_HAZARD_MEASURED;
}

static void add_long_work(const rh_measured *m)
{
    if (!m->kept || !(m->elapsed_s >= RH_LONG_S) || has(m->statement, "lock-then-long-work"))
        return;
    char took[32];
    add(m, "lock-then-long-work",
        rh_arena_printf(m->arena,
                        "Statement %d took %s on %s, and the transaction kept it (%s blocked) while this one "
                        "worked for %s.",
                        m->keeper->ordinal, rh_lock_mode_sql(m->kept->mode), rh_lock_table(m->kept),
                        rh_lock_mode_blocks(m->kept->mode),
                        rh_duration_format(m->elapsed_s, took, sizeof took)),
        rh_arena_printf(m->arena, "Commit after statement %d: put this one into a migration of its own.",
                        m->keeper->ordinal));
}

void rh_hazards_add_measured(const rh_measured *m, bool small)
{
    if (m->statement->class_measured && !small)
        add_by_work(m);
    add_missing_timeout(m);
    add_long_work(m);
}
