/* The state of staging. Shared by the files of staging/ only. */
#pragma once
#include "account.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/adapters/process.h"
#include "server_life.h"
#include "shared_memory.h"
#include "pgrehearse/staging/staging.h"
#include <stdint.h>

/* The superuser of an embedded cluster: a name that no role of a backup has, since a dump may change those.
 */
#define RH_OWN_ROLE "pgrehearse_superuser"

/* Which settings the embedded server runs with. */
typedef enum rh_settings_phase { RH_SETTINGS_RESTORE, RH_SETTINGS_TIMED } rh_settings_phase;

/* A private cluster: <staging.directory>/pgrehearse-<uid>-<id>/. data, socket and work belong to the account
 * that the server runs as. The directory itself, mark, config, snapshot and log are ours: the server cannot
 * change them, and we open nothing for writing that it could replace by a link. */
typedef struct rh_cluster {
    const char *directory;
    const char *base; /* of data: the directory, or one of the same name in staging.snapshot.directory */
    const char *mark, *data, *snapshot, *work; /* in it; work: files that client programs write */
    const char *config;                        /* in it: postgresql.conf, pg_hba.conf, pg_ident.conf */
    const char *socket;                        /* in it, or under /tmp when its path would be too long */
    const char *log, *shown_log;               /* the server's own, and the run's server.log */
    int lock;                                  /* on the mark; -1 */
    rh_process *server;                        /* NULL: stopped */
    rh_shared_memory memory;                   /* of the server that was started last */
    rh_server_life life;                       /* the same server's */
    bool broken;                               /* a server lost a process before it was stopped */
    rh_tree_state *state;                      /* data when it last equalled the snapshot; NULL */
    char control[65]; /* the digest of pg_control in a snapshot of the scenario's programs */
    bool hooked;      /* such a snapshot was taken, and not removed */
    bool shared;      /* data shares blocks with the snapshot, and the file system tells which */
} rh_cluster;

/* A standby of the private cluster; its socket's directory is beside the cluster's. */
typedef struct rh_standby {
    const char *data, *socket, *log, *shown_log; /* NULL: none has been asked for */
    rh_process *server;                          /* NULL: stopped */
    rh_shared_memory memory;
    rh_server_life life;
    rh_standby_mode mode; /* how the primary that runs was started for it */
    rh_tree_state *state; /* its data when they last equalled the primary's; NULL: not copied yet */
} rh_standby;

/* Databases that pgrehearse creates on a given server. */
typedef struct rh_given_server {
    const char *url; /* the scenario's: its database is where databases are made and dropped from */
    rh_pg *lease;    /* holds the advisory lock that says that this run lives */
    int32_t lock_key;
    const char *clone;    /* database that the rehearsed one is a copy of; NULL: the backup is restored */
    const char *snapshot; /* database; NULL before the snapshot */
    const char *work;     /* directory for pg_dump's file, ours; NULL until needed */
} rh_given_server;

/* A client program that fits the server. */
typedef struct rh_client_program {
    const char *path;    /* NULL: there is none */
    const char *why_not; /* a sentence */
} rh_client_program;

struct rh_staging {
    rh_arena *arena;
    const rh_scenario *scenario;
    const rh_progress *progress;
    rh_staging_kind kind;
    int load_connections;
    const char *id;     /* 8 hexadecimal digits */
    const char *bindir; /* embedded: the server's programs */
    int major;
    rh_client_program pg_dump, pg_restore;
    rh_account account; /* of the server when we are root */
    uid_t uid;          /* what programs run as when we are root: the account's; else 0 */
    gid_t gid;
    rh_isolation isolation;
    const char *database;                    /* the rehearsed one */
    int origin_major;                        /* of the server that the backup is of; 0: not known */
    rh_database_facts *origin;               /* what the backup says of it */
    const char *locale_path;                 /* LOCPATH of the server; NULL: the system's */
    const char *locale_missing, *locale_why; /* the backup's locale that the database lacks, and why; NULL */
    rh_physical_facts *copy;                 /* the cluster's files are of a physical copy; NULL */
    rh_arena *copy_arena;                    /* its strings */
    const char *sample;                      /* the sampled one; NULL unless it is current */
    const char *conninfo;                    /* of the current one; valid until it changes */
    const char *migrations_role, *workload_role;         /* NULL: the role of our own sessions */
    const char *migrations_conninfo, *workload_conninfo; /* of the current one, too */
    rh_cluster cluster;
    rh_standby standby;
    rh_given_server borrowed;
    rh_settings_phase phase;
    const char
        *scaled_settings; /* lines for the server's file while a sample runs in proportion; else NULL */

    const char *const *added_keys; /* statements of rh_staging_follow */
    size_t added_key_count;

    /* for the facts */
    const char *reset_method;
    const char *copy_on_write; /* of the next timed pass */
    int64_t reset_bytes;       /* of the largest */
    double snapshot_s;
    int64_t snapshot_bytes;
    double *reset_s; /* each */
    size_t reset_count;
    rh_setting_fact *settings;
    size_t setting_count;
    const rh_setting *production; /* of its profile, besides its defaults */
    size_t production_count;
    rh_setting *applied; /* production's settings that the timed passes run with */
    size_t applied_count;
    const char **neutralised;
    size_t neutralised_count;
};

/* Adds a sentence to the facts, once. */
void rh_staging_note(rh_staging *staging, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A conninfo of DATABASE in this place, in the arena. */
const char *rh_staging_conninfo_of(rh_staging *staging, const char *database);
/* The same for sessions of ROLE (NULL: our own) with startup OPTIONS (may be NULL). */
const char *rh_staging_conninfo_as(rh_staging *staging, const char *database, const char *role,
                                   const char *options);
/* Connects to DATABASE. */
rh_pg *rh_staging_connect(rh_staging *staging, const char *database, const char *role, rh_error *error);
/* The installation's program NAME, in the arena. */
const char *rh_staging_program(rh_staging *staging, const char *name);
/* The databases of a sample: the pristine one, and the copy that a pass runs on. */
const char *rh_staging_sample_name(rh_staging *staging);
const char *rh_staging_scaled_name(rh_staging *staging);
/* Back to the timed settings, after a pass in proportion. */
bool rh_staging_unscale(rh_staging *staging, rh_error *error);
/* Makes DATABASE the current one. */
void rh_staging_use(rh_staging *staging, const char *database);
