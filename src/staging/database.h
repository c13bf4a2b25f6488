/* Databases like the backup's: encoding, locale, owner, privileges and settings. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "state.h"

/* Creates NAME from template0 over PG, with the backup's encoding and locale. If the server refuses the
 * locale, sets staging->locale_missing and locale_why and uses the most similar one. */
bool rh_database_create(rh_staging *staging, rh_pg *pg, const char *name, rh_error *error);
/* Removes subscriptions and prepared transactions, which prevent dropping the database NAME. Failures are
 * reported by the DROP that follows. */
void rh_database_release(rh_staging *staging, const char *name);
/* Applies the backup's ALTER DATABASE … SET, and the default privileges of its version, to the rehearsed
 * database over PG, before the restore, which may need them. Settings that are not applied get why_not. */
bool rh_database_settings(rh_staging *staging, rh_pg *pg, rh_error *error);
/* Copies owner, privileges and settings of database FROM to TO, over PG, as far as its role may. */
bool rh_database_copy_settings(rh_pg *pg, const char *from, const char *to, rh_error *error);
/* Why a setting of a database or role is not applied, as the end of a sentence; "": omitted without a note;
 * NULL: it is applied. */
const char *rh_database_refusal(const char *name, const char *value);
/* True if a setting of the backup's database or of its roles ends idle sessions. */
bool rh_database_idles(const rh_database_facts *origin);
/* Startup options of pgrehearse's own sessions that override limits and formats in the settings of the
 * backup's database: "-c statement_timeout=0 …", or NULL. */
const char *rh_database_options(const rh_database_facts *origin, rh_arena *arena);
/* The same as settings of our own role, a line of SQL each: for a physical copy, whose databases have
 * settings that no text of the backup tells. A server that does not know one refuses that line. */
const char *rh_database_role_settings(rh_arena *arena);
