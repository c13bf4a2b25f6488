#include "measures.h"
#include "pgrehearse/model/facts.h"
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The most distinct errors; others are counted as "other errors". */
enum { ERROR_KINDS = 200 };

/* Response and service times of one template, or of all, in one window. Histograms are made when first
 * needed. */
typedef struct cell {
    int64_t transactions, errors, dropped, retries;
    rh_usec longest, longest_from; /* the longest response, and its intended start */
    rh_histogram *response, *service;
} cell;

struct rh_measure_window {
    rh_window_kind kind;
    char *migration;
    rh_usec start;
    int64_t arrivals, pending;
    cell *cells; /* one a template, then one for all; NULL once folded */
    rh_load_window folded;
    rh_template_window *folded_templates; /* in the heap */
};

/* Times as they came: exact, and for the rates of an application smaller than a histogram. */
typedef struct times {
    uint32_t *us;
    size_t count, capacity;
} times;

typedef struct live_second {
    int64_t arrivals, transactions, errors, dropped, pending;
    times response, service;
} live_second;

/* An rh_load_error that is counted still. */
typedef struct counted_error {
    const char *template_name;
    char *sqlstate, *message;
    int64_t count, before;
} counted_error;

struct rh_measures {
    const rh_mix *mix;
    pthread_mutex_t mutex; /* guards windows, window_count and what a window starts with */
    rh_measure_window **windows;
    size_t window_count, first_open;
    cell *during;            /* over all migrations */
    rh_load_second *seconds; /* [0, live_from) are folded */
    live_second *live;       /* [live_from, live_from + live_count) */
    size_t live_from, live_count, live_capacity;
    counted_error *errors;
    size_t error_count;
    bool saturated;
};

static cell *new_cells(const rh_mix *mix)
{
    return rh_alloc((mix->template_count + 1) * sizeof(cell));
}

static void free_cells(cell *cells, const rh_mix *mix)
{
    for (size_t i = 0; cells && i <= mix->template_count; i++) {
        rh_histogram_free(cells[i].response);
        rh_histogram_free(cells[i].service);
    }
    free(cells);
}

static void add_window(rh_measures *measures, rh_usec at, rh_window_kind kind, const char *migration)
{
    rh_measure_window *window = rh_alloc(sizeof *window);
    window->kind = kind;
    window->migration = migration ? rh_strdup(migration) : NULL;
    window->start = at;
    window->cells = new_cells(measures->mix);
    measures->windows =
        rh_realloc(measures->windows, (measures->window_count + 1) * sizeof *measures->windows);
    measures->windows[measures->window_count++] = window;
}

rh_measures *rh_measures_new(const rh_mix *mix)
{
    rh_measures *measures = rh_alloc(sizeof *measures);
    measures->mix = mix;
    measures->during = new_cells(mix);
    pthread_mutex_init(&measures->mutex, NULL);
    add_window(measures, 0, RH_WINDOW_BEFORE, NULL);
    return measures;
}

void rh_measures_free(rh_measures *measures)
{
    if (!measures)
        return;
    for (size_t i = 0; i < measures->window_count; i++) {
        free_cells(measures->windows[i]->cells, measures->mix);
        free(measures->windows[i]->folded_templates);
        free(measures->windows[i]->migration);
        free(measures->windows[i]);
    }
    free(measures->windows);
    free_cells(measures->during, measures->mix);
    for (size_t i = 0; i < measures->live_count; i++) {
        free(measures->live[i].response.us);
        free(measures->live[i].service.us);
    }
    free(measures->live);
    free(measures->seconds);
    for (size_t i = 0; i < measures->error_count; i++) {
        free(measures->errors[i].sqlstate);
        free(measures->errors[i].message);
    }
    free(measures->errors);
    pthread_mutex_destroy(&measures->mutex);
    free(measures);
}

void rh_measures_window(rh_measures *measures, rh_usec at_us, rh_window_kind kind, const char *migration)
{
    pthread_mutex_lock(&measures->mutex);
    const rh_measure_window *last = measures->windows[measures->window_count - 1];
    bool same = last->kind == kind && !last->migration == !migration &&
                (!migration || strcmp(last->migration, migration) == 0);
    if (!same)
        add_window(measures, at_us, kind, migration);
    pthread_mutex_unlock(&measures->mutex);
}

static double to_ms(rh_usec us)
{
    return us < 0 ? RH_NOT_MEASURED : (double)us / 1000;
}

static rh_quantiles quantiles_of(const rh_histogram *histogram)
{
    if (!histogram)
        return (rh_quantiles){RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED};
    return (rh_quantiles){
        .p50 = to_ms(rh_histogram_quantile(histogram, 0.5)),
        .p95 = to_ms(rh_histogram_quantile(histogram, 0.95)),
        .p99 = to_ms(rh_histogram_quantile(histogram, 0.99)),
        .max = to_ms(rh_histogram_max(histogram)),
    };
}

static void merge_histogram(rh_histogram **into, const rh_histogram *from)
{
    if (!from)
        return;
    if (!*into)
        *into = rh_histogram_new();
    rh_histogram_merge(*into, from);
}

/* The number of arrivals below the true quantile q is binomial, near normal: its 5 and 95 % points are the
 * ranks n·q ± 1.645·√(n·q·(1 − q)) of the order statistics that enclose it (David and Nagaraja, Order
 * Statistics, 2003, section 7.1). */
static void p99_interval(const rh_histogram *histogram, rh_load_window *out)
{
    static const double Q = 0.99, Z = 1.645;
    out->response_p99_low_ms = out->response_p99_high_ms = RH_NOT_MEASURED;
    if (!histogram || rh_histogram_count(histogram) == 0)
        return;
    const double half = Z * sqrt(Q * (1 - Q) / (double)rh_histogram_count(histogram));
    out->response_p99_low_ms = to_ms(rh_histogram_quantile(histogram, Q - half > 0 ? Q - half : 0));
    out->response_p99_high_ms = to_ms(rh_histogram_quantile(histogram, Q + half < 1 ? Q + half : 1));
}

/* The figures of CELLS; TEMPLATES has room for one a template, those without arrivals are left out. */
static void summarise(const rh_mix *mix, const cell *cells, rh_template_window *templates,
                      rh_load_window *out)
{
    const cell *all = &cells[mix->template_count];
    out->transactions = all->transactions;
    out->errors = all->errors;
    out->dropped = all->dropped;
    out->retries = all->retries;
    out->response_ms = quantiles_of(all->response);
    out->service_ms = quantiles_of(all->service);
    p99_interval(all->response, out);
    out->templates = templates;
    out->template_count = 0;
    for (size_t i = 0; i < mix->template_count; i++)
        if (cells[i].transactions + cells[i].errors + cells[i].dropped > 0)
            templates[out->template_count++] = (rh_template_window){
                .name = mix->templates[i].name,
                .transactions = cells[i].transactions,
                .errors = cells[i].errors,
                .response_ms = quantiles_of(cells[i].response),
                .service_ms = quantiles_of(cells[i].service),
                .kind = mix->templates[i].kind,
                .dropped = cells[i].dropped,
                .retries = cells[i].retries,
                .longest_stall_at_s = rh_seconds(cells[i].longest_from),
            };
}

static void fold_window(rh_measures *measures, rh_measure_window *window)
{
    const rh_mix *mix = measures->mix;
    window->folded_templates = rh_alloc(mix->template_count * sizeof(rh_template_window) + 1);
    summarise(mix, window->cells, window->folded_templates, &window->folded);
    if (window->kind == RH_WINDOW_DURING) {
        for (size_t i = 0; i <= mix->template_count; i++) {
            cell *into = &measures->during[i];
            const cell *from = &window->cells[i];
            into->transactions += from->transactions;
            into->errors += from->errors;
            into->dropped += from->dropped;
            into->retries += from->retries;
            if (from->longest > into->longest) {
                into->longest = from->longest;
                into->longest_from = from->longest_from;
            }
            merge_histogram(&into->response, from->response);
            merge_histogram(&into->service, from->service);
        }
    } else if (window->arrivals >= 20 && (double)(window->folded.transactions + window->folded.errors) <
                                             0.95 * (double)window->arrivals) {
        measures->saturated = true;
    }
    free_cells(window->cells, mix);
    window->cells = NULL;
}

/* Windows that ended before INTENDED and have nothing pending. Call with the mutex held. */
static void fold_windows(rh_measures *measures, rh_usec intended)
{
    while (measures->first_open + 1 < measures->window_count &&
           measures->windows[measures->first_open + 1]->start <= intended &&
           measures->windows[measures->first_open]->pending == 0)
        fold_window(measures, measures->windows[measures->first_open++]);
}

static int compare_times(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void sort_times(times *list)
{
    if (list->count > 0)
        qsort(list->us, list->count, sizeof *list->us, compare_times);
}

static void add_time(times *list, rh_usec us)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->us = rh_realloc(list->us, list->capacity * sizeof *list->us);
    }
    list->us[list->count++] = us < 0 ? 0 : us > (rh_usec)UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

/* LIST is sorted. */
static double time_quantile(const times *list, double quantile)
{
    if (list->count == 0)
        return RH_NOT_MEASURED;
    size_t rank = (size_t)(quantile * (double)list->count + 0.999999);
    return (double)list->us[rank == 0 ? 0 : rank > list->count ? list->count - 1 : rank - 1] / 1000;
}

static void fold_second(live_second *live, int second, rh_load_second *out)
{
    sort_times(&live->response);
    sort_times(&live->service);
    *out = (rh_load_second){
        .second = second,
        .arrivals = live->arrivals,
        .transactions = live->transactions,
        .errors = live->errors,
        .dropped = live->dropped,
        .response_p50_ms = time_quantile(&live->response, 0.5),
        .response_p99_ms = time_quantile(&live->response, 0.99),
        .response_max_ms = time_quantile(&live->response, 1),
        .service_p99_ms = time_quantile(&live->service, 0.99),
    };
    free(live->response.us);
    free(live->service.us);
}

/* Folds the seconds before SECOND, oldest first, up to one that has an arrival pending. */
static void fold_seconds(rh_measures *measures, size_t second)
{
    size_t done = 0;
    while (done < measures->live_count && measures->live_from + done < second &&
           measures->live[done].pending == 0)
        done++;
    if (done == 0)
        return;
    measures->seconds =
        rh_realloc(measures->seconds, (measures->live_from + done) * sizeof *measures->seconds);
    for (size_t i = 0; i < done; i++) {
        size_t at = measures->live_from + i;
        fold_second(&measures->live[i], (int)at, &measures->seconds[at]);
    }
    measures->live_from += done;
    measures->live_count -= done;
    memmove(measures->live, measures->live + done, measures->live_count * sizeof *measures->live);
}

static void need_second(rh_measures *measures, size_t second)
{
    size_t needed = second - measures->live_from + 1;
    if (needed <= measures->live_count)
        return;
    if (needed > measures->live_capacity) {
        measures->live_capacity = 2 * needed;
        measures->live = rh_realloc(measures->live, measures->live_capacity * sizeof *measures->live);
    }
    memset(measures->live + measures->live_count, 0,
           (needed - measures->live_count) * sizeof *measures->live);
    measures->live_count = needed;
}

rh_measure_slot rh_measures_begin(rh_measures *measures, rh_usec intended, uint32_t template_index)
{
    pthread_mutex_lock(&measures->mutex);
    size_t at = measures->window_count - 1;
    while (at > measures->first_open && measures->windows[at]->start > intended)
        at--;
    rh_measure_window *window = measures->windows[at];
    window->arrivals++;
    window->pending++;
    fold_windows(measures, intended);
    pthread_mutex_unlock(&measures->mutex);

    size_t second = (size_t)(intended / RH_SECOND);
    fold_seconds(measures, second);
    need_second(measures, second);
    live_second *live = &measures->live[second - measures->live_from];
    live->arrivals++;
    live->pending++;
    return (rh_measure_slot){
        .window = window, .intended = intended, .second = (int)second, .template_index = template_index};
}

rh_window_kind rh_measures_slot_kind(rh_measure_slot slot)
{
    return slot.window->kind;
}

static void count_cell(cell *c, rh_usec intended, rh_request_outcome outcome, rh_usec response_us,
                       rh_usec service_us)
{
    if (response_us > c->longest || !c->response) {
        c->longest = response_us;
        c->longest_from = intended;
    }
    (outcome == RH_REQUEST_DONE    ? &c->transactions
     : outcome == RH_REQUEST_ERROR ? &c->errors
                                   : &c->dropped)[0]++;
    if (!c->response)
        c->response = rh_histogram_new();
    rh_histogram_record(c->response, response_us);
    if (service_us < 0)
        return;
    if (!c->service)
        c->service = rh_histogram_new();
    rh_histogram_record(c->service, service_us);
}

void rh_measures_end(rh_measures *measures, rh_measure_slot slot, rh_request_outcome outcome,
                     rh_usec response_us, rh_usec service_us)
{
    cell *cells = slot.window->cells;
    count_cell(&cells[slot.template_index], slot.intended, outcome, response_us, service_us);
    count_cell(&cells[measures->mix->template_count], slot.intended, outcome, response_us, service_us);
    slot.window->pending--;

    live_second *live = &measures->live[(size_t)slot.second - measures->live_from];
    (outcome == RH_REQUEST_DONE    ? &live->transactions
     : outcome == RH_REQUEST_ERROR ? &live->errors
                                   : &live->dropped)[0]++;
    add_time(&live->response, response_us);
    if (service_us >= 0)
        add_time(&live->service, service_us);
    live->pending--;
}

void rh_measures_retry(rh_measures *measures, rh_measure_slot slot)
{
    slot.window->cells[slot.template_index].retries++;
    slot.window->cells[measures->mix->template_count].retries++;
}

void rh_measures_error(rh_measures *measures, const char *template_name, const char *sqlstate,
                       const char *message, bool before)
{
    bool full = measures->error_count >= ERROR_KINDS;
    for (size_t i = 0; i < measures->error_count; i++) {
        counted_error *known = &measures->errors[i];
        if ((full && i == ERROR_KINDS) ||
            (strcmp(known->template_name, template_name) == 0 && strcmp(known->sqlstate, sqlstate) == 0 &&
             strcmp(known->message, message) == 0)) {
            known->count++;
            known->before += before;
            return;
        }
    }
    measures->errors = rh_realloc(measures->errors, (measures->error_count + 1) * sizeof *measures->errors);
    measures->errors[measures->error_count++] = (counted_error){
        .template_name = full ? "other templates" : template_name,
        .sqlstate = rh_strdup(full ? "" : sqlstate),
        .message = rh_strdup(full ? "other errors" : message),
        .count = 1,
        .before = before,
    };
}

static rh_load_window *add_out(rh_arena *arena, rh_load *load, const rh_mix *mix,
                               const rh_load_window *figures)
{
    rh_load_window *out = rh_arena_add(arena, &load->windows, &load->window_count);
    *out = *figures;
    out->templates = rh_arena_alloc(arena, (mix->template_count + 1) * sizeof *out->templates);
    memcpy(out->templates, figures->templates, figures->template_count * sizeof *out->templates);
    return out;
}

/* "During" as a whole goes behind the last migration's window. */
static void add_during(rh_measures *measures, double start_s, double end_s, rh_arena *arena, rh_load *load)
{
    rh_template_window *templates = rh_alloc(measures->mix->template_count * sizeof *templates + 1);
    rh_load_window all = {.kind = RH_WINDOW_DURING, .start_s = start_s, .end_s = end_s};
    summarise(measures->mix, measures->during, templates, &all);
    add_out(arena, load, measures->mix, &all);
    free(templates);
}

/* Where "during" begins and ends: from the first migration's window to the end of the last one's, whose index
 * is returned. */
static size_t during_bounds(const rh_measures *measures, rh_usec end_us, double *start_s, double *end_s)
{
    size_t last = SIZE_MAX;
    for (size_t i = 0; i < measures->window_count; i++) {
        const rh_measure_window *window = measures->windows[i];
        if (window->kind != RH_WINDOW_DURING)
            continue;
        if (last == SIZE_MAX)
            *start_s = rh_seconds(window->start);
        last = i;
        *end_s = rh_seconds(i + 1 < measures->window_count ? measures->windows[i + 1]->start : end_us);
    }
    return last;
}

static void fill_windows(rh_measures *measures, rh_usec end_us, rh_arena *arena, rh_load *load)
{
    double during_start = 0, during_end = 0;
    size_t last_during = during_bounds(measures, end_us, &during_start, &during_end);
    for (size_t i = 0; i < measures->window_count; i++) {
        rh_measure_window *window = measures->windows[i];
        if (window->cells)
            fold_window(measures, window);
        if (window->kind != RH_WINDOW_DURING || window->migration) {
            rh_usec until = i + 1 < measures->window_count ? measures->windows[i + 1]->start : end_us;
            rh_load_window *out = add_out(arena, load, measures->mix, &window->folded);
            out->kind = window->kind;
            out->migration = rh_arena_strdup(arena, window->migration);
            out->start_s = rh_seconds(window->start);
            out->end_s = rh_seconds(until);
        }
        if (i == last_during)
            add_during(measures, during_start, during_end, arena, load);
    }
}

void rh_measures_finish(rh_measures *measures, rh_usec end_us, rh_arena *arena, rh_load *load)
{
    fill_windows(measures, end_us, arena, load);
    fold_seconds(measures, measures->live_from + measures->live_count);
    load->second_count = measures->live_from;
    load->seconds = rh_arena_alloc(arena, (measures->live_from + 1) * sizeof *load->seconds);
    if (measures->live_from > 0)
        memcpy(load->seconds, measures->seconds, measures->live_from * sizeof *load->seconds);
    for (size_t i = 0; i < measures->error_count; i++) {
        rh_load_error *out = rh_arena_add(arena, &load->errors, &load->error_count);
        *out = (rh_load_error){
            .template_name = rh_arena_strdup(arena, measures->errors[i].template_name),
            .sqlstate = rh_arena_strdup(arena, measures->errors[i].sqlstate),
            .message = rh_arena_strdup(arena, measures->errors[i].message),
            .count = measures->errors[i].count,
            .before = measures->errors[i].before,
        };
    }
    load->saturated = load->saturated || measures->saturated;
}
