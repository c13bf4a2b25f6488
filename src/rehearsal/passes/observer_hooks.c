/* What is observed of each statement. */
#include "observer_state.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/snapshot/snapshot.h"
#include <math.h>
#include <string.h>

static size_t statement_index(const rh_plan *plan, const rh_statement *statement)
{
    size_t index = 0;
    for (size_t m = 0; m < plan->migration_count; m++) {
        const rh_script *up = &plan->migrations[m].up;
        if (statement >= up->statements && statement < up->statements + up->statement_count)
            return index + (size_t)(statement - up->statements);
        index += up->statement_count;
    }
    return 0;
}

/* The statements that this pass watches. */
static const rh_script *script_of(const rh_observer *o, const rh_migration *migration)
{
    return o->options.pass == RH_PASS_KIND_ROLLBACK ? &migration->down : &migration->up;
}

static void add_resource_sample(rh_observer *o, const rh_counters *now)
{
    rh_resource_sample *sample = rh_arena_add(o->arena, &o->result.resources, &o->result.resource_count);
    sample->at_s = rh_seconds(rh_clock_monotonic() - o->options.began);
    sample->backend_cpu_s = now->cpu_user_s + now->cpu_system_s;
    sample->backend_read_bytes = now->read_bytes;
    sample->backend_write_bytes = now->write_bytes;
    sample->wal_bytes = now->wal_bytes;
    sample->disk_free_bytes = o->local ? rh_disk_free(o->run->staging.location) : RH_UNKNOWN;
}

/* Looking costs a query a statement, and what a statement does is the same each time. */
static bool is_looked_at(const rh_observer *o, const rh_statement *statement, const rh_statement_run *run)
{
    return o->work && run->repeat == 1 && statement->class_expected != RH_CLASS_TRANSACTION;
}

/* The check of a foreign key hashes the referenced rows in maintenance_work_mem; of those a sample holds as
 * many as its rows refer to, often all: memory cut to the sample's fraction would make it spill. */
static void give_memory(rh_observer *o, rh_pg *pg, const rh_statement *statement, rh_statement_run *run)
{
    o->memory_set = false;
    if (!o->options.whole || statement->class_ != RH_CLASS_FOREIGN_KEY)
        return;
    const rh_work_size *whole = &o->options.whole[statement_index(&o->run->plan, statement)];
    double share = whole->referenced_rows > 0 ? run->size.referenced_rows / whole->referenced_rows : 0;
    double bytes = share * whole->sort_bytes;
    o->memory_set = bytes > run->size.sort_bytes &&
                    rh_pg_executef(pg, NULL, "SET maintenance_work_mem = '%.0fkB'", bytes / 1024);
    if (o->memory_set)
        run->size.sort_bytes = bytes;
}

/* As the catalog names it; NULL: it is not there, or a catalog is locked. Of a name without a schema only the
 * migration's own session SELF knows which one it means: its role may have a search_path. */
static const char *catalog_name(const rh_observer *o, rh_pg *self, const char *relation, rh_arena *arena)
{
    static const char sql[] =
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.oid = pg_catalog.to_regclass($1)";
    if (!relation)
        return NULL;
    rh_pg_result *result = strchr(relation, '.') ? rh_pg_query_again(o->side, sql, 1, &relation, NULL)
                                                 : rh_pg_query(self, sql, 1, &relation, NULL);
    const char *name =
        result && rh_pg_rows(result) == 1 ? rh_arena_strdup(arena, rh_pg_value(result, 0, 0)) : NULL;
    rh_pg_result_free(result);
    return name;
}

/* What its text says of a statement outside of a transaction, as far as the catalog has it; for want of a
 * look. */
static void note_expected_locks(const rh_observer *o, rh_pg *pg, const rh_statement *statement,
                                rh_statement_run *run)
{
    enum { MOST = 16 };
    rh_arena *arena = o->arena;
    for (size_t i = 0; i < statement->expected_lock_count && i < MOST; i++) {
        const rh_expected_lock *expected = &statement->expected_locks[i];
        const char *relation = catalog_name(o, pg, expected->relation, arena);
        if (!relation)
            continue;
        *rh_arena_add(arena, &run->expected, &run->expected_count) =
            (rh_lock){.relation = relation,
                      .mode = expected->mode,
                      .inferred = true,
                      .blocks_reads = !expected->on_new && rh_lock_mode_blocks_reads(expected->mode),
                      .blocks_writes = !expected->on_new && rh_lock_mode_blocks_writes(expected->mode)};
    }
}

static double show(rh_pg *pg, const char *sql, rh_arena *arena)
{
    rh_pg_result *result = rh_pg_query(pg, sql, 0, NULL, NULL);
    rh_usec timeout;
    bool known = result && rh_duration_parse(rh_arena_strdup(arena, rh_pg_value(result, 0, 0)), &timeout);
    rh_pg_result_free(result);
    return known ? rh_seconds(timeout) : RH_NOT_MEASURED;
}

/* Asked of the session itself, since a server, a database, a role or a function may have set them. SHOW takes
 * no snapshot. */
static void ask_for_timeouts(rh_observer *o, rh_pg *pg, rh_statement_run *run)
{
    if (!o->timeouts_known) {
        o->lock_timeout_s = show(pg, "SHOW lock_timeout", o->arena);
        o->statement_timeout_s = show(pg, "SHOW statement_timeout", o->arena);
    }
    o->timeouts_known = true;
    const double statement_s = o->statement_timeout_s;
    run->lock_timeout_s = o->lock_timeout_s;
    run->lock_wait_limit_s = run->lock_timeout_s > 0 && statement_s > 0
                                 ? fmin(run->lock_timeout_s, statement_s)
                             : run->lock_timeout_s > 0 ? run->lock_timeout_s
                                                       : statement_s;
}

/* Of its own accord, or by the end of its transaction, which takes SET LOCAL back: only a command on objects
 * that is no CALL, query or change, whose functions may, does not. */
static bool may_change_settings(const rh_statement *statement)
{
    switch (statement->class_expected) {
    case RH_CLASS_CATALOG:
    case RH_CLASS_HEAP_SCAN:
    case RH_CLASS_REWRITE:
    case RH_CLASS_INDEX_BUILD:
    case RH_CLASS_VALIDATION:
    case RH_CLASS_FOREIGN_KEY:
        return statement->unknown_effect != NULL;
    default:
        return true;
    }
}

/* BEGIN, SET and the like take none; LOCK TABLE, which is of their class, does. */
static bool takes_locks(const rh_statement *statement)
{
    return statement->class_expected != RH_CLASS_TRANSACTION || statement->expected_lock;
}

/* A statement takes the same locks on a sample: the passes at full size read them. */
bool rh_observer_reads_locks(const rh_observer *o)
{
    return o->options.pass != RH_PASS_KIND_SCALED;
}

/* Once is enough, and a failed transaction answers nothing. */
static bool is_asked_for_timeout(const rh_observer *o, rh_pg *pg, const rh_statement *statement,
                                 const rh_statement_run *run)
{
    return run->repeat == 1 &&
           (o->options.pass == RH_PASS_KIND_QUIET || o->options.pass == RH_PASS_KIND_LOADED) &&
           takes_locks(statement) && strchr("IT", rh_pg_transaction_state(pg));
}

/* A DO block or a CALL outside of a transaction. */
static bool may_commit(const rh_statement *statement, rh_pg *pg)
{
    return statement->class_expected == RH_CLASS_PROCEDURE && rh_pg_transaction_state(pg) == 'I';
}

static void before(void *user, rh_pg *pg, const rh_migration *migration, const rh_statement *statement,
                   rh_statement_run *run)
{
    rh_observer *o = user;
    if (o->options.sizes) {
        run->size = o->options.sizes[statement_index(&o->run->plan, statement)];
        run->relation_bytes = run->size.bytes;
        give_memory(o, pg, statement, run);
    }
    rh_sampler_statement(o->sampler, migration->id, statement->ordinal);
    rh_progress_update(o->options.progress, o->options.stage, statement->redacted_sql, statement->ordinal - 1,
                       (int64_t)script_of(o, migration)->statement_count, RH_UNIT_ITEMS);
    if (o->is_shut_out)
        return;
    if (is_asked_for_timeout(o, pg, statement, run))
        ask_for_timeouts(o, pg, run);
    if (rh_observer_reads_locks(o) && rh_pg_transaction_state(pg) == 'I')
        note_expected_locks(o, pg, statement, run);
    if (is_looked_at(o, statement, run))
        rh_work_before(o->work, pg, statement);
    rh_counters_read_idle(pg, o->side, &o->access, &o->before);
    if (o->options.pass == RH_PASS_KIND_LOADED)
        add_resource_sample(o, &o->before);
    o->transactions = may_commit(statement, pg) ? rh_session_transactions(pg) : RH_UNKNOWN;
}

static const rh_lock *find_lock(const rh_lock *locks, size_t count, const char *relation)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(locks[i].relation, relation) == 0)
            return &locks[i];
    return NULL;
}

/* The transaction has locked what the observing queries need: none is sent while it is open. */
static void note_unread_locks(rh_observer *o, const rh_migration *migration, const rh_statement *statement,
                              rh_error *failed)
{
    rh_arena *arena = o->arena;
    if (!o->unread_locks)
        o->unread_locks =
            rh_arena_printf(arena, "the locks of migration %s from statement %d on could not be read: %s",
                            migration->id, statement->ordinal, failed->message);
    o->is_shut_out = true;
    rh_error_release(failed);
}

/* What the transaction holds now and did not hold before this statement, or only in a weaker mode. Asked for
 * on the side connection: pg_locks is as exact from there, and a query in the migration's own transaction
 * would take its snapshot. */
static void add_new_locks(rh_observer *o, const rh_migration *migration, const rh_statement *statement,
                          rh_statement_run *run)
{
    rh_lock *now = NULL;
    size_t count = 0;
    rh_error failed = {0};
    if (!rh_locks_of_pid(o->side, o->options.migration_pid, o->arena, &now, &count, &failed)) {
        note_unread_locks(o, migration, statement, &failed);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const rh_lock *earlier = find_lock(o->held, o->held_count, now[i].relation);
        if (earlier && earlier->mode >= now[i].mode)
            continue;
        rh_lock *lock = rh_arena_add(o->arena, &run->locks, &run->lock_count);
        *lock = now[i];
    }
    o->held = now;
    o->held_count = count;
}

/* A CONCURRENTLY that failed leaves its index behind. */
static void find_invalid_index(rh_observer *o, const rh_migration *migration, const rh_statement *statement)
{
    const char **names = NULL;
    size_t count = 0;
    if (!rh_invalid_indexes(o->side, o->arena, &names, &count, NULL))
        return;
    for (size_t i = 0; i < count; i++) {
        const char *dot = strrchr(names[i], '.');
        if (!strstr(statement->sql, dot ? dot + 1 : names[i]))
            continue;
        *rh_arena_add(o->arena, &o->result.left, &o->result.left_count) =
            (rh_left_index){migration, statement, names[i]};
    }
}

static void read_work(rh_observer *o, rh_pg *pg, const rh_statement *statement, rh_statement_run *run)
{
    run->work = rh_work_after(o->work, pg, statement, o->arena);
    if (o->options.pass == RH_PASS_KIND_QUIET || o->options.pass == RH_PASS_KIND_ROLLBACK)
        rh_hidden_rows_read(o->work, pg, statement, o->arena, run);
}

static void after(void *user, rh_pg *pg, const rh_migration *migration, const rh_statement *statement,
                  rh_statement_run *run, bool ok)
{
    rh_observer *o = user;
    if (!ok) {
        o->failed_statement = statement->ordinal;
        o->failed_at_s = rh_seconds(rh_clock_monotonic() - o->options.began);
    }
    rh_sampler_statement(o->sampler, NULL, 0);
    if (may_change_settings(statement))
        o->timeouts_known = false;
    if (ok && o->transactions != RH_UNKNOWN)
        run->transactions = rh_session_transactions(pg) - o->transactions - 1;
    if (o->memory_set)
        rh_pg_execute(pg, "RESET maintenance_work_mem", NULL);
    rh_counters now;
    if (!o->is_shut_out) {
        rh_counters_read_idle(pg, o->side, &o->access, &now);
        rh_counters_difference(&o->before, &now, run);
    }
    if (o->options.pass == RH_PASS_KIND_LOADED && !o->is_shut_out)
        add_resource_sample(o, &now);
    if (ok && !o->is_shut_out && rh_observer_reads_locks(o) && rh_pg_transaction_state(pg) == 'T' &&
        takes_locks(statement))
        add_new_locks(o, migration, statement, run);
    if (!ok && statement->needs_no_transaction && o->options.pass != RH_PASS_KIND_SCALED)
        find_invalid_index(o, migration, statement);
    if (ok && !o->is_shut_out && is_looked_at(o, statement, run))
        read_work(o, pg, statement, run);
}

static void transaction_end(void *user, const rh_migration *migration, rh_statement_run *const *runs,
                            size_t count, rh_usec ended)
{
    (void)migration;
    rh_observer *o = user;
    o->held = NULL;
    o->held_count = 0;
    o->is_shut_out = false;
    o->timeouts_known = false;
    if (o->work)
        rh_work_transaction_end(o->work);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < runs[i]->lock_count; k++)
            runs[i]->locks[k].held_s = rh_seconds(ended - runs[i]->started);
}

rh_replay_hooks rh_observer_hooks_for(rh_observer *observer)
{
    return (rh_replay_hooks){
        .user = observer, .before = before, .after = after, .transaction_end = transaction_end};
}
