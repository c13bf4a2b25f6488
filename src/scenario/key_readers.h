/* The readers of the scenario's keys. */
#pragma once
#include "values.h"

typedef struct rh_key_spec rh_key_spec;

/* Reads NODE, the value of KEY, into FIELD (KEY's offset in the scenario). */
typedef bool rh_key_reader(rh_reader *reader, const rh_key_spec *key, rh_yaml_node *node, void *field);

struct rh_key_spec {
    const char *path;
    rh_key_reader *read; /* NULL: a section; its offset is then that of its rh_location */
    size_t offset;       /* SIZE_MAX: it has no field */
    double low, high;    /* of numbers */
    const rh_key_word *words;
    size_t word_count;
    bool required; /* where its section is given */
};

/* key_readers.c: values of any section, gates, steps. */
rh_key_reader rh_read_name, rh_read_text, rh_read_int, rh_read_seed, rh_read_real, rh_read_bool,
    rh_read_duration, rh_read_word, rh_read_profile, rh_read_migrations_role, rh_read_workload_role,
    rh_read_directory, rh_read_history, rh_read_settings, rh_read_gate_duration, rh_read_gate_number,
    rh_read_gate_count, rh_read_gate_required, rh_read_before, rh_read_prepare, rh_read_verify,
    rh_read_migration_steps, rh_read_disturb, rh_read_lock_policy, rh_read_backfills;
/* key_readers_backup.c: backup. */
rh_key_reader rh_read_backup_path, rh_read_backup_command, rh_read_backup_clone, rh_read_restore_command,
    rh_read_target_time, rh_read_target_name, rh_read_target_lsn, rh_read_skip, rh_read_sha256,
    rh_read_csv_null;
/* key_readers_migrations.c: migrations and workload. */
rh_key_reader rh_read_migrations_path, rh_read_command, rh_read_pending, rh_read_history_table,
    rh_read_transaction, rh_read_workload_path, rh_read_next_path;
