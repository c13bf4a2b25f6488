#include "unmeasured.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/model/facts.h"
#include <math.h>
#include <string.h>

/* Statements of one kind: how many, and the first. */
typedef struct tally {
    size_t count;
    const char *migration, *what;
    int statement;
} tally;

static void count(tally *t, const rh_migration *migration, const rh_statement *statement, const char *what)
{
    if (t->count++ > 0)
        return;
    *t = (tally){1, migration->id, what, statement->ordinal};
}

/* The lock of the statement at full size is inferred from its text. */
static const rh_lock *inferred_lock(const rh_statement *statement)
{
    const rh_lock *found = NULL;
    for (size_t r = 0; r < statement->run_count; r++) {
        const rh_statement_run *run = &statement->runs[r];
        if (run->pass == RH_PASS_KIND_SCALED || run->lock_count == 0)
            continue;
        if (!run->locks[0].inferred)
            return NULL;
        found = &run->locks[0];
    }
    return found;
}

/* Row-level security is in force for it, and its rows could not be counted; NULL: there is none. */
static const char *uncounted_table(const rh_statement *statement)
{
    for (size_t r = 0; r < statement->run_count; r++)
        for (size_t i = 0; i < statement->runs[r].hidden_count; i++) {
            const rh_hidden_rows *h = &statement->runs[r].hidden[i];
            if (h->seen == RH_UNKNOWN || h->all == RH_UNKNOWN)
                return h->table;
        }
    return NULL;
}

static void note_statements(rh_run *run)
{
    tally locks = {0}, unknown = {0}, hidden = {0}, uncounted = {0};
    for (size_t m = 0; m < run->plan.migration_count; m++) {
        const rh_migration *migration = &run->plan.migrations[m];
        for (size_t i = 0; i < migration->up.statement_count; i++) {
            const rh_statement *s = &migration->up.statements[i];
            const rh_lock *lock = inferred_lock(s);
            if (lock)
                count(&locks, migration, s, lock->relation);
            if (s->parse_error)
                count(&unknown, migration, s, s->parse_error);
            if (s->class_evidence && !s->class_measured && s->run_count > 0)
                count(&hidden, migration, s, s->class_evidence);
            const char *table = uncounted_table(s);
            if (table)
                count(&uncounted, migration, s, table);
        }
        for (size_t i = 0; i < migration->down.statement_count; i++) {
            const char *table = uncounted_table(&migration->down.statements[i]);
            if (table)
                count(&uncounted, migration, &migration->down.statements[i], table);
        }
    }
    if (locks.count)
        rh_run_not_measured(
            run, RH_UNMEASURED_STATEMENT_LOCKS,
            "locks of %zu statement%s: too short to be observed, so they are inferred from the text and no "
            "gate counts them (the first: migration %s, statement %d on %s)",
            locks.count, rh_plural((int64_t)locks.count), locks.migration, locks.statement, locks.what);
    if (unknown.count)
        rh_run_not_measured(
            run, RH_UNMEASURED_STATEMENT_HAZARDS,
            "%zu statement%s that the parser does not understand: hazards that follow from their text are unknown (the first: migration %s, statement %d: %s)",
            unknown.count, rh_plural((int64_t)unknown.count), unknown.migration, unknown.statement,
            unknown.what);
    if (hidden.count)
        rh_run_not_measured(run, RH_UNMEASURED_STATEMENT_WORK,
                            "effect of %zu statement%s (the first: migration %s, statement %d: %s)",
                            hidden.count, rh_plural((int64_t)hidden.count), hidden.migration,
                            hidden.statement, hidden.what);
    if (uncounted.count)
        rh_run_not_measured(
            run, RH_UNMEASURED_STATEMENT_HAZARDS,
            "whether row-level security hides rows from %zu statement%s: they could not be counted "
            "(the first: migration %s, statement %d on %s)",
            uncounted.count, rh_plural((int64_t)uncounted.count), uncounted.migration, uncounted.statement,
            uncounted.what);
}

static const char *why_not_compared(const rh_data_comparison *data)
{
    for (size_t t = 0; t < data->table_count; t++)
        if (data->tables[t].why)
            return data->tables[t].why;
    return NULL;
}

static void note_rollback(rh_run *run)
{
    size_t tables = 0;
    const char *why = NULL;
    for (size_t m = 0; m < run->plan.migration_count; m++) {
        const rh_data_comparison *data = &run->plan.migrations[m].rollback.data;
        size_t left = data->measured ? data->not_compared + data->counted_only : 0;
        tables = left > tables ? left : tables;
        why = why ? why : left ? why_not_compared(data) : NULL;
    }
    if (tables)
        rh_run_not_measured(run, RH_UNMEASURED_ROLLBACK_ROWS,
                            "rollback: the rows of %zu table%s were not compared one by one%s%s", tables,
                            rh_plural((int64_t)tables), why ? ": " : "", why ? why : "");
}

static void note_load(rh_run *run)
{
    const rh_mix *mix = &run->load.mix;
    if (run->load.measured && mix->left_out_count)
        rh_run_not_measured(run, RH_UNMEASURED_LOAD_TEMPLATES, "load: %zu part%s left out, such as: %s",
                            mix->left_out_count, mix->left_out_count == 1 ? " was" : "s were",
                            mix->left_out[0]);
    for (size_t i = 0; i < run->load.error_count; i++) {
        const rh_load_error *e = &run->load.errors[i];
        if (e->before > 0 && strcmp(e->sqlstate, "42501") == 0)
            rh_run_not_measured(
                run, RH_UNMEASURED_LOAD_TEMPLATES,
                "load: the effect of \"%s\", which was refused (SQLSTATE 42501: %s): %lld of its calls were refused before the first migration, in all %lld",
                e->template_name, e->message, (long long)e->before, (long long)e->count);
    }
}

static void note_prediction(rh_run *run)
{
    if (isnan(run->prediction.median_s))
        return;
    if (!run->production.profile)
        rh_run_not_measured(run, RH_UNMEASURED_HARDWARE,
                            "hardware: no profile of production was given, so durations are those of this "
                            "machine and its settings");
    if (isnan(run->prediction.cold_s))
        rh_run_not_measured(run, RH_UNMEASURED_COLD_CACHES,
                            "cold caches: durations are with caches as warm as staging's");
}

void rh_unmeasured_add(rh_run *run)
{
    note_statements(run);
    note_rollback(run);
    note_load(run);
    note_prediction(run);
}
