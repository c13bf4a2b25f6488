#include "pgrehearse/predict/translate.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include "growth.h"
#include <math.h>

double rh_translation_ratio(const rh_translation *t, rh_probe_kind kind)
{
    double here = t->staging->value[kind], there = t->production->value[kind];
    if (!(here > 0) || !(there > 0))
        return NAN;
    bool seconds = kind == RH_PROBE_RANDOM || kind == RH_PROBE_WAL; /* the others are rates */
    double ratio = seconds ? there / here : here / there;
    bool rough = t->staging->cut_short[kind] || t->production->cut_short[kind];
    return rough ? fmax(1, ratio) : ratio; /* nothing is shorter for a figure that is rough */
}

/* The probes that stand for a class's CPU. */
static size_t cpu_probes(rh_statement_class class_, rh_probe_kind kinds[3])
{
    size_t count = 0;
    kinds[count++] = RH_PROBE_CPU;
    switch (class_) {
    case RH_CLASS_INDEX_BUILD:
    case RH_CLASS_INDEX_CONCURRENT:
    case RH_CLASS_REWRITE:
    case RH_CLASS_MAINTENANCE:
        kinds[count++] = RH_PROBE_SORT;
        break;
    case RH_CLASS_HEAP_SCAN:
    case RH_CLASS_VALIDATION:
    case RH_CLASS_FOREIGN_KEY:
    case RH_CLASS_QUERY:
        kinds[count++] = RH_PROBE_CACHED;
        break;
    default:
        break;
    }
    return count;
}

/* Their geometric mean; *SPREAD: half of what they disagree about, in log space. */
static double cpu_ratio(const rh_translation *t, rh_statement_class class_, double *spread)
{
    rh_probe_kind kinds[3];
    size_t count = cpu_probes(class_, kinds), known = 0;
    double sum = 0, low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        double ratio = log(rh_translation_ratio(t, kinds[i]));
        if (isnan(ratio))
            continue;
        sum += ratio;
        low = fmin(low, ratio);
        high = fmax(high, ratio);
        known++;
    }
    *spread = known ? (high - low) / 2 : 0;
    return known ? exp(sum / (double)known) : NAN;
}

/* By how much a statement's CPU takes longer because its parallel workers find fewer free CPUs there (less
 * than 1: more of them). What they gain here, 1 less than the degree, grows as the probe's gain does; three
 * processes have at most three CPUs. */
static double parallel_factor(const rh_translation *t, const rh_statement *statement)
{
    static const double LEAST_GAIN = 0.1; /* less is noise of the probe */
    double here = t->staging->value[RH_PROBE_PARALLEL] - 1,
           there = t->production->value[RH_PROBE_PARALLEL] - 1;
    double degree = rh_parallel_degree(statement);
    if (!(here > LEAST_GAIN) || !(there > -1))
        return 1;
    return degree / fmin(1 + (degree - 1) * fmax(0, there) / here, 3);
}

/* One statement on its way. */
typedef struct crossing {
    rh_statement *statement;
    rh_prediction *p;
    rh_growth_model model;
    const rh_work_size *here, *there; /* NULL: as here */
    double distance;                  /* doublings; 0: no larger than what was seen */
    double growth;                    /* of the duration, by size and memory */
    double hardware_spread;           /* log space */
    double rounds_spread;             /* log space: of the probes' rounds, here and there */
    double run_width, distance_width; /* log space */
    rh_text notes;                    /* how it was translated */
    bool hardware_known;              /* no part lacks its probe */
    bool outgrows;                    /* shared_buffers there, and in no run here */
    bool translated;                  /* by a probe, or by size */
} crossing;

/* The size that its last quiet run met; NULL when there was none. */
static const rh_work_size *size_here(const rh_statement *statement)
{
    for (size_t r = statement->run_count; r-- > 0;)
        if (statement->runs[r].pass == RH_PASS_KIND_QUIET && rh_work_measure(&statement->runs[r].size) > 0)
            return &statement->runs[r].size;
    return NULL;
}

/* By how much QUANTITY grows from here to there; 1 where nothing tells. */
static double growth_of(const crossing *c, rh_cost_quantity quantity, double otherwise)
{
    if (!c->here || !c->there)
        return 1;
    const rh_growth growth = rh_growth_fit(c->statement, quantity,
                                           1u << RH_PASS_KIND_SCALED | 1u << RH_PASS_KIND_QUIET, 1, c->model);
    const rh_cost *cost = &growth.cost;
    bool one_size = cost->observations > 0 && cost->largest < 1.05 * cost->smallest;
    bool constant = c->statement->class_ == RH_CLASS_CATALOG || c->statement->class_ == RH_CLASS_TRANSACTION;
    if (one_size && !constant) /* nothing tells: in proportion */
        return rh_work_measure(c->there) / rh_work_measure(c->here);
    double from = rh_growth_at(&growth, c->here), to = rh_growth_at(&growth, c->there);
    return from > 0 && to > 0 ? to / from : otherwise;
}

static double scale_part(crossing *c, double seconds, double growth, double ratio)
{
    if (seconds > 0 && isnan(ratio))
        c->hardware_known = false;
    else if (seconds > 0)
        c->translated = true;
    return seconds * growth * (isnan(ratio) ? 1 : ratio);
}

/* How much the rounds of a probe differ, here and there: half-width of the logarithm of its ratio. */
static double rounds_of(const rh_translation *t, rh_probe_kind kind)
{
    return isnan(rh_translation_ratio(t, kind))
               ? 0
               : hypot(t->staging->spread[kind], t->production->spread[kind]);
}

/* Of the sum of PARTS, each as uncertain as its own probe; of several probes the most uncertain. */
static double rounds_spread(const rh_translation *t, rh_statement_class class_,
                            const rh_duration_parts *parts)
{
    rh_probe_kind kinds[3];
    const size_t count = cpu_probes(class_, kinds);
    double cpu = 0;
    for (size_t i = 0; i < count; i++)
        cpu = fmax(cpu, rounds_of(t, kinds[i]));
    const double squares = pow(parts->cpu_s * cpu, 2) +
                           pow(parts->read_s * rounds_of(t, RH_PROBE_SEQUENTIAL), 2) +
                           pow(parts->write_s * rounds_of(t, RH_PROBE_WRITE), 2) +
                           pow(parts->wal_s * rounds_of(t, RH_PROBE_WAL), 2);
    const double sum = parts->cpu_s + parts->read_s + parts->write_s + parts->wal_s + parts->wait_s;
    return sum > 0 ? sqrt(squares) / sum : 0;
}

/* The share of WAL bytes that is left there. */
static double wal_share(const rh_statement *statement, double image_share)
{
    enum { BLOCK_BYTES = 8192 };
    for (size_t r = statement->run_count; r-- > 0;) {
        const rh_statement_run *run = &statement->runs[r];
        if (run->pass != RH_PASS_KIND_QUIET || run->wal_images < 0 || run->wal_bytes <= 0 ||
            isnan(image_share))
            continue;
        double images = fmin(1, (double)run->wal_images * BLOCK_BYTES / (double)run->wal_bytes);
        return 1 - images + images * image_share;
    }
    return 1;
}

static void translate_parts(crossing *c, const rh_translation *t)
{
    rh_duration_parts *parts = &c->p->parts;
    c->hardware_known = true;
    c->growth = growth_of(c, RH_COST_ELAPSED, 1);
    double cpu = cpu_ratio(t, c->statement->class_, &c->hardware_spread);
    double read = rh_translation_ratio(t, RH_PROBE_SEQUENTIAL), wal = rh_translation_ratio(t, RH_PROBE_WAL);
    double parallel = parallel_factor(t, c->statement);
    if (parallel > 1.05 || parallel < 0.95)
        rh_text_printf(&c->notes, "; its parallel workers' CPU there %.2g times as long", parallel);
    parts->cpu_s = scale_part(c, parts->cpu_s, growth_of(c, RH_COST_CPU, c->growth) * parallel, cpu);
    parts->read_s = scale_part(c, parts->read_s, growth_of(c, RH_COST_READ, c->growth), read);
    double write = rh_translation_ratio(t, RH_PROBE_WRITE);
    parts->write_s =
        scale_part(c, parts->write_s, growth_of(c, RH_COST_WRITE, c->growth), isnan(write) ? read : write);
    parts->wal_s = scale_part(c, parts->wal_s, growth_of(c, RH_COST_WAL, c->growth), wal) *
                   wal_share(c->statement, t->image_share);
    parts->wait_s *= c->growth;
    c->rounds_spread = rounds_spread(t, c->statement->class_, parts);
    /* What does not fit into production's memory comes from its device. */
    double bytes = c->there ? c->there->bytes : 0;
    if (t->memory_bytes > 0 && bytes > t->memory_bytes && t->production->value[RH_PROBE_SEQUENTIAL] > 0) {
        parts->read_s += (bytes - t->memory_bytes) / t->production->value[RH_PROBE_SEQUENTIAL];
        rh_text_append(&c->notes, "; the part beyond production's memory read from its device");
    }
}

static double sum_of(const rh_duration_parts *parts)
{
    return parts->cpu_s + parts->read_s + parts->write_s + parts->wal_s + parts->wait_s;
}

static void find_distance(crossing *c)
{
    if (!c->here || !c->there)
        return;
    double times = rh_work_measure(c->there) / rh_work_measure(c->here);
    c->distance = fmax(0, log2(times));
    c->translated = times > 1.05 || times < 0.95;
    if (c->translated)
        rh_text_printf(&c->notes, "; production's %.3g times of staging's size", times);
}

/* Whether a statement that changes pages has more of them there than fit in shared_buffers, by a share that
 * no run here had: pages that are read again and written early cost more, and nothing tells how much. */
static bool outgrows(const crossing *c)
{
    static const double LEAST_SHARE = 0.1;
    const rh_statement *statement = c->statement;
    if (!c->here || !c->there)
        return false;
    const double beyond = rh_cost_term_value(RH_TERM_BUFFERS, statement->class_, c->there);
    bool seen = !(beyond > LEAST_SHARE * (c->there->bytes + c->there->index_bytes));
    for (size_t i = 0; i < statement->run_count && !seen; i++) {
        const rh_work_size *size = &statement->runs[i].size;
        seen = rh_cost_term_value(RH_TERM_BUFFERS, statement->class_, size) >
               LEAST_SHARE * (size->bytes + size->index_bytes);
    }
    return !seen;
}

/* shared_buffers here of which the backup's table takes as much as production's table does of its own. */
static const char *outgrown_here(const crossing *c, rh_arena *arena)
{
    const double share = (c->here->bytes + c->here->index_bytes) / (c->there->bytes + c->there->index_bytes);
    char size[32];
    return rh_arena_strdup(arena,
                           rh_size_format((int64_t)(c->there->buffers_bytes * share), size, sizeof size));
}

/* The new interval around the translated median. */
static void widen(crossing *c, const rh_heldouts *heldouts, double level, rh_arena *arena)
{
    rh_prediction *p = c->p;
    size_t used = 0;
    c->run_width = isnan(p->high_s) ? NAN : log(p->high_s / p->staging_s);
    if (c->distance > 0.25)
        c->distance_width = rh_heldouts_width(heldouts, c->statement->class_, c->distance, level, &used);
    c->outgrows = outgrows(c);
    double width = sqrt(c->run_width * c->run_width + c->distance_width * c->distance_width +
                        c->hardware_spread * c->hardware_spread + c->rounds_spread * c->rounds_spread);
    width = c->outgrows ? NAN : width;
    p->low_s = p->median_s * exp(-width);
    p->high_s = p->median_s * exp(width);
    p->level = isnan(width) ? NAN : level;
    if (c->outgrows)
        p->basis = rh_arena_printf(arena,
                                   "%s; no interval: production's table and its indexes outgrow its "
                                   "shared_buffers, and in no run here did they",
                                   p->basis);
    else if (isnan(c->distance_width))
        p->basis = rh_arena_printf(arena,
                                   "%s; not enough evidence for an interval over such an extrapolation (%zu "
                                   "held-out predictions)",
                                   p->basis, used);
}

static void explain(crossing *c, bool profile, rh_arena *arena)
{
    rh_prediction *p = c->p;
    if (isnan(c->run_width)) {
        p->drivers = "too few runs";
        p->narrows = "more quiet passes (repeat:)";
    } else if (c->outgrows) {
        p->drivers =
            "production's table and its indexes do not fit in its shared_buffers, the backup's do here";
        p->narrows = rh_arena_printf(
            arena,
            "a fuller backup, or staging.settings.shared_buffers of %s: in the same proportion as there",
            outgrown_here(c, arena));
    } else if (isnan(c->distance_width)) {
        p->drivers = rh_arena_printf(arena, "production's table is %.3g times as large as the backup's",
                                     exp2(c->distance));
        p->narrows = "a fuller backup, or earlier runs' scores (a run directory with its history)";
    } else if (c->rounds_spread > c->run_width && c->rounds_spread > c->hardware_spread &&
               c->rounds_spread > c->distance_width) {
        p->drivers =
            rh_arena_printf(arena, "the rounds of the hardware probes differ by %.0f %%: it was disturbed",
                            100 * (exp(c->rounds_spread) - 1));
        p->narrows = "a profile of production taken at a quiet hour, and a quieter staging machine";
    } else if (c->distance_width >= c->run_width && c->distance_width >= c->hardware_spread) {
        p->drivers = rh_arena_printf(arena, "the extrapolation to %.3g times the size that was run",
                                     exp2(c->distance));
        p->narrows = "a fuller backup";
    } else if (c->hardware_spread > c->run_width) {
        p->drivers =
            rh_arena_printf(arena, "production's probes of CPU, sorting and memory disagree by %.0f %%",
                            100 * (exp(2 * c->hardware_spread) - 1));
        p->narrows = "another profile of production, taken at a quiet hour";
    } else {
        p->drivers = rh_arena_printf(arena, "the spread of its quiet runs, %.0f %% to either side",
                                     100 * (exp(c->run_width) - 1));
        p->narrows = "more quiet passes (repeat:), or a quieter machine";
    }
    if (!profile)
        p->narrows = rh_arena_printf(arena, "%s; for production's hardware its profile (production.profile)",
                                     p->narrows);
    else if (!c->hardware_known)
        p->narrows = rh_arena_printf(arena, "%s; a profile of production with all its probes", p->narrows);
}

static void cross(crossing *c, const rh_translation *t, const rh_probe *staging, const rh_heldouts *heldouts,
                  double level, rh_arena *arena)
{
    rh_prediction *p = c->p;
    p->staging_s = p->median_s;
    p->parts = rh_parts_of(c->statement, p->median_s, staging);
    c->run_width = isnan(p->high_s) ? NAN : log(p->high_s / p->median_s);
    if (t && sum_of(&p->parts) > 0) {
        find_distance(c);
        translate_parts(c, t);
        p->median_s = sum_of(&p->parts);
        p->translated = c->translated;
        p->basis =
            rh_arena_printf(arena, "%s; translated by the probes' ratios%s%s; caches as warm as staging's",
                            p->basis, rh_text_string(&c->notes),
                            c->hardware_known ? "" : "; a probe is missing, its resource taken as staging's");
        widen(c, heldouts, level, arena);
    }
    explain(c, t != NULL, arena);
    rh_text_release(&c->notes);
}

void rh_predict_production(rh_plan *plan, const rh_translation *t, const rh_probe *staging,
                           const rh_heldouts *heldouts, double level, rh_arena *arena)
{
    size_t index = 0;
    for (size_t m = 0; m < plan->migration_count; m++)
        for (size_t i = 0; i < plan->migrations[m].up.statement_count; i++, index++) {
            rh_statement *statement = &plan->migrations[m].up.statements[i];
            crossing c = {.statement = statement,
                          .p = &statement->prediction,
                          .model = t && t->growth ? t->growth[statement->class_].model : RH_GROWTH_WORK,
                          .here = size_here(statement)};
            if (t && t->sizes && rh_work_measure(&t->sizes[index]) > 0)
                c.there = &t->sizes[index];
            if (statement->prediction.median_s > 0)
                cross(&c, t, staging, heldouts, level, arena);
        }
}
