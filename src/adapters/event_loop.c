#include "pgrehearse/adapters/event_loop.h"
#include "pgrehearse/base/arena.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

struct rh_loop {
    uv_loop_t uv;
    uv_async_t wake;
    bool has_wake;
    void (*on_wake)(void *user);
    void *wake_user;
    int timer; /* timerfd */
    rh_watch *timer_watch;
    void (*on_deadline)(void *user);
    void *deadline_user;
};

struct rh_watch {
    uv_poll_t poll;
    int fd; /* a duplicate: libpq closes its socket by itself, and the number may be another thread's file by
               the time it is taken out of epoll */
    void (*callback)(void *user, int events);
    void *user;
};

static void free_closed_watch(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    rh_watch *watch = poll->data;
    /* an error of the descriptor shows when it is read */
    int seen = status < 0
                   ? RH_READABLE
                   : (events & UV_READABLE ? RH_READABLE : 0) | (events & UV_WRITABLE ? RH_WRITABLE : 0);
    watch->callback(watch->user, seen);
}

rh_watch *rh_loop_watch(rh_loop *loop, int fd, void (*callback)(void *user, int events), void *user,
                        rh_error *error)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0) {
        rh_error_set(error, RH_ERROR_INTERNAL, "cannot watch a descriptor: %s", strerror(errno));
        return NULL;
    }
    rh_watch *watch = rh_alloc(sizeof *watch);
    watch->callback = callback;
    watch->user = user;
    watch->fd = own;
    int status = uv_poll_init(&loop->uv, &watch->poll, own);
    if (status < 0) {
        close(own);
        free(watch);
        rh_error_set(error, RH_ERROR_INTERNAL, "cannot watch a descriptor: %s", uv_strerror(status));
        return NULL;
    }
    watch->poll.data = watch;
    return watch;
}

void rh_watch_events(rh_watch *watch, int events)
{
    int wanted = (events & RH_READABLE ? UV_READABLE : 0) | (events & RH_WRITABLE ? UV_WRITABLE : 0);
    if (wanted)
        uv_poll_start(&watch->poll, wanted, on_poll);
    else
        uv_poll_stop(&watch->poll);
}

void rh_watch_remove(rh_watch *watch)
{
    if (!watch)
        return;
    uv_poll_stop(&watch->poll);
    uv_close((uv_handle_t *)&watch->poll, free_closed_watch);
    close(watch->fd); /* uv_close has taken it out of epoll already */
}

static void on_timer(void *user, int events)
{
    (void)events;
    rh_loop *loop = user;
    uint64_t expirations;
    if (read(loop->timer, &expirations, sizeof expirations) == (ssize_t)sizeof expirations &&
        loop->on_deadline)
        loop->on_deadline(loop->deadline_user);
}

rh_loop *rh_loop_new(rh_error *error)
{
    rh_loop *loop = rh_alloc(sizeof *loop);
    int status = uv_loop_init(&loop->uv);
    if (status < 0) {
        free(loop);
        rh_error_set(error, RH_ERROR_INTERNAL, "cannot make an event loop: %s", uv_strerror(status));
        return NULL;
    }
    loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (loop->timer < 0)
        rh_error_errno(error, errno, "cannot make a timer");
    else
        loop->timer_watch = rh_loop_watch(loop, loop->timer, on_timer, loop, error);
    if (!loop->timer_watch) {
        rh_loop_free(loop);
        return NULL;
    }
    rh_watch_events(loop->timer_watch, RH_READABLE);
    return loop;
}

void rh_loop_free(rh_loop *loop)
{
    if (!loop)
        return;
    rh_watch_remove(loop->timer_watch);
    if (loop->has_wake)
        uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT); /* runs the close callbacks */
    uv_loop_close(&loop->uv);
    if (loop->timer >= 0)
        close(loop->timer);
    free(loop);
}

void rh_loop_run(rh_loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void rh_loop_stop(rh_loop *loop)
{
    uv_stop(&loop->uv);
}

void rh_loop_deadline(rh_loop *loop, rh_usec deadline, void (*callback)(void *user), void *user)
{
    loop->on_deadline = callback;
    loop->deadline_user = user;
    struct itimerspec when = {0};
    if (deadline > 0)
        when.it_value =
            (struct timespec){.tv_sec = deadline / RH_SECOND, .tv_nsec = deadline % RH_SECOND * 1000};
    timerfd_settime(loop->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void on_async(uv_async_t *async)
{
    rh_loop *loop = async->data;
    loop->on_wake(loop->wake_user);
}

bool rh_loop_on_wake(rh_loop *loop, void (*callback)(void *user), void *user, rh_error *error)
{
    loop->on_wake = callback;
    loop->wake_user = user;
    if (loop->has_wake)
        return true;
    int status = uv_async_init(&loop->uv, &loop->wake, on_async);
    if (status < 0)
        return rh_error_set(error, RH_ERROR_INTERNAL, "cannot make a wake-up: %s", uv_strerror(status));
    loop->wake.data = loop;
    loop->has_wake = true;
    return true;
}

void rh_loop_wake(rh_loop *loop)
{
    uv_async_send(&loop->wake);
}
