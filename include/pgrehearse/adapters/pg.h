/* libpq, with this project's errors, clock and interrupts.
 *
 * Blocking calls poll the socket together with rh_interrupt_fd(): an interrupt cancels the running statement
 * (PQcancel), drains the connection and fails with RH_ERROR_INTERRUPTED. A dead server is RH_ERROR_LOST,
 * anything the server refuses RH_ERROR_SQL with its SQLSTATE (but 53100, disk full, is RH_ERROR_NO_SPACE; a
 * backend that was terminated, 57P0x, is RH_ERROR_LOST). The message is the server's primary message and its
 * HINT the hint; where PostgreSQL knows it, line and column are set to the place in the statement that was
 * sent (file is NULL: the caller translates to the user's). No value of the data is in either: DETAIL is
 * dropped, values quoted by messages of class 22 become «…», and of texts that user code raises only the
 * words remain that the statement sent holds too. Notices are dropped. One connection belongs to one thread
 * at a time.
 */
#pragma once
#include "pgrehearse/base/clock.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/relation.h"
#include "pgrehearse/base/text.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rh_pg rh_pg;               /* a connection */
typedef struct rh_pg_result rh_pg_result; /* the rows of one statement */

/* CONNINFO: a URI or key=value string. application_name is always "pgrehearse" plus ROLE (": sampler" …), so
 * that the tool's own sessions can be distinguished. Sets client_encoding UTF8 and a connect timeout of 10 s
 * unless the string says otherwise. A string that does not parse is RH_ERROR_USAGE, a server that does not
 * let us in RH_ERROR_LOST. */
rh_pg *rh_pg_connect(const char *conninfo, const char *role, rh_error *error);
/* The same, for a side connection that observes another session. Its lock_timeout is 200 ms: a query fails
 * (SQLSTATE 55P03) when the observed session has locked what the query needs, such as a system catalog. */
rh_pg *rh_pg_connect_observer(const char *conninfo, const char *role, rh_error *error);
/* Another such side connection, to the server and database of PG. */
rh_pg *rh_pg_connect_beside(const rh_pg *pg, const char *role, rh_error *error);
/* Closes; takes NULL. */
void rh_pg_close(rh_pg *pg);

/* Appends ELEMENT, quoted, to ARRAY, the text of a PostgreSQL array that is empty at first. The array is
 * complete when rh_pg_array_end has closed it; its text belongs to ARRAY. */
void rh_pg_array_add(rh_text *array, const char *element);
const char *rh_pg_array_end(rh_text *array);

/* The server process's pid on its host; server_version_num as 150018. */
int rh_pg_backend_pid(const rh_pg *pg);
int rh_pg_server_version(const rh_pg *pg);
bool rh_pg_is_unix_socket(const rh_pg *pg);
/* NULL when it is not one. */
const char *rh_pg_socket_directory(const rh_pg *pg);
/* The password that the connection was made with, wherever it came from; "" when none was needed. It must not
 * reach a log. Valid as long as the connection. */
const char *rh_pg_password(const rh_pg *pg);
/* The user and the database of the connection; valid as long as the connection. Another thread may call these
 * two functions and rh_pg_password while the owner uses the connection. */
const char *rh_pg_user(const rh_pg *pg);
const char *rh_pg_database(const rh_pg *pg);
/* What a server's error says, without values of the data, as in rh_error: its SQLSTATE, the name of the
 * server's function that raised it (may be NULL), its primary message, and the statement sent (may be NULL).
 * Heap. */
char *rh_pg_redact_message(const char *sqlstate, const char *function, const char *message, const char *sql);
/* 'I' idle, 'T' in a transaction, 'E' in a failed one, '?' unknown (PQtransactionStatus). */
char rh_pg_transaction_state(const rh_pg *pg);

/* Runs one statement (extended protocol when COUNT > 0 parameters as text, NULL is SQL NULL; simple protocol
 * otherwise). NULL on failure. The caller frees. */
rh_pg_result *rh_pg_query(rh_pg *pg, const char *sql, size_t count, const char *const *parameters,
                          rh_error *error);
/* The same for a query that is repeated: its first call prepares it. SQL is identified by its address and
 * must outlive PG. Not for a session that runs the user's statements, which may DEALLOCATE it. */
rh_pg_result *rh_pg_query_again(rh_pg *pg, const char *sql, size_t count, const char *const *parameters,
                                rh_error *error);
/* Simple protocol, possibly several statements, results thrown away. */
bool rh_pg_execute(rh_pg *pg, const char *sql, rh_error *error);
bool rh_pg_executef(rh_pg *pg, rh_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same; LOG (may hold text already) gets the details, a line each, of the messages of level LOG that the
 * server sends meanwhile, as it does with client_min_messages = log. They may hold values of the data: the
 * caller must not report them as they are. */
bool rh_pg_execute_logged(rh_pg *pg, const char *sql, rh_text *log, rh_error *error);

/* While a blocking call waits for PG's server, calls CHECK in the same thread at intervals of EVERY. CHECK
 * must not use PG itself. When CHECK returns true, the running statement is cancelled and fails with the
 * ERROR that CHECK has set. CHECK NULL ends the watch. */
void rh_pg_watch(rh_pg *pg, rh_usec every, bool (*check)(void *user, rh_error *error), void *user);

/* Makes what the session has counted visible to others. False: before PostgreSQL 15 it cannot be asked to
 * (without an ERROR), or ERROR says why not. */
bool rh_pg_publish_statistics(rh_pg *pg, rh_error *error);

/* What one timed statement did. */
typedef struct rh_pg_timing {
    rh_usec started, ended; /* monotonic, from just before the send to the last ReadyForQuery */
    int64_t rows;           /* from the command tag; -1 when it has none */
    char command_tag[64];
} rh_pg_timing;
/* Sends SQL by the simple protocol and times it; TIMEOUT_US > 0 cancels with RH_ERROR_TIMEOUT. TIMING is
 * filled (ended too) also on failure. */
bool rh_pg_timed(rh_pg *pg, const char *sql, rh_usec timeout_us, rh_pg_timing *timing, rh_error *error);

size_t rh_pg_rows(const rh_pg_result *result);
size_t rh_pg_columns(const rh_pg_result *result);
const char *rh_pg_column_name(const rh_pg_result *result, size_t column);
/* NULL for SQL NULL; valid until the result is freed. */
const char *rh_pg_value(const rh_pg_result *result, size_t row, size_t column);
/* The value as a number; FALLBACK for NULL. */
int64_t rh_pg_int(const rh_pg_result *result, size_t row, size_t column, int64_t fallback);
double rh_pg_double(const rh_pg_result *result, size_t row, size_t column, double fallback);
bool rh_pg_bool(const rh_pg_result *result, size_t row, size_t column);
/* Rows retrieved or affected, as the command tag counts them; -1 when it counts none. */
int64_t rh_pg_affected(const rh_pg_result *result);
void rh_pg_result_free(rh_pg_result *result);

/* First column of the first row as an integer; fails when there is no row. */
bool rh_pg_query_int(rh_pg *pg, const char *sql, int64_t *value, rh_error *error);

/* Quoted for SQL; heap, the caller frees. For identifiers: base/relation.h. */
char *rh_pg_quote_literal(const char *literal);

/* The conninfo with some keywords replaced: KEYS and VALUES of COUNT; heap string in key='value' form. The
 * password, if any, is in it: it must not reach a log. NULL and an error when CONNINFO does not parse. */
char *rh_pg_conninfo_with(const char *conninfo, size_t count, const char *const *keys,
                          const char *const *values, rh_error *error);
/* Every environment variable of libpq, in the form of rh_process_options.environment: "NAME=value" where it
 * is needed to connect to the server and database of PG, "NAME" alone where a program must not inherit it. In
 * ARENA. */
const char **rh_pg_environment(const rh_pg *pg, rh_arena *arena, size_t *count);
/* Unsets libpq's environment variables in this process: ALL of them, or those that change a session's
 * settings. */
void rh_pg_forget_environment(bool all);

/* The value that CONNINFO gives KEYWORD; NULL: none. Heap. */
char *rh_pg_conninfo_value(const char *conninfo, const char *keyword);
/* The same as a postgresql:// URI, percent-encoded: what programs take in DATABASE_URL. Heap; the password,
 * if any, is in it. */
char *rh_pg_conninfo_uri(const char *conninfo, rh_error *error);
/* For people and files: the same as "user@host:port/dbname", never a password. Heap. */
char *rh_pg_conninfo_display(const char *conninfo);

/* Runs one statement of the user's by the extended protocol, so that the server refuses a text that holds
 * several. Results are discarded. */
bool rh_pg_execute_one(rh_pg *pg, const char *sql, rh_error *error);
/* Whether standard_conforming_strings is on in this session now. */
bool rh_pg_standard_strings(const rh_pg *pg);

/* Where the server refused data of a COPY. */
typedef struct rh_pg_copy_place {
    int64_t line;    /* of the data, from 1; 0: unknown */
    char column[64]; /* name of the table's column; "": unknown */
} rh_pg_copy_place;

/* COPY … FROM STDIN: begin with its text, put the data, end. A failure of the server shows at the end only:
 * its rows, or -1 with ERROR set and the PLACE. Begin and put return false when nothing may be put any more;
 * END must follow a begin that returned true. */
bool rh_pg_copy_in_begin(rh_pg *pg, const char *sql, rh_error *error);
bool rh_pg_copy_in_put(rh_pg *pg, const char *bytes, size_t length, rh_error *error);
int64_t rh_pg_copy_in_end(rh_pg *pg, rh_pg_copy_place *place, rh_error *error);

/* COPY: moves every row that FROM_SQL (COPY … TO STDOUT) gives into TO_SQL (COPY … FROM STDIN). Returns rows,
 * or -1. */
int64_t rh_pg_copy_between(rh_pg *from, const char *from_sql, rh_pg *to, const char *to_sql, rh_error *error);

/* ---- without blocking, for the load generator: one command at a time, driven by the socket ---- */
typedef enum rh_pg_poll { RH_PG_BUSY, RH_PG_DONE, RH_PG_FAILED, RH_PG_LOST } rh_pg_poll;
int rh_pg_socket(const rh_pg *pg);
bool rh_pg_set_nonblocking(rh_pg *pg, rh_error *error);
bool rh_pg_prepare(rh_pg *pg, const char *name, const char *sql, rh_error *error); /* blocking */
/* Start a prepared statement or plain SQL; false when the connection is lost. */
bool rh_pg_send_prepared(rh_pg *pg, const char *name, size_t count, const char *const *parameters);
bool rh_pg_send(rh_pg *pg, const char *sql);
/* True while bytes wait to be written: poll for writing too, then call rh_pg_flush. */
bool rh_pg_wants_write(rh_pg *pg);
bool rh_pg_flush(rh_pg *pg);
/* Call when the socket is readable. On RH_PG_DONE and RH_PG_FAILED the connection is ready for the next
 * command; ROWS (may be NULL) gets the row count, SQLSTATE (≥ 6 bytes, may be NULL) the state of a failure.
 */
rh_pg_poll rh_pg_consume(rh_pg *pg, int64_t *rows, char *sqlstate);
/* Why the last command failed or the connection was lost, without values of the data; NULL if it did not.
 * Valid until the next command. */
const char *rh_pg_failure(const rh_pg *pg);
/* Like rh_pg_prepare, without waiting. */
bool rh_pg_send_prepare(rh_pg *pg, const char *name, const char *sql);
/* Connects without waiting (but for the lookup of the host's name): watch rh_pg_socket (which may change from
 * poll to poll) for writing first, then for what the poll says. No timeout of its own. */
typedef enum rh_pg_connecting {
    RH_PG_CONNECT_READING,
    RH_PG_CONNECT_WRITING,
    RH_PG_CONNECT_DONE,
    RH_PG_CONNECT_FAILED
} rh_pg_connecting;
rh_pg *rh_pg_connect_start(const char *conninfo, const char *role, rh_error *error);
rh_pg_connecting rh_pg_connect_poll(rh_pg *pg);
/* Asks the server to cancel what runs; safe from another thread than the owner's. */
bool rh_pg_cancel(rh_pg *pg);
