#include "server_life.h"
#include <stdio.h>
#include <string.h>

/* "pid (name) state parent group …": the name may hold blanks and parentheses. -1 when the process has ended.
 */
static long long start_ticks(int pid)
{
    char path[32], line[1024], state = 0;
    long long ticks = -1;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    const char *name_end = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    fclose(file);
    /* Start time is the 22nd value, the state the third. */
    if (!name_end ||
        sscanf(name_end + 1,
               " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %lld", &state,
               &ticks) != 2)
        return -1;
    return state == 'Z' || state == 'X' ? -1 : ticks;
}

bool rh_server_life_note(rh_pg *pg, rh_server_life *life)
{
    /* Crash recovery discards the statistics, a clean start does not. Before 15 they lack also after initdb
     * and single-user mode: only the log tells there. */
    const bool tells = rh_pg_server_version(pg) >= 150000;
    static const char sql[] = "SELECT a.pid, w.stats_reset >= pg_catalog.pg_postmaster_start_time()"
                              " FROM pg_catalog.pg_stat_activity a, pg_catalog.pg_stat_bgwriter w"
                              " WHERE a.backend_type = 'checkpointer'";
    rh_pg_result *found = rh_pg_query(pg, sql, 0, NULL, NULL);
    *life = (rh_server_life){0};
    if (found && rh_pg_rows(found) == 1) {
        int pid = (int)rh_pg_int(found, 0, 0, 0);
        *life = (rh_server_life){.checkpointer = pid,
                                 .start_ticks = start_ticks(pid),
                                 .recovered = tells && rh_pg_bool(found, 0, 1)};
    }
    rh_pg_result_free(found);
    return life->checkpointer && life->start_ticks >= 0;
}

bool rh_server_life_has_ended(const rh_server_life *life)
{
    return life->checkpointer && start_ticks(life->checkpointer) != life->start_ticks;
}
