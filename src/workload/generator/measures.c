#include "measures_cells.h"
#include "measures.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The most distinct errors; others are counted as "other errors". */
enum { ERROR_KINDS = 200 };

static rh_measure_cell *new_cells(const rh_mix *mix)
{
    return rh_alloc((mix->template_count + 1) * sizeof(rh_measure_cell));
}

void rh_measures_free_cells(rh_measure_cell *cells, const rh_mix *mix)
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
        rh_measures_free_cells(measures->windows[i]->cells, measures->mix);
        free(measures->windows[i]->folded_templates);
        free(measures->windows[i]->migration);
        free(measures->windows[i]);
    }
    free(measures->windows);
    rh_measures_free_cells(measures->during, measures->mix);
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

static void add_time(rh_measure_times *list, rh_usec us)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->us = rh_realloc(list->us, list->capacity * sizeof *list->us);
    }
    list->us[list->count++] = us < 0 ? 0 : us > (rh_usec)UINT32_MAX ? UINT32_MAX : (uint32_t)us;
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
    rh_measures_fold_windows(measures, intended);
    pthread_mutex_unlock(&measures->mutex);

    size_t second = (size_t)(intended / RH_SECOND);
    rh_measures_fold_seconds(measures, second);
    need_second(measures, second);
    rh_measure_second *live = &measures->live[second - measures->live_from];
    live->arrivals++;
    live->pending++;
    return (rh_measure_slot){
        .window = window, .intended = intended, .second = (int)second, .template_index = template_index};
}

rh_window_kind rh_measures_slot_kind(rh_measure_slot slot)
{
    return slot.window->kind;
}

static void count_cell(rh_measure_cell *c, rh_usec intended, rh_request_outcome outcome, rh_usec response_us,
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
    rh_measure_cell *cells = slot.window->cells;
    count_cell(&cells[slot.template_index], slot.intended, outcome, response_us, service_us);
    count_cell(&cells[measures->mix->template_count], slot.intended, outcome, response_us, service_us);
    slot.window->pending--;

    rh_measure_second *live = &measures->live[(size_t)slot.second - measures->live_from];
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
        rh_measure_error *known = &measures->errors[i];
        if ((full && i == ERROR_KINDS) ||
            (strcmp(known->template_name, template_name) == 0 && strcmp(known->sqlstate, sqlstate) == 0 &&
             strcmp(known->message, message) == 0)) {
            known->count++;
            known->before += before;
            return;
        }
    }
    measures->errors = rh_realloc(measures->errors, (measures->error_count + 1) * sizeof *measures->errors);
    measures->errors[measures->error_count++] = (rh_measure_error){
        .template_name = full ? "other templates" : template_name,
        .sqlstate = rh_strdup(full ? "" : sqlstate),
        .message = rh_strdup(full ? "other errors" : message),
        .count = 1,
        .before = before,
    };
}

void rh_measures_finish(rh_measures *measures, rh_usec end_us, rh_arena *arena, rh_load *load)
{
    rh_measures_fill_windows(measures, end_us, arena, load);
    rh_measures_fold_seconds(measures, measures->live_from + measures->live_count);
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
