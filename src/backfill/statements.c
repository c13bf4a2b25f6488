#include "statements.h"
#include "refuse.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/scan.h"
#include "pgrehearse/base/text.h"
#include <stdlib.h>
#include <string.h>

static const char *keep(rh_text *text, rh_arena *arena)
{
    const char *kept = rh_arena_strdup(arena, rh_text_string(text));
    rh_text_release(text);
    return kept;
}

const char *rh_backfill_key_list(const rh_backfill_target *target, const char *prefix, rh_arena *arena)
{
    rh_text list = {0};
    for (size_t i = 0; i < target->key_count; i++)
        rh_text_printf(&list, "%s%s%s", i ? ", " : "", prefix, target->key[i]);
    return keep(&list, arena);
}

/* Parameters FIRST … as values of the key: "$1::bigint", "$1::int, $2::text". */
static const char *parameters(const rh_backfill_target *target, size_t first, rh_arena *arena)
{
    rh_text list = {0};
    for (size_t i = 0; i < target->key_count; i++)
        rh_text_printf(&list, "%s$%zu::%s", i ? ", " : "", first + i, target->types[i]);
    return keep(&list, arena);
}

/* "id > $1::bigint"; several columns compare as a row, which an index on them serves. */
static const char *compare(const rh_backfill_target *target, const char *prefix, const char *operator,
                           size_t first, rh_arena *arena)
{
    const char *open = target->key_count > 1 ? "(" : "", *close = target->key_count > 1 ? ")" : "";
    return rh_arena_printf(arena, "%s%s%s %s %s%s%s", open, rh_backfill_key_list(target, prefix, arena),
                           close, operator, open, parameters(target, first, arena), close);
}

/* The rows between two positions; AFTER 0: from the first row on. */
static const char *between(const rh_backfill *b, const rh_backfill_target *target, size_t after, size_t to,
                           rh_arena *arena)
{
    const char *prefix = rh_arena_printf(arena, "%s.", target->name);
    if (b->walk == RH_WALK_CTID) /* the last page is not one of them */
        return rh_arena_printf(arena, "%s.ctid >= %s AND %s.ctid < ('(' || $%zu || ',0)')::tid", target->name,
                               after ? rh_arena_printf(arena, "('(' || $%zu || ',0)')::tid", after)
                                     : "'(0,0)'::tid",
                               target->name, to);
    const char *below = compare(target, prefix, "<=", to, arena);
    return after ? rh_arena_printf(arena, "%s AND %s", compare(target, prefix, ">", after, arena), below)
                 : below;
}

/* " AND (CONDITION)", on lines of its own because it may end with a comment. */
static const char *also(const char *condition, rh_arena *arena)
{
    return condition ? rh_arena_printf(arena, "\n  AND (%s\n)", condition) : "";
}

static const char *update(const rh_backfill *b, const rh_backfill_target *target, const char *rows,
                          rh_arena *arena)
{
    const char *from = b->from ? rh_arena_printf(arena, "\nFROM %s", b->from) : "";
    return rh_arena_printf(arena, "UPDATE %s SET %s%s\nWHERE %s%s%s", target->table, b->set, from, rows,
                           also(b->join, arena), also(b->condition, arena));
}

const char *rh_backfill_key_descending(const rh_backfill_target *target, rh_arena *arena)
{
    rh_text list = {0};
    for (size_t i = 0; i < target->key_count; i++)
        rh_text_printf(&list, "%s%s DESC", i ? ", " : "", target->key[i]);
    return keep(&list, arena);
}

/* The next rows to do, in the order of the key: the last of them, and how many. */
static const char *find_keyset(const rh_backfill *b, const rh_backfill_target *target, bool first,
                               rh_arena *arena)
{
    const size_t size = target->key_count, upper = first ? 1 : size + 1;
    const char *keys = rh_backfill_key_list(target, "", arena),
               *order = rh_backfill_key_descending(target, arena);
    const char *start = first ? "" : rh_arena_printf(arena, "%s AND ", compare(target, "", ">", 1, arena));
    return rh_arena_printf(arena,
                           "SELECT %s, count(*) OVER () FROM (\n"
                           "  SELECT %s FROM %s\n  WHERE %s%s%s\n  ORDER BY %s LIMIT $%zu::bigint) AS batch\n"
                           "ORDER BY %s LIMIT 1",
                           keys, keys, target->table, start, compare(target, "", "<=", upper, arena),
                           also(b->condition, arena), keys, upper + size, order);
}

/* The next range of values that begins with a row: gaps between the values cost nothing. */
static const char *find_range(const rh_backfill_target *target, bool first, rh_arena *arena)
{
    const size_t upper = first ? 1 : 2;
    return rh_arena_printf(arena,
                           "SELECT least(low + $%zu::bigint - 1, $%zu::%s), NULL::bigint FROM (\n"
                           "  SELECT min(%s) AS low FROM %s WHERE %s%s) AS range\nWHERE low IS NOT NULL",
                           upper + 1, upper, target->types[0], target->key[0], target->table,
                           first ? "" : rh_arena_printf(arena, "%s AND ", compare(target, "", ">", 1, arena)),
                           compare(target, "", "<=", upper, arena));
}

/* Positions are page numbers: from the first one, 0. */
static const char *find_ctid(bool first, rh_arena *arena)
{
    return rh_arena_printf(
        arena, "SELECT least(%s + $%d::bigint, $%d::bigint), NULL::bigint WHERE %s < $%d::bigint",
        first ? "0" : "$1::bigint", first ? 2 : 3, first ? 1 : 2, first ? "0" : "$1::bigint", first ? 1 : 2);
}

static const char *find(const rh_backfill *b, const rh_backfill_target *target, bool first, rh_arena *arena)
{
    return b->walk == RH_WALK_KEYSET  ? find_keyset(b, target, first, arena)
           : b->walk == RH_WALK_RANGE ? find_range(target, first, arena)
           : b->walk == RH_WALK_CTID  ? find_ctid(first, arena)
                                      : NULL;
}

/* Any rows that are still to do. */
static const char *update_remaining(const rh_backfill *b, const rh_backfill_target *target, rh_arena *arena)
{
    const char *keys = rh_backfill_key_list(target, rh_arena_printf(arena, "%s.", target->name), arena);
    const char *rows =
        rh_arena_printf(arena, "(%s) IN (\n  SELECT %s FROM %s WHERE (%s\n) LIMIT $1::bigint)", keys,
                        rh_backfill_key_list(target, "", arena), target->table, b->condition);
    return update(b, target, rows, arena);
}

/* The team's statement with the expressions A and B for the variables that are called so. */
static const char *own(const rh_backfill *b, const char *name_a, const char *a, const char *other,
                       rh_arena *arena)
{
    rh_text sql = {0};
    const char *at = b->sql, *copied = b->sql;
    for (rh_token name; rh_scan_variable(&at, NULL, &name); copied = at) {
        rh_text_append_bytes(&sql, copied, (size_t)(name.at - 1 - copied));
        rh_text_append(&sql, rh_token_is(&name, name_a) ? a : other);
    }
    rh_text_append(&sql, copied);
    return keep(&sql, arena);
}

/* :from is the first key after the last batch; both are keys that exist, or, with walk: range, need not. */
static rh_backfill_statements own_range(const rh_backfill *b, const rh_backfill_target *target,
                                        rh_arena *arena)
{
    const char *key = target->key[0], *type = target->types[0];
    const char *first = rh_arena_printf(arena, "(SELECT first.%s FROM %s AS first ORDER BY first.%s LIMIT 1)",
                                        key, target->table, key);
    const char *next = rh_arena_printf(
        arena, "(SELECT first.%s FROM %s AS first WHERE first.%s > $1::%s ORDER BY first.%s LIMIT 1)", key,
        target->table, key, type, key);
    return (rh_backfill_statements){
        .find_first = find(b, target, true, arena),
        .find_next = find(b, target, false, arena),
        .update_first = own(b, "from", first, rh_arena_printf(arena, "$1::%s", type), arena),
        .update_next = own(b, "from", next, rh_arena_printf(arena, "$2::%s", type), arena),
        .position_size = 1,
    };
}

/* The statement returns the keys of its rows, in any order. The last of them is the position, or the upper
 * end where it lies behind that. One that does not lie behind :after gives :after again, which the caller
 * sees. */
static rh_backfill_statements own_after(const rh_backfill *b, const rh_backfill_target *target,
                                        rh_arena *arena)
{
    const char *type = target->types[0];
    const char *statement = own(b, "after", rh_arena_printf(arena, "$1::%s", type), "$3::bigint", arena);
    return (rh_backfill_statements){
        .step = rh_arena_printf(arena,
                                "WITH batch (key) AS (\n%s\n)\n"
                                "SELECT least(greatest(key, $1::%s), $2::%s), count(*) OVER () FROM batch\n"
                                "ORDER BY key DESC LIMIT 1",
                                statement, type, type),
        .lowest = rh_arena_strdup(arena, rh_backfill_lowest(target)),
        .position_size = 1,
    };
}

static rh_backfill_statements own_statements(const rh_backfill *b, const rh_backfill_target *target,
                                             rh_arena *arena)
{
    if (b->own == RH_OWN_RANGE)
        return own_range(b, target, arena);
    if (b->own == RH_OWN_AFTER)
        return own_after(b, target, arena);
    const char *sql = own(b, "limit", "$1::bigint", "", arena);
    return (rh_backfill_statements){.update_first = sql, .update_next = sql};
}

const char *rh_backfill_lowest(const rh_backfill_target *target)
{
    static const char *const lowest[][2] = {
        {"smallint", "-32768"}, {"integer", "-2147483648"}, {"bigint", "-9223372036854775808"},
        {"text", ""},           {"character varying", ""},  {"uuid", "00000000-0000-0000-0000-000000000000"},
        {"date", "-infinity"},  {"timestamp", "-infinity"},
    };
    for (size_t i = 0; i < sizeof lowest / sizeof *lowest; i++) {
        const size_t length = strlen(lowest[i][0]);
        if (strncmp(target->types[0], lowest[i][0], length) == 0 && strchr("( ", target->types[0][length]))
            return lowest[i][1];
    }
    return NULL;
}

bool rh_backfill_check_first(const rh_backfill *b, const rh_backfill_target *target, rh_arena *arena,
                             rh_error *error)
{
    if (!b->sql || b->own != RH_OWN_AFTER || (target->key_count == 1 && rh_backfill_lowest(target)))
        return true;
    return rh_backfill_refuse(
        &b->sql_where, error,
        target->key_count > 1
            ? "sql needs a key of one column"
            : rh_arena_printf(
                  arena,
                  "there is no known value of type %s that sorts before all keys, for :after of the first batch",
                  target->types[0]),
        "use :from and :to, or a key of an integer, text, uuid, date or timestamp");
}

rh_backfill_statements rh_backfill_statements_of(const rh_backfill *b, const rh_backfill_target *target,
                                                 rh_arena *arena)
{
    if (b->sql)
        return own_statements(b, target, arena);
    if (b->command)
        return (rh_backfill_statements){.find_first = find(b, target, true, arena),
                                        .find_next = find(b, target, false, arena),
                                        .position_size = target->key_count};
    if (b->walk == RH_WALK_REMAINING) {
        const char *sql = update_remaining(b, target, arena);
        return (rh_backfill_statements){.update_first = sql, .update_next = sql};
    }
    const size_t size = b->walk == RH_WALK_CTID ? 1 : target->key_count;
    return (rh_backfill_statements){
        .find_first = find(b, target, true, arena),
        .find_next = find(b, target, false, arena),
        .update_first = update(b, target, between(b, target, 0, 1, arena), arena),
        .update_next = update(b, target, between(b, target, 1, size + 1, arena), arena),
        .position_size = size,
    };
}

const char *rh_backfill_last_sql(const rh_backfill *b, const rh_backfill_target *target, rh_arena *arena)
{
    if (b->walk == RH_WALK_CTID) {
        char *name = rh_pg_quote_literal(target->table);
        const char *sql = rh_arena_printf(arena,
                                          "SELECT pg_catalog.pg_relation_size(%s::regclass)\n"
                                          "       / pg_catalog.current_setting('block_size')::bigint",
                                          name);
        free(name);
        return sql;
    }
    return rh_arena_printf(arena, "SELECT %s FROM %s ORDER BY %s LIMIT 1",
                           rh_backfill_key_list(target, "", arena), target->table,
                           rh_backfill_key_descending(target, arena));
}

const char *rh_backfill_count_up_to(const rh_backfill *b, const rh_backfill_target *target, rh_arena *arena)
{
    return rh_arena_printf(arena, "SELECT count(*) FROM %s WHERE %s%s", target->table,
                           compare(target, "", "<=", 1, arena), also(b->condition, arena));
}
