/* The resource usage of a backend on another machine, by log_statement_stats. */
#include "usage.h"
#include "pgrehearse/base/text.h"
#include <stdio.h>
#include <string.h>

/* getrusage(2) counts blocks of this size on Linux and the BSDs, whatever the file system's are. */
enum { RUSAGE_BLOCK = 512 };

/* The last place of NEEDLE in TEXT. */
static const char *last_of(const char *text, const char *needle)
{
    const char *found = NULL;
    for (const char *at = text; (at = strstr(at, needle)) != NULL; at++)
        found = at;
    return found;
}

/* The "[" that opens the brackets ending just before AT. */
static const char *bracket_before(const char *text, const char *at)
{
    while (at && at > text && *at != '[')
        at--;
    return at && *at == '[' ? at : NULL;
}

bool rh_usage_parse(const char *text, rh_usage *usage)
{
    const char *cpu = bracket_before(text, last_of(text, " s system total]"));
    const char *blocks = bracket_before(text, last_of(text, "] filesystem blocks in/out"));
    long long in, out;
    *usage = (rh_usage){.read_bytes = RH_UNKNOWN, .write_bytes = RH_UNKNOWN};
    if (!cpu || sscanf(cpu, "[%lf s user, %lf s system total]", &usage->user_s, &usage->system_s) != 2)
        return false;
    if (blocks && sscanf(blocks, "[%lld/%lld]", &in, &out) == 2 && in >= 0 && out >= 0) {
        usage->read_bytes = in * RUSAGE_BLOCK;
        usage->write_bytes = out * RUSAGE_BLOCK;
    }
    return usage->user_s >= 0 && usage->system_s >= 0;
}

bool rh_usage_ask(rh_pg *pg, rh_usage *usage, rh_error *error)
{
    char state = rh_pg_transaction_state(pg);
    if (state != 'I' && state != 'T')
        return rh_error_set(error, RH_ERROR_SQL, "the transaction has failed");
    bool idle = state == 'I';
    rh_text log = {0};
    rh_error unclean = {0};
    bool ok = rh_pg_executef(pg, error,
                             "%s; SET LOCAL client_min_messages = log; SET LOCAL log_statement_stats = on",
                             idle ? "BEGIN" : "SAVEPOINT pgrehearse_usage") &&
              rh_pg_execute_logged(pg, "", &log, error);
    rh_pg_execute(
        pg, idle ? "ROLLBACK" : "ROLLBACK TO SAVEPOINT pgrehearse_usage; RELEASE SAVEPOINT pgrehearse_usage",
        &unclean);
    rh_error_release(&unclean);
    if (ok && !rh_usage_parse(rh_text_string(&log), usage))
        ok = rh_error_set(error, RH_ERROR_SQL, "the server did not send its statistics");
    rh_text_release(&log);
    return ok;
}
