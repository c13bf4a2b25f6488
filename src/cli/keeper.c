#include "keeper.h"
#include "pgrehearse/base/clock.h"
#include "pgrehearse/rehearsal/rehearsal.h"
#include "pgrehearse/staging/staging.h"
#include <errno.h>
#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long a server whose run was killed may take for its own immediate shutdown. */
static const rh_usec GRACE = 5 * RH_SECOND;

/* Sends the signal to every child of any of our threads; those that run PostgreSQL's server get
 * SERVER_SIGNAL. Returns how many got the first. */
static size_t signal_children(int signal_number, int server_signal)
{
    size_t count = 0;
    glob_t lists = {0};
    if (glob("/proc/self/task/*/children", 0, NULL, &lists) != 0)
        return 0;
    for (size_t i = 0; i < lists.gl_pathc; i++) {
        long child = 0;
        FILE *file = fopen(lists.gl_pathv[i], "re");
        while (file && fscanf(file, "%ld", &child) == 1) {
            char path[64], name[32] = "";
            snprintf(path, sizeof path, "/proc/%ld/comm", child);
            FILE *comm = fopen(path, "re");
            bool server = comm && fgets(name, sizeof name, comm) && strcmp(name, "postgres\n") == 0;
            if (comm)
                fclose(comm);
            kill((pid_t)child, server ? server_signal : signal_number);
            count += !server;
        }
        if (file)
            fclose(file);
    }
    globfree(&lists);
    return count;
}

/* Until no child is left: the children of one that ends become ours. */
static void end_children(bool at_once)
{
    rh_usec until = rh_clock_monotonic() + (at_once ? 0 : GRACE), last = until + GRACE;
    for (;;) {
        pid_t ended = waitpid(-1, NULL, WNOHANG);
        if (ended < 0 && errno == ECHILD)
            return;
        if (ended > 0)
            continue;
        rh_usec now = rh_clock_monotonic();
        if (now > until)
            signal_children(SIGKILL, SIGKILL);
        if (now > last) /* one that the kernel holds */
            return;
        rh_clock_sleep_until(now + RH_SECOND / 200);
    }
}

static _Noreturn void end_like(int status)
{
    if (!WIFSIGNALED(status))
        _exit(WEXITSTATUS(status));
    if (WTERMSIG(status) == SIGABRT) /* out of memory, which it has reported */
        _exit(RH_EXIT_FAILED);
    sigset_t all;
    struct rlimit none = {0};
    setrlimit(RLIMIT_CORE, &none);
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
    sigfillset(&all);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    _exit(128 + WTERMSIG(status));
}

static _Noreturn void keep(pid_t worker, const char *clusters, const sigset_t *passed_on)
{
    int status = 0;
    for (;;) {
        int signal_number = sigwaitinfo(passed_on, NULL);
        if (signal_number > 0 && signal_number != SIGCHLD)
            kill(worker, signal_number);
        for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;) {
            if (ended != worker)
                continue;
            end_children(WIFEXITED(status));
            if (WIFSIGNALED(status) && clusters)
                rh_staging_clear_leftovers(clusters, NULL);
            end_like(status);
        }
    }
}

/* The keeper was killed: the run ends at once, with all that it started. What it leaves in files, the next
 * run removes. The server gets its immediate shutdown. */
static void *watch_keeper(void *orphaned)
{
    int signal_number = 0;
    while (sigwait(orphaned, &signal_number) != 0)
        continue;
    for (rh_usec until = rh_clock_monotonic() + RH_SECOND / 4;
         signal_children(SIGKILL, SIGQUIT) > 0 && rh_clock_monotonic() < until;) {
        while (waitpid(-1, NULL, WNOHANG) > 0)
            continue;
        rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND / 200);
    }
    _exit(128 + SIGKILL);
}

/* In the worker, before any other thread: the signal of the keeper's death is for one thread alone. */
static bool watch(pid_t keeper, const sigset_t *mask)
{
    static sigset_t orphaned;
    pthread_t thread;
    sigemptyset(&orphaned);
    sigaddset(&orphaned, SIGUSR2);
    sigprocmask(SIG_SETMASK, mask, NULL);
    return sigprocmask(SIG_BLOCK, &orphaned, NULL) == 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 &&
           pthread_create(&thread, NULL, watch_keeper, &orphaned) == 0 && pthread_detach(thread) == 0 &&
           prctl(PR_SET_PDEATHSIG, SIGUSR2) == 0 && getppid() == keeper;
}

bool rh_keeper_start(const char *clusters)
{
    static const int numbers[] = {SIGCHLD, SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,
                                  SIGUSR1, SIGALRM, SIGPIPE, SIGXCPU, SIGABRT};
    sigset_t passed_on, before;
    sigemptyset(&passed_on);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaddset(&passed_on, numbers[i]);
    pid_t keeper = getpid();
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || sigprocmask(SIG_BLOCK, &passed_on, &before) != 0)
        return false;
    pid_t worker = fork();
    if (worker > 0)
        keep(worker, clusters, &passed_on);
    if (worker == 0) {
        if (!watch(keeper, &before))
            _exit(127);
        return true;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    return false;
}
