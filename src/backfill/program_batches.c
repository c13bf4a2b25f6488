/* Batches of the team's program: it is started on parts of the rows, a stratum each. */
#include "pgrehearse/base/interrupt.h"
#include "program_part.h"
#include "refuse.h"
#include "sweep.h"
#include <inttypes.h>
#include <stdlib.h>

static const rh_usec GLANCE = RH_SECOND / 500,
                     STARTUP = 60 * RH_SECOND; /* the longest until its first batch */
/* A program that has changed so many times the rows of its part does not keep to it. */
enum { TIMES = 2 };

/* One start of the program. */
typedef struct piece {
    rh_sweep *sweep;
    const rh_sweep_run *run;
    rh_pg *side;
    size_t stratum;
    rh_backfill_position from, to;
    int64_t rows;      /* to do in it */
    int64_t first_xid; /* of its writes */
    int64_t written;   /* rows of it that were written */
    rh_usec until;
    bool completed;
} piece;

/* ---- the part ---- */

/* The first and the last key of the next ROWS rows of the stratum; false in *FOUND: it has none. */
static bool choose_part(piece *p, int64_t rows, bool *found, rh_error *error)
{
    const rh_sweep *sweep = p->sweep;
    const rh_backfill_cursor *cursor = &sweep->census.cursors[p->stratum];
    const bool first = cursor->at.size == 0;
    const rh_backfill_position *after = first ? NULL : &cursor->at;
    const char *sql = first ? sweep->sql.find_first : sweep->sql.find_next;
    int64_t one = 0;
    *found = rh_backfill_find(p->side, sql, false, after, &cursor->upper, 1, &p->from, &one, error) &&
             p->from.size > 0 &&
             rh_backfill_find(p->side, sql, false, after, &cursor->upper, rows, &p->to, &p->rows, error);
    return *found || !rh_error_is_set(error);
}

static bool read_xid(piece *p, rh_error *error)
{
    return rh_pg_query_int(p->side, "SELECT pg_catalog.txid_current() % 4294967296", &p->first_xid, error);
}

/* The rows between FROM and TO, or (OUTSIDE) all others, that were written since it began. */
static bool count_written(piece *p, bool outside, int64_t *count, rh_error *error)
{
    const rh_backfill_target *target = &p->sweep->target;
    const char *parameters[] = {p->from.values[0], p->to.values[0]};
    rh_pg_result *row =
        rh_pg_query(p->side,
                    rh_arena_printf(p->sweep->arena,
                                    "SELECT count(*) FROM %s WHERE %s(%s BETWEEN $1::%s AND $2::%s)\n"
                                    "AND pg_catalog.age(xmin) <= pg_catalog.age('%" PRId64 "'::xid)",
                                    target->table, outside ? "NOT " : "", target->key[0], target->types[0],
                                    target->types[0], p->first_xid),
                    2, parameters, error);
    *count = row ? rh_pg_int(row, 0, 0, 0) : 0;
    rh_pg_result_free(row);
    return row != NULL;
}

/* ---- what it did ---- */

static const rh_location *where(const rh_backfill *b)
{
    return b->range ? &b->range_where : &b->command_where;
}

/* Without a load every write is the program's. It is checked once, because this reads the table. */
static bool check_range(piece *p, rh_error *error)
{
    rh_sweep *sweep = p->sweep;
    int64_t outside = 0;
    if (!p->run->quiet || sweep->range_checked || p->rows >= sweep->census.rows)
        return true;
    sweep->range_checked = true;
    if (!count_written(p, true, &outside, error))
        return false;
    if (outside == 0)
        return true;
    return rh_backfill_refuse(
        where(sweep->backfill), error,
        rh_arena_printf(sweep->arena,
                        "%s ignores its range: it changed %" PRId64
                        " rows outside of {from} … {to}, and %" PRId64 " of the %" PRId64 " within",
                        sweep->backfill->command[0], outside, p->written, p->rows),
        "{from} and {to} are the first and the last key of the rows to do; leave range out if the program cannot process a part of the rows");
}

static bool is_too_much(const piece *p, int64_t rows)
{
    return rows > TIMES * p->rows + p->run->setting.batch;
}

static int64_t told_rows(const rh_program_report *report)
{
    int64_t rows = 0;
    for (size_t i = 0; i < report->batch_count; i++)
        rows += report->batches[i].changed != RH_UNKNOWN ? report->batches[i].changed : 0;
    return rows;
}

/* Why its batches cannot be observed; NULL: they can. */
static const char *no_capacity(const piece *p, const rh_program_report *report)
{
    rh_arena *arena = p->sweep->arena;
    const char *program = p->sweep->backfill->command[0];
    if (p->completed && report->status != 0)
        return rh_arena_printf(arena, "%s ended with status %d on a part of the rows%s%s", program,
                               report->status, *report->said ? ": " : "", report->said);
    if (!p->completed && report->batch_count > 0 && is_too_much(p, told_rows(report)))
        return rh_arena_printf(arena, "%s changed the rows of its part repeatedly", program);
    if (report->hidden)
        return rh_arena_printf(
            arena, "the transactions of %s cannot be observed: it calls a procedure or a DO block", program);
    if (p->completed && p->written == 0)
        return rh_arena_printf(arena, "%s changed no row of its part", program);
    if (p->completed && report->batch_count == 0)
        return rh_arena_printf(arena, "the statements by which %s changes rows cannot be observed", program);
    return NULL;
}

/* Rows that no statement reported are divided evenly, WAL by rows. */
static void share_out(const piece *p, int64_t wal_bytes, rh_program_report *report)
{
    const int64_t told = told_rows(report);
    int64_t silent = 0, rows = 0;
    for (size_t i = 0; i < report->batch_count; i++)
        silent += report->batches[i].changed == RH_UNKNOWN;
    const int64_t left = p->written > told ? p->written - told : 0;
    for (size_t i = 0; i < report->batch_count; i++) {
        if (report->batches[i].changed == RH_UNKNOWN)
            report->batches[i].changed = left / silent;
        rows += report->batches[i].changed;
    }
    for (size_t i = 0; i < report->batch_count && rows > 0; i++)
        report->batches[i].wal_bytes =
            (int64_t)((double)wal_bytes * (double)report->batches[i].changed / (double)rows);
}

static void file(piece *p, const rh_program_report *report, rh_sweep_pids *pids)
{
    rh_sweep *sweep = p->sweep;
    for (size_t i = 0; i < report->batch_count; i++) {
        rh_backfill_batch batch = report->batches[i];
        batch.stratum = p->stratum;
        *rh_arena_add(sweep->arena, &sweep->evidence.batches, &sweep->evidence.batch_count) =
            (rh_backfill_measured){.setting = p->run->index, .quiet = p->run->quiet, .batch = batch};
    }
    for (size_t i = 0; pids && i < report->pid_count; i++)
        *rh_arena_add(sweep->arena, &pids->pids, &pids->count) = report->pids[i];
}

/* After the rows that were changed: those of the part, or as many as there were when it was stopped. */
static bool move_cursor(piece *p, rh_error *error)
{
    const rh_sweep *sweep = p->sweep;
    rh_backfill_cursor *cursor = &sweep->census.cursors[p->stratum];
    rh_backfill_position last = {0};
    int64_t found = 0;
    if (!p->completed && !sweep->backfill->condition && p->written > 0 && p->written < p->rows) {
        const bool first = cursor->at.size == 0;
        if (!rh_backfill_find(p->side, first ? sweep->sql.find_first : sweep->sql.find_next, false,
                              first ? NULL : &cursor->at, &cursor->upper, p->written, &last, &found, error))
            return false;
        rh_backfill_position_copy(&cursor->at, &last);
    } else if (p->completed || !sweep->backfill->condition) {
        rh_backfill_position_copy(&cursor->at, &p->to);
    } /* with where: what is done is not found again */
    rh_backfill_position_release(&last);
    return true;
}

/* ---- a start ---- */

/* Until it ends, or its time is over, or it does not keep to its part. */
static void watch(piece *p, rh_program_part *part)
{
    const rh_sweep_run *run = p->run;
    while (!rh_program_part_has_ended(part) && !rh_interrupt_requested() && rh_clock_monotonic() < p->until &&
           !is_too_much(p, rh_program_part_rows(part))) {
        if (run->duration > 0 && !p->sweep->window_open && rh_program_part_batches(part) > 0) {
            p->sweep->window_open = true;
            run->opened(run->data);
            p->until = rh_clock_monotonic() + run->duration;
        }
        rh_clock_sleep_until(rh_clock_monotonic() + GLANCE);
    }
}

static bool run_part(piece *p, rh_sweep_pids *pids, int64_t *batches, rh_error *error)
{
    rh_sweep *sweep = p->sweep;
    const rh_program_part_options options = {.backfill = sweep->backfill,
                                             .target = &sweep->target,
                                             .setting = p->run->setting,
                                             .range = {p->from.values[0], p->to.values[0]},
                                             .programs = &sweep->place->programs,
                                             .conninfo = sweep->place->conninfo};
    int64_t before = 0, after = 0;
    if (!read_xid(p, error) || !rh_backfill_wal_position(p->side, &before, error))
        return false;
    rh_program_part *part = rh_program_part_start(&options, error);
    if (!part)
        return false;
    watch(p, part);
    p->completed = rh_program_part_has_ended(part);
    bool ok = rh_program_part_stop(part, error) && rh_backfill_wal_position(p->side, &after, error);
    rh_program_report report = rh_program_part_report(part, sweep->arena);
    rh_program_part_free(part);
    ok = ok && count_written(p, false, &p->written, error) && check_range(p, error);
    if (!ok)
        return false;
    sweep->no_capacity = no_capacity(p, &report);
    share_out(p, after - before, &report);
    file(p, &report, pids);
    *batches = (int64_t)report.batch_count;
    sweep->budget -= p->written;
    sweep->changed_since_reset += p->written;
    return move_cursor(p, error);
}

/* The next stratum that has rows, from FIRST on in steps of STRIDE; SIZE_MAX: none. */
static size_t next_stratum(const rh_sweep *sweep, size_t from, size_t stride)
{
    const size_t count = sweep->census.count;
    for (size_t i = 0; i < count; i++) {
        const size_t h = (from + i * stride) % count;
        if (!sweep->census.cursors[h].ended)
            return h;
    }
    for (size_t i = 0; i < count; i++)
        if (!sweep->census.cursors[(from + i) % count].ended)
            return (from + i) % count;
    return SIZE_MAX;
}

bool rh_sweep_program_batches(rh_sweep *sweep, const rh_sweep_run *run, rh_sweep_pids *pids, rh_error *error)
{
    const bool to_the_end = run->duration > 0; /* a window: one start for as long as the stratum lasts */
    const size_t stride = run->stride > 0 ? run->stride : 1;
    size_t from = run->stride > 0 ? run->first : sweep->next;
    int64_t batches_left = run->most > 0 ? run->most : INT64_MAX;
    piece p = {.sweep = sweep, .run = run, .until = run->until + (run->duration > 0 ? STARTUP : 0)};
    p.side = rh_pg_connect(sweep->place->conninfo, ": backfill", error);
    bool ok = p.side != NULL;
    sweep->window_open = false;
    while (ok && !sweep->no_capacity && batches_left > 0 && sweep->budget > 0 &&
           rh_clock_monotonic() < p.until && !rh_interrupt_requested()) {
        const int64_t visit = run->visit < batches_left ? run->visit : batches_left;
        int64_t rows = to_the_end ? sweep->budget : visit * run->setting.batch, batches = 0;
        bool found = false;
        p.stratum = next_stratum(sweep, from, stride);
        if (p.stratum == SIZE_MAX)
            break;
        rows = rows < sweep->budget ? rows : sweep->budget;
        ok = choose_part(&p, rows, &found, error) && (!found || run_part(&p, pids, &batches, error));
        if (ok && !found)
            sweep->census.cursors[p.stratum].ended = true;
        batches_left -= batches;
        from = p.stratum + stride;
        rh_backfill_position_release(&p.from);
        rh_backfill_position_release(&p.to);
    }
    sweep->next = sweep->census.count > 0 ? from % sweep->census.count : 0;
    if (sweep->budget < 0 || next_stratum(sweep, 0, 1) == SIZE_MAX)
        sweep->budget = 0;
    rh_pg_close(p.side);
    return ok;
}
