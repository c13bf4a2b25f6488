/* The properties of the database in a backup: owner, locale, settings, privileges. */
#pragma once
#include "toc.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/facts.h"

/* Adds what one statement of a dump says: CREATE DATABASE; ALTER DATABASE … OWNER TO and SET; ALTER ROLE … IN
 * DATABASE … SET; GRANT and REVOKE on it; SET client_encoding. Others add nothing. Strings go to ARENA. */
void rh_database_note(rh_database_facts *facts, const char *sql, size_t length, rh_arena *arena);

/* From the table of contents of an archive. */
void rh_database_read_toc(const rh_toc *toc, rh_arena *arena, rh_database_facts *facts);
/* From a plain dump of one database: what stands before its first object. Privileges stand at its end, and
 * come with the restore, which also reports what is wrong with the dump. False only when interrupted. */
bool rh_database_read_plain(rh_backup_facts *facts, rh_arena *arena, rh_error *error);
