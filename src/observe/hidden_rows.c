/* Data changes from which row-level security hides rows. */
#include "embedded/observe.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/facts.h"
#include "pgrehearse/observe/counters.h"
#include "work.h"
#include <string.h>

/* A table of the statement's for which row-level security is in force. */
typedef struct secured {
    const char *table, *role, *owner;
    const char *changes; /* the condition under which a row may be changed; NULL: a row that is seen */
    int64_t own;         /* rows that the open transaction has added */
} secured;

static bool may_change_data(const rh_statement *statement)
{
    return statement->class_expected == RH_CLASS_DATA_CHANGE ||
           statement->class_expected == RH_CLASS_BACKFILL_BATCH ||
           statement->class_expected == RH_CLASS_PROCEDURE || statement->unknown_effect;
}

/* ---- which tables ---- */

/* Its target has rows of which none is read: INSERT … VALUES, or from other tables. */
static bool only_adds(const rh_statement *statement, const rh_statement_run *run)
{
    if (!run->command_tag || strncmp(run->command_tag, "INSERT", 6) != 0 || !statement->expected_relation)
        return false;
    const char *query = strcasestr(statement->sql, "select");
    return !query || !rh_sql_mentions(query, statement->expected_relation);
}

/* What the statement locks by its text; where that does not tell, what it has locked and read. As the text of
 * an array; NULL: nothing. */
static const char *relations_of(const rh_statement *statement, const rh_statement_run *run, rh_arena *arena)
{
    rh_text list = {0};
    const char *left_out = only_adds(statement, run) ? statement->expected_relation : NULL;
    for (size_t i = 0; i < statement->expected_lock_count; i++)
        if (!left_out || strcmp(statement->expected_locks[i].relation, left_out) != 0)
            rh_pg_array_add(&list, statement->expected_locks[i].relation);
    const bool silent = statement->class_expected == RH_CLASS_PROCEDURE || statement->unknown_effect;
    for (size_t i = 0; silent && i < run->lock_count; i++)
        rh_pg_array_add(&list, rh_lock_table(&run->locks[i]));
    for (size_t i = 0; silent && run->work && i < run->work->relation_count; i++) {
        const rh_relation_work *w = &run->work->relations[i];
        rh_pg_array_add(&list, w->table ? w->table : w->relation);
    }
    const char *text = list.length ? rh_arena_strdup(arena, rh_pg_array_end(&list)) : NULL;
    rh_text_release(&list);
    return text;
}

static secured secured_of(const rh_pg_result *result, size_t row, rh_arena *arena)
{
    enum { TABLE, ROLE, OWN, OWNER, CHANGES };
    return (secured){.table = rh_arena_strdup(arena, rh_pg_value(result, row, TABLE)),
                     .role = rh_arena_strdup(arena, rh_pg_value(result, row, ROLE)),
                     .owner = rh_arena_strdup(arena, rh_pg_value(result, row, OWNER)),
                     .changes = rh_arena_strdup(arena, rh_pg_value(result, row, CHANGES)),
                     .own = rh_pg_int(result, row, OWN, 0)};
}

/* ---- how many rows ---- */

/* Those of TABLE that WHERE (NULL: all) lets through, as PG's role sees them; RH_UNKNOWN: it cannot be asked.
 */
static int64_t count_rows(rh_pg *pg, const char *table, const char *where, rh_arena *arena)
{
    int64_t count = RH_UNKNOWN;
    const char *sql =
        rh_arena_printf(arena, "SELECT count(*) FROM (SELECT FROM %s%s%s LIMIT %d) AS rh_rows", table,
                        where ? " WHERE " : "", where ? where : "", RH_HIDDEN_ROWS_MOST + 1);
    return rh_pg_query_int(pg, sql, &count, NULL) ? count : RH_UNKNOWN;
}

/* The same within the open transaction of PG, which stays as it is; BEFORE: what to run first, or NULL. */
static int64_t count_within(rh_pg *pg, const char *before, const char *table, const char *where,
                            rh_arena *arena)
{
    if (!rh_pg_execute(pg, "SAVEPOINT rh_hidden", NULL))
        return RH_UNKNOWN;
    const int64_t count =
        !before || rh_pg_execute(pg, before, NULL) ? count_rows(pg, table, where, arena) : RH_UNKNOWN;
    rh_pg_execute(pg, "ROLLBACK TO SAVEPOINT rh_hidden; RELEASE SAVEPOINT rh_hidden", NULL);
    return count;
}

/* All rows of T, that of the open transaction's included. What it has locked, another session cannot count:
 * its own does, with the policies off for a moment, where it may become the owner. */
static int64_t count_all(const rh_work_watch *watch, rh_pg *migration, const secured *t, bool in_transaction,
                         rh_arena *arena)
{
    if (!in_transaction)
        return count_rows(watch->side, t->table, NULL, arena);
    const char *off = rh_arena_printf(arena,
                                      "SET LOCAL ROLE %s; SET LOCAL lock_timeout = '200ms'; "
                                      "ALTER TABLE %s DISABLE ROW LEVEL SECURITY",
                                      t->owner, t->table);
    const int64_t all = count_within(migration, off, t->table, NULL, arena);
    if (all != RH_UNKNOWN)
        return all;
    const int64_t committed = count_rows(watch->side, t->table, NULL, arena);
    return committed == RH_UNKNOWN ? RH_UNKNOWN : committed + t->own;
}

static const char *command_of(const rh_statement_run *run)
{
    const char *tag = run->command_tag ? run->command_tag : "";
    return strncmp(tag, "UPDATE", 6) == 0 ? "w" : strncmp(tag, "DELETE", 6) == 0 ? "d" : NULL;
}

/* False: it sees all. */
static bool compare(const rh_work_watch *watch, rh_pg *migration, const secured *t, rh_arena *arena,
                    const rh_statement_run *run, rh_hidden_rows *hidden)
{
    const bool in_transaction = rh_pg_transaction_state(migration) == 'T';
    int64_t seen = in_transaction ? count_within(migration, NULL, t->table, t->changes, arena)
                                  : count_rows(migration, t->table, t->changes, arena);
    const int64_t all = count_all(watch, migration, t, in_transaction, arena);
    if (t->changes && run->rows > seen) /* without a condition it needs no right to see them */
        seen = run->rows;
    *hidden = (rh_hidden_rows){t->table, t->role, seen, all, t->changes != NULL};
    return seen == RH_UNKNOWN || all == RH_UNKNOWN ? all != 0 && seen < RH_HIDDEN_ROWS_MOST : all > seen;
}

/* The cheap question, which most tables answer. */
static bool has_policies(rh_pg *migration, const char *names)
{
    static const char sql[] =
        "SELECT FROM pg_catalog.pg_class c WHERE c.relrowsecurity AND c.oid = ANY (ARRAY("
        "SELECT pg_catalog.to_regclass(u.name)::oid FROM pg_catalog.unnest($1::text[]) u (name))) LIMIT 1";
    rh_pg_result *result = rh_pg_query(migration, sql, 1, &names, NULL);
    const bool found = result && rh_pg_rows(result) > 0;
    rh_pg_result_free(result);
    return found;
}

void rh_hidden_rows_read(rh_work_watch *watch, rh_pg *migration, const rh_statement *statement,
                         rh_arena *arena, rh_statement_run *run)
{
    const char *names = may_change_data(statement) ? relations_of(statement, run, arena) : NULL;
    if (!names || !strchr("IT", rh_pg_transaction_state(migration)) || !has_policies(migration, names))
        return;
    const char *parameters[] = {names, statement->expected_relation, command_of(run)};
    rh_pg_result *r = rh_pg_query(migration, rh_sql_row_security_active, 3, parameters, NULL);
    for (size_t i = 0; r && i < rh_pg_rows(r); i++) {
        const secured t = secured_of(r, i, arena);
        rh_hidden_rows hidden;
        if (compare(watch, migration, &t, arena, run, &hidden))
            *rh_arena_add(arena, &run->hidden, &run->hidden_count) = hidden;
    }
    if (r && rh_pg_rows(r) > 0)
        rh_work_forget(watch);
    rh_pg_result_free(r);
}
