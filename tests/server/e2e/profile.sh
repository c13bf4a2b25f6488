#!/bin/sh
# A rehearsal with production's profile: both probes in the report, what differs told, nothing translated; and bad profiles.
. "$(dirname "$0")/lib.sh"

migration 000012_note.up.sql 'ALTER TABLE orders ADD COLUMN remark text;'
profile() { # TABLE BYTES
    cat >"$work/production.json" <<JSON
{"format": "pgrehearse profile", "version": 1,
 "server": {"version": "13.9", "version_num": 130009, "database": "shop", "clock_s": 1700000000, "block_bytes": 8192},
 "identity": {"system_identifier": "1"},
 "size": {"database_bytes": 9000000000},
 "settings": [{"name": "work_mem", "value": "77MB", "is_default": false}],
 "relations": [{"schema": "public", "name": "$1", "pages": 10, "tuples": null, "bytes": $2}],
 "probe": {"cpu": {"rows": 1000000, "seconds": 0.5, "cut_short": false}, "wal": {"flush_s": -3},
           "sequential": {"bytes": 1000000, "seconds": 0.001, "cut_short": true}},
 "unknown": [{"what": "machine", "why": "permission denied"}]}
JSON
}
profile orders 81920
scenario 'migrations: {path: migrations}' 'production: {profile: production.json}'
rehearse 0
valid_report
nothing_left
report "r['production']['translated'] is False and r['production']['profile']['server_version'] == '13.9'"
report "{p['name']: p for p in r['production']['profile']['probe']}['cpu']['production'] == 2e6"
report "{p['name']: p for p in r['production']['profile']['probe']}['cpu']['staging'] > 1e5"
report "{p['name']: p for p in r['production']['profile']['probe']}['wal']['production'] is None"
report "{s['name']: s['production_value'] for s in r['staging']['settings']}['work_mem'] == '77MB'"
report "any('lacks 10 of the backup' in s for s in r['not_measured'])"
report "any('never analysed' in s and 'public.orders' in s for s in r['not_measured'])"
report "any('PostgreSQL 13' in s for s in r['not_measured'])"
report "any('makes no sense' in s for s in r['not_measured'])"
report "any('cut short' in s for s in r['not_measured'])"
report "any('machine (permission denied)' in s for s in r['not_measured'])"

# of another database: nothing of it can be used, and the run ends before the passes
profile somebody_elses 81920
rehearse 64
says "$work/err" 'profile is of another database'
nothing_left

# damaged: the place of the first bad byte, before anything starts
printf '{"format": "pgrehearse profile",\n "version": 1,\n "server": {oops}}\n' >"$work/production.json"
rehearse 64
says "$work/err" 'production.json:3:'
nothing_left
