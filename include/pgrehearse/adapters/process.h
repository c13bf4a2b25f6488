/* Child processes that are confined and never outlive this program.
 *
 * A child is put into a process group of its own, gets SIGKILL (or DEATH_SIGNAL) from the kernel when this
 * program dies however it dies (PR_SET_PDEATHSIG), inherits no descriptor but the three standard ones, and
 * can be kept from executing anything else and from opening internet sockets (seccomp), which is what makes
 * an untrusted backup's COPY … PROGRAM, \! and foreign servers harmless. Start from the main thread: the
 * death signal follows the thread that started the child.
 */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/clock.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/text.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct rh_process rh_process;

/* The confinement of one child (glossary): for example, of a server that executes untrusted SQL and native
 * code. It lists what the child may reach. The kernel enforces it for the child and for all of its children,
 * as far as this machine allows (rh_confinement_layers_here): no connection to anything, no file outside of
 * these, no other process. */
typedef struct rh_confinement_limits {
    const char *const
        *writable; /* directories in which it may read and write, NULL-ended; /dev/shm besides */
    const char *const
        *readable;      /* directories and files that it may read, NULL-ended; missing ones are ignored */
    bool udp;           /* it needs a UDP socket on its own loopback device (PostgreSQL before 15) */
    const char *server; /* the path of the one Unix socket that it may connect to, by our hand; NULL: none */
} rh_confinement_limits;

/* The layers of confinement besides seccomp, which is always available. */
typedef struct rh_confinement_layers {
    int landlock_abi; /* 0: the kernel has no Landlock */
    bool network;     /* a network namespace without a device but loopback */
    bool ipc;         /* an IPC namespace: System V shared memory ends with the server */
    bool mounts;      /* a mount namespace with a private /dev/shm */
    bool user;        /* the three are inside of a user namespace: this program is not root */
} rh_confinement_layers;

/* Tried once, in a child; then remembered. */
const rh_confinement_layers *rh_confinement_layers_here(void);

typedef struct rh_process_options {
    const char *const *argv; /* NULL-ended; argv[0] is a path or is looked up in PATH */
    const char *const
        *environment; /* extra "NAME=value" entries, NULL-ended, or NULL; "NAME" alone: is not passed on */
    bool clean_environment;  /* of our own variables only PATH, LANG, LOCPATH, TZ, LD_LIBRARY_PATH are passed
                                on */
    const char *directory;   /* working directory, or NULL */
    const char *output_path; /* standard output and error are appended to this file; NULL: captured */
    bool write_input;        /* standard input is a pipe (rh_process_write); else /dev/null */
    bool no_exec;            /* after its own start, execve fails with EPERM */
    bool no_network;         /* socket(AF_INET*, …) fails with EACCES; Unix sockets work */
    const rh_confinement_limits *limits; /* NULL: none; implies no_network */
    void (*probe)(void *user); /* called in the child, confined, instead of executing argv[0]; may only make
                                  async-signal-safe calls */
    void *probe_user;
    int death_signal; /* 0: SIGKILL */
    rh_usec grace;    /* how long its group may take to end after SIGTERM before SIGKILL; 0: 10 s */
    uid_t uid;        /* with gid: run as; 0 means "as we are" */
    gid_t gid;
} rh_process_options;

/* For a program that takes milliseconds on an idle machine: no load makes it take this long. */
#define RH_PROCESS_PATIENCE (120 * RH_SECOND)

/* COMMAND, NULL-ended, with $NAME of VARIABLES ({name, value} each, COUNT of them) filled in in its
 * arguments; and the same as "NAME=value" entries. Both NULL-ended, in ARENA. */
const char **rh_process_arguments(const char *const *command, const char *const (*variables)[2], size_t count,
                                  rh_arena *arena);
const char **rh_process_environment(const char *const (*variables)[2], size_t count, rh_arena *arena);
/* Whether PROGRAM, an argv[0], is an executable file; a path is one from DIRECTORY (NULL: ours). */
bool rh_process_can_start(const char *program, const char *directory);
rh_process *rh_process_start(const rh_process_options *options, rh_error *error);
pid_t rh_process_pid(const rh_process *process);
/* Writes LENGTH bytes to the child's standard input, and reads its output meanwhile, so that neither side
 * blocks. Fails (RH_ERROR_IO) when the child has ended. */
bool rh_process_write(rh_process *process, const void *bytes, size_t length, rh_error *error);
void rh_process_close_input(rh_process *process);
/* Called with each complete line of captured standard error while waiting or writing. */
void rh_process_on_line(rh_process *process, void (*line)(void *user, const char *line), void *user);
/* Called for every process of its group, all of them stopped, just before a timeout or an interrupt ends
 * them: to note what they may leave behind. */
void rh_process_on_ending(rh_process *process, void (*member)(void *user, pid_t member), void *user);
/* Waits until the child ends. After TIMEOUT_US (0: no limit) or at an interrupt, ends its process group by
 * SIGTERM, after 2 s by SIGKILL, and fails with RH_ERROR_SLOW or RH_ERROR_INTERRUPTED. *STATUS is the exit
 * status, or 128 + the signal's number. */
bool rh_process_wait(rh_process *process, rh_usec timeout_us, int *status, rh_error *error);
/* Whether the child has ended. Does not wait for the child. Once it has ended, ends the processes left in its
 * group (SIGTERM, after 2 s SIGKILL) and waits for these. */
bool rh_process_has_ended(rh_process *process, int *status);
bool rh_process_signal(rh_process *process, int signal_number);
/* What was captured so far (the last 1 MiB of each). */
const char *rh_process_output(const rh_process *process);
const char *rh_process_errors(const rh_process *process);
/* Kills the group if it still runs, reaps, frees. Takes NULL. */
void rh_process_free(rh_process *process);

/* Limits the memory of this program, not of those that it starts, to MOST bytes (RLIMIT_DATA), unless less is
 * permitted anyway: libpq holds a whole row or message of the server. */
void rh_process_limit_memory(int64_t most);

/* Start, wait, and fail with the last line of its standard error unless it ends with 0. OUTPUT (may be NULL)
 * gets its standard output. */
bool rh_process_run(const rh_process_options *options, rh_usec timeout_us, rh_text *output, rh_error *error);

/* ---- what the kernel counts of a process of this machine (proc(5)) ---- */

/* The text of /proc/PID/NAME, at most SIZE - 1 bytes of it; false when it cannot be read. */
bool rh_proc_read(int pid, const char *name, char *buffer, size_t size);
/* Nanoseconds of CPU, and of waiting for one, from the text of /proc/PID/schedstat; false if it is not of
 * that form. */
bool rh_proc_parse_schedstat(const char *text, int64_t *spent, int64_t *waited);
/* User and system clock ticks from the text of /proc/PID/stat, whose process name may hold blanks and
 * parentheses. */
bool rh_proc_parse_stat(const char *text, int64_t *user_ticks, int64_t *system_ticks);
/* The value of "KEY: value" in the text of /proc/PID/io; -1 when it is not there. */
int64_t rh_proc_parse_io(const char *text, const char *key);
/* Device bytes that process PID of this machine has read and written; -1 when it cannot be read. */
void rh_proc_device_bytes(int pid, int64_t *read, int64_t *written);
/* CPU seconds that process PID of this machine has used; NAN when it cannot be read. */
double rh_proc_cpu(int pid);
/* Seconds for which it could run and had no CPU, because other processes had it; likewise. */
double rh_proc_cpu_wait(int pid);
