#include "refuse.h"

bool rh_backfill_refuse(const rh_location *where, rh_error *error, const char *message, const char *hint)
{
    rh_error_set(error, RH_ERROR_SCENARIO, "%s", message);
    if (hint)
        rh_error_hint(error, "%s", hint);
    return rh_error_at(error, where->file, where->line, where->column);
}

bool rh_backfill_blame(const rh_location *where, const char *what, rh_error *error)
{
    if (!error || error->code != RH_ERROR_SQL)
        return false;
    error->code = RH_ERROR_SCENARIO;
    rh_error_context(error, "%s", what);
    return rh_error_at(error, where->file, where->line, where->column);
}

bool rh_backfill_refuse_standstill(const rh_backfill *backfill, rh_error *error)
{
    return rh_backfill_refuse(
        &backfill->sql_where, error, "sql returned no key greater than :after",
        "it would never end: change the first rows with a key > :after, in the order of "
        "the key, and return it");
}
