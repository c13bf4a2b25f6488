/* Production in report.json: its profile, and staging's probe beside it. */
#include "record.h"
#include <math.h>

/* How many times as fast staging is: rates as they are, latencies the other way round. */
static double ratio_of(rh_probe_kind kind, double production, double staging)
{
    bool latency = kind == RH_PROBE_RANDOM || kind == RH_PROBE_WAL;
    return latency ? production / staging : staging / production;
}

static void add_probe(rh_json *list, const rh_production_facts *facts, rh_probe_kind kind)
{
    double production = facts->profile->probe.value[kind], staging = facts->staging.value[kind];
    rh_json *probe = rh_json_add_object(list, NULL);
    rh_json_add_string(probe, "name", rh_probe_name(kind));
    rh_json_add_string(probe, "unit", rh_probe_unit(kind));
    rh_json_add_real(probe, "production", production);
    rh_json_add_real(probe, "staging", staging);
    rh_json_add_real(probe, "staging_speed_ratio", ratio_of(kind, production, staging));
    rh_json_add_bool(probe, "incomplete", facts->profile->probe.cut_short[kind]);
    rh_json_add_real(probe, "production_rounds_differ", facts->profile->probe.spread[kind]);
    rh_json_add_real(probe, "staging_rounds_differ", facts->staging.spread[kind]);
}

static void add_replicas(rh_json *object, const rh_profile *profile)
{
    rh_json *list = rh_json_add_array(object, "replicas");
    for (size_t i = 0; i < profile->replica_count; i++) {
        const rh_profile_replica *r = &profile->replicas[i];
        rh_json *replica = rh_json_add_object(list, NULL);
        rh_json_add_string(replica, "name", r->name);
        rh_json_add_string(replica, "state", r->state);
        rh_json_add_string(replica, "sync_state", r->sync_state);
        rh_json_add_count(replica, "replay_lag_bytes", r->replay_lag_bytes);
        rh_json_add_real(replica, "replay_lag_s", r->replay_lag_s);
    }
}

static void add_unknown(rh_json *object, const rh_profile *profile)
{
    rh_json *list = rh_json_add_array(object, "unknown");
    for (size_t i = 0; i < profile->unknown_count; i++) {
        rh_json *item = rh_json_add_object(list, NULL);
        rh_json_add_string(item, "subject", profile->unknown[i].what);
        rh_json_add_string(item, "reason", profile->unknown[i].why);
    }
}

static rh_json *profile_record(const rh_production_facts *facts)
{
    const rh_profile *profile = facts->profile;
    char taken[32];
    if (!profile)
        return NULL;
    rh_json *object = rh_json_object();
    rh_json_add_string(object, "path", profile->path);
    rh_json_add_string(object, "sha256", profile->sha256[0] ? profile->sha256 : NULL);
    rh_json_add_string(object, "source", profile->source);
    rh_json_add_string(object, "taken_at",
                       isnan(profile->taken_s)
                           ? NULL
                           : rh_clock_format_utc((rh_usec)(profile->taken_s * 1e6), taken, sizeof taken));
    rh_json_add_string(object, "server_version", profile->version);
    rh_json_add_count(object, "server_version_num", profile->version_num);
    rh_json_add_string(object, "database", profile->database);
    rh_json_add_count(object, "database_bytes", profile->database_bytes);
    rh_json_add_int(object, "tables", (int64_t)profile->relation_count);
    rh_json_add_count(object, "disk_free_bytes", profile->disk_free_bytes);
    rh_json_add_count(object, "cpu_count", profile->cpu_count);
    rh_json_add_count(object, "memory_bytes", profile->memory_bytes);
    rh_json_add_real(object, "commits_per_s", profile->commits_per_s);
    rh_json_add_real(object, "wal_bytes_per_s", profile->wal_bytes_per_s);
    rh_json_add_int(object, "transaction_samples", profile->samples);
    rh_json_add_real(object, "sampled_s", profile->samples > 0 ? profile->watched_s : RH_NOT_MEASURED);
    add_replicas(object, profile);
    rh_json *probe = rh_json_add_array(object, "probe");
    for (int kind = 0; kind < RH_PROBE_COUNT; kind++)
        add_probe(probe, facts, (rh_probe_kind)kind);
    add_unknown(object, profile);
    rh_record_strings(object, "findings", facts->sentences, facts->sentence_count);
    return object;
}

rh_json *rh_record_production(const rh_run *run)
{
    rh_json *object = rh_json_object();
    rh_json_add(object, "profile", profile_record(&run->production));
    rh_json_add_bool(object, "translated", run->prediction.translated);
    rh_json_add(object, "locks", rh_record_lock_forecasts(&run->production.locks));
    rh_json_add(object, "history", rh_record_history(&run->production.history));
    return object;
}
