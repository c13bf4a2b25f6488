/* epoll itself rather than libuv: two system calls a statement instead of six. libuv takes a descriptor out
 * of epoll and puts it back whenever its events are set, and knows timers of whole milliseconds only. */
#include "pgrehearse/adapters/event_loop.h"
#include "pgrehearse/base/arena.h"
#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { BATCH = 64 };
static const rh_usec NEAR = 10;

struct rh_loop {
    int epoll, timer, wake; /* timer: a timerfd; wake: an eventfd */
    bool stopped;
    rh_usec deadline, armed; /* 0: none; armed: what the timer is set to, it may be stale */
    void (*on_deadline)(void *user);
    void *deadline_user;
    void (*on_wake)(void *user);
    void *wake_user;
    rh_watch *wake_watch;
    rh_watch *removed; /* freed once no event of the batch can mean them any more */
};

struct rh_watch {
    rh_loop *loop;
    rh_watch *next; /* of the removed ones */
    int fd; /* a duplicate: libpq closes its socket by itself, and the number may be another thread's file by
               the time it is taken out of epoll */
    int events;                               /* 0: not in epoll */
    void (*callback)(void *user, int events); /* NULL: removed */
    void *user;
};

rh_watch *rh_loop_watch(rh_loop *loop, int fd, void (*callback)(void *user, int events), void *user,
                        rh_error *error)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0) {
        rh_error_set(error, RH_ERROR_INTERNAL, "cannot watch a descriptor: %s", strerror(errno));
        return NULL;
    }
    rh_watch *watch = rh_alloc(sizeof *watch);
    *watch = (rh_watch){.loop = loop, .fd = own, .callback = callback, .user = user};
    return watch;
}

void rh_watch_events(rh_watch *watch, int events)
{
    if (events == watch->events)
        return;
    struct epoll_event wanted = {.data.ptr = watch};
    wanted.events =
        (events & RH_READABLE ? (uint32_t)EPOLLIN : 0) | (events & RH_WRITABLE ? (uint32_t)EPOLLOUT : 0);
    int operation = events == 0 ? EPOLL_CTL_DEL : watch->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(watch->loop->epoll, operation, watch->fd, &wanted) == 0)
        watch->events = events;
}

void rh_watch_remove(rh_watch *watch)
{
    if (!watch)
        return;
    rh_watch_events(watch, 0);
    close(watch->fd);
    watch->callback = NULL;
    watch->next = watch->loop->removed;
    watch->loop->removed = watch;
}

static void free_removed(rh_loop *loop)
{
    while (loop->removed) {
        rh_watch *watch = loop->removed;
        loop->removed = watch->next;
        free(watch);
    }
}

rh_loop *rh_loop_new(rh_error *error)
{
    rh_loop *loop = rh_alloc(sizeof *loop);
    loop->wake = -1;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event expired = {.events = EPOLLIN | EPOLLET};
    if (loop->epoll >= 0 && loop->timer >= 0 &&
        epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->timer, &expired) == 0)
        return loop;
    rh_error_errno(error, errno, "cannot make an event loop");
    rh_loop_free(loop);
    return NULL;
}

void rh_loop_free(rh_loop *loop)
{
    if (!loop)
        return;
    rh_watch_remove(loop->wake_watch);
    free_removed(loop);
    if (loop->wake >= 0)
        close(loop->wake);
    if (loop->timer >= 0)
        close(loop->timer);
    if (loop->epoll >= 0)
        close(loop->epoll);
    free(loop);
}

static void check_deadline(rh_loop *loop)
{
    if (loop->deadline == 0 || rh_clock_monotonic() < loop->deadline)
        return;
    loop->deadline = 0;
    if (loop->on_deadline)
        loop->on_deadline(loop->deadline_user);
}

/* The timer is not set again while its time is unchanged: programming one is dear, most of all in a virtual
 * machine. False: the deadline is so near that falling asleep would take longer. */
static bool arm(rh_loop *loop)
{
    if (loop->deadline != 0 && loop->deadline - rh_clock_monotonic() <= NEAR)
        return false;
    if (loop->armed == loop->deadline)
        return true;
    struct itimerspec when = {
        .it_value = {.tv_sec = loop->deadline / RH_SECOND, .tv_nsec = loop->deadline % RH_SECOND * 1000}};
    timerfd_settime(loop->timer, TFD_TIMER_ABSTIME, &when, NULL);
    loop->armed = loop->deadline;
    return true;
}

/* How long to sleep at most, in ms: some time behind the deadline, should the timer not fire, as under a
 * library that replaces the clocks of a program. The timer is the earlier one, so this one costs no
 * interrupt. */
static int sleep_ms(rh_loop *loop)
{
    enum { BEHIND_MS = 10 };
    if (!arm(loop))
        return 0;
    if (loop->deadline == 0)
        return -1;
    const rh_usec left_ms = (loop->deadline - rh_clock_monotonic()) / (RH_SECOND / 1000);
    return left_ms < INT_MAX - BEHIND_MS ? (int)left_ms + BEHIND_MS : -1;
}

/* An error of the descriptor shows when it is read. */
static int seen(uint32_t events)
{
    return (events & (EPOLLIN | EPOLLERR | EPOLLHUP) ? RH_READABLE : 0) |
           (events & EPOLLOUT ? RH_WRITABLE : 0);
}

/* The deadline comes first, also between two events: what is due is not to wait for a whole batch. */
void rh_loop_run(rh_loop *loop)
{
    struct epoll_event events[BATCH];
    while (!loop->stopped) {
        int count = epoll_wait(loop->epoll, events, BATCH, sleep_ms(loop));
        check_deadline(loop);
        for (int i = 0; i < count && !loop->stopped; i++) {
            rh_watch *watch = events[i].data.ptr;
            if (watch && watch->callback) /* NULL: the timer, which is edge-triggered and never read */
                watch->callback(watch->user, seen(events[i].events));
            check_deadline(loop);
        }
        free_removed(loop);
    }
    loop->stopped = false;
}

void rh_loop_stop(rh_loop *loop)
{
    loop->stopped = true;
}

void rh_loop_deadline(rh_loop *loop, rh_usec deadline, void (*callback)(void *user), void *user)
{
    loop->on_deadline = callback;
    loop->deadline_user = user;
    loop->deadline = deadline > 0 ? deadline : 0;
}

static void on_eventfd(void *user, int events)
{
    (void)events;
    rh_loop *loop = user;
    uint64_t count;
    if (read(loop->wake, &count, sizeof count) == (ssize_t)sizeof count)
        loop->on_wake(loop->wake_user);
}

bool rh_loop_on_wake(rh_loop *loop, void (*callback)(void *user), void *user, rh_error *error)
{
    loop->on_wake = callback;
    loop->wake_user = user;
    if (loop->wake_watch)
        return true;
    loop->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->wake < 0)
        return rh_error_errno(error, errno, "cannot make a wake-up");
    loop->wake_watch = rh_loop_watch(loop, loop->wake, on_eventfd, loop, error);
    if (loop->wake_watch)
        rh_watch_events(loop->wake_watch, RH_READABLE);
    return loop->wake_watch != NULL;
}

void rh_loop_wake(rh_loop *loop)
{
    const uint64_t one = 1;
    while (write(loop->wake, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

void rh_loop_prompt_thread(void)
{
    struct sched_attr attributes = {.size = sizeof attributes,
                                    .sched_policy = SCHED_NORMAL,
                                    .sched_nice = getpriority(PRIO_PROCESS, 0),
                                    .sched_runtime = 100000 /* ns */};
    syscall(SYS_sched_setattr, 0, &attributes, 0);
    setpriority(PRIO_PROCESS, 0, -10); /* 0: of this thread */
}
