#include "session_end.h"
#include "pgrehearse/base/clock.h"
#include "pgrehearse/base/interrupt.h"

static const rh_usec END_LIMIT = 60 * RH_SECOND, POLL_INTERVAL = RH_SECOND / 500;

bool rh_backfill_await_sessions(rh_pg *pg, const char *count, rh_error *error)
{
    const rh_usec deadline = rh_clock_monotonic() + END_LIMIT;
    for (int64_t left = 1; left > 0;) {
        if (rh_interrupt_requested())
            return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted");
        if (!rh_pg_query_int(pg, count, &left, error))
            return false;
        if (left > 0 && rh_clock_monotonic() > deadline)
            return rh_error_set(error, RH_ERROR_STAGING,
                                "a session of the backfill was still there %.0f s after its end",
                                rh_seconds(END_LIMIT));
        if (left > 0)
            rh_clock_sleep_until(rh_clock_monotonic() + POLL_INTERVAL);
    }
    return true;
}
