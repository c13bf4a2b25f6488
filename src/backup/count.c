#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/backup/backup.h"
#include "embedded/backup.h"
#include <stdio.h>
#include <string.h>

/* Rows of every ordinary table itself: a partitioned table has none of its own, and an inherited row counts
 * once. */
static bool count_rows(rh_pg *pg, const rh_pg_result *tables, int64_t *rows, rh_error *error)
{
    *rows = 0;
    for (size_t i = 0; i < rh_pg_rows(tables); i++) {
        if (strcmp(rh_pg_value(tables, i, 1), "r") != 0)
            continue;
        char sql[400];
        int64_t count;
        snprintf(sql, sizeof sql, "SELECT count(*) FROM ONLY %s", rh_pg_value(tables, i, 0));
        if (!rh_pg_query_int(pg, sql, &count, error))
            return rh_error_context(error, "counting the rows of %s", rh_pg_value(tables, i, 0));
        *rows += count;
    }
    return true;
}

bool rh_backup_count(const char *conninfo, rh_backup_facts *facts, rh_error *error)
{
    rh_pg *pg = rh_pg_connect(conninfo, "count", error);
    rh_pg_result *tables = NULL;
    /* A copy has production's statistics, and its rows would take hours to count. */
    const bool copy = rh_backup_is_copy(facts);
    bool fine = pg && (copy || rh_pg_execute(pg, "ANALYZE", error));
    if (fine)
        tables = rh_pg_query(pg, rh_sql_user_tables, 0, NULL, error);
    fine = tables && (copy || count_rows(pg, tables, &facts->rows, error)) &&
           rh_pg_query_int(pg, "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())",
                           &facts->database_bytes, error);
    if (fine)
        facts->tables = (int64_t)rh_pg_rows(tables);
    rh_pg_result_free(tables);
    rh_pg_close(pg);
    return fine;
}
