/* Real programs and libpq through the proxy and past it: the same results, and everything seen. */
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/proxy/proxy.h"
#include "server/cluster.h"
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

typedef struct watch {
    rh_proxy *proxy;
    rh_pg *side;   /* the proxy's thread uses it */
    rh_pg *other;  /* the test does */
    rh_text seen;  /* "SQL|TAG|SQLSTATE\n" of every statement */
    rh_text locks; /* "SQL's transaction: MODE RELATION\n" of every hold */
    int commits, transactions;
    atomic_int refused;
} watch;

static test_cluster *cluster;
static watch w;

/* ---- events; in the proxy's thread ---- */

static void on_begun(void *user, rh_proxy_statement *s)
{
    (void)user;
    assert_true(s->pid > 0);
}

static void on_ended(void *user, const rh_proxy_statement *s)
{
    watch *seen = user;
    rh_text_printf(&seen->seen, "%.60s|%s|%s\n", s->sql ? s->sql : "connection", s->command_tag,
                   s->sqlstate ? s->sqlstate : "");
}

static void on_transaction(void *user, int connection, rh_usec at)
{
    (void)connection;
    (void)at;
    ((watch *)user)->transactions++;
}

/* As the rehearsal does: a pipeline's statements are done when the server waits for more. */
static bool on_hold(void *user, const rh_proxy_held *held)
{
    static const char locks[] =
        "SELECT a.wait_event, string_agg(l.mode || ' ' || l.relation::regclass, ',' ORDER BY l.mode, "
        "l.relation) "
        "FROM pg_stat_activity a LEFT JOIN pg_locks l ON l.pid = a.pid AND l.relation >= 16384 "
        "WHERE a.pid = $1::int GROUP BY a.wait_event";
    watch *seen = user;
    char pid[16];
    snprintf(pid, sizeof pid, "%d", held->pid);
    rh_pg_result *result = rh_pg_query(seen->side, locks, 1, (const char *const[]){pid}, NULL);
    const char *event = result && rh_pg_rows(result) ? rh_pg_value(result, 0, 0) : NULL;
    bool pass = held->answered || (event && strcmp(event, "ClientRead") == 0); /* NULL: it computes */
    if (pass && held->reason == RH_HOLD_COMMIT) {
        seen->commits++;
        if (result && rh_pg_rows(result) && rh_pg_value(result, 0, 1))
            rh_text_printf(&seen->locks, "%s\n", rh_pg_value(result, 0, 1));
    }
    seen->refused += !pass;
    rh_pg_result_free(result);
    return pass;
}

/* ---- around each test ---- */

static int start(void **state)
{
    (void)state;
    w = (watch){0};
    w.side = rh_pg_connect(test_cluster_conninfo(cluster), ": side", NULL);
    w.other = rh_pg_connect(test_cluster_conninfo(cluster), ": other", NULL);
    assert_true(w.side);
    assert_true(w.other);
    assert_true(rh_pg_execute(w.other, "DROP TABLE IF EXISTS t; CREATE TABLE t (id int, note text)", NULL));
    rh_proxy_options options = {.server = w.side,
                                .long_us = 10 * RH_SECOND,
                                .events = {.session = {.user = &w,
                                                       .begun = on_begun,
                                                       .ended = on_ended,
                                                       .transaction_ended = on_transaction},
                                           .hold = on_hold}};
    w.proxy = rh_proxy_start(&options, NULL);
    return w.proxy ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    char directory[128];
    snprintf(directory, sizeof directory, "%s", rh_proxy_socket_directory(w.proxy));
    rh_proxy_free(w.proxy);
    bool gone = access(directory, F_OK) != 0;
    rh_pg_close(w.side);
    rh_pg_close(w.other);
    rh_text_release(&w.seen);
    rh_text_release(&w.locks);
    return gone ? 0 : -1;
}

static void done_with(PGconn *conn)
{
    PQfinish(conn);
    rh_proxy_stop(w.proxy);
    int blind;
    rh_proxy_connections(w.proxy, &blind);
    assert_int_equal(blind, 0);
}

static bool saw(const char *what)
{
    bool found = strstr(rh_text_string(&w.seen), what) != NULL;
    if (!found)
        fprintf(stderr, "not seen: %s\n--- seen:\n%s", what, rh_text_string(&w.seen));
    return found;
}

static PGconn *connect_through(bool tcp, const char *more)
{
    char conninfo[400];
    snprintf(conninfo, sizeof conninfo, "host=%s port=%d dbname=postgres user=postgres %s",
             tcp ? "127.0.0.1" : rh_proxy_socket_directory(w.proxy), rh_proxy_port(w.proxy), more);
    PGconn *conn = PQconnectdb(conninfo);
    if (PQstatus(conn) != CONNECTION_OK)
        fprintf(stderr, "%s", PQerrorMessage(conn));
    return conn;
}

static void run(PGconn *conn, const char *sql)
{
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    PQclear(result);
}

/* Until SQL, which counts something on the server, gives EXPECTED. */
static void await(rh_pg *pg, const char *sql, int64_t expected)
{
    for (int64_t found = -1; found != expected; rh_clock_sleep_until(rh_clock_monotonic() + 5000))
        assert_true(rh_pg_query_int(pg, sql, &found, NULL));
}

/* A new session has the time at which the postmaster, its parent, had read its files. */
static void reload_settings(void)
{
    int64_t before = 0, now = 0;
    static const char loaded[] = "SELECT (extract(epoch FROM pg_conf_load_time()) * 1e6)::int8";
    for (int round = 0; now == before; round++) {
        rh_pg *pg = rh_pg_connect(test_cluster_conninfo(cluster), NULL, NULL);
        assert_true(rh_pg_query_int(pg, loaded, round == 0 ? &before : &now, NULL));
        if (round == 0) {
            assert_true(rh_pg_execute(pg, "SELECT pg_reload_conf()", NULL));
            now = before;
        }
        rh_pg_close(pg);
    }
}

/* ---- psql ---- */

static char *psql(const char *host, int port, const char *script)
{
    char command[900];
    rh_text output = {0};
    snprintf(command, sizeof command,
             "%s/psql -X -h %s -p %d -U postgres -d postgres -f %s 2>&1 | sed 's/PID [0-9]*//'",
             cluster->bindir, host, port, script);
    FILE *pipe = popen(command, "r");
    char part[4096];
    for (size_t got; (got = fread(part, 1, sizeof part, pipe)) > 0;)
        rh_text_append_bytes(&output, part, got);
    pclose(pipe);
    return output.data ? output.data : rh_strdup("");
}

static void test_psql(void **state)
{
    (void)state;
    char path[] = "/tmp/pgrehearse-psql-XXXXXX";
    int fd = mkstemp(path);
    FILE *script = fdopen(fd, "w");
    fputs("\\set VERBOSITY verbose\nDROP TABLE IF EXISTS p;\nBEGIN;\nCREATE TABLE p (id int);\n"
          "INSERT INTO p SELECT generate_series(1, 1000);\nCOMMIT;\nSELECT * FROM p ORDER BY id;\n"
          "SELECT nonsense;\nCOPY p TO STDOUT;\n\\copy p from program 'seq 1 10000'\nSELECT sum(id) FROM p;\n"
          "LISTEN a;\nNOTIFY a, 'hello';\nDO $$ BEGIN RAISE NOTICE 'told'; END $$;\n\\d p\n"
          "SELECT 1; SELECT 2\\; SELECT 3;\n\\bind 5\nSELECT 1;\n",
          script);
    fclose(script);
    assert_true(rh_pg_execute(w.other, "CREATE TABLE p ()", NULL)); /* there is one to drop each time */
    char *direct = psql(cluster->directory, 5432, path);
    char *local = psql(rh_proxy_socket_directory(w.proxy), rh_proxy_port(w.proxy), path);
    char *tcp = psql("127.0.0.1", rh_proxy_port(w.proxy), path);
    unlink(path);
    assert_true(strlen(direct) > 4000);
    assert_string_equal(local, direct);
    assert_string_equal(tcp, direct);
    free(direct);
    free(local);
    free(tcp);
    done_with(NULL);
    assert_true(saw("CREATE TABLE p (id int);|CREATE TABLE|\n"));
    assert_true(saw("SELECT nonsense;||42703\n"));
    assert_true(saw("|COPY 10000|\n"));
    assert_int_equal(w.commits, 2);
}

/* ---- libpq ---- */

static void test_extended(void **state)
{
    (void)state;
    for (int tcp = 0; tcp < 2; tcp++) {
        PGconn *conn = connect_through(tcp, "");
        assert_int_equal(PQstatus(conn), CONNECTION_OK);
        PGresult *prepared = PQprepare(conn, "insert_one", "INSERT INTO t VALUES ($1, $2)", 0, NULL);
        assert_int_equal(PQresultStatus(prepared), PGRES_COMMAND_OK);
        PQclear(prepared);
        for (int i = 0; i < 100; i++) {
            const char *values[] = {"1", i % 2 ? NULL : "with \xe2\x80\xa6"};
            PGresult *result = PQexecPrepared(conn, "insert_one", 2, values, NULL, NULL, 1);
            assert_string_equal(PQcmdTuples(result), "1");
            PQclear(result);
        }
        PGresult *failed =
            PQexecParams(conn, "SELECT 1 / $1::int", 1, NULL, (const char *const[]){"0"}, NULL, NULL, 0);
        assert_string_equal(PQresultErrorField(failed, PG_DIAG_SQLSTATE), "22012");
        PQclear(failed);
        PGresult *rows =
            PQexecParams(conn, "SELECT count(*) FROM t WHERE note IS NULL", 0, NULL, NULL, NULL, NULL, 0);
        assert_string_equal(PQgetvalue(rows, 0, 0), tcp ? "100" : "50");
        PQclear(rows);
        PQfinish(conn);
    }
    done_with(NULL);
    assert_true(saw("INSERT INTO t VALUES ($1, $2)|INSERT 0 1|\n"));
    assert_true(saw("SELECT 1 / $1::int||22012\n"));
    assert_true(w.transactions >= 203);
}

static void send_one(PGconn *conn, const char *sql)
{
    assert_int_equal(PQsendQueryParams(conn, sql, 0, NULL, NULL, NULL, NULL, 0), 1);
}

static void finish_pipeline(PGconn *conn, int failures)
{
    assert_int_equal(PQpipelineSync(conn), 1);
    for (bool synced = false; !synced;) {
        PGresult *result = PQgetResult(conn);
        ExecStatusType status = PQresultStatus(result);
        synced = status == PGRES_PIPELINE_SYNC;
        failures -= result && status == PGRES_FATAL_ERROR;
        PQclear(result);
    }
    assert_int_equal(failures, 0);
}

/* A COMMIT that was sent before anything was answered still waits until its transaction has all its locks. */
static void test_pipeline(void **state)
{
    (void)state;
    PGconn *conn = connect_through(false, "");
    assert_true(rh_pg_execute(w.other, "SELECT pg_advisory_lock(1)", NULL));
    assert_int_equal(PQenterPipelineMode(conn), 1);
    send_one(conn, "BEGIN");
    send_one(conn, "SELECT pg_advisory_xact_lock(1)");
    send_one(conn, "ALTER TABLE t ADD COLUMN late int");
    send_one(conn, "COMMIT");
    send_one(conn, "SELECT 7");
    assert_int_equal(PQsendFlushRequest(conn), 1);
    assert_int_equal(PQflush(conn), 0);
    await(w.other, "SELECT count(*) FROM pg_locks WHERE NOT granted", 1);
    while (w.refused <= 3) /* held and asked again: ctest ends the test that waits in vain */
        rh_clock_sleep_until(rh_clock_monotonic() + 5000);
    assert_true(rh_pg_execute(w.other, "SELECT pg_advisory_unlock(1)", NULL));
    finish_pipeline(conn, 0);
    send_one(conn, "SELECT broken");
    send_one(conn, "SELECT 'skipped'");
    finish_pipeline(conn, 1);
    send_one(conn, "CREATE INDEX pipelined ON t (id)");
    finish_pipeline(conn, 0);
    assert_int_equal(PQexitPipelineMode(conn), 1);
    run(conn, "SELECT late FROM t");
    done_with(conn);
    assert_true(saw("SELECT pg_advisory_xact_lock(1)|SELECT 1|\n"));
    assert_true(saw("COMMIT|COMMIT|\n"));
    assert_true(saw("SELECT 7|SELECT 1|\n"));
    assert_true(saw("SELECT broken||42703\n"));
    assert_null(strstr(rh_text_string(&w.seen), "skipped"));
    assert_non_null(strstr(rh_text_string(&w.locks), "AccessExclusiveLock t"));
    assert_non_null(strstr(rh_text_string(&w.locks), "ShareLock t")); /* the Sync behind CREATE INDEX */
}

static void test_copy(void **state)
{
    (void)state;
    for (int tcp = 0; tcp < 2; tcp++) {
        PGconn *conn = connect_through(tcp, "");
        run(conn, "TRUNCATE t");
        rh_text sent = {0}, received = {0};
        for (int i = 0; sent.length < 1024 * 1024; i++)
            rh_text_printf(&sent, "%d\tsome text that is not the same everywhere %d\n", i, i * 7);
        if (tcp)
            send_one(conn, "COPY t FROM STDIN");
        else
            PQsendQuery(conn, "COPY t FROM STDIN");
        PGresult *copy = PQgetResult(conn);
        assert_int_equal(PQresultStatus(copy), PGRES_COPY_IN);
        PQclear(copy);
        for (size_t at = 0, part = 1; at < sent.length; at += part, part = part * 3 % 50000 + 1) {
            if (part > sent.length - at)
                part = sent.length - at;
            assert_int_equal(PQputCopyData(conn, sent.data + at, (int)part), 1);
        }
        assert_int_equal(PQputCopyEnd(conn, NULL), 1);
        for (PGresult *result; (result = PQgetResult(conn)) != NULL; PQclear(result))
            assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
        PQclear(PQexec(conn, "COPY t TO STDOUT"));
        char *row;
        for (int length; (length = PQgetCopyData(conn, &row, 0)) > 0; PQfreemem(row))
            rh_text_append_bytes(&received, row, (size_t)length);
        for (PGresult *result; (result = PQgetResult(conn)) != NULL;)
            PQclear(result);
        assert_int_equal(received.length, sent.length);
        assert_memory_equal(received.data, sent.data, sent.length);
        rh_text_release(&sent);
        rh_text_release(&received);
        run(conn, "SELECT 'after the copy'");
        PQfinish(conn);
    }
    done_with(NULL);
    assert_true(saw("COPY t FROM STDIN|COPY 1"));
    assert_true(saw("COPY t TO STDOUT|COPY 1"));
    assert_true(saw("SELECT 'after the copy'|SELECT 1|"));
}

static void test_large_messages(void **state)
{
    (void)state;
    PGconn *conn = connect_through(true, "");
    size_t length = 20 * 1024 * 1024;
    char *text = rh_alloc(length + 1);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)('a' + i % 26);
    PGresult *result =
        PQexecParams(conn, "SELECT $1::text", 1, NULL, (const char *const[]){text}, NULL, NULL, 0);
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    assert_string_equal(PQgetvalue(result, 0, 0), text);
    PQclear(result);
    rh_text sql = {0};
    rh_text_printf(&sql, "SELECT length('%s')", text);
    result = PQexec(conn, sql.data);
    assert_string_equal(PQgetvalue(result, 0, 0), "20971520");
    PQclear(result);
    rh_text_release(&sql);
    free(text);
    done_with(conn);
    assert_true(saw("SELECT $1::text|SELECT 1|\n"));
}

static void *cancel_once_it_sleeps(void *user)
{
    char problem[256];
    await(w.other, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", 1);
    return PQcancel(user, problem, sizeof problem) ? user : NULL;
}

static void test_cancel(void **state)
{
    (void)state;
    for (int tcp = 0; tcp < 2; tcp++) {
        PGconn *conn = connect_through(tcp, "");
        PGcancel *cancel = PQgetCancel(conn);
        pthread_t thread;
        void *sent;
        assert_int_equal(pthread_create(&thread, NULL, cancel_once_it_sleeps, cancel), 0);
        PGresult *result = PQexec(conn, "SELECT pg_sleep(60)");
        assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "57014");
        PQclear(result);
        pthread_join(thread, &sent);
        assert_non_null(sent);
        PQfreeCancel(cancel);
        PQfinish(conn);
    }
    done_with(NULL);
    assert_true(saw("SELECT pg_sleep(60)||57014\n"));
}

static void test_notifications(void **state)
{
    (void)state;
    PGconn *conn = connect_through(false, "");
    run(conn, "LISTEN news");
    assert_true(rh_pg_execute(w.other, "NOTIFY news, 'from elsewhere'", NULL));
    PGnotify *notice = NULL;
    while (!notice) {
        poll(&(struct pollfd){.fd = PQsocket(conn), .events = POLLIN}, 1, -1);
        assert_int_equal(PQconsumeInput(conn), 1);
        notice = PQnotifies(conn);
    }
    assert_string_equal(notice->extra, "from elsewhere");
    PQfreemem(notice);
    done_with(conn);
}

static void test_password(void **state)
{
    (void)state;
    char path[160], rest[4096] = "";
    snprintf(path, sizeof path, "%s/data/pg_hba.conf", cluster->directory);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    size_t length = fread(rest, 1, sizeof rest - 1, file);
    rewind(file);
    fprintf(file, "local all careful scram-sha-256\nlocal all plain password\nlocal all closed reject\n%.*s",
            (int)length, rest);
    fclose(file);
    assert_true(rh_pg_execute(w.other,
                              "CREATE ROLE careful LOGIN PASSWORD 'correct horse'; CREATE ROLE closed LOGIN; "
                              "CREATE ROLE plain LOGIN PASSWORD 'battery'",
                              NULL));
    reload_settings();
    static const struct {
        const char *login;
        bool ok;
    } logins[] = {{"user=careful password='correct horse'", true},
                  {"user=careful password=wrong", false},
                  {"user=plain password=battery", true},
                  {"user=plain password=staple", false},
                  {"user=closed", false},
                  {"user=careful password='correct horse' sslmode=require", false}};
    for (size_t i = 0; i < sizeof logins / sizeof *logins; i++) {
        for (int tcp = 0; tcp < 2; tcp++) {
            char conninfo[400];
            snprintf(conninfo, sizeof conninfo, "host=%s port=%d dbname=postgres %s",
                     tcp ? "127.0.0.1" : rh_proxy_socket_directory(w.proxy), rh_proxy_port(w.proxy),
                     logins[i].login);
            PGconn *conn = PQconnectdb(conninfo);
            bool expected =
                logins[i].ok || (!tcp && strstr(logins[i].login, "sslmode")); /* no SSL on sockets */
            assert_int_equal(PQstatus(conn), expected ? CONNECTION_OK : CONNECTION_BAD);
            PQfinish(conn);
        }
    }
    done_with(NULL);
    assert_true(saw("connection||28P01\n"));
    assert_true(saw("connection||28000\n"));
}

/* ---- the bytes themselves ---- */

/* Sends REQUEST in pieces of PIECE bytes and reads everything up to the end. */
static rh_text talk(int fd, const rh_text *request, size_t piece)
{
    rh_text answer = {0};
    char part[8192];
    for (size_t at = 0; at < request->length; at += piece) {
        size_t count = request->length - at < piece ? request->length - at : piece;
        assert_int_equal(write(fd, request->data + at, count), (ssize_t)count);
        if (piece < 100)
            nanosleep(&(struct timespec){.tv_nsec = 100 * 1000}, NULL);
    }
    for (ssize_t got; (got = read(fd, part, sizeof part)) > 0;)
        rh_text_append_bytes(&answer, part, (size_t)got);
    close(fd);
    return answer;
}

static int connect_raw(const char *directory, int port)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.%d", directory, port);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* BackendKeyData is another one for every connection. */
static void mask_key(rh_text *answer)
{
    for (size_t i = 0; i + 13 <= answer->length; i++)
        if (memcmp(answer->data + i, "K\0\0\0\x0c", 5) == 0)
            memset(answer->data + i + 5, 0, 8);
}

static void test_byte_for_byte(void **state)
{
    (void)state;
    static const char startup[] = "\0\0\0\x29\0\3\0\0user\0postgres\0database\0postgres\0\0";
    static const char rest[] =
        "Q\0\0\0\x17select 1; select 2\0"
        "P\0\0\0\x10\0select 3\0\0\0B\0\0\0\x0c\0\0\0\0\0\0\0\0D\0\0\0\6P\0E\0\0\0\x09\0\0\0\0\0"
        "H\0\0\0\4C\0\0\0\6P\0S\0\0\0\4"
        "Q\0\0\0\13commit\0Q\0\0\0\x0anons.\0X\0\0\0\4";
    rh_text request = {0};
    rh_text_append_bytes(&request, startup, sizeof startup - 1);
    rh_text_append_bytes(&request, rest, sizeof rest - 1);
    rh_text direct = talk(connect_raw(cluster->directory, 5432), &request, request.length);
    mask_key(&direct);
    assert_true(direct.length > 400);
    static const size_t pieces[] = {1, 2, 3, 5, 7, 11, 60, 1000};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        int fd = connect_raw(rh_proxy_socket_directory(w.proxy), rh_proxy_port(w.proxy));
        rh_text through = talk(fd, &request, pieces[i]);
        mask_key(&through);
        assert_int_equal(through.length, direct.length);
        assert_memory_equal(through.data, direct.data, direct.length);
        rh_text_release(&through);
    }
    /* both requests for encryption are declined, and the connection goes on */
    rh_text asking = {0};
    rh_text_append_bytes(&asking, "\0\0\0\x08\x04\xd2\x16\x30\0\0\0\x08\x04\xd2\x16\x2f", 16);
    rh_text_append_bytes(&asking, request.data, request.length);
    rh_text through =
        talk(connect_raw(rh_proxy_socket_directory(w.proxy), rh_proxy_port(w.proxy)), &asking, 3);
    mask_key(&through);
    assert_int_equal(through.length, direct.length + 2);
    assert_memory_equal(through.data, "NN", 2);
    assert_memory_equal(through.data + 2, direct.data, direct.length);
    rh_text_release(&through);
    rh_text_release(&asking);
    rh_text_release(&direct);
    rh_text_release(&request);
    done_with(NULL);
    assert_true(saw("select 3|SELECT 1|\n"));
    assert_true(saw("nons.||42601\n"));
}

/* Rubbish, and programs that die: the proxy and the other connections live on. */
static void test_bad_clients(void **state)
{
    (void)state;
    static const char *const rubbish[] = {"GET / HTTP/1.1\r\n\r\n", "\x16\3\1", "x"};
    for (size_t i = 0; i < 3; i++) {
        int fd = connect_raw(rh_proxy_socket_directory(w.proxy), rh_proxy_port(w.proxy));
        assert_true(write(fd, rubbish[i], strlen(rubbish[i])) > 0);
        close(fd);
    }
    PGconn *abandoned = connect_through(true, "");
    run(abandoned, "BEGIN");
    run(abandoned, "LOCK TABLE t");
    PQsendQuery(abandoned, "SELECT pg_sleep(0.1); SELECT repeat('x', 100000) FROM generate_series(1, 2000)");
    close(PQsocket(abandoned)); /* as when the program is killed */
    PGconn *conn = connect_through(false, "");
    run(conn, "BEGIN");
    run(conn, "LOCK TABLE t"); /* its server process ends and lets go */
    run(conn, "COMMIT");
    PQfinish(conn);
    PGconn *open = connect_through(true, "");
    run(open, "SELECT 1");
    rh_proxy_stop(w.proxy); /* with a connection open */
    PGresult *result = PQexec(open, "SELECT 1");
    assert_int_equal(PQstatus(open), CONNECTION_BAD);
    PQclear(result);
    PQfinish(open);
    PQfinish(abandoned);
}

/* Also where a directory's name leaves a socket's just enough room, and where it does not. */
static void test_long_directories(void **state)
{
    (void)state;
    for (size_t length = 40; length <= 104; length += 4) {
        char directory[128], path[256];
        int made = snprintf(directory, sizeof directory, "%s/", cluster->directory);
        if ((size_t)made >= length)
            continue;
        memset(directory + made, 'd', length - (size_t)made);
        directory[length] = '\0';
        assert_int_equal(mkdir(directory, 0700), 0);
        rh_proxy_options options = {
            .server = w.side, .directory = directory, .events = {.session = {.user = &w}}};
        rh_error error = {0};
        rh_proxy *proxy = rh_proxy_start(&options, &error);
        if (!proxy)
            fail_msg("%zu: %s", length, error.message);
        snprintf(path, sizeof path, "%s/.s.PGSQL.%d", rh_proxy_socket_directory(proxy), rh_proxy_port(proxy));
        assert_int_equal(access(path, F_OK), 0);
        rh_proxy_free(proxy);
        assert_int_equal(rmdir(directory), 0);
    }
}

int main(void)
{
    cluster = test_cluster_start();
    if (!cluster)
        return 1;
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_psql, start, stop),
        cmocka_unit_test_setup_teardown(test_long_directories, start, stop),
        cmocka_unit_test_setup_teardown(test_extended, start, stop),
        cmocka_unit_test_setup_teardown(test_pipeline, start, stop),
        cmocka_unit_test_setup_teardown(test_copy, start, stop),
        cmocka_unit_test_setup_teardown(test_large_messages, start, stop),
        cmocka_unit_test_setup_teardown(test_cancel, start, stop),
        cmocka_unit_test_setup_teardown(test_notifications, start, stop),
        cmocka_unit_test_setup_teardown(test_password, start, stop),
        cmocka_unit_test_setup_teardown(test_byte_for_byte, start, stop),
        cmocka_unit_test_setup_teardown(test_bad_clients, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
