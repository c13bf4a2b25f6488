/* Pages that a backfill changes for the first time in a checkpoint cycle, and the WAL that their images make.
 */
#include "nnls.h"
#include "pgrehearse/predict/predict.h"
#include <math.h>
#include <stdlib.h>

/* Bisections of the length of a cycle, and steps in which split pages fill. */
enum { HALVINGS = 60, FILLINGS = 20 };

/* Of a relation of PAGES, by ROWS rows in random order. */
static double met(double pages, double rows)
{
    return pages > 0 ? pages * -expm1(-rows / pages) : 0;
}

double rh_predict_images(const rh_backfill_pages *pages, double rows)
{
    const double entries = rows * (1 - pages->hot_share);
    double images = pages->along * rows + pages->along_index * entries + met(pages->heap, rows);
    for (size_t i = 0; i < pages->random_count; i++)
        images += met(pages->random[i], entries);
    return images;
}

/* Of indexes in another order than the walk. */
static double random_images(const rh_backfill_pages *pages, double rows)
{
    double images = 0;
    for (size_t i = 0; i < pages->random_count; i++)
        images += met(pages->random[i], rows * (1 - pages->hot_share));
    return images;
}

/* ---- cycles ---- */

/* The pages as they are when DONE rows are changed. FULL: of the pages of such an index. An image leaves out
 * the free room of its page. */
typedef struct stage {
    rh_backfill_pages pages;
    double full;
} stage;

static double image_bytes(const stage *s, const rh_backfill_prices *prices, double rows)
{
    return prices->image_bytes *
           (rh_predict_images(&s->pages, rows) - (1 - s->full) * random_images(&s->pages, rows));
}

/* WAL behind a checkpoint until ROWS rows are changed, with what others write meanwhile. */
static double wal_at(const stage *s, const rh_backfill_prices *prices,
                     const rh_backfill_checkpoints *checkpoints, double rows)
{
    const double others =
        checkpoints->rows_per_s > 0 ? checkpoints->other_per_s / checkpoints->rows_per_s : 0;
    return rows * (prices->row_bytes + others) + image_bytes(s, prices, rows);
}

static double cycle_of(const stage *s, const rh_backfill_prices *prices,
                       const rh_backfill_checkpoints *checkpoints)
{
    const double by_time = checkpoints->timeout_s > 0 && checkpoints->rows_per_s > 0
                               ? checkpoints->timeout_s * checkpoints->rows_per_s
                               : INFINITY;
    double low = 0, high = 1;
    if (!(checkpoints->distance_bytes > 0) || !(wal_at(s, prices, checkpoints, 1) > 0))
        return by_time;
    while (wal_at(s, prices, checkpoints, high) < checkpoints->distance_bytes && high < by_time)
        high *= 2;
    for (int i = 0; i < HALVINGS; i++) {
        const double middle = (low + high) / 2;
        *(wal_at(s, prices, checkpoints, middle) < checkpoints->distance_bytes ? &low : &high) = middle;
    }
    return fmin(high, by_time);
}

double rh_predict_cycle_rows(const rh_backfill_pages *pages, const rh_backfill_prices *prices,
                             const rh_backfill_checkpoints *checkpoints)
{
    const stage s = {*pages, 1};
    return cycle_of(&s, prices, checkpoints);
}

static void go_through(const stage *s, const rh_backfill_prices *prices, double rows, double times,
                       rh_backfill_images *images)
{
    images->count += times * rh_predict_images(&s->pages, rows);
    images->bytes += times * image_bytes(s, prices, rows);
}

/* Whole cycles, and what is left of the last, for ROWS rows in one stage. */
static void in_cycles(const stage *s, const rh_backfill_prices *prices,
                      const rh_backfill_checkpoints *checkpoints, double rows, rh_backfill_images *images)
{
    images->cycle_rows = cycle_of(s, prices, checkpoints);
    if (!(images->cycle_rows > 0) || images->cycle_rows >= rows) {
        go_through(s, prices, rows, 1, images);
        return;
    }
    const double cycles = floor(rows / images->cycle_rows);
    go_through(s, prices, images->cycle_rows, cycles, images);
    go_through(s, prices, rows - cycles * images->cycle_rows, 1, images);
}

rh_backfill_images rh_predict_images_of(const rh_backfill_pages *pages, const rh_backfill_prices *prices,
                                        const rh_backfill_checkpoints *checkpoints, double rows)
{
    const double entries = fmax(1 - pages->hot_share, 1e-6), split = pages->split_rows / entries;
    const bool splits = split > 0 && split < rows && pages->random_count > 0;
    rh_backfill_images images = {0};
    stage s = {*pages, 1};
    in_cycles(&s, prices, checkpoints, splits ? split : rows, &images);
    if (!splits)
        return images;
    s.pages.random = rh_alloc(pages->random_count * sizeof *s.pages.random);
    for (size_t i = 0; i < pages->random_count; i++)
        s.pages.random[i] = 2 * pages->random[i];
    /* behind the split, in steps: the pages fill again */
    const double step = (rows - split) / FILLINGS, filled = pages->filled_rows / entries;
    for (int i = 0; i < FILLINGS; i++) {
        const double done = split + (i + 0.5) * step;
        s.full = filled > 0 ? fmin(0.5 * (1 + done / filled), 1) : 1;
        const double cycle = cycle_of(&s, prices, checkpoints);
        images.cycle_rows = cycle;
        if (cycle < rows - split)
            go_through(&s, prices, cycle, step / cycle, &images);
        else
            go_through(&s, prices, rows - split, 1.0 / FILLINGS, &images);
    }
    free(s.pages.random);
    return images;
}

/* ---- prices ---- */

/* Passes of a fit, and the relative error below which all count alike. */
enum { PASSES = 12 };
static const double LEAST_ERROR = 0.01;
/* Images a row beyond those of the pages' shape from which on a batch has filled room. */
static const double FILLS = 0.1;

/* A batch's figure = x[0] rows + x[1] images + x[2], the last only with three COLUMNS. */
typedef struct fitting {
    const rh_backfill_batch *batches;
    size_t count, columns;
    double (*figure)(const rh_backfill_batch *);
    const double *images; /* of each batch */
} fitting;

static double fitted(const fitting *f, size_t i, const double *x)
{
    return x[0] * (double)f->batches[i].changed + x[1] * f->images[i] + (f->columns > 2 ? x[2] : 0);
}

/* By relative errors, each counted as often as its weight, which is in B. */
static void solve(const fitting *f, double *a, double *b, double *x)
{
    size_t rows = 0;
    for (size_t i = 0; i < f->count; i++) {
        const double value = f->figure(&f->batches[i]), weight = b[i],
                     terms[] = {(double)f->batches[i].changed, f->images[i], 1};
        if (!(value > 0) || f->batches[i].changed <= 0)
            continue;
        for (size_t k = 0; k < f->columns; k++)
            a[rows * f->columns + k] = weight * terms[k] / value;
        b[rows++] = weight;
    }
    rh_nnls(a, b, rows, f->columns, x);
}

/* The sum of the absolute relative errors is the least (by weights, again and again): batches of another
 * state do not move it while they are the fewer. */
static void fit(const fitting *f, double *x)
{
    double *a = rh_alloc((f->count + 1) * f->columns * sizeof *a), *b = rh_alloc((f->count + 1) * sizeof *b);
    for (int pass = 0; pass < PASSES; pass++) {
        for (size_t i = 0; i < f->count; i++) {
            const double value = f->figure(&f->batches[i]);
            const double off = pass > 0 && value > 0 ? fabs(fitted(f, i, x) / value - 1) : 1;
            b[i] = 1 / sqrt(fmax(off, LEAST_ERROR));
        }
        solve(f, a, b, x);
    }
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
    double wal[2] = {0}, time[3] = {0}, *images = rh_alloc((count + 1) * sizeof *images), room = 0;
    for (size_t i = 0; i < count; i++)
        images[i] = batches[i].images;
    const fitting of_wal = {batches, count, 2, wal_of, images},
                  of_time = {batches, count, 3, seconds_of, images};
    fit(&of_wal, wal);
    for (size_t i = 0; i < count && wal[1] > 0; i++) {
        const double beyond = (wal_of(&batches[i]) - fitted(&of_wal, i, wal)) / wal[1];
        if (beyond < FILLS * (double)batches[i].changed)
            continue;
        images[i] += beyond;
        room += beyond;
    }
    fit(&of_time, time);
    free(images);
    return (rh_backfill_prices){
        .row_bytes = wal[0], .image_bytes = wal[1], .image_s = time[1], .room_images = room};
}
