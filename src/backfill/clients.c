#include "clients.h"
#include "pgrehearse/base/random.h"
#include "pgrehearse/base/text.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const rh_usec GAP = RH_SECOND / 400, LOCKED = RH_SECOND / 20;
/* Rows of one statement. */
enum { ROWS = 3 };

typedef struct client {
    rh_clients *clients;
    rh_client_kind kind;
    rh_pg *pg;
    const char *sql, *parent_sql;
    pthread_t thread;
    bool started;
    rh_random random;
    int64_t done, failed, deadlocks;
    rh_error last;
} client;

struct rh_clients {
    rh_proof *proof;
    client items[RH_CLIENT_COUNT];
    double inserts_until;
    atomic_bool stop;
};

const rh_digest_column *rh_clients_column(const rh_proof *p)
{
    for (size_t i = 0; i < p->columns.count; i++) {
        const rh_digest_column *column = &p->columns.items[i];
        if (column->other && !column->owned && !column->varies)
            return column;
    }
    return NULL;
}

/* Every column but those that the backfill fills, which an application of before it does not know. */
static const char *insert_sql(const rh_proof *p)
{
    const char *names = "", *values = "";
    for (size_t i = 0; i < p->columns.count; i++) {
        const rh_digest_column *column = &p->columns.items[i];
        if (!column->insert || (column->owned && !column->required))
            continue;
        names = rh_arena_printf(p->arena, "%s%s%s", names, *names ? ", " : "", column->name);
        values = rh_arena_printf(p->arena, "%s%s%s", values, *values ? ", " : "", column->insert);
    }
    if (!*names)
        return NULL;
    return rh_arena_printf(
        p->arena,
        "INSERT INTO %s (%s) SELECT %s FROM pgrehearse_proof.model WHERE $1::text IS NOT NULL\n"
        "ORDER BY random() LIMIT 1",
        p->target.table, names, values);
}

/* Rows to copy: some that are to do. */
static bool make_models(rh_proof *p, rh_error *error)
{
    return rh_pg_execute(
        p->side,
        rh_arena_printf(p->arena,
                        "CREATE TABLE pgrehearse_proof.model AS SELECT * FROM %s WHERE (%s\n) LIMIT 20",
                        p->target.table, p->condition ? p->condition : "true"),
        error);
}

/* An update that returns the key of the row that it refers to, and the statement that locks that one. */
static bool make_parent(client *c, rh_error *error)
{
    rh_proof *p = c->clients->proof;
    const rh_digest_column *column = rh_clients_column(p);
    const char *parameters[] = {p->target.table};
    rh_pg_result *key = rh_pg_query(
        p->side,
        "SELECT quote_ident(a.attname), c.confrelid::regclass, quote_ident(f.attname), format_type(f.atttypid, NULL)"
        " FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]"
        " JOIN pg_attribute f ON f.attrelid = c.confrelid AND f.attnum = c.confkey[1]"
        " WHERE c.contype = 'f' AND c.conrelid = $1::regclass AND cardinality(c.conkey) = 1"
        " AND c.confrelid <> c.conrelid ORDER BY c.conname LIMIT 1",
        1, parameters, error);
    if (key && column && rh_pg_rows(key) == 1) {
        c->sql =
            rh_arena_printf(p->arena, "UPDATE %s SET %s = %s WHERE ctid = ANY ($1::tid[]) RETURNING %s::text",
                            p->target.table, column->name, column->other, rh_pg_value(key, 0, 0));
        c->parent_sql =
            rh_arena_printf(p->arena, "SELECT FROM %s WHERE %s = $1::%s FOR UPDATE", rh_pg_value(key, 0, 1),
                            rh_pg_value(key, 0, 2), rh_pg_value(key, 0, 3));
    }
    rh_pg_result_free(key);
    return key != NULL;
}

static const char *sql_of(const rh_proof *p, rh_client_kind kind)
{
    const rh_digest_column *column = rh_clients_column(p);
    const char *table = p->target.table;
    switch (kind) {
    case RH_CLIENT_INSERT:
        return insert_sql(p);
    case RH_CLIENT_DELETE:
        return rh_arena_printf(p->arena, "DELETE FROM %s WHERE ctid = ANY ($1::tid[])", table);
    case RH_CLIENT_LOCK:
        return rh_arena_printf(p->arena, "SELECT FROM %s WHERE ctid = ANY ($1::tid[]) FOR UPDATE", table);
    default:
        return column ? rh_arena_printf(p->arena, "UPDATE %s SET %s = %s WHERE ctid = ANY ($1::tid[])", table,
                                        column->name, column->other)
                      : NULL;
    }
}

/* ---- in a client's thread ---- */

/* The places of COUNT rows from RANK batches ahead on, as an array. */
static void add_places(const client *c, rh_text *array, double ahead, int count)
{
    const rh_proof *p = c->clients->proof;
    const size_t batch = (size_t)p->reference.counts.largest, total = p->reference.place_count;
    size_t at = (size_t)atomic_load(&p->written) + (size_t)(ahead * (double)batch);
    for (int i = 0; i < count && total > 0; i++, at++)
        rh_pg_array_add(array, p->reference.places[at < total ? at : total - 1]);
}

static void wait_for(rh_usec duration)
{
    rh_clock_sleep_until(rh_clock_monotonic() + duration);
}

/* The statement of C on rows AHEAD batches. */
static bool change(client *c, double ahead, int count, rh_error *error)
{
    rh_text array = {0};
    add_places(c, &array, ahead, count);
    const char *parameters[] = {rh_pg_array_end(&array)};
    rh_pg_result *done = rh_pg_query(c->pg, c->sql, 1, parameters, error);
    rh_text_release(&array);
    const bool ok = done != NULL;
    c->done += ok && rh_pg_affected(done) > 0;
    if (ok && c->parent_sql && rh_pg_rows(done) > 0 && rh_pg_value(done, 0, 0)) {
        const char *parent[] = {rh_pg_value(done, 0, 0)};
        wait_for(2 * GAP);
        rh_pg_result *locked = rh_pg_query(c->pg, c->parent_sql, 1, parent, error);
        rh_pg_result_free(done);
        rh_pg_result_free(locked);
        return locked != NULL;
    }
    rh_pg_result_free(done);
    if (c->kind ==
        RH_CLIENT_INSERT) /* feed() of the journal waits for it, also where the server refuses rows */
        rh_pg_execute(c->pg, "SELECT nextval('pgrehearse_proof.inserts')", NULL);
    return ok;
}

static bool transaction(client *c, rh_error *error)
{
    const double ahead = 2 * rh_random_uniform(&c->random);
    if (c->kind >= RH_CLIENT_PARENT || c->kind == RH_CLIENT_LOCK) {
        const double other = 2 * rh_random_uniform(&c->random);
        bool ok = rh_pg_execute(c->pg, "BEGIN", error) &&
                  change(c, ahead, c->kind == RH_CLIENT_LOCK ? ROWS : 1, error);
        wait_for(c->kind == RH_CLIENT_LOCK ? LOCKED : 2 * GAP);
        ok = ok && (c->kind != RH_CLIENT_PAIR || change(c, other, 1, error));
        return rh_pg_execute(c->pg, ok ? "COMMIT" : "ROLLBACK", ok ? error : NULL) && ok;
    }
    return change(c, ahead, c->kind == RH_CLIENT_DELETE ? 1 : ROWS, error);
}

static bool is_due(const client *c)
{
    const rh_proof *p = c->clients->proof;
    return c->kind != RH_CLIENT_INSERT ||
           (double)atomic_load(&p->written) < c->clients->inserts_until * (double)p->reference.counts.writes;
}

static void *work(void *data)
{
    client *c = data;
    while (!atomic_load(&c->clients->stop)) {
        rh_error error = {0};
        if (is_due(c) && !transaction(c, &error)) {
            c->failed++;
            c->deadlocks += strcmp(error.sqlstate, "40P01") == 0;
            const bool lost = error.code != RH_ERROR_SQL;
            rh_error_move(&c->last, &error);
            if (lost)
                break;
        }
        wait_for(GAP);
    }
    return NULL;
}

/* ---- from outside ---- */

rh_clients *rh_clients_start(rh_proof *p, unsigned kinds, double inserts_until, rh_error *error)
{
    rh_clients *clients = rh_alloc(sizeof *clients);
    memset(clients, 0, sizeof *clients);
    clients->proof = p;
    clients->inserts_until = inserts_until;
    if (kinds & 1U << RH_CLIENT_INSERT && !make_models(p, error)) {
        free(clients);
        return NULL;
    }
    for (int kind = 0; kind < RH_CLIENT_COUNT; kind++) {
        client *c = &clients->items[kind];
        *c = (client){.clients = clients, .kind = (rh_client_kind)kind};
        if (!(kinds & 1U << kind))
            continue;
        if (c->kind == RH_CLIENT_PARENT && !make_parent(c, error)) {
            rh_clients_stop(clients);
            return NULL;
        }
        if (c->kind != RH_CLIENT_PARENT)
            c->sql = sql_of(p, c->kind);
        if (!c->sql)
            continue;
        rh_random_seed(&c->random, p->place->seed + (uint64_t)kind);
        c->pg = rh_pg_connect(p->sessions.own, ": proof client", error);
        c->started = c->pg && pthread_create(&c->thread, NULL, work, c) == 0;
        if (!c->started) {
            rh_error_set(error, RH_ERROR_INTERNAL, "could not start a client of the proof");
            rh_clients_stop(clients);
            return NULL;
        }
    }
    return clients;
}

rh_clients_done rh_clients_stop(rh_clients *clients)
{
    rh_clients_done done = {0};
    if (!clients)
        return done;
    atomic_store(&clients->stop, true);
    for (int kind = 0; kind < RH_CLIENT_COUNT; kind++) {
        client *c = &clients->items[kind];
        if (c->started)
            pthread_join(c->thread, NULL);
        rh_pg_close(c->pg);
        done.done[kind] = c->done;
        done.failed[kind] = c->failed;
        done.deadlocks += c->deadlocks;
        done.why[kind] = rh_arena_strdup(clients->proof->arena, c->last.message);
        rh_error_release(&c->last);
    }
    free(clients);
    return done;
}
