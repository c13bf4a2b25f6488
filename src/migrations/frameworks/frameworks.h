/* The rules of each migration tool as data: one rh_framework_rules per tool, in a file of its own, and a line
 * in frameworks.c. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/migration.h"

/* A file of the migrations folder, as its framework reads the name. */
typedef struct rh_migration_file {
    const char *path; /* absolute */
    const char *file; /* its name, relative to the migrations folder */
    const char *id, *name;
    uint64_t version; /* 0 where the framework has none */
    rh_direction direction;
    int rank;             /* of several files for the same way only the one with the highest is taken */
    bool both_directions; /* the down migration is in the same file */
    const char *refused;  /* why the tool does not take a file of this name; NULL: it does */
    const char *not_sql;  /* what it is instead ("a program in Go"): it cannot be run here; NULL: SQL */
    const void *own;      /* what the framework's reader keeps with it; NULL */
} rh_migration_file;

typedef struct rh_migration_files {
    rh_migration_file *files;
    size_t count;
} rh_migration_files;

/* Where a framework's files lie. */
typedef enum rh_layout {
    RH_LAYOUT_FLAT,    /* in the folder itself */
    RH_LAYOUT_FOLDERS, /* a folder a migration: names are "folder/file" */
    RH_LAYOUT_TREE,    /* at any depth */
} rh_layout;

/* How sure a look at the folder makes. */
typedef enum rh_fit {
    RH_FIT_NONE,
    RH_FIT_SQL,   /* SQL files, as every framework has */
    RH_FIT_NAMES, /* named as this framework names them */
    RH_FIT_MARKS, /* with its own marks inside or beside them */
} rh_fit;

/* What the tool does with a down migration without an up migration. */
typedef enum rh_orphan_down {
    RH_ORPHAN_DOWN_REFUSED,
    RH_ORPHAN_DOWN_IGNORED, /* it never runs */
    RH_ORPHAN_DOWN_COUNTS,  /* it counts as a version, whose up migration is empty */
} rh_orphan_down;

/* What the tool does with two migrations of one version, one of which is pending. */
typedef enum rh_duplicate_version {
    RH_DUPLICATE_VERSION_REFUSED, /* pending or not */
    RH_DUPLICATE_VERSION_RUN,     /* the second fails where the history takes a version once */
    RH_DUPLICATE_VERSION_ONE, /* it runs one of them, in no order that is known: refused, but not when they
                                 are applied */
} rh_duplicate_version;

/* What a framework makes of a file in one direction. */
typedef struct rh_sql_reading {
    char *text; /* the file's; a reader blanks (all but line ends) what is not sent */
    rh_transaction_rule rule;
    bool rule_given, may_mix; /* for settle: the scenario sets the rule; both kinds may be in one file */
    bool missing;             /* the file has no such way */
    rh_sql_span
        *pieces; /* what the tool sends one by one, as it cuts the text; NULL: the server's statements */
    size_t piece_count;
    const char **piece_files; /* the file each piece comes from (NULL: this one): each is a statement then,
                                 checked already; NULL: all are of this file */
    const void *own;          /* the migration's; see rh_migration_file */
} rh_sql_reading;

typedef struct rh_framework_rules {
    rh_framework framework;
    const char *name;
    const char *files; /* how its files are named, for people */
    rh_transaction_rule transaction;
    rh_layout layout;
    /* Reads a file name; false: not a migration of this framework, ignored as the tool ignores it. */
    bool (*recognise)(const char *file_name, rh_arena *arena, rh_migration_file *file);
    /* Lists the files itself, instead of recognise; none where there is nothing of the framework's. NULL. */
    bool (*list)(const char *path, rh_arena *arena, rh_migration_files *list, rh_error *error);
    /* The order migrations run in; 0: the same migration. */
    int (*compare)(const rh_migration_file *a, const rh_migration_file *b);
    /* How well the files of LIST (not empty) fit, and *WHY in words; NULL: RH_FIT_NAMES. */
    rh_fit (*fit)(const char *folder, const rh_migration_files *list, rh_arena *arena, const char **why);
    const char *down_folder;         /* a folder of down migrations; NULL: none */
    bool session_a_file;             /* each file is run by psql, in a session of its own */
    rh_orphan_down orphan_down;      /* for a down migration without an up migration */
    rh_duplicate_version duplicates; /* for two migrations of one version */
    bool byte_order_mark_sent;       /* the tool sends a byte-order mark to the server (which refuses it) */
    /* Under RH_TRANSACTION_ONE: */
    bool one_query;         /* the tool sends the file as one query: what follows a COMMIT of the file's own
                               is an implicit transaction */
    bool begins_again;      /* its driver begins another transaction after a COMMIT of the file's own, which
                               the history's row is in too */
    bool all_in_one;        /* all that is pending is one transaction */
    bool commit_is_checked; /* the tool fails when the file's own COMMIT ended the tool's transaction */

    /* Directives and parts of a file; NULL: all of it is SQL for its direction. */
    bool (*read)(const char *path, rh_direction direction, rh_arena *arena, rh_sql_reading *reading,
                 rh_error *error);
    /* Once the statements are known: the tool's own check, and the rule that follows from them; may be NULL.
     */
    bool (*settle)(rh_script *script, const rh_sql_reading *reading, rh_error *error);
    /* Once all that is pending is read: the tool's checks of the whole. *IN_ONE is all_in_one, or is set. May
     * be NULL. */
    bool (*settle_plan)(rh_plan *plan, rh_arena *arena, bool *in_one, rh_error *error);

    /* As SQL text: looked up along the search_path, or with its schema. NULL: none; then the following are
     * NULL too. What a scenario names instead is in rh_plan.history_table, which all of them use. */
    const char *history_table;
    const char
        *history_columns[3]; /* by which a table of another name is found to be such a history; NULL-ended */
    const char *history_registry; /* a schema that is the tool's own; the history cannot be elsewhere; NULL */
    /* Does the tool take a database that has tables and no history? NULL: it runs all or refuses. */
    bool (*takes_over)(const rh_plan *plan, rh_arena *arena);
    /* Marks what HISTORY (present) says is applied, and what the tool passes over. */
    bool (*mark_applied)(const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error);
    /* What the tool passes over where there is no history yet, or (NONE false) as if there were none; may be
     * NULL. */
    void (*mark_fresh)(rh_plan *plan, bool none, rh_arena *arena);
    /* Creates the history table, which is missing, as the tool does when it connects. */
    bool (*prepare)(rh_pg *pg, const rh_plan *plan, rh_error *error);
    /* The tool's own bookkeeping before (may be NULL) and after it runs a file. Under RH_TRANSACTION_ONE the
     * latter is in the file's transaction. */
    bool (*begin)(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                  rh_error *error);
    bool (*end)(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                rh_error *error);
    bool (*history_apart)(const rh_plan *plan); /* END runs after the file's transaction has ended; may be
                                                   NULL: in it */
    /* What the tool writes when the file failed, after the rollback; may be NULL. */
    void (*failed)(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction);
} rh_framework_rules;

/* What rh_framework_rules_at lists. */
extern const rh_framework_rules rh_framework_sql;
extern const rh_framework_rules rh_framework_golang_migrate;
extern const rh_framework_rules rh_framework_dbmate;
extern const rh_framework_rules rh_framework_goose;
extern const rh_framework_rules rh_framework_diesel;
extern const rh_framework_rules rh_framework_prisma;
extern const rh_framework_rules rh_framework_flyway;
extern const rh_framework_rules rh_framework_pop;
extern const rh_framework_rules rh_framework_morph;
extern const rh_framework_rules rh_framework_postgrator;
extern const rh_framework_rules rh_framework_sqitch;
extern const rh_framework_rules rh_framework_node_pg_migrate;
extern const rh_framework_rules rh_framework_rails;
extern const rh_framework_rules rh_framework_drizzle;
extern const rh_framework_rules rh_framework_sqlx;

/* Every framework, the more particular layouts first; NULL past the last. */
const rh_framework_rules *rh_framework_rules_at(size_t index);
/* Never NULL for what rh_plan_detect found. */
const rh_framework_rules *rh_framework_rules_of(rh_framework framework);

/* ---- what several frameworks share ---- */

/* Blanks TEXT[from, to): bytes become spaces, line ends stay, so that lines and columns of the rest do too.
 */
void rh_blank(char *text, size_t from, size_t to);
/* The first line of the files of LIST that starts (after blanks) with MARK: the file's name; NULL: none. */
const char *rh_find_mark(const rh_migration_files *list, const char *mark, rh_arena *arena);
/* Refuses the file at PATH, LINE for a reason that is the tool's own. Returns false. */
bool rh_refuse_file(const char *path, int line, const char *tool, const char *reason, const char *hint,
                    rh_error *error);

/* The index of COLUMN in HISTORY, or -1. */
int rh_history_column(const rh_rows *history, const char *column);
/* Marks the migrations whose id is in COLUMN of HISTORY. Fails when there is no such column: TOOL's it is
 * not. */
bool rh_history_mark(const rh_rows *history, const char *column, const char *tool, rh_plan *plan,
                     rh_error *error);
bool rh_history_not_of(const char *table, const char *tool, const char *lacks, rh_error *error);
/* PLAN's history table, quoted, with its schema: the one it names, else the first of the search_path as it
 * was when this session first asked (tools that fix it when they connect). Heap; NULL on failure. */
char *rh_history_qualified(rh_pg *pg, const rh_plan *plan, const char *tool, rh_error *error);
/* The same, but for a table without a schema the first of the search_path as it is now. */
char *rh_history_qualified_now(rh_pg *pg, const rh_plan *plan, rh_error *error);
/* Creates the history table if it is missing from the schema above. */
bool rh_history_ensure(rh_pg *pg, const rh_plan *plan, const rh_framework_rules *rules, rh_error *error);
/* Makes the session as it was when it connected, the role of its connection's options included. */
bool rh_history_new_session(rh_pg *pg, rh_error *error);
/* One statement of the bookkeeping (without parameters: several), in which {history} is replaced by PLAN's
 * history table; an error says that it was TOOL's own update of it. */
bool rh_history_run(rh_pg *pg, const rh_plan *plan, const char *tool, const char *sql, size_t count,
                    const char *const *parameters, rh_error *error);
