#include "pgrehearse/base/clock.h"
#include "pgrehearse/base/interrupt.h"
#include <poll.h>
#include <stdio.h>
#include <time.h>

static rh_usec now(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (rh_usec)t.tv_sec * RH_SECOND + t.tv_nsec / 1000;
}

rh_usec rh_clock_monotonic(void)
{
    return now(CLOCK_MONOTONIC);
}

rh_usec rh_clock_wall(void)
{
    return now(CLOCK_REALTIME);
}

double rh_seconds(rh_usec duration)
{
    return (double)duration / (double)RH_SECOND;
}

char *rh_clock_format_utc(rh_usec wall, char *buffer, size_t size)
{
    time_t seconds = (time_t)(wall / RH_SECOND);
    struct tm t;
    gmtime_r(&seconds, &t);
    char stamp[24];
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(buffer, size, "%s.%03dZ", stamp, (int)(wall % RH_SECOND / 1000));
    return buffer;
}

void rh_clock_sleep_until(rh_usec monotonic_deadline)
{
    for (;;) {
        rh_usec left = monotonic_deadline - rh_clock_monotonic();
        if (left <= 0 || rh_interrupt_requested())
            return;
        struct pollfd fd = {.fd = rh_interrupt_fd(), .events = POLLIN};
        struct timespec wait = {.tv_sec = left / RH_SECOND, .tv_nsec = left % RH_SECOND * 1000};
        ppoll(&fd, 1, &wait, NULL);
    }
}
