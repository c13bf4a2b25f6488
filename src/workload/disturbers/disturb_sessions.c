/* Disturbers that are a session of the server: an idle transaction, a long query, a long snapshot. */
#include "disturb.h"
#include "pgrehearse/adapters/files.h"
#include <poll.h>
#include <string.h>

/* If another session holds the lock for longer than this, the disturber is not started. */
#define GETTING_READY "SET lock_timeout = '5s'; "

enum { SQL_FILE_LIMIT = 1 << 20 };
static const rh_usec READY = 5 * RH_SECOND;

/* LOCK TABLE and FOR UPDATE hold what an UPDATE of the row would, without running its triggers. */
static bool begin_idle(rh_disturbing *d, rh_error *error)
{
    if (!rh_disturb_find_table(d, NULL, error) ||
        !rh_pg_executef(d->session, error, GETTING_READY "BEGIN; LOCK TABLE %s IN ROW EXCLUSIVE MODE",
                        d->table))
        return false;
    d->name = rh_arena_printf(d->arena, "idle transaction on %s", d->table);
    rh_pg_result *row =
        rh_pg_query(d->session, rh_arena_printf(d->arena, "SELECT 1 FROM %s LIMIT 1 FOR UPDATE", d->table), 0,
                    NULL, error);
    if (row && rh_pg_rows(row) == 0)
        d->detail = "the table has no row to hold: it holds the table's lock alone";
    rh_pg_result_free(row);
    return row != NULL;
}

/* Until it has its first lock, or an answer. */
static bool wait_for_query(rh_disturbing *d, rh_error *error)
{
    static const char sql[] =
        "SELECT 1 FROM pg_catalog.pg_locks WHERE pid = $1::int AND locktype = 'relation'";
    const char *pid = rh_arena_printf(d->arena, "%d", rh_pg_backend_pid(d->session));
    bool there = false;
    for (rh_usec until = rh_clock_monotonic() + READY; !there && rh_clock_monotonic() < until;) {
        struct pollfd answer = {.fd = d->fd, .events = POLLIN};
        rh_pg_result *locks = rh_pg_query(d->side, sql, 1, &pid, error);
        if (!locks)
            return false;
        there = rh_pg_rows(locks) > 0 || poll(&answer, 1, 5) > 0;
        rh_pg_result_free(locks);
    }
    return true;
}

/* READ ONLY: the query may be anything, and must not change what is rehearsed. */
static bool begin_query(rh_disturbing *d, rh_error *error)
{
    const char *sql = NULL;
    if (d->spec->sql) {
        d->name = rh_arena_printf(d->arena, "query of %s", strrchr(d->spec->sql, '/') + 1);
        sql = rh_file_read(d->spec->sql, SQL_FILE_LIMIT, d->arena, NULL, error);
    } else if (rh_disturb_find_table(d, NULL, error)) {
        d->name = rh_arena_printf(d->arena, "query on %s", d->table);
        sql =
            rh_arena_printf(d->arena,
                            "SELECT sum(s.found) FROM (SELECT generate_series(1, 2147483647) AS n) AS again, "
                            "LATERAL (SELECT count(*) AS found FROM %s WHERE again.n > 0) AS s",
                            d->table);
    }
    if (!sql || !rh_pg_execute(d->session, GETTING_READY "SET default_transaction_read_only = on", error))
        return false;
    if (!rh_pg_send(d->session, sql))
        return rh_error_set(error, RH_ERROR_LOST, "%s", rh_pg_failure(d->session));
    return wait_for_query(d, error);
}

static bool begin_snapshot(rh_disturbing *d, rh_error *error)
{
    d->name = "long snapshot";
    return rh_pg_execute(d->session, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1", error);
}

static bool start(rh_disturbing *d, rh_error *error)
{
    d->session = rh_pg_connect(d->place->conninfo, ": disturber", error);
    if (!d->session)
        return false;
    rh_disturb_add_pid(d, rh_pg_backend_pid(d->session));
    d->fd = rh_pg_socket(d->session);
    switch (d->spec->kind) {
    case RH_DISTURBER_IDLE_IN_TRANSACTION:
        return begin_idle(d, error);
    case RH_DISTURBER_QUERY:
        return begin_query(d, error);
    default:
        return begin_snapshot(d, error);
    }
}

/* An idle session that says something has been ended; a query that ends has an answer. */
static bool check(rh_disturbing *d)
{
    rh_pg_poll answer = rh_pg_consume(d->session, NULL, NULL);
    bool query = d->spec->kind == RH_DISTURBER_QUERY;
    if (answer == RH_PG_BUSY || (answer == RH_PG_DONE && !query))
        return false;
    const char *passed = rh_disturb_passed(d);
    if (answer == RH_PG_DONE)
        d->detail = rh_arena_printf(d->arena, "the query ended after %s", passed);
    else
        d->detail =
            rh_arena_printf(d->arena, "the server ended it after %s: %s", passed, rh_pg_failure(d->session));
    return true;
}

static void stop(rh_disturbing *d)
{
    d->fd = -1;
    if (d->session && d->spec->kind == RH_DISTURBER_QUERY)
        rh_pg_cancel(d->session);
    rh_pg_close(d->session);
    d->session = NULL;
}

const rh_disturber_methods rh_disturb_session_methods = {start, check, stop, NULL};
