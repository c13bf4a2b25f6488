/* Whether a setting holds the gates, and which one is recommended. */
#include "pgrehearse/base/units.h"
#include "sweep.h"
#include <math.h>

/* ---- gates ---- */

typedef struct reading {
    double figure, low, high; /* HIGH: what must be within the limit */
} reading;

static reading read_gate(const rh_backfill_cell *cell, rh_backfill_gate_kind kind)
{
    switch (kind) {
    case RH_BACKFILL_GATE_P99_RATIO:
        return (reading){cell->p99_ratio.median, cell->p99_ratio.low, cell->p99_ratio.high};
    case RH_BACKFILL_GATE_LOCK_WAIT: /* who came at the wrong moment would wait as long as a batch has locks
                                      */
        return (reading){cell->lock_wait_s, cell->lock_wait_s, fmax(cell->lock_wait_s, cell->locks_max_s)};
    case RH_BACKFILL_GATE_WAL_RATE:
        return (reading){cell->wal_per_s, cell->wal_per_s, cell->wal_per_s};
    case RH_BACKFILL_GATE_LOAD_ERRORS:
        return (reading){(double)cell->load_errors, (double)cell->load_errors, (double)cell->load_errors};
    case RH_BACKFILL_GATE_DURATION:
        return (reading){cell->total_s.median, cell->total_s.low, cell->total_s.high};
    case RH_BACKFILL_GATE_REPLICA_LAG:
        return (reading){cell->replica_lag_s.median, cell->replica_lag_s.low, cell->replica_lag_s.high};
    case RH_BACKFILL_GATE_DEAD_ROWS:
        return (reading){cell->whole.dead_share.median, cell->whole.dead_share.low,
                         cell->whole.dead_share.high};
    case RH_BACKFILL_GATE_DISK:
        return (reading){cell->whole.disk_bytes.median, cell->whole.disk_bytes.low,
                         cell->whole.disk_bytes.high};
    case RH_BACKFILL_GATE_FINISH_BY:
        return (reading){cell->finish_s.median, cell->finish_s.low, cell->finish_s.high};
    case RH_BACKFILL_GATE_COUNT:
        break;
    }
    return (reading){RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED};
}

static const char *format_reading(const rh_sweep *sweep, rh_backfill_gate_kind kind, double value)
{
    rh_arena *arena = sweep->arena;
    char buffer[32];
    switch (kind) {
    case RH_BACKFILL_GATE_DEAD_ROWS:
        return rh_arena_printf(arena, "%.0f%%", 100 * value);
    case RH_BACKFILL_GATE_FINISH_BY:
        return isinf(value) ? "in more than three years"
                            : rh_arena_strdup(arena, rh_zone_format(&sweep->backfill->schedule.zone,
                                                                    (int64_t)value, buffer, sizeof buffer));
    case RH_BACKFILL_GATE_LOCK_WAIT:
    case RH_BACKFILL_GATE_DURATION:
    case RH_BACKFILL_GATE_REPLICA_LAG:
        return rh_arena_strdup(arena, rh_duration_format(value, buffer, sizeof buffer));
    case RH_BACKFILL_GATE_DISK:
    case RH_BACKFILL_GATE_WAL_RATE:
        return rh_arena_strdup(arena, rh_size_format((int64_t)value, buffer, sizeof buffer));
    default:
        return rh_arena_printf(arena, "%.3g", value);
    }
}

/* The first gate that the cell does not hold decides; one that fails goes before one that is unclear. */
void rh_sweep_judge(const rh_sweep *sweep, bool has_load, rh_backfill_cell *cell)
{
    cell->state = RH_CELL_HELD;
    cell->why = NULL;
    for (int kind = 0; kind < RH_BACKFILL_GATE_COUNT && cell->state != RH_CELL_FAILED; kind++) {
        const rh_gate_limit *gate = &sweep->backfill->gates[kind];
        const reading r = read_gate(cell, (rh_backfill_gate_kind)kind);
        const char *name = rh_backfill_gate_name((rh_backfill_gate_kind)kind);
        const bool of_load = kind == RH_BACKFILL_GATE_P99_RATIO || kind == RH_BACKFILL_GATE_LOCK_WAIT ||
                             kind == RH_BACKFILL_GATE_LOAD_ERRORS;
        if (!gate->set || (kind == RH_BACKFILL_GATE_REPLICA_LAG && isnan(r.figure))) /* not confirmed yet */
            continue;
        if ((of_load && !has_load) || isnan(r.high) || isnan(r.figure)) {
            cell->state = RH_CELL_UNCLEAR;
            cell->why = rh_arena_printf(sweep->arena, "%s was not measured", name);
        } else if (r.low > gate->limit) {
            cell->state = RH_CELL_FAILED;
            cell->why =
                rh_arena_printf(sweep->arena, "%s is %s, the gate %s", name,
                                format_reading(sweep, (rh_backfill_gate_kind)kind, r.figure), gate->text);
        } else if (r.high > gate->limit && cell->state == RH_CELL_HELD) {
            cell->state = RH_CELL_UNCLEAR;
            cell->why =
                rh_arena_printf(sweep->arena, "%s is %s, but may be %s: the gate is %s", name,
                                format_reading(sweep, (rh_backfill_gate_kind)kind, r.figure),
                                format_reading(sweep, (rh_backfill_gate_kind)kind, r.high), gate->text);
        }
    }
    const double archive_rate = sweep->backfill->archive_rate;
    if (cell->state != RH_CELL_FAILED && archive_rate > 0 && cell->wal_per_s > archive_rate) {
        char wal[32], most[32];
        cell->state = RH_CELL_FAILED;
        cell->why = rh_arena_printf(sweep->arena, "it writes %s of WAL a second, the archiver can archive %s",
                                    rh_size_format((int64_t)cell->wal_per_s, wal, sizeof wal),
                                    rh_size_format((int64_t)archive_rate, most, sizeof most));
    }
    if (cell->state == RH_CELL_HELD && !sweep->states.autovacuum) {
        cell->state = RH_CELL_UNCLEAR;
        cell->why = "autovacuum is off on staging: the vacuums during the whole backfill were not measured";
    }
}

/* ---- the recommendation ---- */

static bool has_gate(const rh_backfill *b)
{
    for (int kind = 0; kind < RH_BACKFILL_GATE_COUNT; kind++)
        if (b->gates[kind].set)
            return true;
    return false;
}

/* The fastest of those in STATE; -1: none. */
static int fastest(const rh_backfill_result *result, rh_backfill_cell_state state)
{
    int best = -1;
    for (size_t i = 0; i < result->cell_count; i++)
        if (result->cells[i].state == state && result->cells[i].total_s.median > 0 &&
            (best < 0 || result->cells[i].total_s.median < result->cells[best].total_s.median))
            best = (int)i;
    return best;
}

int rh_sweep_chosen(const rh_backfill_result *result)
{
    if (result->recommended >= 0)
        return result->recommended;
    const int unclear = fastest(result, RH_CELL_UNCLEAR);
    return unclear >= 0 ? unclear : fastest(result, RH_CELL_FAILED);
}

static const char *name_of(const rh_backfill_cell *cell, rh_arena *arena)
{
    char rows[32];
    return rh_arena_printf(arena, "%s rows a batch, pause %s, %d worker%s",
                           rh_count_format(cell->setting.batch, rows, sizeof rows), cell->setting.pause.text,
                           cell->setting.workers, cell->setting.workers == 1 ? "" : "s");
}

/* The fastest setting that holds every gate if the limit of KIND were LIMIT; -1: none does. */
static int best_with(const rh_sweep *sweep, const rh_backfill_result *result, int kind, double limit)
{
    rh_backfill backfill = *sweep->backfill;
    rh_sweep with = *sweep;
    int best = -1;
    with.backfill = &backfill;
    backfill.gates[kind].limit = limit;
    for (size_t i = 0; i < result->cell_count; i++) {
        rh_backfill_cell cell = result->cells[i];
        if (cell.batches == 0 || cell.state == RH_CELL_EXCLUDED || !(cell.total_s.median > 0) ||
            (backfill.gates[RH_BACKFILL_GATE_REPLICA_LAG].set && isnan(cell.replica_lag_s.median)))
            continue;
        rh_sweep_judge(&with, sweep->place->load != NULL, &cell);
        if (cell.state == RH_CELL_HELD &&
            (best < 0 || cell.total_s.median < result->cells[best].total_s.median))
            best = (int)i;
    }
    return best;
}

static const char *append_sentence(const rh_sweep *sweep, const char *text, const rh_backfill_cell *cell,
                                   const char *condition)
{
    char total[32];
    return rh_arena_printf(sweep->arena, "%s %s it would be %s: %s.", text, condition,
                           name_of(cell, sweep->arena),
                           rh_duration_format(cell->total_s.median, total, sizeof total));
}

/* No setting holds: of each gate, the limit at which one would. */
static const char *limits_that_would_hold(const rh_sweep *sweep, const rh_backfill_result *result)
{
    const char *text = "";
    for (int kind = 0; kind < RH_BACKFILL_GATE_COUNT; kind++) {
        const int best = sweep->backfill->gates[kind].set ? best_with(sweep, result, kind, INFINITY) : -1;
        const double needed =
            best >= 0 ? read_gate(&result->cells[best], (rh_backfill_gate_kind)kind).high : INFINITY;
        if (isfinite(needed))
            text =
                append_sentence(sweep, text, &result->cells[best],
                                rh_arena_printf(sweep->arena, "With %s above %s",
                                                rh_backfill_gate_name((rh_backfill_gate_kind)kind),
                                                format_reading(sweep, (rh_backfill_gate_kind)kind, needed)));
    }
    return text;
}

/* A setting holds: what a quarter more of a gate would make faster. */
static const char *gain_of_higher_limits(const rh_sweep *sweep, const rh_backfill_result *result, int held)
{
    const char *text = "";
    for (int kind = 0; kind < RH_BACKFILL_GATE_COUNT; kind++) {
        const rh_gate_limit *gate = &sweep->backfill->gates[kind];
        if (!gate->set || kind == RH_BACKFILL_GATE_FINISH_BY)
            continue;
        const int best = best_with(sweep, result, kind, 1.25 * gate->limit);
        if (best >= 0 && result->cells[best].total_s.median < result->cells[held].total_s.median)
            text = append_sentence(sweep, text, &result->cells[best],
                                   rh_arena_printf(sweep->arena, "With %s higher by a quarter",
                                                   rh_backfill_gate_name((rh_backfill_gate_kind)kind)));
    }
    return text;
}

void rh_sweep_recommend(const rh_sweep *sweep, rh_backfill_result *result)
{
    rh_arena *arena = sweep->arena;
    const int held = fastest(result, RH_CELL_HELD);
    for (size_t i = 0; i < result->cell_count; i++)
        result->cells[i].recommended = false;
    result->recommended = held;
    if (held >= 0) {
        result->cells[held].recommended = true;
        result->advice =
            has_gate(sweep->backfill)
                ? rh_arena_printf(arena,
                                  "%s: the fastest setting that holds every gate with the "
                                  "upper end of its interval.%s",
                                  name_of(&result->cells[held], arena),
                                  gain_of_higher_limits(sweep, result, held))
                : rh_arena_printf(
                      arena,
                      "%s: the fastest setting; no gate is set, so its effect on the load was not considered.",
                      name_of(&result->cells[held], arena));
        return;
    }
    const int nearest = rh_sweep_chosen(result);
    result->advice = nearest < 0
                         ? "No setting was run."
                         : rh_arena_printf(arena, "No setting holds every gate. The nearest is %s: %s.%s",
                                           name_of(&result->cells[nearest], arena),
                                           result->cells[nearest].why, limits_that_would_hold(sweep, result));
}
