/* A CSV export: a folder of one CSV file a table, and one file of SQL with the definitions of the tables. */
#pragma once
#include "pgrehearse/adapters/csv.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/facts.h"
#include "restoring.h"

/* The export in the folder PATH: its files, not read yet. *CSV stays NULL where it has no CSV file.
 * RH_ERROR_BACKUP: no definitions, or more than one file of them; a file that is a link or none at all. */
bool rh_csv_recognise(const char *path, rh_arena *arena, rh_csv_facts **csv, rh_error *error);

/* The first RH_HEAD_SIZE bytes of a file through its compression, 0-terminated in HEAD: their count; 0 for
 * one in a container; -1. */
int64_t rh_csv_read_head(const char *path, char *head, rh_error *error);

/* Reads every file to its end: damage, other encodings and ragged rows are RH_ERROR_BACKUP with the place.
 * Fills the rows of each file, their compression, and the fields that may mean NULL. */
bool rh_csv_check(rh_csv_facts *csv, rh_arena *arena, const rh_progress *progress, const char *stage,
                  rh_error *error);

/* Chooses the field that means NULL: WORD, or when it is NULL the one that the files have. RH_ERROR_BACKUP,
 * with a place, where they have \N and empty fields. */
bool rh_csv_choose_null(rh_csv_facts *csv, const char *word, rh_error *error);

/* How far the files have been read, for the progress. */
typedef struct rh_csv_progress {
    const rh_progress *progress;
    const char *stage;
    int64_t before, total; /* bytes of the files before this one; of all */
} rh_csv_progress;

/* Reads one file through its compression, row by row. False with ERROR set, or silently when SINK ended it
 * so. PROGRESS and *COMPRESSION may be NULL. */
bool rh_csv_read_rows(const char *path, rh_csv_sink sink, void *user, const rh_csv_progress *progress,
                      const char **compression, rh_error *error);

/* True for a field that means NULL, where WORD is the text of such. */
bool rh_csv_is_null(const rh_csv_field *field, const char *word);

/* Appends the rows of one small table, from its file, to ROWS and replaces the columns; nothing where it has
 * no file. SCHEMA "" matches any. */
bool rh_csv_read_table(const rh_csv_facts *csv, const char *schema, const char *name, rh_arena *arena,
                       rh_rows *rows, rh_error *error);

/* Which of the statements of the definitions is the last that shapes a table: behind it the rows are loaded,
 * so that keys, indexes and triggers come after them, as in a dump. 0: none. */
bool rh_csv_rows_after(const rh_backup_facts *facts, int64_t *statement, rh_error *error);

/* The tables are there: loads each file into its table. A file without a table, a header that does not fit,
 * and rows that the server refuses are RH_ERROR_BACKUP with the place; a table or column without rows goes to
 * facts->missing. Foreign keys that are there already are checked afterwards, and triggers do not fire. */
bool rh_csv_load(rh_restoring *restoring, rh_error *error);

/* The definitions are complete: sets the sequences, and fills the materialized views. */
bool rh_csv_settle(rh_restoring *restoring, rh_error *error);
