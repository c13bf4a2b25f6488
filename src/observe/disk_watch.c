#include "pgrehearse/observe/observe.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/clock.h"
#include <pthread.h>
#include <stdlib.h>

enum { INTERVAL_US = 100000, COST_FACTOR = 50 };

struct rh_disk_watch {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
    char *directory;
    int64_t first, largest;
};

/* Files come and go while they are counted: a count that failed is left out. */
static void measure_directory(rh_disk_watch *watch)
{
    int64_t bytes;
    if (!rh_tree_bytes(watch->directory, &bytes, NULL))
        return;
    pthread_mutex_lock(&watch->lock);
    if (watch->first < 0)
        watch->first = bytes;
    if (bytes > watch->largest)
        watch->largest = bytes;
    pthread_mutex_unlock(&watch->lock);
}

int64_t rh_disk_watch_growth(rh_disk_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    int64_t growth = watch->first < 0 ? -1 : watch->largest - watch->first;
    pthread_mutex_unlock(&watch->lock);
    return growth;
}

static void *run(void *argument)
{
    rh_disk_watch *watch = argument;
    pthread_mutex_lock(&watch->lock);
    while (!watch->stop) {
        pthread_mutex_unlock(&watch->lock);
        rh_usec started = rh_clock_monotonic();
        measure_directory(watch);
        rh_usec pause = (rh_clock_monotonic() - started) * COST_FACTOR;
        rh_usec until = rh_clock_monotonic() + (pause > INTERVAL_US ? pause : INTERVAL_US);
        struct timespec deadline = {.tv_sec = until / RH_SECOND, .tv_nsec = until % RH_SECOND * 1000};
        pthread_mutex_lock(&watch->lock);
        if (!watch->stop)
            pthread_cond_timedwait(&watch->wake, &watch->lock, &deadline);
    }
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

rh_disk_watch *rh_disk_watch_start(const char *directory, rh_error *error)
{
    rh_disk_watch *watch = rh_alloc(sizeof *watch);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&watch->lock, NULL);
    watch->directory = rh_strdup(directory);
    watch->first = watch->largest = -1;
    int failed = pthread_create(&watch->thread, NULL, run, watch);
    if (!failed)
        return watch;
    rh_error_errno(error, failed, "cannot start the thread that watches the disk");
    pthread_cond_destroy(&watch->wake);
    pthread_mutex_destroy(&watch->lock);
    free(watch->directory);
    free(watch);
    return NULL;
}

int64_t rh_disk_watch_stop(rh_disk_watch *watch)
{
    if (!watch)
        return -1;
    pthread_mutex_lock(&watch->lock);
    watch->stop = true;
    pthread_cond_signal(&watch->wake);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    measure_directory(watch);
    int64_t growth = rh_disk_watch_growth(watch);
    pthread_cond_destroy(&watch->wake);
    pthread_mutex_destroy(&watch->lock);
    free(watch->directory);
    free(watch);
    return growth;
}
