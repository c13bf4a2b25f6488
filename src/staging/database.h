/* Databases like the backup's: encoding, locale, owner, privileges and settings. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "state.h"

/* Creates NAME from template0 over PG, with the backup's encoding and locale. What the server refuses of them
 * is staging->locale_missing and locale_why, and the nearest that it takes is used. */
bool rh_database_create(rh_staging *staging, rh_pg *pg, const char *name, rh_error *error);
/* Takes away what would keep database NAME, one of ours, from being dropped: subscriptions and prepared
 * transactions, of the backup or of a migration. What fails here is reported by the DROP that follows. */
void rh_database_release(rh_staging *staging, const char *name);
/* ALTER DATABASE … SET of the backup, and what its version lets every role do, for the rehearsed database,
 * over PG: before the restore, which may need them. Settings that a rehearsal must not have, or that the
 * server refuses, keep their reason in why_not. */
bool rh_database_settings(rh_staging *staging, rh_pg *pg, rh_error *error);
/* Owner, privileges and settings of database FROM for TO, over PG. What this role may not do is left out. */
bool rh_database_copy_settings(rh_pg *pg, const char *from, const char *to, rh_error *error);
/* Why a setting of a database or role does not apply: a sentence's end; "" for one that is left out without a
 * word; NULL for one that applies. */
const char *rh_database_refusal(const char *name, const char *value);
/* Does a setting of the backup's database or of its roles end idle sessions? */
bool rh_database_idles(const rh_database_facts *origin);
/* Startup options that keep the program's own sessions free of the limits and forms that the backup's
 * database sets for all its sessions: "-c statement_timeout=0 …", or NULL. */
const char *rh_database_options(const rh_database_facts *origin, rh_arena *arena);
