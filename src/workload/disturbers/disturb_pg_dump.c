/* The real pg_dump as a disturber. Its locks on every table last as long as it runs, and production's runs
 * far longer than one of a small copy: so its output, a pipe, is taken only up to a part of what the tables
 * hold. Then it pauses, with its locks, until it is stopped. */
#include "disturb.h"
#include "embedded/workload.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A copy as small as this is not dumped at all before the dump has its snapshot: its output may be shorter.
 */
static const int64_t SMALL_BYTES = 1 << 20;
enum { PIPE_BYTES = 4096, READ_BYTES = 1 << 16 };
static const rh_usec READY = 30 * RH_SECOND;

/* The end that we read; it is there before pg_dump opens the other one. */
static bool make_fifo(rh_disturbing *d, rh_error *error)
{
    d->fifo = rh_arena_printf(d->arena, "%s/pg_dump-%d-%d", d->place->directory, (int)getpid(), d->number);
    if (mkfifo(d->fifo, 0600) != 0 || (d->place->uid && lchown(d->fifo, d->place->uid, d->place->gid) != 0))
        return rh_error_errno(error, errno, "cannot create %s", d->fifo);
    d->pipe = open(d->fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (d->pipe < 0)
        return rh_error_errno(error, errno, "cannot read %s", d->fifo);
    fcntl(d->pipe, F_SETPIPE_SZ, PIPE_BYTES);
    return true;
}

/* The password is passed in the environment, never on the command line. */
static bool start_program(rh_disturbing *d, const char *application, rh_error *error)
{
    rh_pg *probe = d->side;
    const char *keys[] = {"password", "application_name"}, *values[] = {NULL, application};
    char *conninfo = rh_pg_conninfo_with(d->place->conninfo, 2, keys, values, error);
    if (!conninfo)
        return false;
    const char *password = rh_arena_printf(d->arena, "PGPASSWORD=%s", rh_pg_password(probe));
    const char *argv[] = {d->place->pg_dump, rh_arena_printf(d->arena, "--dbname=%s", conninfo),
                          rh_arena_printf(d->arena, "--file=%s", d->fifo), "--no-sync", NULL};
    rh_process_options options = {
        .argv = argv,
        .environment = (const char *const[]){"LC_MESSAGES=C", *rh_pg_password(probe) ? password : NULL, NULL},
        .directory = "/",
        .no_exec = true,
        .no_network = d->place->own_cluster,
        .uid = d->place->uid,
        .gid = d->place->gid};
    d->process = rh_process_start(&options, error);
    free(conninfo);
    return d->process != NULL;
}

/* The last line of its standard error. */
static const char *last_words(rh_disturbing *d)
{
    const char *errors = rh_process_errors(d->process);
    size_t length = strlen(errors);
    while (length > 0 && errors[length - 1] == '\n')
        length--;
    size_t from = length;
    while (from > 0 && errors[from - 1] != '\n')
        from--;
    return length > from ? rh_arena_strndup(d->arena, errors + from, length - from) : "it printed nothing";
}

static bool find_session(rh_disturbing *d, const char *application, rh_error *error)
{
    rh_pg_result *found = rh_pg_query(d->side, rh_sql_disturb_dump_session, 1, &application, error);
    if (!found)
        return false;
    int64_t quarter = rh_pg_int(found, 0, 1, 0);
    rh_disturb_add_pid(d, (int)rh_pg_int(found, 0, 0, 0));
    d->wanted_bytes = quarter > SMALL_BYTES / 4 ? quarter : 0;
    d->fd = d->wanted_bytes > 0 ? d->pipe : -1;
    rh_pg_result_free(found);
    return true;
}

/* Its output begins when all tables are locked and the catalog has been read. */
static bool start(rh_disturbing *d, rh_error *error)
{
    const char *application =
        rh_arena_printf(d->arena, "pgrehearse: disturber %d-%d", (int)getpid(), d->number);
    int status = 0;
    d->name = "pg_dump";
    if (!d->place->pg_dump)
        return rh_error_set(error, RH_ERROR_STAGING, "%s", d->place->no_pg_dump);
    if (!make_fifo(d, error) || !start_program(d, application, error))
        return false;
    rh_usec until = rh_clock_monotonic() + READY;
    while (rh_clock_monotonic() < until) {
        struct pollfd polled = {.fd = d->pipe, .events = POLLIN};
        if (poll(&polled, 1, 20) > 0 && polled.revents & POLLIN)
            return find_session(d, application, error);
        if (rh_process_has_ended(d->process, &status))
            return rh_error_set(error, RH_ERROR_SQL, "pg_dump ended with status %d: %s", status,
                                last_words(d));
        rh_usec pause = rh_clock_monotonic() + RH_SECOND / 50;
        rh_clock_sleep_until(pause);
        if (rh_clock_monotonic() < pause)
            return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted");
    }
    find_session(d, application, error); /* so that it is stopped */
    return rh_error_set(error, RH_ERROR_SLOW, "pg_dump had not locked all tables after %d s",
                        (int)(READY / RH_SECOND));
}

static bool check(rh_disturbing *d)
{
    char buffer[READ_BYTES];
    int status = 0;
    while (d->wanted_bytes > 0) {
        ssize_t got = read(d->pipe, buffer, sizeof buffer);
        if (got <= 0)
            break;
        d->wanted_bytes -= got;
    }
    if (d->wanted_bytes <= 0)
        d->fd = -1; /* the connection is open */
    if (!rh_process_has_ended(d->process, &status))
        return false;
    const char *passed = rh_disturb_passed(d);
    d->detail =
        status == 0
            ? rh_arena_printf(d->arena, "pg_dump had finished after %s: there is little to dump", passed)
            : rh_arena_printf(d->arena, "pg_dump ended with status %d after %s: %s", status, passed,
                              last_words(d));
    return true;
}

static void stop(rh_disturbing *d)
{
    /* Writers to the pipe get SIGPIPE from here on. */
    if (d->pipe >= 0)
        close(d->pipe);
    d->pipe = d->fd = -1;
    rh_process_free(d->process);
    d->process = NULL;
    if (d->fifo)
        unlink(d->fifo);
}

const rh_disturber_methods rh_disturb_pg_dump_methods = {start, check, stop, NULL};
