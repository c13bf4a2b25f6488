/* Production's facts, as "pgrehearse profile" read them: plain data.
 *
 * A figure that production did not tell is RH_NOT_MEASURED or RH_UNKNOWN, a text NULL; rh_profile.unknown
 * says why.
 */
#pragma once
#include "pgrehearse/model/facts.h"
#include "pgrehearse/model/load.h"
#include "pgrehearse/model/prediction.h"

/* What the hardware did for one thread; each RH_NOT_MEASURED when it was not measured. */
typedef enum rh_probe_kind {
    RH_PROBE_CPU,        /* numbers hashed, 1/s */
    RH_PROBE_SORT,       /* numbers sorted in memory, 1/s */
    RH_PROBE_CACHED,     /* read from shared buffers, bytes/s */
    RH_PROBE_SEQUENTIAL, /* read from outside of them, neighbouring pages, bytes/s */
    RH_PROBE_RANDOM,     /* one page from outside of them, s */
    RH_PROBE_WAL,        /* a commit's way to the disk, s */
    RH_PROBE_WRITE,      /* WAL written and flushed, bytes/s */
    RH_PROBE_PARALLEL,   /* of three processes over that of one: 1 … 3 */
    RH_PROBE_COUNT
} rh_probe_kind;
/* "cpu", "sort", "cached", "sequential", "random", "wal", "write", "parallel". */
const char *rh_probe_name(rh_probe_kind kind);
/* What its figure counts: "numbers/s", "bytes/s", "s", "times". */
const char *rh_probe_unit(rh_probe_kind kind);

typedef struct rh_probe {
    double value[RH_PROBE_COUNT];
    bool cut_short[RH_PROBE_COUNT]; /* measured, but for a shorter time than meant */
    double uncached_bytes_per_s; /* of the sequential one, the places that took markedly longer than others:
                                    the operating system did not have those; 0 or NAN: it cannot be told */
} rh_probe;

typedef struct rh_profile_setting {
    const char *name, *value; /* as SHOW gives it: "128MB" */
    bool is_default;
} rh_profile_setting;

typedef struct rh_profile_relation {
    const char *schema, *name;
    int64_t pages, tuples; /* of pg_class; tuples unknown: never analysed */
    int64_t bytes, toast_bytes, index_bytes, bloat_bytes;
    double row_bytes; /* mean width by the statistics */
    double inserts_per_s, updates_per_s, deletes_per_s,
        scans_per_s;     /* scans: of the table and of its indexes */
    bool is_partitioned; /* without storage of its own: sizes, rows and rates are its partitions', which are
                            listed, too */
    const char *parent_schema, *parent; /* that it is a partition of; NULL: none */
} rh_profile_relation;

typedef struct rh_profile_index {
    const char *schema, *table, *name, *method;
    int64_t pages, tuples, bytes;
    int64_t scans; /* since its statistics were reset */
    bool is_unique, is_valid;
} rh_profile_index;

typedef struct rh_profile_statement {
    const char *query; /* without constants; NULL when it could not be told without */
    int64_t calls, rows, wal_bytes;
    double total_s;
} rh_profile_statement;

/* Sightings of open transactions, summed over all looks. */
typedef struct rh_profile_ages {
    const char *schema, *name; /* holding a lock on this table; NULL: all transactions */
    rh_lock_mode mode;         /* the strongest held there */
    double up_to_s;            /* ages in (up_to_s / √2, up_to_s] */
    double transactions;
} rh_profile_ages;

typedef struct rh_profile_replica {
    const char *name, *state, *sync_state;
    int64_t replay_lag_bytes;
    double replay_lag_s;
} rh_profile_replica;

typedef struct rh_profile {
    const char *path; /* absolute */
    char sha256[65];
    const char *source;  /* "json" or "csv" */
    double taken_s;      /* production's clock, seconds since 1970 */
    const char *version; /* "15.4" */
    int version_num;
    const char *database;
    const char *system_identifier;
    int in_recovery; /* 1 a standby, 0 a primary, -1 not told */
    int64_t block_bytes, database_bytes, wal_directory_bytes, disk_free_bytes, cpu_count, memory_bytes;
    double commits_per_s, wal_bytes_per_s;
    int64_t backends; /* sessions in the database, the most of its readings */
    rh_profile_setting *settings;
    size_t setting_count;
    rh_profile_relation *relations; /* the largest first */
    size_t relation_count;
    rh_profile_index *indexes;
    size_t index_count;
    rh_profile_values *values; /* none unless they were asked for */
    size_t value_count;
    rh_profile_statement *statements; /* the costliest first */
    size_t statement_count;
    rh_profile_ages *ages; /* by table, mode, age */
    size_t age_count;
    int64_t samples;  /* at the open transactions; 0: none was allowed */
    double watched_s; /* between the first look and the last */
    rh_profile_replica *replicas;
    size_t replica_count;
    rh_probe probe;
    rh_skipped *unknown; /* what is not known, and why */
    size_t unknown_count;
    const char **warnings; /* sentences: figures that make no sense and were dropped */
    size_t warning_count;
} rh_profile;

/* For the report: the profile beside staging. */
typedef struct rh_production_facts {
    const rh_profile *profile; /* NULL: none was given */
    rh_probe staging;          /* the same probe on staging */
    const char **sentences;    /* what the comparison found */
    size_t sentence_count;
    const char **unlisted; /* tables of the copy, "public.orders", that the profile does not have */
    size_t unlisted_count;
    rh_lock_forecasts locks; /* what the migrations' locks will do there */
    rh_history history;      /* how far earlier predictions of this scenario were off */
} rh_production_facts;
