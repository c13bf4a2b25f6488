/* Identifies the type of a file by its first bytes. No I/O. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* How many first bytes are worth having. */
enum { RH_HEAD_SIZE = 64 * 1024 };

/* A PostgreSQL dump as SQL text: text whose first word is of SQL (or of psql's \restrict, \connect). Not
 * MySQL's, SQL Server's or SQLite's. */
bool rh_is_sql_dump(const char *head, size_t length);
/* "a PNG image", "a MySQL dump", "text, but no SQL" …; *HINT (static) is what to do with it. Never NULL. */
const char *rh_describe_file_type(const char *head, size_t length, const char **hint);
