#include "pgrehearse/predict/translate.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include "cost.h"
#include <math.h>
#include <string.h>

enum { BLOCK_BYTES = 8192 };
static const double CACHED_SHARE = 1.0 / 3, FASTEST_DEVICE = 1.5e9, FASTEST_PAGE_S = 30e-6;
/* A statement with a smaller share of the total does not make the total unknown. */
static const double NEGLIGIBLE = 0.01;

/* ---- what is read ---- */

/* Does it read every page of what it scans? Others may stop early. */
static bool scans_whole(rh_statement_class class_)
{
    switch (class_) {
    case RH_CLASS_HEAP_SCAN:
    case RH_CLASS_REWRITE:
    case RH_CLASS_INDEX_BUILD:
    case RH_CLASS_INDEX_CONCURRENT:
    case RH_CLASS_VALIDATION:
    case RH_CLASS_FOREIGN_KEY:
    case RH_CLASS_MAINTENANCE:
        return true;
    default:
        return false;
    }
}

static void add_relation(rh_cold_reading *reading, const rh_relation_work *w, rh_statement_class class_)
{
    bool is_index = w->table != NULL;
    bool appends = w->rows_inserted > 0 && w->rows_updated + w->rows_deleted == 0 && w->scans == 0;
    if (w->created || w->is_private || w->blocks_read <= 0 || (is_index && w->rewritten) ||
        (!is_index && appends))
        return;
    double pages = w->pages_before > 0 ? (double)w->pages_before : (double)w->blocks_read;
    double met = fmin((double)w->blocks_read, pages); /* each page is cold but once */
    if (!is_index && w->scans > 0)
        reading->sequential_bytes += (scans_whole(class_) ? pages : met) * BLOCK_BYTES;
    else
        reading->random_pages += met;
}

rh_cold_reading rh_cold_reading_of(const rh_statement *statement)
{
    rh_cold_reading reading = {0};
    const rh_statement_run *run = NULL;
    for (size_t r = 0; r < statement->run_count && !run; r++)
        if (statement->runs[r].pass == RH_PASS_KIND_QUIET && statement->runs[r].work)
            run = &statement->runs[r];
    if (statement->class_ == RH_CLASS_TRANSACTION)
        return reading;
    if (!run || !run->work->counted)
        return (rh_cold_reading){NAN, NAN};
    for (size_t i = 0; i < run->work->relation_count; i++)
        add_relation(&reading, &run->work->relations[i], statement->class_);
    if (statement->class_ == RH_CLASS_REWRITE) /* values in TOAST are read and written again, too */
        reading.sequential_bytes = fmax(reading.sequential_bytes, run->size.bytes);
    return reading;
}

/* ---- what reading costs ---- */

double rh_cold_bytes_per_s(const rh_probe *probe)
{
    double read =
        probe->uncached_bytes_per_s > 0 ? probe->uncached_bytes_per_s : probe->value[RH_PROBE_SEQUENTIAL];
    double cached = probe->value[RH_PROBE_CACHED];
    double fastest = cached > 0 ? CACHED_SHARE * cached : FASTEST_DEVICE;
    return read > 0 && read <= fastest ? read : NAN;
}

double rh_cold_page_s(const rh_probe *probe)
{
    double page = probe->value[RH_PROBE_RANDOM];
    return page >= FASTEST_PAGE_S ? page : NAN;
}

/* ---- one statement ---- */

typedef struct crossing {
    const rh_translation *t;
    const rh_work_size *there; /* NULL: as here */
    rh_arena *arena;
} crossing;

static double growth_of(const crossing *c, const rh_statement *statement)
{
    for (size_t r = statement->run_count; c->there && r-- > 0;) {
        double here = rh_work_measure(&statement->runs[r].size);
        if (statement->runs[r].pass == RH_PASS_KIND_QUIET && here > 0)
            return rh_work_measure(c->there) / here;
    }
    return 1;
}

static void unknown(rh_prediction *p, const char *why)
{
    p->cold_s = RH_NOT_MEASURED;
    p->cold_basis = why;
}

/* Of the prediction's seconds, those that it reads already. */
static double reading_of(const rh_prediction *p)
{
    double sum = p->parts.cpu_s + p->parts.read_s + p->parts.write_s + p->parts.wal_s + p->parts.wait_s;
    return sum > 0 ? p->parts.read_s * p->median_s / sum : 0;
}

static void add_cold(const crossing *c, rh_statement *statement)
{
    rh_prediction *p = &statement->prediction;
    rh_cold_reading reading = rh_cold_reading_of(statement);
    if (isnan(reading.sequential_bytes)) {
        unknown(p, "its reads of each relation were not counted");
        return;
    }
    const rh_probe *probe = c->t->production;
    double growth = growth_of(c, statement), bytes = growth * reading.sequential_bytes,
           pages = growth * reading.random_pages;
    double rate = rh_cold_bytes_per_s(probe), page_s = rh_cold_page_s(probe), read_s = 0;
    char size[32], speed[32], count[32], each[32];
    rh_text basis = {0};
    rh_text_append(&basis, "nothing that it reads in memory:");
    if (bytes > 0) {
        double cached = probe->value[RH_PROBE_CACHED];
        read_s += isnan(rate) ? NAN : bytes * fmax(0, 1 / rate - (cached > 0 ? 1 / cached : 0));
        rh_text_printf(&basis, " %s at %s/s", rh_size_format((int64_t)bytes, size, sizeof size),
                       rh_size_format(isnan(rate) ? 0 : (int64_t)rate, speed, sizeof speed));
    }
    if (pages > 0) {
        read_s += pages * page_s;
        rh_text_printf(&basis, "%s %s single pages of %s each", bytes > 0 ? " and" : "",
                       rh_count_format((int64_t)ceil(pages), count, sizeof count),
                       rh_duration_format(page_s, each, sizeof each));
    }
    if (bytes <= 0 && pages <= 0)
        rh_text_append(&basis, " it reads no page that was there before");
    double already = reading_of(p);
    p->cold_s = p->median_s - already + fmax(already, read_s);
    p->cold_basis = rh_arena_printf(c->arena, "%s, by production's probe%s", rh_text_string(&basis),
                                    probe->cut_short[RH_PROBE_SEQUENTIAL] ? ", which ended early" : "");
    if (isnan(read_s))
        unknown(
            p,
            isnan(rate) && bytes > 0
                ? "production's probe probably did not read from its device: its pages came as fast as from "
                  "memory, or the profile has no such probe"
                : "production's probe probably did not read single pages from its device");
    rh_text_release(&basis);
}

/* ---- the whole ---- */

/* How much of what the quiet passes read came from the device. */
static const char *caches_of(const rh_plan *plan, rh_arena *arena)
{
    double device = 0, all = 0;
    for (size_t m = 0; m < plan->migration_count; m++)
        for (size_t i = 0; i < plan->migrations[m].up.statement_count; i++) {
            const rh_statement *statement = &plan->migrations[m].up.statements[i];
            for (size_t r = 0; r < statement->run_count; r++) {
                const rh_statement_run *run = &statement->runs[r];
                if (run->pass != RH_PASS_KIND_QUIET || run->read_bytes < 0 || run->cached_read_bytes < 0)
                    continue;
                device += (double)run->read_bytes;
                all += (double)run->cached_read_bytes;
            }
        }
    if (!(all > 0))
        return NULL;
    double share = fmin(1, device / all);
    char size[32];
    return rh_arena_printf(
        arena,
        "Of the %s that the quiet passes read from outside shared buffers, %.0f %% came from "
        "staging's device: its caches were %s",
        rh_size_format((int64_t)all, size, sizeof size), 100 * share,
        share < 0.1   ? "warm"
        : share < 0.9 ? "warm in part"
                      : "cold");
}

static void add_total(const rh_plan *plan, rh_arena *arena, rh_run_prediction *prediction)
{
    double more = 0, untold = 0;
    const char *why = NULL;
    for (size_t m = 0; m < plan->migration_count; m++)
        for (size_t i = 0; i < plan->migrations[m].up.statement_count; i++) {
            const rh_prediction *p = &plan->migrations[m].up.statements[i].prediction;
            if (!(p->median_s > 0))
                continue;
            if (isnan(p->cold_s)) {
                untold += p->median_s;
                why = rh_arena_printf(arena, "migration %s, statement %d: %s", plan->migrations[m].id,
                                      plan->migrations[m].up.statements[i].ordinal, p->cold_basis);
            } else {
                more += p->cold_s - p->median_s;
            }
        }
    bool known = prediction->median_s > 0 && untold <= NEGLIGIBLE * prediction->median_s;
    prediction->cold_s = known ? prediction->median_s + more : RH_NOT_MEASURED;
    prediction->cold_basis =
        known
            ? "every page that the statements read comes from production's device once, at its probes' speeds"
            : why;
}

void rh_cold_predict(rh_plan *plan, const rh_translation *t, rh_arena *arena, rh_run_prediction *prediction)
{
    size_t index = 0;
    for (size_t m = 0; m < plan->migration_count; m++)
        for (size_t i = 0; i < plan->migrations[m].up.statement_count; i++, index++) {
            rh_statement *statement = &plan->migrations[m].up.statements[i];
            crossing c = {.t = t, .arena = arena};
            unknown(&statement->prediction, "no profile of production with probes was given");
            if (t && t->sizes && rh_work_measure(&t->sizes[index]) > 0)
                c.there = &t->sizes[index];
            if (t && statement->prediction.median_s > 0)
                add_cold(&c, statement);
        }
    prediction->caches = caches_of(plan, arena);
    add_total(plan, arena, prediction);
}
