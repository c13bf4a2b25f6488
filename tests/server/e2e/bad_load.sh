#!/bin/sh
# A load that the rehearsal cannot take at face value: a rate that the server does not hold, more connections than it takes, a table that
# a migration drops under it.
. "$(dirname "$0")/lib.sh"

fact 'a rate that the server cannot hold: inconclusive, not wrong'
migration 000012_quick.up.sql 'ALTER TABLE orders ADD COLUMN remark text;'
echo 'SELECT pg_sleep(0.2);' >"$work/slow.sql"
scenario 'migrations: {path: migrations}' 'rollback: false' 'gates: {response_p99_ratio: 1.01}'
sed -i 's/^workload: {rate: 50, connections: 4,/workload: {source: pgbench, path: slow.sql, rate: 100, connections: 2,/; s/before: 1s/before: 3s/' "$work/scenario.yaml"
rehearse 3 --pass quiet --pass loaded
valid_report
report "r['verdict'] == 'inconclusive' and r['load']['saturated'] and 'before the migrations' in r['load']['saturated_reason']"
report "'workload.rate' in r['reason']"
report "r['gates'][0]['measured'] is None"
says "$work/run/report.md" 'saturat|hold the load'
nothing_left

fact 'more connections than max_connections: the private cluster gets room for them'
scenario 'migrations: {path: migrations}' 'rollback: false'
sed -i 's/connections: 4/connections: 130/' "$work/scenario.yaml"
rehearse 0 --pass quiet --pass loaded
report "r['load']['connections'] == 130 and r['load']['connections_basis'] == 'the scenario'"
nothing_left

fact "a table that is dropped during the run, and production's rate and sessions by default"
migration 000012_quick.up.sql 'DROP TABLE order_items CASCADE;'
scenario 'migrations: {path: migrations}' 'rollback: false'
sed -i 's/rate: 50, connections: 4, //' "$work/scenario.yaml"
rehearse 0 --pass quiet --pass loaded
report "r['load']['connections'] == 10 and r['load']['rate_per_s'] == 100 and 'default' in r['load']['rate_basis']"
report "any(e['sqlstate'] == '42P01' and e['count'] > 0 for e in r['load']['errors'])"
report "r['load']['windows']['after']['transactions'] > 0"
report "all(i['broken_by'] == '000012' and i['sqlstate'] == '42P01' for i in r['compatibility']['incompatibilities'])"
report "len(r['compatibility']['incompatibilities']) > 0 and r['compatibility']['next_tried'] is None"
nothing_left
