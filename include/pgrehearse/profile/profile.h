/* Production's facts: read from the server, or by a psql script from its DBA, and read back.
 *
 * On production a profile is one read-only transaction of SELECTs on catalogs and statistics (lock_timeout
 * 200 ms, statement_timeout at most 1.5 s), then the probes, each bounded in time and bytes and in a
 * transaction of its own, then a second reading of the counters at least a second after the first: under 5 s
 * as a whole, longer only by what watch asks for. A role with pg_monitor suffices. What the role may not see
 * or what a lock is in the way of becomes null, with the reason in "unknown". No value of the data leaves the
 * server unless most_common_values asks for them: then the part "values" has, for each column that has any
 * and that the role may read, {schema, table, column, null_fraction, distinct_values, values: [text],
 * frequencies: [share of rows]}.
 *
 * File formats: JSON (format "pgrehearse profile", version 1) whose members are the parts of
 * src/profile/sql/profile_NAME.sql; and the script's CSV with the columns part and fact, a fact being one row
 * of a part as JSON. Both read the same.
 */
#pragma once
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/profile.h"

/* Bits 1u << rh_probe_kind. */
#define RH_PROBES_ALL ((1u << RH_PROBE_COUNT) - 1)

typedef struct rh_profile_options {
    unsigned probes;         /* which of them run */
    bool most_common_values; /* columns' most common values too: values of the data */
    rh_usec watch;           /* sample the open transactions for this long; 0: once */
    const rh_progress *progress;
} rh_profile_options;

/* Reads the facts of the database at CONNINFO ("" means libpq's environment variables). NULL when it cannot
 * be reached, is no PostgreSQL of version 11 or newer (RH_ERROR_UNSUPPORTED), or on interrupt; what merely
 * could not be read is null in the document. The caller frees it. */
rh_json *rh_profile_collect(const char *conninfo, const rh_profile_options *options, rh_error *error);
/* The same as a script for psql, whose standard output is the CSV. */
void rh_profile_script(const rh_profile_options *options, rh_text *script);

/* Reads PATH, JSON or CSV by its content, into PROFILE (everything in ARENA). A file that is neither, has
 * another format or a newer version, or lacks the server's part is RH_ERROR_SCENARIO with its place;
 * implausible figures are dropped and listed in warnings. */
bool rh_profile_read(const char *path, rh_arena *arena, rh_profile *profile, rh_error *error);
/* The same of a document that was read already; PATH names it in errors. */
bool rh_profile_parse(rh_json *root, const char *path, rh_arena *arena, rh_profile *profile, rh_error *error);

/* RH_ERROR_REFUSED when the server at CONNINFO is the profile's: same system identifier. True when it is
 * another server, or when the system identifier of either is not known; *CHECKED is true if both are known.
 */
bool rh_profile_guard(const rh_profile *profile, const char *conninfo, bool *checked, rh_error *error);
/* Holds the profile against the restored copy at CONNINFO: sentences (in ARENA) about tables that one of them
 * lacks, sizes, versions, age and what is not known. RH_ERROR_SCENARIO when no table of the copy is in the
 * profile: it is of another database. */
bool rh_profile_compare(const rh_profile *profile, const char *conninfo, rh_arena *arena,
                        rh_production_facts *facts, rh_error *error);
/* Runs the PROBES (bits 1 << rh_probe_kind) at CONNINFO, whose processes are this machine's if LOCAL, once
 * more: a round of FACTS, whose `staging` is made of all of them. What did not work is appended to UNKNOWN
 * (COUNT of them, in ARENA). */
bool rh_profile_probe(const char *conninfo, bool local, unsigned probes, rh_arena *arena,
                      rh_production_facts *facts, rh_skipped **unknown, size_t *count, rh_error *error);
/* Sets production_value of settings that have none yet. */
void rh_profile_settings(const rh_profile *profile, rh_staging_facts *staging);
