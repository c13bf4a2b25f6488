/* Reads report.json of this schema_version and of version 1, which had other names for the same facts. */
#include "pgrehearse/report/report.h"
#include "pgrehearse/base/text.h"
#include "record.h"
#include <string.h>

/* WITHIN: the key of the object that has the key, or of the array that the object is in; NULL: any. */
static const struct {
    const char *within, *v1, *v2;
} KEYS[] = {
    {NULL, "why", "reason"},
    {NULL, "why_not", "reason"},
    {NULL, "framework_why", "framework_reason"},
    {NULL, "saturated_why", "saturated_reason"},
    {NULL, "because", "reason"},
    {NULL, "what", "subject"},
    {NULL, "who", "session"},
    {NULL, "victims", "blocked_sessions"},
    {NULL, "victim_count", "blocked_session_count"},
    {NULL, "victim_waits", "load_waits"},
    {NULL, "longest_victim_wait_s", "longest_load_wait_s"},
    {NULL, "victims_hurt", "blocked_template_count"},
    {NULL, "mended_by", "fixed_by"},
    {NULL, "narrows", "uncertainty_reduced_by"},
    {NULL, "drivers", "uncertainty_source"},
    {NULL, "doubt", "caveat"},
    {NULL, "said", "output"},
    {NULL, "shed", "dropped"},
    {NULL, "looks", "samples"},
    {NULL, "transaction_looks", "transaction_samples"},
    {NULL, "watched_s", "sampled_s"},
    {NULL, "tries", "trials"},
    {NULL, "up_again_s", "reapply_s"},
    {NULL, "behind", "blocked_sessions"},
    {NULL, "longest_behind", "longest_wait_root_blocker"},
    {NULL, "longest_on", "longest_wait_relation"},
    {NULL, "longest_mode", "longest_wait_mode"},
    {NULL, "longest_s", "longest_wait_s"},
    {NULL, "disturbed", "with_disturbers"},
    {NULL, "hurt_load", "blocked_load"},
    {NULL, "kept_out", "blocked_modes"},
    {NULL, "through_migration", "queued_behind_migration"},
    {NULL, "cut_short", "incomplete"},
    {NULL, "staging_is_times_as_fast", "staging_speed_ratio"},
    {NULL, "sentences", "findings"},
    {NULL, "sentence", "summary"},
    {NULL, "vouched_for_by", "integrity_checked_by"},
    {"locks", "unknown", "unknown_reason"},
    {"statements", "unknown", "unknown_reason"},
    {NULL, "unknown_work", "unknown_effect"},
    {NULL, "not_understood", "parse_error"},
    {NULL, "own_s", "outside_statements_s"},
    {NULL, "other_rows", "referenced_rows"},
    {NULL, "concurrently", "progress_phase"},
    {NULL, "sides", "participants"},
    {NULL, "how", "kind"},
    {NULL, "run_again", "rerun"},
    {NULL, "after_repair", "rerun_after_repair"},
    {NULL, "still_invalid", "invalid_after_rerun"},
    {NULL, "connections_from", "connections_basis"},
    {NULL, "lock_timeout_from", "lock_timeout_source"},
    {NULL, "granted", "granted_probability"},
    {NULL, "waiting", "queued_connections"},
    {NULL, "without_connection", "unserved_requests"},
    {NULL, "left_out", "omitted"},
    {NULL, "where", "target"},
    {NULL, "inside", "within_interval"},
    {NULL, "width", "interval_ratio"},
    {NULL, "distance", "extrapolation_doublings"},
    {NULL, "worst", "detail"},
    {NULL, "caches", "cache_state"},
    {"history", "applied", "corrections"},
    {NULL, "silenced", "silenced_reason"},
    {NULL, "shape", "format"},
    {NULL, "victim_ms_max", "response_max_ms"},
    {NULL, "victim_ms_p99", "response_p99_ms"},
};

static const struct {
    const char *within, *key, *v1, *v2; /* by the key's new name */
} VALUES[] = {
    {"concurrent_runners", "outcome", "not_met", "not_concurrent"},
    {"interruptions", "kind", "connection_cut", "connection_lost"},
};

/* Keys of a statement's run that only samples/statements.csv has now. */
static const char *const OF_RUNS[] = {"scale",
                                      "relation_rows",
                                      "index_bytes",
                                      "referenced_rows",
                                      "other_rows",
                                      "shared_buffers_bytes",
                                      "shared_hit_blocks",
                                      "maintenance_work_mem_bytes",
                                      "cached_read_bytes",
                                      "cached_write_bytes",
                                      "wal_images",
                                      "fsyncs",
                                      "sources",
                                      "shared_read_blocks"};

/* Version 1 had no codes: a section of the page found its reason by the first words of a sentence. */
static const struct {
    const char *beginning;
    rh_unmeasured code;
} CODES[] = {
    {"load", RH_UNMEASURED_LOAD},
    {"the loaded pass", RH_UNMEASURED_LOAD},
    {"lock waits of", RH_UNMEASURED_LOCK_WAITS},
    {"quiet passes", RH_UNMEASURED_PREDICTION},
    {"rollback", RH_UNMEASURED_ROLLBACK},
    {"interruption", RH_UNMEASURED_INTERRUPTION},
    {"migrations", RH_UNMEASURED_MIGRATIONS},
};

static bool is_within(const char *within, const char *name)
{
    return !within || strcmp(within, name) == 0;
}

/* Version 1 had no history_changed, but a fixed sentence for "unchanged". */
static void upgrade_interruption(rh_json *value, const char *name)
{
    const char *history = rh_json_string(rh_json_get(value, "history"));
    if (strcmp(name, "interruptions") == 0)
        rh_json_add_bool(value, "history_changed", history && strcmp(history, "as before") != 0);
}

/* VALUE is what the key NAME has, or an item of it. */
static void upgrade(rh_json *value, const char *name)
{
    rh_json *child;
    void *iterator = NULL;
    if (rh_json_is_array(value)) {
        for (size_t i = 0; i < rh_json_count(value); i++)
            upgrade(rh_json_at(value, i), name);
        return;
    }
    if (!rh_json_is_object(value))
        return;
    for (const char *key; (key = rh_json_each(value, &iterator, &child));)
        upgrade(child, key);
    for (size_t i = 0; strcmp(name, "runs") == 0 && i < sizeof OF_RUNS / sizeof *OF_RUNS; i++)
        rh_json_remove(value, OF_RUNS[i]);
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++)
        if (is_within(KEYS[i].within, name))
            rh_json_rename(value, KEYS[i].v1, KEYS[i].v2);
    for (size_t i = 0; i < sizeof VALUES / sizeof *VALUES; i++) {
        const char *found = rh_json_string(rh_json_get(value, VALUES[i].key));
        if (is_within(VALUES[i].within, name) && found && strcmp(found, VALUES[i].v1) == 0)
            rh_json_add_string(value, VALUES[i].key, VALUES[i].v2);
    }
    upgrade_interruption(value, name);
}

static rh_unmeasured code_of(const char *sentence)
{
    for (size_t i = 0; i < sizeof CODES / sizeof *CODES; i++)
        if (rh_starts_with(sentence, CODES[i].beginning))
            return CODES[i].code;
    return RH_UNMEASURED_OTHER;
}

static void upgrade_notes(rh_json *record)
{
    const rh_json *sentences = rh_json_get(record, "not_measured");
    rh_json *notes = rh_json_array();
    for (size_t i = 0; i < rh_json_count(sentences); i++) {
        const char *text = rh_json_string(rh_json_at(sentences, i));
        if (text)
            rh_record_note(notes, &(rh_note){code_of(text), text});
    }
    rh_json_add(record, "not_measured", notes);
}

rh_json *rh_report_read(const char *path, rh_error *error)
{
    rh_json *record = rh_json_read(path, error);
    if (!record)
        return NULL;
    int64_t version = rh_json_int(rh_json_get(record, "schema_version"));
    bool ok = false;
    if (version < 1 || !rh_json_string(rh_json_get(record, "verdict")))
        rh_error_set(error, RH_ERROR_USAGE, "%s is not the record of a run", path);
    else if (version > RH_REPORT_SCHEMA_VERSION)
        rh_error_set(error, RH_ERROR_USAGE,
                     "%s has schema_version %lld; this version of pgrehearse reads 1 to %d", path,
                     (long long)version, RH_REPORT_SCHEMA_VERSION);
    else
        ok = true;
    if (!ok) {
        rh_json_free(record);
        return NULL;
    }
    if (version == 1) {
        upgrade(record, "");
        upgrade_notes(record);
        rh_json_add_int(record, "schema_version", RH_REPORT_SCHEMA_VERSION);
    }
    return record;
}
