#include "inspect.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/classify.h"
#include "embedded/backfill.h"
#include "inspect_own.h"
#include "program.h"
#include "refuse.h"
#include "worker.h"
#include <inttypes.h>
#include <string.h>

typedef struct inspection {
    rh_pg *pg;
    const rh_backfill *backfill;
    rh_arena *arena;
    rh_backfill_target *target;
    const char *columns[RH_BACKFILL_KEY_MAX]; /* of the key, without quotes */
    int64_t oid;
} inspection;

/* ---- the table and its key ---- */

static bool resolve_table(inspection *in, rh_error *error)
{
    const rh_backfill *b = in->backfill;
    rh_pg_result *found = rh_pg_query(in->pg, rh_sql_backfill_table, 1, &b->table, error);
    if (!found)
        return rh_backfill_blame(&b->table_where, "table", error);
    bool ok = rh_pg_rows(found) == 1;
    if (!ok)
        rh_backfill_refuse(&b->table_where, error,
                           rh_arena_printf(in->arena, "table \"%s\" does not exist", b->table),
                           "it must exist in the backup, or after the migration that after: names");
    const char kind = ok ? *rh_pg_value(found, 0, 2) : 0;
    if (ok && kind != 'r' && kind != 'p')
        ok = rh_backfill_refuse(&b->table_where, error,
                                rh_arena_printf(in->arena, "\"%s\" is not a table, but a %s", b->table,
                                                kind == 'v'   ? "view"
                                                : kind == 'm' ? "materialized view"
                                                : kind == 'f' ? "foreign table"
                                                              : "relation of another kind"),
                                "name the table whose rows are to be changed");
    if (ok && kind == 'p' && b->walk == RH_WALK_CTID)
        ok = rh_backfill_refuse(&b->table_where, error, "walk: ctid needs a table that is not partitioned",
                                "name a partition, or use walk: keyset");
    if (ok) {
        in->target->table = rh_arena_strdup(in->arena, rh_pg_value(found, 0, 0));
        in->target->name = rh_arena_strdup(in->arena, rh_pg_value(found, 0, 1));
        in->target->partitioned = kind == 'p';
        in->oid = rh_pg_int(found, 0, 3, 0);
    }
    rh_pg_result_free(found);
    return ok;
}

static bool check_key(const inspection *in, const rh_pg_result *key, rh_error *error)
{
    const rh_backfill *b = in->backfill;
    const rh_location *where = b->key_count ? &b->key_where : &b->table_where;
    rh_arena *arena = in->arena;
    if (rh_pg_rows(key) == 0)
        return rh_backfill_refuse(where, error,
                                  rh_arena_printf(arena, "%s has no primary key", in->target->table),
                                  "name the columns of a unique index that cannot be null: key: [id]");
    if (rh_pg_rows(key) > RH_BACKFILL_KEY_MAX)
        return rh_backfill_refuse(where, error, "the primary key has too many columns",
                                  "name others with key:");
    for (size_t i = 0; i < rh_pg_rows(key); i++) {
        const char *name = rh_pg_value(key, i, 0);
        if (!rh_pg_value(key, i, 2))
            return rh_backfill_refuse(
                where, error, rh_arena_printf(arena, "%s has no column \"%s\"", in->target->table, name),
                NULL);
        if (!rh_pg_bool(key, i, 4))
            return rh_backfill_refuse(where, error,
                                      rh_arena_printf(arena, "column \"%s\" of the key may be null", name),
                                      "rows in which it is null would never be processed");
    }
    if (!rh_pg_bool(key, 0, 5))
        return rh_backfill_refuse(where, error, "no unique index has exactly the columns of the key",
                                  "a batch has no bound where many rows have the same key");
    if (b->walk == RH_WALK_RANGE && (rh_pg_rows(key) > 1 || !rh_pg_bool(key, 0, 3)))
        return rh_backfill_refuse(where, error, "walk: range needs a key of one integer column",
                                  "use walk: keyset");
    return true;
}

static bool resolve_key(inspection *in, rh_error *error)
{
    const rh_backfill *b = in->backfill;
    rh_text names = {0};
    for (size_t i = 0; i < b->key_count; i++)
        rh_pg_array_add(&names, b->key[i]);
    const char *parameters[] = {rh_arena_printf(in->arena, "%" PRId64, in->oid), rh_pg_array_end(&names)};
    rh_pg_result *key = rh_pg_query(in->pg, rh_sql_backfill_key, 2, parameters, error);
    rh_text_release(&names);
    bool ok = key && check_key(in, key, error);
    for (size_t i = 0; ok && i < rh_pg_rows(key); i++) {
        in->columns[i] = rh_arena_strdup(in->arena, rh_pg_value(key, i, 0));
        in->target->key[i] = rh_arena_strdup(in->arena, rh_pg_value(key, i, 1));
        in->target->types[i] = rh_arena_strdup(in->arena, rh_pg_value(key, i, 2));
        in->target->key_count = i + 1;
    }
    rh_pg_result_free(key);
    return ok;
}

static bool keeps_key(const inspection *in, rh_error *error)
{
    rh_assigned *assigned = NULL;
    size_t count = 0;
    const rh_backfill *b = in->backfill;
    if (b->sql && b->own == RH_OWN_LIMIT) /* any key: it does not depend on one */
        return true;
    if (b->sql && in->target->key_count > 1)
        return rh_backfill_refuse(&b->sql_where, error, "sql needs a key of one column", NULL);
    if (b->sql) /* the server tries it */
        return rh_backfill_check_first(b, in->target, in->arena, error);
    rh_sql_assigned(rh_arena_printf(in->arena, "UPDATE t SET %s", b->set), in->arena, &assigned, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < in->target->key_count; k++)
            if (strcmp(assigned[i].column, in->columns[k]) == 0)
                return rh_backfill_refuse(
                    &b->set_where, error,
                    rh_arena_printf(in->arena, "set changes %s, a column of the key", in->target->key[k]),
                    "a row whose key changes could be processed twice or missed");
    return true;
}

/* ---- the SQL, on the server ---- */

/* Each piece alone, so that a mistake has the place of its key; the whole is tried below. */
static bool check_condition(const inspection *in, rh_error *error)
{
    const rh_backfill *b = in->backfill;
    if (!b->condition)
        return true;
    rh_pg_result *none = rh_pg_query(
        in->pg,
        rh_arena_printf(in->arena, "SELECT FROM %s WHERE (%s\n) LIMIT 0", in->target->table, b->condition), 0,
        NULL, error);
    rh_pg_result_free(none);
    return none || rh_backfill_blame(&b->condition_where, "where", error);
}

/* How many of the rows of KEYS (the condition of the batch tried) match WHERE. */
static bool count_remaining(const inspection *in, const char *sql, const rh_backfill_position *last,
                            int64_t *count, rh_error *error)
{
    const char *parameters[RH_BACKFILL_KEY_MAX];
    rh_pg_result *rows =
        rh_pg_query(in->pg, sql, rh_backfill_position_parameters(last, parameters), parameters, error);
    *count = rows ? rh_pg_int(rows, 0, 0, 0) : 0;
    rh_pg_result_free(rows);
    return rows != NULL;
}

/* Changes the FOUND rows up to LAST: whether it changes them, and whether they then are done. */
static bool try_batch(const inspection *in, const rh_backfill *keyset, const char *update,
                      const rh_backfill_position *last, int64_t found, rh_error *error)
{
    const rh_backfill *b = in->backfill;
    const char *parameters[RH_BACKFILL_KEY_MAX];
    const size_t count = rh_backfill_position_parameters(last, parameters);
    int64_t before = 0, after = 0, left = 0;
    if (b->sql && !rh_backfill_count_written(in->pg, in->target, &before, error))
        return false;
    rh_pg_result *changed = rh_pg_query(in->pg, update, count, parameters, error);
    const int64_t rows = changed ? rh_pg_affected(changed) : 0;
    rh_pg_result_free(changed);
    if (!changed)
        return rh_backfill_blame(b->sql ? &b->sql_where : &b->set_where, b->sql ? "sql" : "set", error);
    if (b->sql && !rh_backfill_count_written(in->pg, in->target, &after, error))
        return false;
    const bool elsewhere = before != RH_UNKNOWN && after == before;
    if (b->sql && !b->replaces && found > 0 && (rows == 0 || elsewhere))
        return rh_backfill_refuse(&b->sql_where, error,
                                  rh_arena_printf(in->arena,
                                                  "sql changes none of the first %" PRId64 " rows of %s",
                                                  found, in->target->table),
                                  "it would end without having changed any of them");
    const char *remaining = rh_backfill_count_up_to(keyset, in->target, in->arena);
    if (b->condition && !count_remaining(in, remaining, last, &left, error))
        return false;
    /* Rows for which join: finds nothing keep matching: they are not changed at all. */
    if (b->condition && rows > 0 && left > found - rows)
        return rh_backfill_refuse(
            &b->condition_where, error,
            rh_arena_printf(in->arena, "%" PRId64 " of %" PRId64 " rows still match where after set",
                            left - (found - rows), rows),
            "the backfill would never end, or would change them again in each run: after set, where must be false");
    return true;
}

/* Changes the first rows to do in a transaction that is rolled back. */
static bool try_rows(const inspection *in, rh_error *error)
{
    const rh_backfill *b = in->backfill;
    rh_backfill keyset = *b;
    keyset.walk = RH_WALK_KEYSET; /* the rows are the same, whatever the walk */
    const rh_backfill_statements sql = rh_backfill_statements_of(&keyset, in->target, in->arena);
    rh_backfill_position upper = {0}, last = {0};
    int64_t found = 0;
    bool ok = rh_backfill_last_position(in->pg, &keyset, in->target, in->arena, &upper, error);
    if (ok && upper.size > 0 &&
        !rh_backfill_find(in->pg, sql.find_first, false, NULL, &upper, RH_BACKFILL_TRIED, &last, &found,
                          error))
        ok = rh_backfill_blame(&b->condition_where, "where", error);
    if (ok && last.size > 0)
        ok = try_batch(in, &keyset, sql.update_first, &last, found, error);
    rh_backfill_position_release(&upper);
    rh_backfill_position_release(&last);
    return ok;
}

bool rh_backfill_inspect(rh_pg *pg, const rh_backfill *backfill, rh_arena *arena, rh_backfill_target *target,
                         rh_error *error)
{
    *target = (rh_backfill_target){0};
    inspection in = {.pg = pg, .backfill = backfill, .arena = arena, .target = target};
    if (!resolve_table(&in, error) || !resolve_key(&in, error) || !check_condition(&in, error))
        return false;
    if (backfill->command)
        return (!backfill->range && !rh_program_needs_range(backfill)) || target->key_count == 1 ||
               rh_backfill_refuse(backfill->range ? &backfill->range_where : &backfill->command_where, error,
                                  "{from} and {to} need a key of one column", "name one with key:");
    if (!keeps_key(&in, error) || !rh_pg_execute(pg, "BEGIN", error))
        return false;
    const bool ok = backfill->sql && backfill->own != RH_OWN_RANGE
                        ? rh_backfill_try_limited(pg, backfill, target, arena, error)
                        : try_rows(&in, error);
    rh_pg_execute(pg, "ROLLBACK", NULL);
    return ok;
}
