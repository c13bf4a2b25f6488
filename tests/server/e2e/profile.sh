#!/bin/sh
# A rehearsal with production's profile: both probes in the report, what differs told, what was probed translated; and bad profiles.
. "$(dirname "$0")/lib.sh"

migration 000012_note.up.sql 'ALTER TABLE orders ADD COLUMN remark text;'
profile() { # TABLE BYTES
    cat >"$work/production.json" <<JSON
{"format": "pgrehearse profile", "version": 1,
 "server": {"version": "13.9", "version_num": 130009, "database": "shop", "clock_s": 1700000000, "block_bytes": 8192},
 "identity": {"system_identifier": "1"},
 "size": {"database_bytes": 9000000000},
 "settings": [{"name": "work_mem", "value": "77MB", "is_default": false}, {"name": "wal_compression", "value": "on", "is_default": false},
              {"name": "random_page_cost", "value": "1.1", "is_default": false}, {"name": "enable_prophecy", "value": "on", "is_default": false},
              {"name": "shared_buffers", "value": "900TB", "is_default": false}, {"name": "port", "value": "1", "is_default": false}],
 "relations": [{"schema": "public", "name": "$1", "pages": 10, "tuples": null, "bytes": $2}],
 "probe": {"cpu": {"rows": 1000000, "seconds": 0.5, "cut_short": false}, "wal": {"flush_s": -3},
           "sequential": {"bytes": 1000000, "seconds": 0.001, "cut_short": true}},
 "unknown": [{"what": "machine", "why": "permission denied"}]}
JSON
}
profile orders 81920
scenario 'migrations: {path: migrations}' 'production: {profile: production.json}' 'rollback: false'
sed -i 's/^staging: {/&settings: {random_page_cost: 3}, /' "$work/scenario.yaml"
fact 'both probes are in the report'
rehearse 0 --pass quiet
valid_report
nothing_left
report "r['production']['translated'] is True and r['production']['profile']['server_version'] == '13.9'"
report "{p['name']: p for p in r['production']['profile']['probe']}['cpu']['production'] == 2e6"
report "{p['name']: p for p in r['production']['profile']['probe']}['cpu']['staging'] > 1e5"
report "{p['name']: p for p in r['production']['profile']['probe']}['wal']['production'] is None"
report "{s['name']: s['production_value'] for s in r['staging']['settings']}['work_mem'] == '77MB'"
fact "staging applies production's settings that affect durations, unless the scenario sets them or they do not fit"
report "{s['name']: s['value'] for s in r['staging']['settings']}['work_mem'] == '77MB'"
report "{s['name']: s['value'] for s in r['staging']['settings']}['wal_compression'] in ('on', 'pglz')"
report "{s['name']: s['value'] for s in r['staging']['settings']}['random_page_cost'] == '3'"
report "any('shared_buffers = 900TB is not applied: this machine has' in s for s in r['staging']['neutralised'])"
report "any('enable_prophecy = on is not applied: unrecognized' in s for s in r['staging']['neutralised'])"
fact 'what the profile lacks is reported'
report "any('lacks 10 of the backup' in s for s in (n['text'] for n in r['not_measured']))"
report "any('never analysed' in s and 'public.orders' in s for s in (n['text'] for n in r['not_measured']))"
report "any('PostgreSQL 13' in s for s in (n['text'] for n in r['not_measured']))"
report "any('out of range' in s for s in (n['text'] for n in r['not_measured']))"
report "any('ended early' in s for s in (n['text'] for n in r['not_measured']))"
report "any('machine (permission denied)' in s for s in (n['text'] for n in r['not_measured']))"

lock_profile() { # LOOKS
    cat >"$work/production.json" <<JSON
{"format": "pgrehearse profile", "version": 1,
 "server": {"version": "15.4", "version_num": 150004, "database": "shop", "clock_s": 1700000000, "block_bytes": 8192},
 "size": {"database_bytes": 9000000000},
 "settings": [{"name": "max_connections", "value": "23", "is_default": false}],
 "relations": [{"schema": "public", "name": "orders", "pages": 10, "tuples": 5, "bytes": 81920}],
 "counters": [{"schema": "public", "name": "orders", "clock_s": 0, "inserts": 0, "updates": 0, "deletes": 0, "sequential_scans": 0, "index_scans": 0},
              {"schema": "public", "name": "orders", "clock_s": 10, "inserts": 100, "updates": 0, "deletes": 0, "sequential_scans": 0, "index_scans": 900}],
 "ages": [{"schema": "public", "name": "orders", "mode": "AccessShareLock", "up_to_s": 1, "transactions": $((2 * $1))},
          {"looks": $1, "watched_s": 10}],
 "probe": {}}
JSON
}
migration 000012_note.up.sql 'SET lock_timeout = 500; ALTER TABLE orders ADD COLUMN remark text;'
repeat=4
scenario 'migrations: {path: migrations}' 'production: {profile: production.json, connections: 15}' 'rollback: false' \
    'gates: {reads_blocked: 10s}'
fact 'forecast of the lock on production: two readers of one second are always open, by 40 samples'
lock_profile 40
rehearse 0 --pass quiet
valid_report
report "r['production']['locks']['connections'] == 15"
report "[s['mode'] for s in r['production']['locks']['statements']] == ['AccessExclusiveLock']"
report "r['production']['locks']['statements'][0]['lock_timeout_s'] == 0.5"
report "abs(r['production']['locks']['statements'][0]['granted_probability'] - 2.718281828 ** -1) < 1e-3"
report "0.5 <= r['production']['locks']['statements'][0]['wait_high_s'] < 0.501"
report "abs(r['production']['locks']['statements'][0]['reads_per_s'] - 90) < 1e-6"
report "r['prediction']['reads_blocked_s'] == r['production']['locks']['reads_blocked_s'] > 0"
report "'predicted for production' in r['gates'][0]['detail'] and r['gates'][0]['outcome'] == 'held'"
fact 'too few samples: inconclusive'
lock_profile 3
rehearse 3 --pass quiet
report "r['prediction']['reads_blocked_s'] is None and r['gates'][0]['outcome'] == 'not_measured'"
report "any('sampled 3 times' in s for s in (n['text'] for n in r['not_measured']))"
repeat=1
migration 000012_note.up.sql 'ALTER TABLE orders ADD COLUMN remark text;'
scenario 'migrations: {path: migrations}' 'production: {profile: production.json}'

fact 'a profile of another database ends the run before the passes'
profile somebody_elses 81920
rehearse 64
says "$work/err" 'profile is of another database'
nothing_left

fact 'a damaged profile: the place of the first bad byte'
printf '{"format": "pgrehearse profile",\n "version": 1,\n "server": {oops}}\n' >"$work/production.json"
rehearse 64
says "$work/err" 'production.json:3:'
nothing_left
