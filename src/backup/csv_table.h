/* The tables of a CSV export, and the file of each. */
#pragma once
#include "csv_export.h"

typedef struct rh_exported_table {
    const char *schema, *name, *oid;
    bool partitioned, of_extension;
    const char *ancestors;   /* ",oid,oid,": itself, and what it is a partition of; "": neither */
    const rh_csv_file *file; /* NULL: it has none */
} rh_exported_table;
typedef struct rh_exported_tables {
    rh_exported_table *tables;
    size_t count;
} rh_exported_tables;

/* Reads the tables of PG and gives each its file. RH_ERROR_BACKUP for a file of no table or of several, and
 * where both a partition and what it belongs to have a file. What has none goes to facts->missing, unless
 * backup.skip accepts that; what backup.skip leaves out has none. */
bool rh_csv_assign(rh_restoring *restoring, rh_pg *pg, rh_exported_tables *tables, rh_error *error);

/* Loads the file of TABLE. */
bool rh_csv_load_table(rh_restoring *restoring, rh_pg *pg, const rh_exported_table *table,
                       rh_csv_progress *progress, rh_error *error);
