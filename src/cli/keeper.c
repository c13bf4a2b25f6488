#include "keeper.h"
#include "pgrehearse/base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long a server whose run was killed may take for its own immediate shutdown. */
static const rh_usec GRACE = 5 * RH_SECOND;

/* Signals SIGNAL_NUMBER to every child; returns how many there are. */
static size_t signal_children(int signal_number)
{
    char path[64];
    long child = 0;
    size_t count = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    while (file && fscanf(file, "%ld", &child) == 1) {
        kill((pid_t)child, signal_number);
        count++;
    }
    if (file)
        fclose(file);
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
            signal_children(SIGKILL);
        if (now > last) /* one that the kernel holds */
            return;
        rh_clock_sleep_until(now + RH_SECOND / 200);
    }
}

static _Noreturn void end_like(int status)
{
    if (!WIFSIGNALED(status))
        _exit(WEXITSTATUS(status));
    sigset_t all;
    struct rlimit none = {0};
    setrlimit(RLIMIT_CORE, &none);
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
    sigfillset(&all);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    _exit(128 + WTERMSIG(status));
}

static _Noreturn void keep(pid_t worker, const sigset_t *passed_on)
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
            end_like(status);
        }
    }
}

bool rh_keeper_start(void)
{
    static const int numbers[] = {SIGCHLD, SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGUSR1,
                                  SIGUSR2, SIGALRM, SIGPIPE, SIGXCPU, SIGABRT};
    sigset_t passed_on, before;
    sigemptyset(&passed_on);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaddset(&passed_on, numbers[i]);
    pid_t keeper = getpid();
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || sigprocmask(SIG_BLOCK, &passed_on, &before) != 0)
        return false;
    pid_t worker = fork();
    if (worker > 0)
        keep(worker, &passed_on);
    if (worker == 0 && (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != keeper))
        _exit(127);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (worker < 0)
        prctl(PR_SET_CHILD_SUBREAPER, 0);
    return worker == 0;
}
