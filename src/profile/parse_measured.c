/* The parts of a profile that were measured at production: rates from two readings of the same counters, and
 * the hardware probe. */
#include "parse.h"
#include "rounds.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* If less time lies between two readings, the server may not have updated its statistics. */
static const double READINGS_APART_S = 0.5;

/* Per second; RH_NOT_MEASURED if a counter decreased (the statistics were reset) or is missing. */
static double rate_of(const rh_json *first, const rh_json *last, const char *key, double apart_s)
{
    double grown = rh_json_real(rh_json_get(last, key)) - rh_json_real(rh_json_get(first, key));
    return grown >= 0 ? grown / apart_s : RH_NOT_MEASURED;
}

static double apart(const rh_json *first, const rh_json *last)
{
    return rh_json_real(rh_json_get(last, "clock_s")) - rh_json_real(rh_json_get(first, "clock_s"));
}

void rh_profile_parse_activity(rh_profile_parser *p)
{
    const rh_json *readings = rh_json_get(p->root, "activity");
    size_t count = rh_json_count(readings);
    p->profile->commits_per_s = p->profile->wal_bytes_per_s = RH_NOT_MEASURED;
    p->profile->backends = RH_UNKNOWN;
    for (size_t i = 0; i < count; i++) {
        int64_t backends = rh_profile_count(p, rh_json_at(readings, i), "backends", "activity");
        p->profile->backends = backends > p->profile->backends ? backends : p->profile->backends;
    }
    if (count < 2)
        return;
    const rh_json *first = rh_json_at(readings, 0), *last = rh_json_at(readings, count - 1);
    double apart_s = apart(first, last);
    if (!(apart_s >= READINGS_APART_S)) {
        rh_profile_warn(
            p, "activity: the two readings are %g s apart by production's clock, so there are no rates",
            apart_s);
        return;
    }
    p->profile->commits_per_s = rate_of(first, last, "commits", apart_s);
    p->profile->wal_bytes_per_s = rate_of(first, last, "wal_bytes", apart_s);
    if (isnan(p->profile->commits_per_s))
        rh_profile_warn(p, "activity: a counter decreased between the readings: the statistics were reset");
}

static int by_name(const void *a, const void *b)
{
    const rh_json *x = *(rh_json *const *)a, *y = *(rh_json *const *)b;
    const char *keys[] = {"schema", "name"};
    for (size_t i = 0; i < 2; i++) {
        const char *s = rh_json_string(rh_json_get(x, keys[i])), *t = rh_json_string(rh_json_get(y, keys[i]));
        int order = strcmp(s ? s : "", t ? t : "");
        if (order)
            return order;
    }
    double s = rh_json_real(rh_json_get(x, "clock_s")), t = rh_json_real(rh_json_get(y, "clock_s"));
    return (s > t) - (s < t);
}

static bool same_table(const rh_json *row, const rh_profile_relation *relation)
{
    const char *schema = rh_json_string(rh_json_get(row, "schema")),
               *name = rh_json_string(rh_json_get(row, "name"));
    return schema && name && strcmp(schema, relation->schema) == 0 && strcmp(name, relation->name) == 0;
}

static void set_rates(rh_profile_parser *p, rh_profile_relation *relation, const rh_json *first,
                      const rh_json *last)
{
    double apart_s = apart(first, last);
    if (!(apart_s >= READINGS_APART_S))
        return;
    relation->inserts_per_s = rate_of(first, last, "inserts", apart_s);
    relation->updates_per_s = rate_of(first, last, "updates", apart_s);
    relation->deletes_per_s = rate_of(first, last, "deletes", apart_s);
    double indexed = rate_of(first, last, "index_scans", apart_s);
    relation->scans_per_s =
        rate_of(first, last, "sequential_scans", apart_s) + (isnan(indexed) ? 0 : indexed);
    if (isnan(relation->inserts_per_s))
        rh_profile_warn(p, "table %s.%s: a counter decreased between the readings: the statistics were reset",
                        relation->schema, relation->name);
}

static int relation_by_name(const void *a, const void *b)
{
    const rh_profile_relation *x = *(rh_profile_relation *const *)a, *y = *(rh_profile_relation *const *)b;
    int order = strcmp(x->schema, y->schema);
    return order ? order : strcmp(x->name, y->name);
}

void rh_profile_parse_counters(rh_profile_parser *p)
{
    const rh_json *list = rh_json_get(p->root, "counters");
    size_t count = rh_json_count(list), relations = p->profile->relation_count;
    if (count == 0 || relations == 0)
        return;
    const rh_json **rows = rh_arena_alloc(p->arena, count * sizeof *rows);
    rh_profile_relation **by = rh_arena_alloc(p->arena, relations * sizeof *by);
    for (size_t i = 0; i < count; i++)
        rows[i] = rh_json_at(list, i);
    for (size_t i = 0; i < relations; i++)
        by[i] = &p->profile->relations[i];
    qsort(rows, count, sizeof *rows, by_name);
    qsort(by, relations, sizeof *by, relation_by_name);
    size_t at = 0;
    for (size_t i = 0; i < relations; i++) {
        rh_profile_relation *relation = by[i];
        while (at < count && !same_table(rows[at], relation)) {
            const char *schema = rh_json_string(rh_json_get(rows[at], "schema")),
                       *name = rh_json_string(rh_json_get(rows[at], "name"));
            int order = strcmp(schema ? schema : "", relation->schema);
            if (order > 0 || (order == 0 && strcmp(name ? name : "", relation->name) > 0))
                break;
            at++;
        }
        size_t first = at;
        while (at < count && same_table(rows[at], relation))
            at++;
        if (at > first + 1)
            set_rates(p, relation, rows[first], rows[at - 1]);
    }
}

static double per(double amount, double whole)
{
    return whole > 0 && amount > 0 ? amount / whole : RH_NOT_MEASURED;
}

/* Without the time for which other processes had the CPU: what keeps one busy takes no part in it. The wait
 * is that of the whole probe, the seconds those of its measured part, so a part of them is always left. */
static double busy_s(double seconds, double waited_s)
{
    static const double LEAST = 0.25;
    return waited_s > 0 ? fmax(seconds - waited_s, LEAST * seconds) : seconds;
}

static double probe_value(rh_profile_parser *p, rh_probe_kind kind, const rh_json *figures, const char *whose)
{
    const double seconds = rh_profile_real(p, figures, "seconds", 60, whose),
                 busy = busy_s(seconds, rh_profile_real(p, figures, "cpu_wait_s", 60, whose));
    switch (kind) {
    case RH_PROBE_CPU:
    case RH_PROBE_SORT:
        return per(rh_profile_real(p, figures, "rows", 1e12, whose), busy);
    case RH_PROBE_CACHED:
        return per(rh_profile_real(p, figures, "bytes", 1e15, whose), busy);
    case RH_PROBE_SEQUENTIAL:
    case RH_PROBE_WRITE:
        return per(rh_profile_real(p, figures, "bytes", 1e15, whose), seconds);
    case RH_PROBE_RANDOM:
        return per(seconds, rh_profile_real(p, figures, "reads", 1e9, whose));
    case RH_PROBE_PARALLEL:
        return per(rh_profile_real(p, figures, "speedup", 100, whose), 1);
    default:
        return per(rh_profile_real(p, figures, "flush_s", 60, whose), 1);
    }
}

/* What no machine does: a wrong clock or an edited file. */
static bool is_possible(rh_probe_kind kind, double value)
{
    static const double low[] = {1e3, 1e3, 1e5, 1e4, 1e-8, 1e-8, 1e4, 0.05},
                        high[] = {1e11, 1e11, 1e13, 1e12, 10, 60, 1e12, 20};
    return value >= low[kind] && value <= high[kind];
}

/* ROUND: "probe", or "probe_again", which is left out without a word where it is of no use. */
static rh_probe parse_round(rh_profile_parser *p, const char *round, bool first)
{
    rh_probe probe = {.uncached_bytes_per_s = RH_NOT_MEASURED};
    const rh_json *all = rh_json_get(p->root, round);
    for (int kind = 0; kind < RH_PROBE_COUNT; kind++) {
        const char *name = rh_probe_name((rh_probe_kind)kind);
        const rh_json *figures = rh_json_get(all, name);
        const char *whose = rh_arena_printf(p->arena, "probe %s", name);
        double value = figures ? probe_value(p, (rh_probe_kind)kind, figures, whose) : RH_NOT_MEASURED;
        probe.cut_short[kind] = rh_json_bool(rh_json_get(figures, "cut_short"));
        if (figures && !is_possible((rh_probe_kind)kind, value)) {
            if (first && isnan(value))
                rh_profile_warn(p, "%s: the measurements do not give a figure", whose);
            else if (first)
                rh_profile_warn(p, "%s: out of range: %g %s", whose, value,
                                rh_probe_unit((rh_probe_kind)kind));
            value = RH_NOT_MEASURED;
        }
        probe.value[kind] = value;
    }
    return probe;
}

void rh_profile_parse_probe(rh_profile_parser *p)
{
    const rh_probe rounds[] = {parse_round(p, "probe", true), parse_round(p, "probe_again", false)};
    p->profile->probe = rh_probe_of_rounds(rounds, 2);
    const rh_json *sequential = rh_json_path(p->root, "probe.sequential");
    double uncached = per(rh_profile_real(p, sequential, "uncached_bytes", 1e15, "probe sequential"),
                          rh_profile_real(p, sequential, "uncached_seconds", 60, "probe sequential"));
    bool slower = uncached <= p->profile->probe.value[RH_PROBE_SEQUENTIAL];
    p->profile->probe.uncached_bytes_per_s = slower ? uncached : RH_NOT_MEASURED;
}
