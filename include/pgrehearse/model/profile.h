/* Production's facts, as "pgrehearse profile" read them.
 *
 * A figure that could not be read is RH_NOT_MEASURED or RH_UNKNOWN, a string NULL; rh_profile.unknown has the
 * reason.
 */
#pragma once
#include "pgrehearse/model/facts.h"
#include "pgrehearse/model/load.h"
#include "pgrehearse/model/prediction.h"

/* Probes of the hardware, with one thread; each RH_NOT_MEASURED if it was not measured. */
typedef enum rh_probe_kind {
    RH_PROBE_CPU,        /* numbers hashed, 1/s */
    RH_PROBE_SORT,       /* numbers sorted in memory, 1/s */
    RH_PROBE_CACHED,     /* read from shared buffers, bytes/s */
    RH_PROBE_SEQUENTIAL, /* sequential read from outside shared buffers, bytes/s */
    RH_PROBE_RANDOM,     /* read of a single page from outside shared buffers, s */
    RH_PROBE_WAL,        /* commit with a flush to disk, s */
    RH_PROBE_WRITE,      /* WAL written and flushed, bytes/s */
    RH_PROBE_PARALLEL,   /* CPU throughput of three processes over that of one: 1 … 3 */
    RH_PROBE_COUNT
} rh_probe_kind;
/* "cpu", "sort", "cached", "sequential", "random", "wal", "write", "parallel". */
const char *rh_probe_name(rh_probe_kind kind);
/* The unit of its figure: "numbers/s", "bytes/s", "s", "times". */
const char *rh_probe_unit(rh_probe_kind kind);

enum { RH_PROBE_ROUNDS_MOST = 4 };
typedef struct rh_probe {
    double value[RH_PROBE_COUNT];
    bool cut_short[RH_PROBE_COUNT]; /* measured, but for a shorter time than intended */
    double spread[RH_PROBE_COUNT];  /* |log(value / median of the rounds)|: how much it was disturbed; 0: one
                                       round */
    double
        uncached_bytes_per_s; /* of the sequential probe: the rate of the reads that took markedly longer,
                                 which the operating system had not cached; 0 or NAN: not distinguishable */
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
    bool is_partitioned; /* no storage of its own: sizes, rows and rates are sums of its partitions', which
                            are listed too */
    const char *parent_schema, *parent; /* the table of which it is a partition; NULL: none */
} rh_profile_relation;

typedef struct rh_profile_index {
    const char *schema, *table, *name, *method;
    int64_t pages, tuples, bytes;
    int64_t scans; /* since its statistics were reset */
    bool is_unique, is_valid;
} rh_profile_index;

typedef struct rh_profile_statement {
    const char *query; /* without constants; NULL if they could not be removed */
    int64_t calls, rows, wal_bytes;
    double total_s;
} rh_profile_statement;

/* The ages of open transactions, summed over all samples. */
typedef struct rh_profile_ages {
    const char *schema, *name; /* of transactions with a lock on this table; NULL: of all transactions */
    rh_lock_mode mode;         /* the strongest lock on the table */
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
    int in_recovery; /* 1: a standby, 0: a primary, -1: not known */
    int64_t block_bytes, database_bytes, wal_directory_bytes, disk_free_bytes, cpu_count, memory_bytes;
    double commits_per_s, wal_bytes_per_s;
    int64_t backends; /* sessions in the database, the most of its readings */
    rh_profile_setting *settings;
    size_t setting_count;
    rh_profile_relation *relations; /* the largest first */
    size_t relation_count;
    rh_profile_index *indexes;
    size_t index_count;
    rh_profile_values *values; /* none unless requested */
    size_t value_count;
    rh_profile_statement *statements; /* the costliest first */
    size_t statement_count;
    rh_profile_ages *ages; /* by table, mode, age */
    size_t age_count;
    int64_t samples;  /* of the open transactions; 0: not permitted */
    double watched_s; /* between the first sample and the last */
    rh_profile_replica *replicas;
    size_t replica_count;
    rh_probe probe;
    rh_skipped *unknown; /* facts that could not be read, with reasons */
    size_t unknown_count;
    const char **warnings; /* sentences: implausible figures that were dropped */
    size_t warning_count;
} rh_profile;

/* For the report: the profile beside staging. */
typedef struct rh_production_facts {
    const rh_profile *profile; /* NULL: none was given */
    rh_probe staging;          /* the same probe on staging, of its rounds */
    rh_probe rounds[RH_PROBE_ROUNDS_MOST];
    size_t round_count;
    const char **sentences; /* results of the comparison with the restored copy */
    size_t sentence_count;
    const char **unlisted; /* tables of the copy, "public.orders", that the profile does not have */
    size_t unlisted_count;
    rh_lock_forecasts locks; /* the forecast of lock waits on production */
    rh_history history;      /* errors of earlier predictions of this scenario */
} rh_production_facts;
