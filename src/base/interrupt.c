#include "pgrehearse/base/interrupt.h"
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static atomic_int interrupt_fd = -1;
static atomic_bool requested;
static _Thread_local int held;

static void on_signal(int signal_number)
{
    (void)signal_number;
    int saved = errno;
    uint64_t one = 1;
    atomic_store(&requested, true);
    ssize_t written = write(atomic_load(&interrupt_fd), &one, sizeof one);
    (void)written;
    errno = saved;
}

void rh_interrupt_install(void)
{
    if (atomic_load(&interrupt_fd) >= 0)
        return;
    atomic_store(&interrupt_fd, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
}

bool rh_interrupt_requested(void)
{
    return held == 0 && atomic_load(&requested);
}

int rh_interrupt_fd(void)
{
    return held ? -1 : atomic_load(&interrupt_fd);
}

void rh_interrupt_hold(void)
{
    held++;
}

void rh_interrupt_release(void)
{
    held--;
}

void rh_interrupt_reset(void)
{
    uint64_t drained;
    atomic_store(&requested, false);
    ssize_t got = read(atomic_load(&interrupt_fd), &drained, sizeof drained);
    (void)got;
}
