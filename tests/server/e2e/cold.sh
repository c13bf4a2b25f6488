#!/bin/sh
# Production with cold caches: a second figure by its probes, null where they never saw its device.
. "$(dirname "$0")/lib.sh"

migration 000012_index.up.sql 'CREATE INDEX order_items_by_product ON order_items (product_id);'
profile() { # SECONDS for 20 MB read past shared buffers, where shared buffers give 2 GB/s
    cat >"$work/production.json" <<JSON
{"format": "pgrehearse profile", "version": 1,
 "server": {"version": "15.4", "version_num": 150004, "database": "shop", "clock_s": 1700000000, "block_bytes": 8192},
 "size": {"database_bytes": 9000000000},
 "relations": [{"schema": "public", "name": "order_items", "pages": 1000, "tuples": 30000, "bytes": 8192000}],
 "probe": {"cpu": {"rows": 1000000, "seconds": 0.5}, "cached": {"bytes": 200000000, "seconds": 0.1},
           "sequential": {"bytes": 20000000, "seconds": $1}, "random": {"reads": 100, "seconds": 0.5},
           "write": {"bytes": 16000000, "seconds": 0.2}}}
JSON
}
prediction() { # EXPRESSION over the statement's prediction p and its quiet run x
    report "s=[m for m in r.migrations if m.id == '000012'][0].statements[0]" p=s.prediction "x=s.runs[-1]" "$1"
}
scenario 'migrations: {path: migrations}' 'production: {profile: production.json}' 'rollback: false'

fact 'a slow device: a second figure with cold caches'
profile 20 # 1 MB/s
rehearse 0 --pass quiet
valid_report
prediction "p['cold_s'] > p['median_s'] + 0.9 * x['relation_bytes'] / 1e6 * 0.5"
prediction "'by production' in p['cold_basis'] and '/s' in p['cold_basis']"
report "r['prediction']['cold_s'] > 1 and 'device once' in r['prediction']['cold_basis']"
report "{p['name']: p['production'] for p in r['production']['profile']['probe']}['write'] == 8e7"
report "{p['name']: p['staging'] for p in r['production']['profile']['probe']}['write'] > 1e5"
says "$work/out" "cold caches on production, it would take"
says "$work/run/report.html" 'With cold caches: '
says "$work/run/report.md" 'cold caches'

fact 'a probe that read from a cache: cold duration not known'
profile 0.015 # 1.3 GB/s: out of some cache
rehearse 0 --pass quiet
valid_report
prediction "p['cold_s'] is None and 'as fast as from memory' in p['cold_basis'] and p['median_s'] > 0"
report "r['prediction']['cold_s'] is None and '000012' in r['prediction']['cold_basis']"
says "$work/out" 'with cold caches is not known'
nothing_left
