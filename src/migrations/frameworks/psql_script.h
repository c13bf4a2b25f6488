/* What psql makes of a file, for the tools that hand their scripts to it (Sqitch; Rails' structure.sql): its
 * variables are put in, what it includes is read, what only shows is passed over. What could start a program
 * or reach a file outside is refused, and what psql would do otherwise than send a statement is named. */
#pragma once
#include "frameworks.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/scenario.h"

typedef struct rh_psql {
    const char *tool;      /* "Sqitch" */
    const char *path;      /* of the script */
    const char *folder;    /* where the tool runs psql: \i is relative to it, and nothing outside is read */
    rh_setting *variables; /* as psql's --set gives them; grows in ARENA */
    size_t variable_count;
    rh_arena *arena;
    rh_error *error;

    /* The result; zero before. */
    rh_text text;        /* what is sent; the script's own lines first, as they stand in it */
    rh_sql_span *pieces; /* statements in TEXT, with the place in their file */
    const char **files;  /* of each piece; NULL: the script's own */
    size_t piece_count;
} rh_psql;

/* Reads SQL, the text of the script. False: refused, with file and line. The caller releases p->text. */
bool rh_psql_read(rh_psql *p, const char *sql);
/* Reads the file at PATH after it, as \i at its end would. */
bool rh_psql_append(rh_psql *p, const char *path);
/* Sets NAME to VALUE, as \set does. */
void rh_psql_set(rh_psql *p, const char *name, const char *value);
/* The result as a reading: statements one by one, each by itself. */
void rh_psql_give(const rh_psql *p, rh_sql_reading *reading);
