#include "pgrehearse/rehearsal/rehearsal.h"

int rh_exit_code(const rh_error *error)
{
    switch (error ? error->code : RH_OK) {
    case RH_OK:
        return RH_EXIT_OK;
    case RH_ERROR_USAGE:
    case RH_ERROR_SCENARIO:
    case RH_ERROR_UNSUPPORTED:
        return RH_EXIT_USAGE;
    case RH_ERROR_REFUSED:
        return RH_EXIT_REFUSED;
    case RH_ERROR_MIGRATION:
    case RH_ERROR_TIMEOUT:
        return RH_EXIT_MIGRATION;
    case RH_ERROR_INTERRUPTED:
        return RH_EXIT_INTERRUPTED;
    default:
        return RH_EXIT_FAILED;
    }
}
