/* The loop: deadlines to the microsecond's order, wake-ups from another thread, descriptors. */
#include "pgrehearse/adapters/event_loop.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

typedef struct probe {
    rh_loop *loop;
    rh_usec deadline, fired;
    int calls, left, fd;
    rh_watch *watch;
    int events;
} probe;

static void on_deadline(void *user)
{
    probe *p = user;
    p->fired = rh_clock_monotonic();
    p->calls++;
    assert_true(p->fired >= p->deadline); /* never early */
    if (--p->left <= 0) {
        rh_loop_stop(p->loop);
        return;
    }
    p->deadline += 300; /* finer than a millisecond */
    rh_loop_deadline(p->loop, p->deadline, on_deadline, p);
}

static void test_deadlines(void **state)
{
    (void)state;
    probe p = {.loop = rh_loop_new(NULL), .left = 50, .deadline = rh_clock_monotonic() + 2000};
    rh_loop_deadline(p.loop, 1, on_deadline, &p); /* replaced before it runs */
    rh_loop_deadline(p.loop, 0, NULL, NULL);
    rh_loop_deadline(p.loop, p.deadline, on_deadline, &p);
    rh_loop_run(p.loop);
    assert_int_equal(p.calls, 50);
    p.left = 1;
    p.deadline = 1; /* long past: at once */
    rh_loop_deadline(p.loop, p.deadline, on_deadline, &p);
    rh_loop_run(p.loop);
    assert_int_equal(p.calls, 51);
    rh_loop_free(p.loop);
}

static void on_wake(void *user)
{
    probe *p = user;
    p->calls++;
    rh_loop_stop(p->loop);
}

static void *wake(void *user)
{
    rh_loop_wake(((probe *)user)->loop);
    return NULL;
}

static void test_wake_from_another_thread(void **state)
{
    (void)state;
    probe p = {.loop = rh_loop_new(NULL)};
    assert_true(rh_loop_on_wake(p.loop, on_wake, &p, NULL));
    pthread_t thread;
    pthread_create(&thread, NULL, wake, &p);
    rh_loop_run(p.loop);
    pthread_join(thread, NULL);
    assert_int_equal(p.calls, 1);
    rh_loop_free(p.loop);
}

static void on_socket(void *user, int events)
{
    probe *p = user;
    p->events |= events;
    char byte;
    if (events & RH_WRITABLE)
        rh_watch_events(p->watch, RH_READABLE);
    if (events & RH_READABLE && read(p->fd, &byte, 1) == 1) {
        rh_watch_remove(p->watch); /* from within its own callback */
        rh_loop_stop(p->loop);
    }
}

static void test_descriptors(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    probe p = {.loop = rh_loop_new(NULL), .fd = ends[0]};
    p.watch = rh_loop_watch(p.loop, ends[0], on_socket, &p, NULL);
    assert_non_null(p.watch);
    rh_watch_events(p.watch, RH_READABLE | RH_WRITABLE);
    assert_int_equal(write(ends[1], "x", 1), 1);
    rh_loop_run(p.loop);
    assert_int_equal(p.events, RH_READABLE | RH_WRITABLE);
    rh_error error = {0};
    assert_null(rh_loop_watch(p.loop, 9999, on_socket, &p, &error));
    assert_int_equal(error.code, RH_ERROR_INTERNAL);
    rh_error_release(&error);
    rh_loop_free(p.loop);
    rh_loop_free(NULL);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_wake_from_another_thread),
        cmocka_unit_test(test_descriptors),
    };
    return cmocka_run_group_tests_name("event_loop", tests, NULL, NULL);
}
