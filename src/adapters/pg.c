/* Blocking queries. */
#include "pgrehearse/adapters/pg.h"
#include "pg_connection.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long a cancelled statement may take to end before the connection is given up. */
static const rh_usec CANCEL_PATIENCE = 30 * RH_SECOND;

int64_t rh_pg_tag_rows(PGresult *result)
{
    const char *rows = PQcmdTuples(result);
    return *rows ? strtoll(rows, NULL, 10) : -1;
}

/* One step towards a result that can be read without blocking. */
static bool make_progress(rh_pg *pg, rh_error *error)
{
    if (PQflush(pg->conn) < 0 && PQstatus(pg->conn) == CONNECTION_BAD && !PQconsumeInput(pg->conn))
        return rh_pg_set_error(pg, NULL, NULL, error);
    if (!PQconsumeInput(pg->conn) && PQisBusy(pg->conn))
        return rh_pg_set_error(pg, NULL, NULL, error);
    return true;
}

void rh_pg_watch(rh_pg *pg, rh_usec every, bool (*check)(void *user, rh_error *error), void *user)
{
    pg->watch_every = every;
    pg->watch_check = check;
    pg->watch_user = user;
}

/* Sends a cancel request and sets ERROR to its reason. The caller then waits for the server's answer. */
static void stop_statement(rh_pg *pg, pg_wait why, rh_error *error)
{
    if (why == PG_WAIT_TIMEOUT)
        rh_error_set(error, RH_ERROR_TIMEOUT, "the statement was cancelled: it ran longer than its limit");
    else
        rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted");
    rh_pg_cancel(pg);
}

/* Calls the watch's function (rh_pg_watch), and cancels the statement if it returns true. */
static bool cancelled_by_watch(rh_pg *pg, rh_usec *next_check, rh_error *error)
{
    if (!pg->watch_check(pg->watch_user, error)) {
        *next_check = rh_clock_monotonic() + pg->watch_every;
        return false;
    }
    rh_pg_cancel(pg);
    return true;
}

bool rh_pg_wait_result(rh_pg *pg, rh_usec deadline, rh_error *error)
{
    bool stopped = false;
    bool alive = true;
    rh_usec next_check = pg->watch_check ? rh_clock_monotonic() + pg->watch_every : 0;
    while (alive && PQisBusy(pg->conn)) {
        int unsent = PQflush(pg->conn);
        if (stopped)
            rh_interrupt_hold();
        const bool checks = next_check && !stopped && (!deadline || next_check < deadline);
        pg_wait why = rh_pg_wait(pg, unsent > 0, checks ? next_check : deadline);
        if (stopped)
            rh_interrupt_release();
        if (why == PG_WAIT_READY) {
            alive = make_progress(pg, error);
        } else if (why == PG_WAIT_TIMEOUT && checks) {
            stopped = cancelled_by_watch(pg, &next_check, error);
            deadline = stopped ? rh_clock_monotonic() + CANCEL_PATIENCE : deadline;
        } else if (!stopped) {
            stopped = true;
            stop_statement(pg, why, error);
            deadline = rh_clock_monotonic() + CANCEL_PATIENCE;
        } else {
            rh_error_set(error, RH_ERROR_LOST, "the server did not answer a cancel request");
            alive = false;
        }
    }
    return alive;
}

/* Ends a COPY that a plain query began: discards the rows of COPY TO STDOUT, makes COPY FROM STDIN fail. */
static void leave_copy(rh_pg *pg, ExecStatusType status)
{
    if (status == PGRES_COPY_OUT) {
        char *row;
        while (PQgetCopyData(pg->conn, &row, 0) > 0)
            PQfreemem(row);
    } else {
        PQputCopyEnd(pg->conn, "COPY FROM STDIN needs data that is not there");
    }
}

static bool is_failure(ExecStatusType status)
{
    return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

/* Reads every result of the command that was sent. KEEP (may be NULL) gets the last one that is no failure,
 * TIMING (may be NULL) its tag. */
static bool read_results(rh_pg *pg, const char *sql, rh_usec deadline, PGresult **keep, rh_pg_timing *timing,
                         rh_error *error)
{
    rh_error first = {0};
    for (;;) {
        if (!rh_pg_wait_result(pg, deadline, &first))
            break;
        PGresult *result = PQgetResult(pg->conn);
        if (!result)
            break;
        ExecStatusType status = PQresultStatus(result);
        if (is_failure(status)) {
            rh_pg_set_error(pg, result, sql, &first);
            PQclear(result);
            if (PQstatus(pg->conn) == CONNECTION_BAD)
                break;
            continue;
        }
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
            leave_copy(pg, status);
        if (timing && status != PGRES_SINGLE_TUPLE) {
            timing->rows = rh_pg_tag_rows(result);
            snprintf(timing->command_tag, sizeof timing->command_tag, "%s", PQcmdStatus(result));
        }
        if (keep) {
            PQclear(*keep);
            *keep = result;
        } else {
            PQclear(result);
        }
    }
    bool ok = !rh_error_is_set(&first);
    if (!ok && error && !rh_error_is_set(error))
        rh_error_move(error, &first);
    rh_error_release(&first);
    return ok;
}

void rh_pg_drain(rh_pg *pg, rh_error *error)
{
    read_results(pg, NULL, 0, NULL, NULL, error);
}

/* SENT: as the functions that send return it. */
static rh_pg_result *read_rows(rh_pg *pg, int sent, const char *sql, rh_error *error)
{
    PGresult *last = NULL;
    bool ok = sent ? read_results(pg, sql, 0, &last, NULL, error) : rh_pg_set_error(pg, NULL, sql, error);
    if (!ok) {
        PQclear(last);
        return NULL;
    }
    rh_pg_result *result = rh_alloc(sizeof *result);
    result->rows = last;
    return result;
}

rh_pg_result *rh_pg_query(rh_pg *pg, const char *sql, size_t count, const char *const *parameters,
                          rh_error *error)
{
    int sent = count > 0 ? PQsendQueryParams(pg->conn, sql, (int)count, NULL, parameters, NULL, NULL, 0)
                         : PQsendQuery(pg->conn, sql);
    return read_rows(pg, sent, sql, error);
}

rh_pg_result *rh_pg_query_again(rh_pg *pg, const char *sql, size_t count, const char *const *parameters,
                                rh_error *error)
{
    size_t place = 0;
    while (place < PG_PREPARED_LIMIT && pg->prepared[place] && pg->prepared[place] != sql)
        place++;
    if (place == PG_PREPARED_LIMIT)
        return rh_pg_query(pg, sql, count, parameters, error);
    char name[32];
    snprintf(name, sizeof name, "pgrehearse_%zu", place);
    if (!pg->prepared[place]) {
        if (!rh_pg_prepare(pg, name, sql, error))
            return NULL;
        pg->prepared[place] = sql;
    }
    int sent = PQsendQueryPrepared(pg->conn, name, (int)count, parameters, NULL, NULL, 0);
    return read_rows(pg, sent, sql, error);
}

bool rh_pg_execute(rh_pg *pg, const char *sql, rh_error *error)
{
    if (!PQsendQuery(pg->conn, sql))
        return rh_pg_set_error(pg, NULL, sql, error);
    return read_results(pg, sql, 0, NULL, NULL, error);
}

bool rh_pg_execute_one(rh_pg *pg, const char *sql, rh_error *error)
{
    if (!PQsendQueryParams(pg->conn, sql, 0, NULL, NULL, NULL, NULL, 0))
        return rh_pg_set_error(pg, NULL, sql, error);
    return read_results(pg, sql, 0, NULL, NULL, error);
}

bool rh_pg_standard_strings(const rh_pg *pg)
{
    const char *value = PQparameterStatus(pg->conn, "standard_conforming_strings");
    return value && strcmp(value, "on") == 0;
}

/* "LOG" is not translated in this field. */
static void keep_detail(void *user, const PGresult *message)
{
    const char *severity = PQresultErrorField(message, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *detail = PQresultErrorField(message, PG_DIAG_MESSAGE_DETAIL);
    if (severity && detail && strcmp(severity, "LOG") == 0)
        rh_text_printf(user, "%s\n", detail);
}

bool rh_pg_execute_logged(rh_pg *pg, const char *sql, rh_text *log, rh_error *error)
{
    PQnoticeReceiver usual = PQsetNoticeReceiver(pg->conn, keep_detail, log);
    bool ok = rh_pg_execute(pg, sql, error);
    PQsetNoticeReceiver(pg->conn, usual, NULL);
    return ok;
}

bool rh_pg_executef(rh_pg *pg, rh_error *error, const char *format, ...)
{
    rh_text sql = {0};
    va_list args;
    va_start(args, format);
    rh_text_vprintf(&sql, format, args);
    va_end(args);
    bool ok = rh_pg_execute(pg, rh_text_string(&sql), error);
    rh_text_release(&sql);
    return ok;
}

bool rh_pg_timed(rh_pg *pg, const char *sql, rh_usec timeout_us, rh_pg_timing *timing, rh_error *error)
{
    *timing = (rh_pg_timing){.rows = -1, .started = rh_clock_monotonic()};
    bool ok = PQsendQuery(pg->conn, sql);
    if (ok) {
        PQsetSingleRowMode(pg->conn); /* a SELECT of any size in bounded memory */
        ok = read_results(pg, sql, timeout_us > 0 ? timing->started + timeout_us : 0, NULL, timing, error);
    } else {
        rh_pg_set_error(pg, NULL, sql, error);
    }
    timing->ended = rh_clock_monotonic();
    return ok;
}

bool rh_pg_query_int(rh_pg *pg, const char *sql, int64_t *value, rh_error *error)
{
    rh_pg_result *result = rh_pg_query(pg, sql, 0, NULL, error);
    if (!result)
        return false;
    bool found = rh_pg_rows(result) > 0;
    if (found)
        *value = rh_pg_int(result, 0, 0, 0);
    rh_pg_result_free(result);
    return found || rh_error_set(error, RH_ERROR_SQL, "a query that should give one row gave none");
}

bool rh_pg_publish_statistics(rh_pg *pg, rh_error *error)
{
    return rh_pg_server_version(pg) >= 150000 &&
           rh_pg_execute(pg, "SELECT pg_catalog.pg_stat_force_next_flush()", error);
}

size_t rh_pg_rows(const rh_pg_result *result)
{
    return result->rows ? (size_t)PQntuples(result->rows) : 0;
}

size_t rh_pg_columns(const rh_pg_result *result)
{
    return result->rows ? (size_t)PQnfields(result->rows) : 0;
}

const char *rh_pg_column_name(const rh_pg_result *result, size_t column)
{
    return PQfname(result->rows, (int)column);
}

const char *rh_pg_value(const rh_pg_result *result, size_t row, size_t column)
{
    return PQgetisnull(result->rows, (int)row, (int)column) ? NULL
                                                            : PQgetvalue(result->rows, (int)row, (int)column);
}

int64_t rh_pg_int(const rh_pg_result *result, size_t row, size_t column, int64_t fallback)
{
    const char *value = rh_pg_value(result, row, column);
    return value ? strtoll(value, NULL, 10) : fallback;
}

double rh_pg_double(const rh_pg_result *result, size_t row, size_t column, double fallback)
{
    const char *value = rh_pg_value(result, row, column);
    return value ? strtod(value, NULL) : fallback;
}

bool rh_pg_bool(const rh_pg_result *result, size_t row, size_t column)
{
    const char *value = rh_pg_value(result, row, column);
    return value && *value == 't';
}

int64_t rh_pg_affected(const rh_pg_result *result)
{
    return result->rows ? rh_pg_tag_rows(result->rows) : -1;
}

void rh_pg_result_free(rh_pg_result *result)
{
    if (!result)
        return;
    PQclear(result->rows);
    free(result);
}

char *rh_pg_quote_literal(const char *literal)
{
    rh_text out = {0};
    if (strchr(literal, '\\'))
        rh_text_append(&out, " E"); /* right whatever standard_conforming_strings says */
    rh_text_append_char(&out, '\'');
    for (; *literal; literal++) {
        if (*literal == '\'' || *literal == '\\')
            rh_text_append_char(&out, *literal);
        rh_text_append_char(&out, *literal);
    }
    rh_text_append_char(&out, '\'');
    return out.data;
}
