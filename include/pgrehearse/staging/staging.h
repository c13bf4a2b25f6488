/* Staging: a private embedded cluster, or databases that pgrehearse creates on a given server.
 *
 * An embedded cluster lives in <staging.directory>/pgrehearse-<uid>-<id>/ {mark, data/, snapshot/, standby/,
 * socket/, log}. The file `mark` marks it as created by pgrehearse, and is locked (rh_file_lock) while the
 * run lives. On a given server, databases are named pgrehearse_<id>… and carry a mark in their COMMENT; a
 * session advisory lock is held while the run lives. Nothing without the mark is altered or dropped.
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
    int exact_major;   /* of a physical copy, which only this version can open; 0: a dump */
    int wanted_major;  /* of the dumped server; 0: not known. Embedded: this version if it is installed, else
                          the  next newer one, else the newest */
    rh_database_facts
        *origin;     /* the properties of the backup's database; settings that do not apply get why_not */
    rh_arena *arena; /* for the strings of a clone's ORIGIN, which is found out here */
    const char *log_directory;    /* server.log goes here (embedded) */
    const rh_setting *production; /* production's non-default settings; the scenario's take precedence. NULL:
                                     no profile */
    size_t production_count;
    int load_connections; /* connections of the load in the timed passes */
    const rh_progress *progress;
} rh_staging_request;

/* The newest pg_restore's major version on this machine and its bindir (in ARENA), or 0 with an error when
 * there is none, or one that does not print its version. BINDIR is searched first; then
 * PATH, /usr/lib/postgresql/N/bin, /usr/pgsql-N/bin, /usr/local/pgsql/bin. */
int rh_staging_find_binaries(const char *bindir, rh_arena *arena, const char **found, rh_error *error);

/* Starts the cluster with settings for a fast restore, or connects to the given server and creates the marked
 * database. RH_ERROR_REFUSED if the safety guard forbids it. */
rh_staging *rh_staging_start(const rh_staging_request *request, rh_error *error);
/* Stops and removes everything that was started, with interrupts held. Takes NULL. KEEP: the stopped cluster
 * or the databases stay, and the facts have their location. */
void rh_staging_free(rh_staging *staging, bool keep);

/* The connection string of the staging database; valid until the next call that changes the current database.
 * Its role is a superuser (embedded) or the URL's. */
const char *rh_staging_conninfo(const rh_staging *staging);
/* The same for sessions of the migrations and of the load, with their roles and the settings of these in the
 * backup. Until rh_staging_use_roles, the role of rh_staging_conninfo. */
const char *rh_staging_migrations_conninfo(const rh_staging *staging);
const char *rh_staging_workload_conninfo(const rh_staging *staging);

typedef enum rh_admission {
    RH_ADMITTED,        /* sessions can use the role */
    RH_ADMITTED_LATER,  /* the same, after granting CONNECT, which the backup does not have */
    RH_ADMISSION_NONE,  /* there is no such role */
    RH_ADMISSION_DENIED /* on a given server: the URL's role may not SET ROLE to it */
} rh_admission;
/* Prepares sessions of ROLE. Embedded: the role logs in; on a given server: the URL's role logs in, with SET
 * ROLE in the startup packet. *SUPERUSER: ROLE is one. False only with ERROR set. */
bool rh_staging_allow_role(rh_staging *staging, const char *role, rh_admission *admission, bool *superuser,
                           rh_error *error);
/* Sessions use these roles from now on; NULL: the program's own role. */
void rh_staging_use_roles(rh_staging *staging, const char *migrations, const char *workload);
/* The rehearsed database's name. */
const char *rh_staging_database(const rh_staging *staging);
/* The role of the program's own sessions. */
const char *rh_staging_own_role(const rh_staging *staging);

/* The path of the server's log; NULL on a given server, whose log cannot be read. */
const char *rh_staging_log(const rh_staging *staging);
/* Client programs of this machine that fit the server; NULL where there is none, and WHY_NOT (may be NULL)
 * says so, and what to install. pg_dump: of the server's major version or a newer one. pg_restore: of that
 * version, else a newer one, else an older one that reads the backup. */
const char *rh_staging_pg_dump(const rh_staging *staging, const char **why_not);
const char *rh_staging_pg_restore(const rh_staging *staging, const char **why_not);
/* The account of client programs if this program runs as root; else 0. */
uid_t rh_staging_uid(const rh_staging *staging);
gid_t rh_staging_gid(const rh_staging *staging);
/* A directory in which that account can read and write; removed at the end. NULL on failure. */
const char *rh_staging_work_directory(rh_staging *staging, rh_error *error);
/* True if the server runs. Sets RH_ERROR_STAGING, with the last lines of the server's log, if an embedded
 * postmaster has ended. */
bool rh_staging_alive(rh_staging *staging, rh_error *error);
/* True if the server has run without a crash. RH_ERROR_LOST also if a process of the server ended abnormally,
 * upon which PostgreSQL ends every session and recovers: measurements of that time are invalid. Detects it
 * some milliseconds after the process has ended. */
bool rh_staging_was_up(rh_staging *staging, rh_error *error);
/* Accepts earlier crashes for rh_staging_was_up, and waits until the server is up. */
bool rh_staging_accept_restart(rh_staging *staging, rh_error *error);

/* A directory of a run beside the clusters, and marked like one: what a killed run left in it is removed by
 * the next. All zero but the lock, which is -1: none. */
typedef struct rh_place {
    const char *directory; /* in the arena */
    int lock;              /* on its mark */
} rh_place;
bool rh_place_make(const char *parent, rh_arena *arena, rh_place *place, rh_error *error);
bool rh_place_remove(rh_place *place, rh_error *error);

/* Makes the physical copy the content of the embedded cluster: brings its files, recovers them in single-user
 * mode, confined, switches off what of production would act, and chooses the rehearsed database (scenario key
 * backup.database). Fills COPY, and the origin of the request (strings in ARENA). RH_ERROR_BACKUP: the copy
 * is damaged or lacks something, by name. RH_ERROR_REFUSED: the isolation is not proven. */
bool rh_staging_adopt(rh_staging *staging, rh_physical_facts *copy, rh_arena *arena, rh_error *error);
/* The definitions of the rehearsed database, a statement each, for hazards. Strings in ARENA. */
bool rh_staging_read_definitions(rh_staging *staging, rh_arena *arena, const char ***texts, size_t *count,
                                 rh_error *error);

/* Call after the restore, when the roles exist: sets owner, privileges and roles' settings of the database as
 * in the backup. The facts list those that the server refuses. */
bool rh_staging_apply_ownership(rh_staging *staging, rh_error *error);
/* Call after restore and prepare: disables and detaches subscriptions, removes scheduled jobs, and lists
 * these in the facts (neutralised). */
bool rh_staging_neutralise(rh_staging *staging, rh_error *error);
/* Ends the restore phase: VACUUM (otherwise autovacuum would start during the first pass), production's
 * settings from now on, a clean shutdown or checkpoint, then the snapshot. No connection of the caller may be
 * open. */
bool rh_staging_snapshot(rh_staging *staging, const rh_progress *progress, rh_error *error);
/* Resets staging to the snapshot and starts the server with production's settings. Every pass starts in the
 * same state: shared buffers empty except for what one connection reads, the operating system's cache as
 * after the copy, and no dirty pages. No connection of the caller may be open. */
bool rh_staging_reset(rh_staging *staging, const rh_progress *progress, rh_error *error);
/* Whether the first pass that writes a block pays for its copy, and later ones do not: a reset by reflink
 * shares blocks, and those that were written once are not shared any more. Until rh_staging_warmed_up, which
 * says that the migrations have run once from the snapshot. */
bool rh_staging_first_writes_differ(const rh_staging *staging);
void rh_staging_warmed_up(rh_staging *staging);
/* A sentence on what copy-on-write may add to the times of the next pass; NULL: nothing. Static. */
const char *rh_staging_copy_on_write(const rh_staging *staging);
/* Kills an embedded server, as a crash does, without waiting. May be called from another thread, while
 * connections are open. Call rh_staging_restart then. */
void rh_staging_crash(rh_staging *staging);
/* Waits for the end of a server that was crashed, starts it again and waits until it has recovered. */
bool rh_staging_restart(rh_staging *staging, rh_error *error);
/* Foreign keys that the migrations will add: later samples also contain the rows that they reference, or the
 * migrations would fail on them. STATEMENTS (COUNT, borrowed): "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES
 * c NOT VALID"; each is tried in the whole database and rolled back; one that fails is ignored. */
void rh_staging_follow(rh_staging *staging, const char *const *statements, size_t count);
/* Creates a second database with a page sample (TABLESAMPLE SYSTEM) of FRACTION of every table, with the rows
 * that the sampled ones reference and all constraints and indexes; rh_staging_conninfo is that database until
 * the next reset. *WHY_NOT (in ARENA) describes tables that could not be sampled; NULL: none. */
bool rh_staging_sample(rh_staging *staging, double fraction, rh_arena *arena, const char **why_not,
                       rh_error *error);

/* Makes a new copy of the sample the current database, with empty shared buffers. An embedded server's memory
 * settings are reduced to FRACTION, so that the sample fits into memory as the whole does on production; on a
 * given server, only the settings that a database can have. Ends with the next sample or reset. No connection
 * of the caller may be open. */
bool rh_staging_sample_run(rh_staging *staging, double fraction, rh_error *error);

/* Gives an embedded cluster a streaming standby: stops it, copies it, starts both, and waits until the
 * standby streams. A copy from an earlier one is reused. No connection of the caller may be open. Where there
 * can be none (a given server, too little disk, settings), *WHY_NOT is the end of a sentence, valid as long
 * as STAGING, and the primary runs without one. False: the primary is lost, or an interrupt. A reset ends it.
 */
bool rh_staging_standby_start(rh_staging *staging, rh_standby_mode mode, const char **why_not,
                              rh_error *error);
/* The standby's, for read-only sessions of our own; NULL while none runs. */
const char *rh_staging_standby_conninfo(rh_staging *staging);
/* False, with the end of a sentence, if it has not run without a crash since its start. */
bool rh_staging_standby_was_up(rh_staging *staging, const char **why_not);
/* Ends it and drops its slot; its files stay for the next start. A primary that waited for it is started
 * again: no connection of the caller may be open. */
bool rh_staging_standby_stop(rh_staging *staging, rh_error *error);
/* The same, and removes its files. */
bool rh_staging_standby_remove(rh_staging *staging, rh_error *error);
/* Makes a new copy of the sample the current database, for what is not timed: the settings are those of the
 * whole, and the server is not restarted. Otherwise as above. */
bool rh_staging_sample_copy(rh_staging *staging, rh_error *error);

/* Fills FACTS (strings in ARENA). */
bool rh_staging_describe(rh_staging *staging, rh_arena *arena, rh_staging_facts *facts, rh_error *error);

/* Removes clusters that killed runs left in DIRECTORY (marked, and not locked by a living run), stopping
 * their servers first. Returns how many. */
int rh_staging_clear_leftovers(const char *directory, const rh_progress *progress);
