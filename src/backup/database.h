/* The properties of the database in a backup: owner, locale, settings, privileges. */
#pragma once
#include "toc.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/facts.h"

/* Adds the properties in one statement of a dump: CREATE DATABASE; ALTER DATABASE … OWNER TO and SET; ALTER
 * ROLE … IN DATABASE … SET; GRANT and REVOKE on it; SET client_encoding. Others add nothing. Strings go to
 * ARENA. */
void rh_database_note(rh_database_facts *facts, const char *sql, size_t length, rh_arena *arena);

/* From the table of contents of an archive. */
void rh_database_read_toc(const rh_toc *toc, rh_arena *arena, rh_database_facts *facts);
/* From a plain dump of one database: the part before its first object. Privileges are at its end, and
 * are read by the restore, which also reports damage of the dump. False only when interrupted. */
bool rh_database_read_plain(rh_backup_facts *facts, rh_arena *arena, rh_error *error);
