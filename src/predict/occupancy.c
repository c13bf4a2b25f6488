/* Pages that a backfill changes for the first time in a checkpoint cycle, and the WAL that their images make.
 */
#include "nnls.h"
#include "pgrehearse/predict/predict.h"
#include <math.h>
#include <stdlib.h>

/* Bisections of the length of a cycle. */
enum { HALVINGS = 60 };

/* Of a relation of PAGES, by ROWS rows in random order. */
static double met(double pages, double rows)
{
    return pages > 0 ? pages * -expm1(-rows / pages) : 0;
}

double rh_predict_images(const rh_backfill_pages *pages, double rows)
{
    double images = pages->along * rows + met(pages->heap, rows);
    for (size_t i = 0; i < pages->random_count; i++)
        images += met(pages->random[i], rows);
    return images;
}

/* WAL behind a checkpoint until ROWS rows are changed, with what others write meanwhile. */
static double wal_at(const rh_backfill_pages *pages, const rh_backfill_prices *prices,
                     const rh_backfill_checkpoints *checkpoints, double rows)
{
    const double others =
        checkpoints->rows_per_s > 0 ? checkpoints->other_per_s / checkpoints->rows_per_s : 0;
    return rows * (prices->row_bytes + others) + prices->image_bytes * rh_predict_images(pages, rows);
}

double rh_predict_cycle_rows(const rh_backfill_pages *pages, const rh_backfill_prices *prices,
                             const rh_backfill_checkpoints *checkpoints)
{
    const double by_time = checkpoints->timeout_s > 0 && checkpoints->rows_per_s > 0
                               ? checkpoints->timeout_s * checkpoints->rows_per_s
                               : INFINITY;
    double low = 0, high = 1;
    if (!(checkpoints->distance_bytes > 0) || !(wal_at(pages, prices, checkpoints, 1) > 0))
        return by_time;
    while (wal_at(pages, prices, checkpoints, high) < checkpoints->distance_bytes && high < by_time)
        high *= 2;
    for (int i = 0; i < HALVINGS; i++) {
        const double middle = (low + high) / 2;
        *(wal_at(pages, prices, checkpoints, middle) < checkpoints->distance_bytes ? &low : &high) = middle;
    }
    return fmin(high, by_time);
}

static double in_cycles(const rh_backfill_pages *pages, double cycle_rows, double rows)
{
    if (!(cycle_rows > 0) || cycle_rows >= rows)
        return rh_predict_images(pages, rows);
    const double cycles = floor(rows / cycle_rows);
    return cycles * rh_predict_images(pages, cycle_rows) +
           rh_predict_images(pages, rows - cycles * cycle_rows);
}

double rh_predict_images_of(const rh_backfill_pages *pages, const rh_backfill_prices *prices,
                            const rh_backfill_checkpoints *checkpoints, double rows, double *cycle_rows)
{
    const bool splits = pages->split_rows > 0 && pages->split_rows < rows && pages->random_count > 0;
    const double before = splits ? pages->split_rows : rows;
    *cycle_rows = rh_predict_cycle_rows(pages, prices, checkpoints);
    const double images = in_cycles(pages, *cycle_rows, before);
    if (!splits)
        return images;
    rh_backfill_pages twice = *pages;
    twice.random = rh_alloc(pages->random_count * sizeof *twice.random);
    for (size_t i = 0; i < pages->random_count; i++)
        twice.random[i] = 2 * pages->random[i];
    *cycle_rows = rh_predict_cycle_rows(&twice, prices, checkpoints);
    const double behind = in_cycles(&twice, *cycle_rows, rows - before);
    free(twice.random);
    return images + behind;
}

/* FIGURE of each batch = x[0] rows + x[1] images + x[2], the last only with three COLUMNS; relative errors
 * count. */
static void fit(const rh_backfill_batch *batches, size_t count, double (*figure)(const rh_backfill_batch *),
                size_t columns, double *x)
{
    double *a = rh_alloc((count + 1) * columns * sizeof *a), *b = rh_alloc((count + 1) * sizeof *b);
    size_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        const double value = figure(&batches[i]),
                     terms[] = {(double)batches[i].changed, batches[i].images, 1};
        if (!(value > 0) || batches[i].changed <= 0)
            continue;
        for (size_t k = 0; k < columns; k++)
            a[rows * columns + k] = terms[k] / value;
        b[rows++] = 1;
    }
    rh_nnls(a, b, rows, columns, x);
    free(a);
    free(b);
}

/* A session's first batch takes longer than all others. */
static double seconds_of(const rh_backfill_batch *batch)
{
    return batch->warmup ? 0 : rh_predict_batch_s(batch);
}

static double wal_of(const rh_backfill_batch *batch)
{
    return (double)batch->wal_bytes;
}

rh_backfill_prices rh_predict_prices(const rh_backfill_batch *batches, size_t count)
{
    double wal[2] = {0}, time[3] = {0};
    fit(batches, count, wal_of, 2, wal);
    fit(batches, count, seconds_of, 3, time);
    return (rh_backfill_prices){.row_bytes = wal[0], .image_bytes = wal[1], .image_s = time[1]};
}
