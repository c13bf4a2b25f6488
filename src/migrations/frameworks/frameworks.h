/* What pgrehearse knows of each migration tool, as data: one rh_framework_rules a tool. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/migration.h"

/* A file of the migrations folder, as its framework reads the name. */
typedef struct rh_migration_file {
    const char *path; /* absolute */
    const char *file; /* its name */
    const char *id, *name;
    uint64_t version; /* 0 where the framework has none */
    rh_direction direction;
} rh_migration_file;

typedef struct rh_framework_rules {
    rh_framework framework;
    const char *name;
    rh_transaction_rule transaction;
    /* Reads a file name; false: not a migration of this framework, ignored as the tool ignores it. */
    bool (*recognise)(const char *file_name, rh_arena *arena, rh_migration_file *file);
    /* The order migrations run in; 0: the same migration. */
    int (*compare)(const rh_migration_file *a, const rh_migration_file *b);
    const char *down_folder;   /* a folder whose files are ways down; NULL: none */
    bool up_may_be_missing;    /* a version with only a way down counts, with an empty way up */
    bool byte_order_mark_sent; /* the tool sends a byte-order mark to the server (which refuses it) */

    const char *history_table; /* NULL: none; then the following are NULL too */
    /* Marks what HISTORY (present) says is applied. */
    bool (*mark_applied)(const rh_rows *history, rh_plan *plan, rh_error *error);
    /* Creates the history table as the tool does when it connects. */
    bool (*prepare)(rh_pg *pg, rh_error *error);
    /* The tool's own bookkeeping before and after it runs a file. */
    bool (*begin)(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                  rh_error *error);
    bool (*end)(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                rh_error *error);
} rh_framework_rules;

extern const rh_framework_rules rh_framework_sql;
extern const rh_framework_rules rh_framework_golang_migrate;

/* Never NULL for what rh_plan_detect found. */
const rh_framework_rules *rh_framework_rules_of(rh_framework framework);
