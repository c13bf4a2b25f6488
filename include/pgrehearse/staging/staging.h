/* Staging: a private embedded cluster, or databases that pgrehearse creates on a given server.
 *
 * An embedded cluster lives in <staging.directory>/pgrehearse-<uid>-<id>/ {mark, data/, snapshot/, socket/,
 * log}. The file `mark` says it is ours and is locked (rh_file_lock) as long as the run lives. On a given
 * server, databases are named pgrehearse_<id>… and carry a mark in their COMMENT; a session advisory lock
 * says that the run lives. Nothing without the mark is ever altered or dropped.
 */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/facts.h"
#include "pgrehearse/model/scenario.h"
#include <sys/types.h>

typedef struct rh_staging rh_staging;

typedef struct rh_staging_request {
    const rh_scenario *scenario;
    int minimum_major; /* least major version whose pg_restore reads the backup; 0: any */
    int wanted_major;  /* of the server that the backup is of; 0: not known. Embedded: this version when it is
                          installed, else the next newer one, else the newest */
    rh_database_facts
        *origin; /* what the backup says of its database; settings that do not apply get why_not */
    const char *log_directory;    /* server.log goes here (embedded) */
    const rh_setting *production; /* what production's profile has besides its defaults; the scenario's own
                                     settings go before. NULL: no profile */
    size_t production_count;
    int load_connections; /* that the timed passes need, besides our own */
    const rh_progress *progress;
} rh_staging_request;

/* The newest pg_restore's major version on this machine and its bindir (in ARENA), or 0 with an error when
 * there is none, or one that does not print its version. BINDIR limits the search; NULL:
 * PATH, /usr/lib/postgresql/N/bin, /usr/pgsql-N/bin, /usr/local/pgsql/bin. */
int rh_staging_find_binaries(const char *bindir, rh_arena *arena, const char **found, rh_error *error);

/* Refuses (RH_ERROR_REFUSED) what the guard forbids; starts the cluster with fast restore settings, or
 * connects to the server and creates the marked database. */
rh_staging *rh_staging_start(const rh_staging_request *request, rh_error *error);
/* Stops and removes everything that was started. Interrupts are held back. Takes NULL. KEEP leaves it
 * (embedded: stopped; server: the databases) and says where in the facts. */
void rh_staging_free(rh_staging *staging, bool keep);

/* Of the staging database; valid until the next call that changes the current database. Its role is a
 * superuser (embedded) or the URL's. */
const char *rh_staging_conninfo(const rh_staging *staging);
/* The same for sessions of the migrations and of the load: their own roles, and the settings that the backup
 * gives them. Of RH_STAGING's role until rh_staging_use_roles. */
const char *rh_staging_migrations_conninfo(const rh_staging *staging);
const char *rh_staging_workload_conninfo(const rh_staging *staging);

typedef enum rh_admission {
    RH_ADMITTED,        /* sessions can be this role's */
    RH_ADMITTED_LATER,  /* the same, after a CONNECT on the database that the backup does not give it */
    RH_ADMISSION_NONE,  /* there is no such role */
    RH_ADMISSION_DENIED /* on a given server: the URL's role must not become it */
} rh_admission;
/* Lets sessions be of ROLE. Embedded: by a login of its own; on a given server: by SET ROLE in the startup
 * packet, as whatever role the URL has. *SUPERUSER: it is one. False only with ERROR set. */
bool rh_staging_allow_role(rh_staging *staging, const char *role, rh_admission *admission, bool *superuser,
                           rh_error *error);
/* Sessions are of these roles from now on; NULL: of the program's own role. */
void rh_staging_use_roles(rh_staging *staging, const char *migrations, const char *workload);
/* The rehearsed database's name. */
const char *rh_staging_database(const rh_staging *staging);
/* The role of the program's own sessions. */
const char *rh_staging_own_role(const rh_staging *staging);

/* The server's log, to which it appends; NULL on a given server, whose log cannot be read from here. */
const char *rh_staging_log(const rh_staging *staging);
const char *rh_staging_bindir(const rh_staging *staging);
/* What client programs run as, when we are root: 0 otherwise. */
uid_t rh_staging_uid(const rh_staging *staging);
gid_t rh_staging_gid(const rh_staging *staging);
/* A directory in which client programs of that account can read and write; it is removed in the end. NULL on
 * failure. */
const char *rh_staging_work_directory(rh_staging *staging, rh_error *error);
/* Is it still up? Sets RH_ERROR_STAGING with the last lines of the server's log when an embedded postmaster
 * has ended. */
bool rh_staging_alive(rh_staging *staging, rh_error *error);
/* Has it been up all the time? RH_ERROR_LOST also when a process of the server ended at any time, which makes
 * PostgreSQL end every session, recover and go on: what was measured meanwhile is not the migration's. Sees
 * it some milliseconds after the process has ended. */
bool rh_staging_was_up(rh_staging *staging, rh_error *error);
/* What ended until now is accounted for; waits until the server is up. */
bool rh_staging_accept_restart(rh_staging *staging, rh_error *error);

/* After the restore, when its roles exist: owner, privileges and roles' settings of the backup's database.
 * What the server refuses is noted in the facts. */
bool rh_staging_apply_ownership(rh_staging *staging, rh_error *error);
/* After restore and prepare: disables and detaches subscriptions, removes scheduled jobs, and lists what was
 * done in the facts (neutralised). */
bool rh_staging_neutralise(rh_staging *staging, rh_error *error);
/* Ends the restore phase: VACUUM (what autovacuum has long done on production, and would otherwise begin
 * during the first pass), timed settings (production's) from now on, a clean shutdown or checkpoint, then the
 * snapshot. No connection of the caller may be open. */
bool rh_staging_snapshot(rh_staging *staging, const rh_progress *progress, rh_error *error);
/* Back to the snapshot, running, with timed settings. Every pass starts alike: shared buffers empty but for
 * what one connection reads, the operating system's cache as the copy left it, and nothing waiting to be
 * written back. No connection of the caller may be open. */
bool rh_staging_reset(rh_staging *staging, const rh_progress *progress, rh_error *error);
/* Kills the server as a crash would, at once and without waiting: embedded only, where it is ours. May be
 * called from another thread, while connections are open. Call rh_staging_restart then. */
void rh_staging_crash(rh_staging *staging);
/* Waits for the end of a server that was crashed, starts it again and waits until it has recovered. */
bool rh_staging_restart(rh_staging *staging, rh_error *error);
/* Foreign keys that the migrations will add: samples made from now on have the rows that these point at, too,
 * or the migrations would fail there. STATEMENTS (COUNT, borrowed): "ALTER TABLE a ADD FOREIGN KEY (b)
 * REFERENCES c NOT VALID"; each is tried in the whole database and taken back, and one that fails is no key
 * yet. */
void rh_staging_follow(rh_staging *staging, const char *const *statements, size_t count);
/* Makes a second database that holds a page sample (TABLESAMPLE SYSTEM) of FRACTION of every table,
 * referentially closed upwards, with all constraints and indexes; from then on rh_staging_conninfo is that
 * database until the next reset. Tables that could not be sampled are described in *WHY_NOT (in ARENA; NULL
 * when all is well). */
bool rh_staging_sample(rh_staging *staging, double fraction, rh_arena *arena, const char **why_not,
                       rh_error *error);

/* Makes a fresh copy of the sample the current database, in shared buffers that are empty and, as far as the
 * server is ours, cut with the rest of its memory to FRACTION, the sample's: so it is in the regime in which
 * the whole is with all of it. On a given server only what a database may set for itself is cut. Ends with
 * the next sample or reset. No connection of the caller may be open. */
bool rh_staging_sample_run(rh_staging *staging, double fraction, rh_error *error);

/* Fills FACTS (strings in ARENA). */
bool rh_staging_describe(rh_staging *staging, rh_arena *arena, rh_staging_facts *facts, rh_error *error);

/* Removes clusters that killed runs left in DIRECTORY (marked, and not locked by a living run), stopping
 * their servers first. Returns how many. */
int rh_staging_clear_leftovers(const char *directory, const rh_progress *progress);
