/* Splits a duration into its components. */
#include "cost.h"
#include "pgrehearse/predict/predict.h"
#include "pgrehearse/predict/translate.h"

/* Prices only divide what CPU leaves over; these stand in for probes that were not taken. */
static const double USUAL_BYTES_PER_S = 500e6, USUAL_FLUSH_S = 1e-3;

double rh_parallel_degree(const rh_statement *statement)
{
    double elapsed = rh_cost_quiet_median(statement, RH_COST_ELAPSED),
           cpu = rh_cost_quiet_median(statement, RH_COST_CPU);
    return elapsed > 0 && cpu > elapsed ? cpu / elapsed : 1;
}

static double or_zero(double value)
{
    return value > 0 ? value : 0;
}

rh_duration_parts rh_parts_of(const rh_statement *statement, double seconds, const rh_probe *probe)
{
    double elapsed = rh_cost_quiet_median(statement, RH_COST_ELAPSED),
           cpu = rh_cost_quiet_median(statement, RH_COST_CPU);
    rh_duration_parts parts = {0};
    if (!(elapsed > 0) || isnan(cpu) || !(seconds > 0))
        return parts;
    double bytes_per_s = probe && probe->value[RH_PROBE_SEQUENTIAL] > 0 ? probe->value[RH_PROBE_SEQUENTIAL]
                                                                        : USUAL_BYTES_PER_S;
    double flush_s = probe && probe->value[RH_PROBE_WAL] > 0 ? probe->value[RH_PROBE_WAL] : USUAL_FLUSH_S;
    /* Workers' CPU runs beside the backend's: no more of it than there was time. */
    parts.cpu_s = seconds * fmin(1, cpu / elapsed);
    double left = seconds - parts.cpu_s;
    double read = or_zero(rh_cost_quiet_median(statement, RH_COST_READ)) / bytes_per_s;
    double write = (or_zero(rh_cost_quiet_median(statement, RH_COST_WRITE)) +
                    or_zero(rh_cost_quiet_median(statement, RH_COST_TEMP))) /
                   bytes_per_s;
    double wal = or_zero(rh_cost_quiet_median(statement, RH_COST_WAL)) / bytes_per_s +
                 or_zero(rh_cost_quiet_median(statement, RH_COST_FSYNCS)) * flush_s;
    double priced = (read + write + wal) * seconds / elapsed;
    double share = priced > 0 ? left / (read + write + wal) : 0;
    parts.read_s = read * share;
    parts.write_s = write * share;
    parts.wal_s = wal * share;
    parts.wait_s = priced > 0 ? 0 : left;
    return parts;
}
