#include "session.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/base/clock.h"
#include "embedded/profile.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No statement on production runs longer. */
static const rh_usec STATEMENT_LIMIT = 1500000;

void rh_profile_unknown(rh_profile_session *session, const char *what, const char *why)
{
    rh_json *item = rh_json_add_object(session->unknown, NULL);
    rh_json_add_string(item, "what", what);
    rh_json_add_string(item, "why", why);
}

/* The reason in words that say what to do, where the server's own do not. */
static const char *reason(const char *what, const rh_error *failure)
{
    if (strcmp(failure->sqlstate, "55P03") == 0)
        return "another session held a conflicting lock for longer than 200 ms";
    if (strcmp(failure->sqlstate, "57014") == 0)
        return "it took longer than its time limit and was cancelled";
    if (strcmp(failure->sqlstate, "42P01") == 0 && strcmp(what, "statements") == 0)
        return "pg_stat_statements is not in this database, or its schema is closed to this role";
    return failure->message;
}

bool rh_profile_survives(rh_profile_session *session, const char *what, rh_error *failure, rh_error *error)
{
    if (failure->code == RH_ERROR_LOST || failure->code == RH_ERROR_INTERRUPTED ||
        failure->code == RH_ERROR_INTERNAL) {
        if (error)
            rh_error_move(error, failure);
        else
            rh_error_release(failure);
        return false;
    }
    rh_profile_unknown(session, what, reason(what, failure));
    rh_error_release(failure);
    return true;
}

bool rh_profile_begin(rh_profile_session *session, rh_error *error)
{
    return rh_pg_execute(session->pg, rh_sql_profile_begin, error);
}

bool rh_profile_end(rh_profile_session *session, rh_error *error)
{
    return rh_pg_execute(session->pg, "COMMIT", error);
}

/* Milliseconds that a statement may take from now on; 0: none is left. */
static int time_left_ms(const rh_profile_session *session)
{
    rh_usec left = session->deadline - rh_clock_monotonic();
    return left < 10000 ? 0 : (int)((left < STATEMENT_LIMIT ? left : STATEMENT_LIMIT) / 1000);
}

static bool add_row(rh_json *rows, const char *text, const char *part, rh_error *error)
{
    rh_json *row = rh_json_parse(text, strlen(text), part, error);
    if (row)
        rh_json_add(rows, NULL, row);
    return row != NULL;
}

static bool try_rows(rh_pg *pg, const rh_part *part, rh_json *rows, rh_error *error)
{
    rh_text sql = {0};
    rh_text_printf(&sql, "SELECT to_jsonb(t) FROM (\n%s\n) AS t", part->sql);
    bool ok = !part->before || rh_pg_execute(pg, part->before, error);
    rh_pg_result *result = ok ? rh_pg_query(pg, rh_text_string(&sql), 0, NULL, error) : NULL;
    rh_text_release(&sql);
    ok = result != NULL;
    for (size_t i = 0; ok && i < rh_pg_rows(result); i++)
        ok = add_row(rows, rh_pg_value(result, i, 0), part->name, error);
    rh_pg_result_free(result);
    return ok;
}

bool rh_profile_rows(rh_profile_session *session, const rh_part *part, rh_json *rows, rh_error *error)
{
    rh_error failure = {0};
    int limit_ms = time_left_ms(session);
    if (limit_ms == 0) {
        rh_profile_unknown(session, part->name, "the time limit was reached before it");
        return true;
    }
    /* A lock that came between reading pg_locks and the size of a table: the second sample sees it. */
    for (int attempt = 1; attempt <= 2; attempt++) {
        rh_error_release(&failure);
        if (rh_pg_executef(session->pg, &failure, "SAVEPOINT part; SET LOCAL statement_timeout = '%dms'",
                           limit_ms) &&
            try_rows(session->pg, part, rows, &failure))
            return rh_pg_execute(session->pg, "RELEASE SAVEPOINT part", error);
        if (rh_pg_transaction_state(session->pg) != '?' &&
            !rh_pg_execute(session->pg, "ROLLBACK TO SAVEPOINT part", &failure))
            break;
        if (strcmp(failure.sqlstate, "55P03") != 0)
            break;
    }
    return rh_profile_survives(session, part->name, &failure, error);
}

/* What the probe left in its setting. WAITED_S: its wait for a CPU, where that is known. */
static bool take_figures(rh_profile_session *session, const rh_probe_part *part, double waited_s,
                         rh_json *probes, rh_error *error)
{
    rh_pg_result *result = rh_pg_query(
        session->pg, "SELECT nullif(current_setting('pgrehearse.probe', true), '')", 0, NULL, error);
    if (!result)
        return false;
    const char *text = rh_pg_value(result, 0, 0);
    rh_json *figures = text ? rh_json_parse(text, strlen(text), part->name, error) : NULL;
    const char *why = text ? rh_json_string(rh_json_get(figures, "why"))
                           : "its result was lost: is a connection pooler in between?";
    if (why) {
        rh_profile_unknown(session, part->name, why);
        rh_json_free(figures);
    } else if (figures) {
        if (waited_s >= 0)
            rh_json_add_real(figures, "cpu_wait_s", waited_s);
        rh_json_add(probes, strchr(part->name, '.') + 1, figures);
    }
    rh_pg_result_free(result);
    return !text || figures;
}

bool rh_profile_run_probe(rh_profile_session *session, rh_probe_kind kind, rh_json *probes, rh_error *error)
{
    const rh_probe_part *part = rh_profile_probe_part(kind);
    rh_error failure = {0};
    int limit_ms = time_left_ms(session);
    if (limit_ms < 100) {
        rh_profile_unknown(session, part->name, "the time limit was reached before it");
        return true;
    }
    const int pid = rh_pg_backend_pid(session->pg);
    const double before_s = session->local ? rh_proc_cpu_wait(pid) : NAN;
    bool ok;
    if (part->own) /* commits by itself, so its limits are the session's, set only for it */
        ok = rh_pg_executef(session->pg, &failure,
                            "SET search_path = pg_catalog; SET statement_timeout = '%dms'", limit_ms) &&
             rh_pg_execute(session->pg, part->sql, &failure);
    else
        ok = rh_profile_begin(session, &failure) &&
             rh_pg_executef(session->pg, &failure, "SET LOCAL statement_timeout = '%dms'", limit_ms) &&
             rh_pg_execute(session->pg, part->sql, &failure);
    const double waited_s = session->local ? rh_proc_cpu_wait(pid) - before_s : NAN;
    ok = ok && take_figures(session, part, waited_s, probes, &failure);
    rh_error unclean = {0};
    if (failure.code != RH_ERROR_LOST)
        rh_pg_execute(session->pg, part->own ? "RESET ALL" : "ROLLBACK", &unclean);
    rh_error_release(&unclean);
    return ok || rh_profile_survives(session, part->name, &failure, error);
}
