/* Rows that row-level security shows the load's role. */
#include "pgrehearse/base/text.h"
#include "schema.h"
#include "embedded/workload.h"
#include <string.h>

enum { FEW_ROWS = 100 }; /* a sample of the pages with fewer is too small: then the whole table is read */

rh_pg *rh_mix_session(const mix_build *build)
{
    return build->role ? build->role->pg : build->pg;
}

static bool is_fatal(const rh_error *failure)
{
    return failure->code == RH_ERROR_LOST || failure->code == RH_ERROR_INTERRUPTED;
}

bool rh_mix_is_restricted(mix_build *build, const mix_table *table, rh_error *error)
{
    bool readable = false;
    for (size_t i = 0; i < table->column_count; i++)
        readable = readable || table->columns[i].readable;
    if (!build->role || !readable)
        return false; /* without a column to read, what it may insert is tried with any rows */
    rh_pg_result *r = rh_pg_query(
        build->role->pg, "SELECT pg_catalog.row_security_active($1::pg_catalog.oid)", 1, &table->oid, error);
    const bool active = r && rh_pg_bool(r, 0, 0);
    rh_pg_result_free(r);
    return active;
}

/* ---- why there are none ---- */

/* Of NAMES, "a,b", those settings that the role's sessions lack; NULL: none. */
static const char *unset(mix_build *build, const char *names, rh_error *error)
{
    static const char sql[] =
        "SELECT string_agg(n, ', ' ORDER BY n) FROM unnest(string_to_array($1, ',')) AS u (n) "
        "WHERE coalesce(pg_catalog.current_setting(n, true), '') = ''";
    rh_pg_result *r = rh_pg_query(build->role->pg, sql, 1, &names, error);
    const char *found = r ? rh_arena_strdup(build->arena, rh_pg_value(r, 0, 0)) : NULL;
    rh_pg_result_free(r);
    return found;
}

/* MESSAGE: what the server refused to read with; NULL: it read nothing. */
static bool explain(mix_build *build, mix_table *table, const char *message, rh_error *error)
{
    const char *role = build->role->name, *parameters[] = {role, table->oid};
    rh_pg_result *r = rh_pg_query(build->pg, rh_sql_mix_policies, 2, parameters, error);
    if (!r)
        return false;
    const bool any = rh_pg_int(r, 0, 0, 0) > 0;
    const char *read = rh_arena_strdup(build->arena, rh_pg_value(r, 0, 1));
    rh_pg_result_free(r);
    const char *missing = read ? unset(build, read, error) : NULL;
    if (read && rh_error_is_set(error))
        return false;
    const char *why = message   ? message
                      : !any    ? "no policy permits any"
                      : missing ? "its policies read a setting that is empty"
                                : "its policies permit none";
    table->why_unseen =
        missing ? rh_arena_printf(build->arena,
                                  "row-level security hides its rows from %s: %s: %s (ALTER ROLE … SET in "
                                  "prepare: gives the load's sessions a value)",
                                  role, why, missing)
                : rh_arena_printf(build->arena, "row-level security hides its rows from %s: %s", role, why);
    *rh_arena_add(build->arena, &build->mix->unseen, &build->mix->unseen_count) =
        rh_arena_printf(build->arena, "%s: %s", table->name, table->why_unseen);
    return true;
}

/* ---- the rows ---- */

/* Which of the sampled rows, of the places RESULT has behind their columns, break what the migrations will
 * ask: that is asked by the role that sees what a constraint sees. */
static bool mark_unwritable(mix_build *build, mix_table *table, const rh_pg_result *result, rh_error *error)
{
    const size_t count = rh_pg_rows(result), columns = table->column_count;
    rh_text tables = {0}, places = {0}, sql = {0};
    for (size_t i = 0; i < count; i++) {
        rh_text_printf(&tables, "%s%s", i ? "," : "{", rh_pg_value(result, i, columns + 1));
        rh_text_printf(&places, "%s\"%s\"", i ? "," : "{", rh_pg_value(result, i, columns + 2));
    }
    rh_text_append_char(&tables, '}');
    rh_text_append_char(&places, '}');
    rh_text_printf(&sql,
                   "SELECT u.n FROM unnest($1::oid[], $2::tid[]) WITH ORDINALITY AS u (relation, place, n) "
                   "JOIN %s rh_row ON rh_row.tableoid = u.relation AND rh_row.ctid = u.place WHERE NOT (%s)",
                   table->quoted, table->condition);
    const char *parameters[] = {tables.data, places.data};
    rh_pg_result *r = rh_pg_query(build->pg, sql.data, 2, parameters, error);
    for (size_t i = 0; r && i < rh_pg_rows(r); i++)
        table->writable[rh_pg_int(r, i, 0, 1) - 1] = false;
    rh_pg_result_free(r);
    rh_text_release(&tables);
    rh_text_release(&places);
    rh_text_release(&sql);
    return r != NULL;
}

/* Runs SQL as the load's role; NULL: FAILURE. */
static rh_pg_result *ask(mix_build *build, const char *sql, rh_error *failure)
{
    rh_pg *pg = build->role->pg;
    rh_pg_result *r = NULL;
    if (rh_pg_executef(pg, failure, "BEGIN; SET LOCAL statement_timeout = '30s'; SELECT setseed(%.6f)",
                       (double)(build->seed % 1000003) / 1000003))
        r = rh_pg_query(pg, sql, 0, NULL, failure);
    rh_pg_execute(pg, "ROLLBACK", r ? failure : NULL);
    return r;
}

/* Only whoever may read the whole table may ask for the places of its rows. */
static bool may_place(mix_build *build, const mix_table *table, rh_error *error)
{
    rh_pg_result *r =
        rh_pg_query(build->role->pg, "SELECT pg_catalog.has_table_privilege($1::pg_catalog.oid, 'SELECT')", 1,
                    &table->oid, error);
    const bool may = r && rh_pg_bool(r, 0, 0);
    rh_pg_result_free(r);
    return may;
}

static const char *query(mix_build *build, const mix_table *table, bool places, const char *from)
{
    rh_text sql = {0};
    rh_text_append(&sql, "SELECT ");
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].readable)
            rh_text_printf(&sql, "rh_row.%s, ", table->columns[i].quoted);
        else
            rh_text_append(&sql, "NULL, ");
    rh_text_printf(&sql, "%s%s FROM %s", places || !table->condition ? "true" : "false",
                   places ? ", rh_row.tableoid::bigint, rh_row.ctid" : "", from);
    const char *copy = rh_arena_strdup(build->arena, sql.data);
    rh_text_release(&sql);
    return copy;
}

bool rh_mix_sample_visible(mix_build *build, mix_table *table, const char *some, int64_t limit,
                           rh_error *error)
{
    const bool places = may_place(build, table, error);
    if (rh_error_is_set(error))
        return false;
    const char *all = rh_arena_printf(build->arena, "%s rh_row LIMIT %lld", table->quoted, (long long)limit);
    rh_error failure = {0};
    rh_pg_result *r = ask(build, query(build, table, places, some), &failure);
    if (r && rh_pg_rows(r) < FEW_ROWS) {
        rh_pg_result_free(r);
        r = ask(build, query(build, table, places, all), &failure);
    }
    bool ok = !is_fatal(&failure);
    if (!ok)
        rh_error_move(error, &failure);
    else if (!r)
        ok = explain(build, table, failure.message, error);
    else if (rh_pg_rows(r) == 0 && table->rows != 0)
        ok = explain(build, table, NULL, error);
    if (ok && r) {
        rh_mix_take_rows(build, table, r);
        ok = !table->condition || !places || mark_unwritable(build, table, r, error);
    }
    if (ok)
        rh_mix_shuffle(build, table);
    rh_error_release(&failure);
    rh_pg_result_free(r);
    return ok || rh_error_context(error, "sampling %s as %s", table->name, build->role->name);
}
