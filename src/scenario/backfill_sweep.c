#include "backfill_sweep.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include "backfill_schedule.h"
#include "backfill_sql.h"
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 10000000, WORKERS_MAX = 64, KILLS_MAX = 1000 };

/* Reads NODE, the value of the key NAME. */
typedef bool (*read_key)(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *backfill);

typedef struct key_entry {
    const char *name;
    read_key read;
} key_entry;

static bool read_section(rh_reader *reader, const char *name, rh_yaml_node *node, const key_entry *keys,
                         size_t count, rh_backfill *b)
{
    if (rh_yaml_node_kind(node) != RH_YAML_MAPPING)
        return rh_value_fail(reader, node, "%s must be a map of keys", name);
    const char **known = rh_arena_alloc(reader->arena, count * sizeof *known);
    for (size_t i = 0; i < count; i++)
        known[i] = keys[i].name;
    for (size_t p = 0; p < rh_yaml_count(node); p++) {
        const char *word = rh_yaml_scalar(rh_yaml_key(node, p));
        size_t i = 0;
        while (i < count && strcmp(known[i], word) != 0)
            i++;
        if (i == count)
            return rh_value_unknown_key(reader, rh_yaml_key(node, p), name, known, count);
        if (!keys[i].read(reader, rh_arena_printf(reader->arena, "%s.%s", name, word), rh_yaml_value(node, p),
                          b))
            return false;
    }
    return true;
}

/* ---- sweep ---- */

/* Calls ITEM for each of a list, or for a single value. */
static bool read_list(rh_reader *reader, const char *name, rh_yaml_node *node, read_key item, rh_backfill *b)
{
    if (rh_yaml_node_kind(node) != RH_YAML_SEQUENCE)
        return item(reader, name, node, b);
    for (size_t i = 0; i < rh_yaml_count(node); i++)
        if (!item(reader, name, rh_yaml_item(node, i), b))
            return false;
    return rh_yaml_count(node) > 0 || rh_value_fail(reader, node, "%s is an empty list", name);
}

static bool read_batch(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    return rh_value_int(reader, name, node, 1, BATCH_MAX,
                        rh_arena_add(reader->arena, &b->batches, &b->batch_count));
}

static bool read_batches(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    return read_list(reader, name, node, read_batch, b);
}

/* "100ms", or "50%" of the time that the batch took. */
static bool read_pause(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    const char *text = rh_value_text(reader, name, node);
    rh_backfill_pause *pause = rh_arena_add(reader->arena, &b->pauses, &b->pause_count);
    *pause = (rh_backfill_pause){.text = text};
    char *end = NULL;
    if (!text)
        return false;
    const double percent = strtod(text, &end);
    if (end == text || strcmp(end, "%") != 0)
        return rh_value_duration(reader, name, node, &pause->duration);
    pause->share = percent / 100;
    return (percent >= 0 && percent <= 10000) ||
           rh_value_fail(reader, node, "%s must be between 0%% and 10000%%", name);
}

static bool read_pauses(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    return read_list(reader, name, node, read_pause, b);
}

static bool read_worker(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    int64_t value;
    if (!rh_value_int(reader, name, node, 1, WORKERS_MAX, &value))
        return false;
    *rh_arena_add(reader->arena, &b->workers, &b->worker_count) = (int)value;
    return true;
}

static bool read_workers(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    return read_list(reader, name, node, read_worker, b);
}

static bool read_sample(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    const char *text = rh_value_text(reader, name, node);
    char *end = NULL;
    const double percent = text ? strtod(text, &end) : 0;
    if (!text)
        return false;
    if (end == text || strcmp(end, "%") != 0 || !(percent >= 0.1 && percent <= 50)) {
        rh_value_fail(reader, node, "%s must be between 0.1%% and 50%%, not \"%s\"", name, text);
        return rh_error_hint(reader->error, "write sample: 10%%");
    }
    b->sample = percent / 100;
    return true;
}

static bool read_limit(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    if (!rh_value_duration(reader, name, node, &b->limit))
        return false;
    return b->limit >= RH_SECOND || rh_value_fail(reader, node, "%s must be at least 1s", name);
}

bool rh_backfill_read_sweep(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    static const key_entry keys[] = {{"batch", read_batches},
                                     {"pause", read_pauses},
                                     {"workers", read_workers},
                                     {"sample", read_sample},
                                     {"limit", read_limit}};
    return read_section(reader, name, node, keys, sizeof keys / sizeof *keys, b);
}

void rh_backfill_default_sweep(rh_reader *reader, rh_backfill *b)
{
    static const int64_t batches[] = {1000, 2000, 5000, 10000};
    static const rh_backfill_pause pauses[] = {{"0", 0, 0}, {"100%", 0, 1}};
    const bool own_batches = b->batch_count > 0, own_pauses = b->pause_count > 0;
    for (size_t i = 0; !own_batches && i < sizeof batches / sizeof *batches; i++)
        *rh_arena_add(reader->arena, &b->batches, &b->batch_count) = batches[i];
    for (size_t i = 0; !own_pauses && i < sizeof pauses / sizeof *pauses; i++)
        *rh_arena_add(reader->arena, &b->pauses, &b->pause_count) = pauses[i];
    if (b->worker_count == 0)
        *rh_arena_add(reader->arena, &b->workers, &b->worker_count) = 1;
    b->sample = b->sample > 0 ? b->sample : 0.1;
    b->limit = b->limit > 0 ? b->limit : 1800 * RH_SECOND;
}

/* ---- gates ---- */

static bool set_gate(rh_reader *reader, const char *name, rh_yaml_node *node, double limit,
                     rh_gate_limit *gate)
{
    *gate = (rh_gate_limit){.set = true,
                            .limit = limit,
                            .text = rh_value_text(reader, name, node),
                            .where = rh_value_where(reader, node)};
    return true;
}

static bool read_ratio(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    double value;
    return rh_value_real(reader, name, node, 0, 1e9, &value) &&
           set_gate(reader, name, node, value, &b->gates[RH_BACKFILL_GATE_P99_RATIO]);
}

static bool read_lock_wait(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    rh_usec value;
    return rh_value_duration(reader, name, node, &value) &&
           set_gate(reader, name, node, rh_seconds(value), &b->gates[RH_BACKFILL_GATE_LOCK_WAIT]);
}

static bool read_duration(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    rh_usec value;
    return rh_value_duration(reader, name, node, &value) &&
           set_gate(reader, name, node, rh_seconds(value), &b->gates[RH_BACKFILL_GATE_DURATION]);
}

static bool read_replica_lag(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    rh_usec value;
    return rh_value_duration(reader, name, node, &value) &&
           set_gate(reader, name, node, rh_seconds(value), &b->gates[RH_BACKFILL_GATE_REPLICA_LAG]);
}

/* WHAT is said of a value that is no size. */
static bool read_size(rh_reader *reader, const char *name, rh_yaml_node *node, const char *what,
                      const char *example, rh_gate_limit *gate)
{
    const char *text = rh_value_text(reader, name, node);
    int64_t bytes;
    if (!text)
        return false;
    if (!rh_size_parse(text, &bytes)) {
        rh_value_fail(reader, node, "%s must be a size%s, not \"%s\"", name, what, text);
        return rh_error_hint(reader->error, "write %s", example);
    }
    return set_gate(reader, name, node, (double)bytes, gate);
}

static bool read_wal_rate(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    return read_size(reader, name, node, ", for a second", "wal_rate: 50MB",
                     &b->gates[RH_BACKFILL_GATE_WAL_RATE]);
}

static bool read_disk(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    return read_size(reader, name, node, "", "disk: 50GB", &b->gates[RH_BACKFILL_GATE_DISK]);
}

/* "25%" of the table's rows. */
static bool read_dead_rows(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    const char *text = rh_value_text(reader, name, node);
    char *end = NULL;
    const double percent = text ? strtod(text, &end) : 0;
    if (!text)
        return false;
    if (end == text || strcmp(end, "%") != 0 || !(percent > 0 && percent <= 1000)) {
        rh_value_fail(reader, node, "%s must be a share of the table's rows, not \"%s\"", name, text);
        return rh_error_hint(reader->error, "write dead_rows: 25%%");
    }
    return set_gate(reader, name, node, percent / 100, &b->gates[RH_BACKFILL_GATE_DEAD_ROWS]);
}

static bool read_errors(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    int64_t value;
    return rh_value_int(reader, name, node, 0, INT64_MAX, &value) &&
           set_gate(reader, name, node, (double)value, &b->gates[RH_BACKFILL_GATE_LOAD_ERRORS]);
}

bool rh_backfill_read_gates(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    static const key_entry keys[] = {{"response_p99_ratio", read_ratio},
                                     {"lock_wait", read_lock_wait},
                                     {"wal_rate", read_wal_rate},
                                     {"load_errors", read_errors},
                                     {"duration", read_duration},
                                     {"dead_rows", read_dead_rows},
                                     {"disk", read_disk},
                                     {"finish_by", rh_backfill_read_finish},
                                     {"replica_lag", read_replica_lag}};
    _Static_assert(sizeof keys / sizeof *keys == RH_BACKFILL_GATE_COUNT, "a key a gate");
    return read_section(reader, name, node, keys, sizeof keys / sizeof *keys, b);
}

/* ---- the archiver ---- */

static bool read_archive_rate(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    rh_gate_limit limit = {0};
    if (!read_size(reader, name, node, ", for a second", "archive: {rate: 80MB}", &limit))
        return false;
    b->archive_rate = limit.limit;
    return limit.limit > 0 || rh_value_fail(reader, node, "%s must be more than 0", name);
}

bool rh_backfill_read_archive(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    static const key_entry keys[] = {{"rate", read_archive_rate}};
    return read_section(reader, name, node, keys, sizeof keys / sizeof *keys, b);
}

/* ---- proof ---- */

static bool read_kills(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    int64_t value = 0;
    const bool ok = rh_value_int(reader, name, node, 0, KILLS_MAX, &value);
    b->proof.kills = (int)value;
    return ok;
}

static bool read_runners(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    int64_t value = 0;
    const bool ok = rh_value_int(reader, name, node, 1, 2, &value);
    b->proof.runners = (int)value;
    return ok;
}

static bool read_by(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    static const rh_key_word words[] = {{"native", 0, NULL}, {"procedure", 1, NULL}};
    int word = 0;
    const bool ok = rh_value_word(reader, name, node, words, 2, &word);
    b->proof.procedure = word == 1;
    return ok;
}

static bool read_races(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    return rh_value_bool(reader, name, node, &b->proof.races);
}

static bool read_twice(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    return rh_value_bool(reader, name, node, &b->proof.twice);
}

bool rh_backfill_read_proof(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    static const key_entry keys[] = {{"kills", read_kills},
                                     {"races", read_races},
                                     {"twice", read_twice},
                                     {"runners", read_runners},
                                     {"by", read_by}};
    b->proof.where = rh_value_where(reader, node);
    if (rh_yaml_node_kind(node) == RH_YAML_SCALAR && strcmp(rh_yaml_scalar(node), "none") == 0) {
        b->proof.off = true;
        return true;
    }
    return read_section(reader, name, node, keys, sizeof keys / sizeof *keys, b) ||
           rh_error_hint(reader->error, "write proof: none, or proof: {kills: 20}");
}
