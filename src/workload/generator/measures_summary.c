/* Folds windows and seconds whose arrivals have all ended to their quantiles. */
#include "measures_cells.h"
#include "measures.h"
#include "pgrehearse/model/facts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
static void summarise(const rh_mix *mix, const rh_measure_cell *cells, rh_template_window *templates,
                      rh_load_window *out)
{
    const rh_measure_cell *all = &cells[mix->template_count];
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
            rh_measure_cell *into = &measures->during[i];
            const rh_measure_cell *from = &window->cells[i];
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
    rh_measures_free_cells(window->cells, mix);
    window->cells = NULL;
}

void rh_measures_fold_windows(rh_measures *measures, rh_usec intended)
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

static void sort_times(rh_measure_times *list)
{
    if (list->count > 0)
        qsort(list->us, list->count, sizeof *list->us, compare_times);
}

/* LIST is sorted. */
static double time_quantile(const rh_measure_times *list, double quantile)
{
    if (list->count == 0)
        return RH_NOT_MEASURED;
    size_t rank = (size_t)(quantile * (double)list->count + 0.999999);
    return (double)list->us[rank == 0 ? 0 : rank > list->count ? list->count - 1 : rank - 1] / 1000;
}

static void fold_second(rh_measure_second *live, int second, rh_load_second *out)
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

void rh_measures_fold_seconds(rh_measures *measures, size_t second)
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

static rh_load_window *add_out(rh_arena *arena, rh_load *load, const rh_mix *mix,
                               const rh_load_window *figures)
{
    rh_load_window *out = rh_arena_add(arena, &load->windows, &load->window_count);
    *out = *figures;
    out->templates = rh_arena_alloc(arena, (mix->template_count + 1) * sizeof *out->templates);
    memcpy(out->templates, figures->templates, figures->template_count * sizeof *out->templates);
    return out;
}

/* "During" as a whole follows the last migration's window. */
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

void rh_measures_fill_windows(rh_measures *measures, rh_usec end_us, rh_arena *arena, rh_load *load)
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
