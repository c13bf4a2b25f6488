/* Writes to a child's standard input, reads its output, and waits for its end. */
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/interrupt.h"
#include "process_group.h"
#include "process_child.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEPT_BYTES = 1 << 20, READ_BYTES = 1 << 16 };

/* How long a child that closed its input may take to say why, and one that got its death signal to end. */
static const rh_usec REASON_PATIENCE = 2 * RH_SECOND, DEATH_PATIENCE = 8 * RH_SECOND;

/* How long a signal may take to stop a process. */
static const rh_usec STOP_PATIENCE = RH_SECOND / 10;

typedef enum pump_result {
    PUMP_ENDED,
    PUMP_WRITABLE,
    PUMP_TIMEOUT,
    PUMP_INTERRUPTED,
    PUMP_FAILED
} pump_result;

static void keep_the_end(rh_text *text)
{
    if (text->length <= 2 * (size_t)KEPT_BYTES)
        return;
    memmove(text->data, text->data + text->length - KEPT_BYTES, KEPT_BYTES);
    text->length = KEPT_BYTES;
    text->data[text->length] = 0;
}

static void deliver_line(rh_process *process)
{
    if (process->line.length && process->line.data[process->line.length - 1] == '\r')
        process->line.data[--process->line.length] = 0;
    if (process->on_line)
        process->on_line(process->user, rh_text_string(&process->line));
    rh_text_clear(&process->line);
}

static void split_lines(rh_process *process, const char *bytes, size_t length)
{
    while (length > 0) {
        const char *newline = memchr(bytes, '\n', length);
        size_t part = newline ? (size_t)(newline - bytes) : length;
        rh_text_append_bytes(&process->line, bytes, part);
        if (!newline)
            break;
        deliver_line(process);
        bytes += part + 1;
        length -= part + 1;
    }
    keep_the_end(&process->line);
}

/* Reads what is there without blocking. */
static void drain(rh_process *process, rh_process_stream *stream)
{
    char buffer[READ_BYTES];
    while (stream->fd >= 0) {
        ssize_t got = read(stream->fd, buffer, sizeof buffer);
        if (got > 0) {
            rh_text_append_bytes(&stream->captured, buffer, (size_t)got);
            if (!process->keep_all)
                keep_the_end(&stream->captured);
            if (stream == &process->streams[1] && process->on_line)
                split_lines(process, buffer, (size_t)got);
        } else if (got < 0 && errno == EINTR) {
            continue;
        } else if (got < 0 && errno == EAGAIN) {
            return;
        } else {
            close(stream->fd);
            stream->fd = -1;
        }
    }
}

static void reap(rh_process *process, int raw)
{
    process->ended = true;
    process->status = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
    /* Its last output; a grandchild may keep the pipe open, so not until its end. */
    drain(process, &process->streams[0]);
    drain(process, &process->streams[1]);
    if (process->line.length)
        deliver_line(process);
}

/* ---- its group ---- */

/* What the leader, which has ended, left running: asked to end, and given the time to tidy up, since a server
 * that is killed leaves its shared memory behind. As long as the leader is not reaped, no other process can
 * have its number. */
static void end_group(rh_process *process)
{
    rh_usec deadline = rh_clock_monotonic() + process->grace;
    if (!process->terminated && rh_process_group_each(process->pid, NULL, NULL) > 0)
        kill(-process->pid, SIGTERM);
    while (rh_process_group_each(process->pid, NULL, NULL) > 0 && rh_clock_monotonic() < deadline)
        rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND / 200);
    kill(-process->pid, SIGKILL);
}

static void count_running(void *running, pid_t member, char state)
{
    (void)member;
    *(size_t *)running += state != 'T' && state != 't';
}

static void show_member(void *user, pid_t member, char state)
{
    const rh_process *process = user;
    (void)state;
    process->on_ending(process->ending_user, member);
}

/* SIGTERM to the group, whose members the caller has seen before: none of them goes on in between. */
static void ask_group(rh_process *process)
{
    if (process->on_ending) {
        size_t running = 1;
        kill(-process->pid, SIGSTOP);
        for (rh_usec deadline = rh_clock_monotonic() + STOP_PATIENCE;
             running > 0 && rh_clock_monotonic() < deadline;) {
            running = 0;
            rh_process_group_each(process->pid, count_running, &running);
        }
        rh_process_group_each(process->pid, show_member, process);
    }
    kill(-process->pid, SIGTERM);
    kill(-process->pid, SIGCONT);
    process->terminated = true;
}

bool rh_process_has_ended(rh_process *process, int *status)
{
    siginfo_t info = {.si_pid = 0};
    int raw = 0;
    if (!process->ended && process->pid > 0 &&
        waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid == process->pid) {
        end_group(process);
        waitpid(process->pid, &raw, 0);
        reap(process, raw);
    }
    if (process->ended && status)
        *status = process->status;
    return process->ended;
}

static int poll_timeout_ms(rh_usec deadline)
{
    if (deadline == 0)
        return -1;
    rh_usec left = deadline - rh_clock_monotonic();
    if (left <= 0)
        return 0;
    return left / 1000 >= INT_MAX ? INT_MAX : (int)(left / 1000) + 1;
}

/* Reads what the child says until it has ended, can be written to (WRITING), the monotonic DEADLINE (0: none)
 * is over or an interrupt is requested. */
static pump_result pump(rh_process *process, bool writing, rh_usec deadline)
{
    while (!rh_process_has_ended(process, NULL)) {
        struct pollfd polled[] = {
            {.fd = process->pidfd, .events = POLLIN},
            {.fd = process->streams[0].fd, .events = POLLIN},
            {.fd = process->streams[1].fd, .events = POLLIN},
            {.fd = rh_interrupt_fd(), .events = POLLIN},
            {.fd = writing ? process->input : -1, .events = POLLOUT},
        };
        if (rh_interrupt_requested())
            return PUMP_INTERRUPTED;
        int ready = poll(polled, sizeof polled / sizeof *polled, poll_timeout_ms(deadline));
        if (ready < 0 && errno != EINTR)
            return PUMP_FAILED;
        if (ready == 0)
            return PUMP_TIMEOUT;
        drain(process, &process->streams[0]);
        drain(process, &process->streams[1]);
        if (ready > 0 && polled[4].revents)
            return PUMP_WRITABLE;
    }
    return PUMP_ENDED;
}

/* SIGTERM to the group, SIGKILL after the grace time; reaps. */
static void terminate(rh_process *process)
{
    rh_interrupt_hold();
    ask_group(process);
    if (pump(process, false, rh_clock_monotonic() + process->grace) != PUMP_ENDED) {
        kill(-process->pid, SIGKILL);
        pump(process, false, 0);
    }
    rh_interrupt_release();
}

/* The last line that is not empty, of its standard error or of its output file; heap. */
static char *last_line(const rh_process *process)
{
    char tail[4096];
    size_t length = 0;
    if (process->output_path) {
        int fd = open(process->output_path, O_RDONLY | O_CLOEXEC);
        off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
        off_t from = size > (off_t)sizeof tail ? size - (off_t)sizeof tail : 0;
        ssize_t got = fd < 0 ? 0 : pread(fd, tail, sizeof tail, from);
        length = got > 0 ? (size_t)got : 0;
        if (fd >= 0)
            close(fd);
    } else {
        const rh_text *errors = &process->streams[1].captured;
        length = errors->length < sizeof tail ? errors->length : sizeof tail;
        if (length)
            memcpy(tail, errors->data + errors->length - length, length);
    }
    while (length > 0 && strchr("\r\n \t", tail[length - 1]))
        length--;
    size_t start = length;
    while (start > 0 && tail[start - 1] != '\n')
        start--;
    rh_text line = {0};
    rh_text_append_bytes(&line, tail + start, length - start);
    return line.data;
}

static bool fail_ended(const rh_process *process, const char *what, rh_error *error)
{
    char *line = last_line(process);
    bool full = strstr(line, "No space left on device") != NULL;
    rh_error_code code = full ? RH_ERROR_NO_SPACE : RH_ERROR_IO;
    if (line[0])
        rh_error_set(error, code, "%s %s: %s", process->name, what, line);
    else if (process->ended && process->status > 128)
        rh_error_set(error, code, "%s %s: ended by signal %d", process->name, what, process->status - 128);
    else
        rh_error_set(error, code, "%s %s: ended with status %d without a message", process->name, what,
                     process->status);
    free(line);
    return false;
}

bool rh_process_write(rh_process *process, const void *bytes, size_t length, rh_error *error)
{
    const char *next = bytes;
    while (length > 0) {
        if (rh_interrupt_requested()) {
            terminate(process);
            return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted while %s ran", process->name);
        }
        ssize_t written = process->input >= 0 ? write(process->input, next, length) : -1;
        if (written >= 0) {
            next += written;
            length -= (size_t)written;
        } else if (process->input >= 0 && errno == EAGAIN) {
            /* An interrupt is met at the top; an end shows as EPIPE there. */
            if (pump(process, true, 0) == PUMP_FAILED)
                return rh_error_errno(error, errno, "cannot wait for %s", process->name);
        } else if (process->input < 0 || errno != EINTR) {
            /* It closed its input: let it say why. */
            pump(process, false, rh_clock_monotonic() + REASON_PATIENCE);
            return fail_ended(process, "stopped reading", error);
        }
    }
    return true;
}

void rh_process_close_input(rh_process *process)
{
    if (process->input >= 0)
        close(process->input);
    process->input = -1;
}

void rh_process_on_line(rh_process *process, void (*line)(void *user, const char *line), void *user)
{
    process->on_line = line;
    process->user = user;
}

void rh_process_on_ending(rh_process *process, void (*member)(void *user, pid_t member), void *user)
{
    process->on_ending = member;
    process->ending_user = user;
}

bool rh_process_wait(rh_process *process, rh_usec timeout_us, int *status, rh_error *error)
{
    rh_process_close_input(process);
    pump_result result = pump(process, false, timeout_us > 0 ? rh_clock_monotonic() + timeout_us : 0);
    int poll_errno = errno;
    if (result != PUMP_ENDED)
        terminate(process);
    if (status)
        *status = process->status;
    switch (result) {
    case PUMP_INTERRUPTED:
        return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted while %s ran", process->name);
    case PUMP_TIMEOUT:
        return rh_error_set(error, RH_ERROR_SLOW, "%s had not ended after %.1f s and was stopped",
                            process->name, rh_seconds(timeout_us));
    case PUMP_FAILED:
        return rh_error_errno(error, poll_errno, "cannot wait for %s", process->name);
    default:
        return true;
    }
}

pid_t rh_process_pid(const rh_process *process)
{
    return process->pid;
}

bool rh_process_signal(rh_process *process, int signal_number)
{
    return !rh_process_has_ended(process, NULL) && kill(process->pid, signal_number) == 0;
}

const char *rh_process_output(const rh_process *process)
{
    return rh_text_string(&process->streams[0].captured);
}

const char *rh_process_errors(const rh_process *process)
{
    return rh_text_string(&process->streams[1].captured);
}

void rh_process_free(rh_process *process)
{
    if (!process)
        return;
    rh_process_close_input(process);
    rh_interrupt_hold();
    if (process->pid > 0 && !rh_process_has_ended(process, NULL) && process->death_signal != SIGKILL) {
        /* It knows a quick end of its own (PostgreSQL: SIGQUIT, which also ends its backends). */
        kill(process->pid, process->death_signal);
        pump(process, false, rh_clock_monotonic() + DEATH_PATIENCE);
    }
    if (process->pid > 0 && !process->ended) {
        kill(-process->pid, SIGKILL);
        while (!process->ended && waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    rh_interrupt_release();
    rh_connector_free(process->connector);
    for (int i = 0; i < 2; i++) {
        if (process->streams[i].fd >= 0)
            close(process->streams[i].fd);
        rh_text_release(&process->streams[i].captured);
    }
    if (process->pidfd >= 0)
        close(process->pidfd);
    rh_text_release(&process->line);
    free(process->name);
    free(process->output_path);
    free(process);
}

bool rh_process_run(const rh_process_options *options, rh_usec timeout_us, rh_text *output, rh_error *error)
{
    int status = 0;
    rh_process *process = rh_process_start(options, error);
    if (!process)
        return false;
    process->keep_all = output != NULL;
    bool ok = rh_process_wait(process, timeout_us, &status, error);
    if (ok && status != 0)
        ok = fail_ended(process, "failed", error);
    if (output && process->streams[0].captured.length)
        rh_text_append_bytes(output, process->streams[0].captured.data, process->streams[0].captured.length);
    rh_process_free(process);
    return ok;
}
