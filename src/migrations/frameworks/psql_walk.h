/* Internal to migrations/frameworks/: one file that psql's reader is in. */
#pragma once
#include "psql_script.h"

/* Files that include files; bytes of a file. */
enum { RH_PSQL_DEEPEST = 8, RH_PSQL_LONGEST = 64 * 1024 * 1024 };

/* One file under way. */
typedef struct rh_psql_walk {
    rh_psql *p;
    const char *path, *sql;
    rh_text out; /* the file with its commands blanked and its variables put in */
    size_t sent; /* of OUT: what became statements already */
    int line;    /* at the end of OUT */
    int depth;
    bool own; /* the script itself, not an included file */
} rh_psql_walk;

/* Refuses the line with a message in FORMAT. Returns false. */
bool rh_psql_refuse(const rh_psql_walk *w, rh_error_code code, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* :name, :'name', :"name" or :{?name} at TEXT; its value goes to OUT. 0: it is none that is set. */
size_t rh_psql_put_variable(const rh_psql *p, const char *text, rh_text *out);
/* What came since the last include becomes statements. */
bool rh_psql_send(rh_psql_walk *w);
/* Whether a statement is under way at the end of OUT. */
bool rh_psql_within_statement(const rh_psql_walk *w);
/* The command at SQL[AT]; returns where its line ends, or 0 when it was refused. */
size_t rh_psql_take_command(rh_psql_walk *w, size_t at);
/* Reads SQL, the text of the file at PATH. DEPTH: of the files that include it. */
bool rh_psql_read_file(rh_psql *p, const char *path, const char *sql, int depth);
