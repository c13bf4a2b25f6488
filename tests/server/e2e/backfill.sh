#!/bin/sh
# The backfill pass: each setting beside the load, what the whole takes, and what is refused before a batch runs.
. "$(dirname "$0")/lib.sh"
b="r['backfills'][0]"
cells="r['backfills'][0]['settings']"

migration 000012_total.up.sql 'ALTER TABLE orders ADD COLUMN total bigint;'
migration 000013_strict.up.sql 'ALTER TABLE orders ALTER COLUMN total SET NOT NULL;'

# backfill LINE ...: a backfill between the two migrations, without proof and standby, with LINEs added.
backfill() {
    scenario 'migrations: {path: migrations, pending: ["000012"]}' 'rollback: false' 'backfills:' '  - name: totals' \
        '    table: orders' '    set: total = id * 2' '    where: total IS NULL' '    after: "000012"' \
        '    proof: none' '    standby: none' "$@"
}

backfill '    sweep: {batch: [100, 300], pause: [0, 100%], limit: 60s}' \
    '    gates: {lock_wait: 10s, duration: 1h, load_errors: 0, dead_rows: 150%, disk: 10GB, finish_by: 2026-12-05T06:00}' \
    '    schedule: {start: 2026-12-01T22:00, window: 22:00-06:00, zone: Europe/Berlin}'
rehearse 0 --pass backfill
valid_report
nothing_left

fact 'every setting ran beside the load'
report "$b['measured'] and len($cells) == 4 and all(c['batches'] > 0 and c['elapsed_s'] > 0 for c in $cells)"
report "$b['rate_per_s'] == 50 and all(c['response_p99_ratio']['median'] > 0 for c in $cells)"
fact 'what the server did in the windows of a setting'
report "all(min(c[k] for k in ('page_images', 'checkpoints', 'temp_bytes', 'autovacuums', 'growth_bytes')) >= 0 for c in $cells)"
report "all(0 <= c['hot_share'] <= 1 for c in $cells) and any(c['growth_bytes'] > 0 for c in $cells)"
fact 'rows by stratum are the rows to do'
report "$b['rows'] == 8000 and sum(s['rows'] for s in $b['strata']) == 8000 and len($b['strata']) == 16"
fact 'the whole is predicted from its batches and its pauses'
report "all(c['busy_s']['low'] <= c['busy_s']['median'] <= c['busy_s']['high'] <= c['total_s']['high'] for c in $cells)"
report "all(abs(c['total_s']['median'] / c['busy_s']['median'] - (1 if c['pause'] == '0' else 2)) < 1e-3 for c in $cells)"
fact 'stretches were predicted before they ran'
report "len($b['stretches']) > 0 and all(s['actual_us_per_row'] > 0 and s['predicted_us_per_row']['median'] > 0 for s in $b['stretches'])"
report "[e['name'] for e in $b['errors']] == ['pgrehearse', 'first rows', 'last second', 'exponential mean', 'random batches']"
[ "$(grep -c 'stretch of a backfill' "$work/run/predictions.log")" -ge 1 ] || fail "predictions.log has no stretch"
fact 'the finishing date lies in a window of the schedule'
report "all(c['finish']['low'] <= c['finish']['median'] <= c['finish']['high'] < '2026-12-02T06:00' for c in $cells)"
report "$b['course'][0]['at'] == '2026-12-01T22:00:00+01:00' and $b['course'][-1]['rows']['median'] == 8000"
fact 'dead rows, disk and size'
report "all(0 < c['dead_share']['median'] <= 1 and c['disk_peak_bytes']['high'] > 0 and c['final_bytes'] > $b['table_bytes'] for c in $cells)"
fact 'the course of production is compared with it'
printf 'time,rows\n2026-12-01T22:30,8000\n' >"$work/progress.csv"
"$program" score "$work/run" --progress "$work/progress.csv" >"$work/scored" || fail "score --progress failed"
grep -q 'Backfill totals: 1 of 1 inside' "$work/scored" || fail "$(cat "$work/scored")"
fact 'the fastest setting that holds the gates is recommended'
report "$b['recommended'] == min((i for i, c in enumerate($cells) if c['state'] == 'held'), key=lambda i: $cells[i]['total_s']['median'])"
fact 'a gate for the backfill'
report "[(g['name'], g['outcome']) for g in r['gates']] == [('backfills.totals', 'held')]"

fact 'a batch that would hold its rows for too long is not run'
backfill '    sweep: {batch: [2000, 4000], pause: 0, limit: 20s}' '    gates: {lock_wait: 1ms}'
rehearse 1 --pass backfill
valid_report
report "$cells[1]['state'] == 'excluded' and $cells[1]['batches'] == 0 and 'lock_wait is 1ms' in $cells[1]['why']"
report "$b['recommended'] is None and [g['outcome'] for g in r['gates']] == ['failed']"
nothing_left

fact 'without load the gates of the load are not measured'
backfill '    sweep: {batch: 500, pause: 0, limit: 20s}' '    gates: {response_p99_ratio: 100}'
sed -i 's/^workload:.*/workload: {source: none}/' "$work/scenario.yaml"
rehearse 3 --pass backfill
report "$cells[0]['state'] == 'unclear' and $cells[0]['response_p99_ratio']['median'] is None"
report "any(n['code'] == 'backfill' for n in r['not_measured'])"

fact 'autovacuum off: the capacity is inconclusive, with the reason'
backfill '    sweep: {batch: 500, pause: 0, limit: 20s}' '    gates: {duration: 1h}'
sed -i 's/^staging: {/staging: {settings: {autovacuum: off}, /' "$work/scenario.yaml"
rehearse 3 --pass backfill
report "$cells[0]['state'] == 'unclear' and 'autovacuum is off' in $cells[0]['why'] and $b['recommended'] is None"

fact 'partitions with a key of two columns'
cat >"$work/parts.sql" <<'SQL'
CREATE TABLE parts (region text, id int, total bigint, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE parts_a PARTITION OF parts FOR VALUES IN ('a');
CREATE TABLE parts_b PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT chr(97 + i % 3), i, NULL FROM generate_series(1, 6000) i;
SQL
backfill '    sweep: {batch: 200, pause: 0, limit: 20s}' '    gates: {duration: 1h, dead_rows: 150%}'
sed -i 's/table: orders/table: parts/; s/^repeat:/prepare: [{sql: parts.sql}]\nrepeat:/' "$work/scenario.yaml"
rehearse 0 --pass backfill
report "$b['rows'] == 6000 and $b['table_bytes'] > 0 and $cells[0]['batches'] > 0 and $cells[0]['state'] == 'held'"
report "sum(s['rows'] for s in $b['strata']) == 6000 and $cells[0]['dead_share']['median'] > 0"

fact 'no row to do'
backfill '    sweep: {limit: 20s}'
sed -i 's/where: total IS NULL/where: id < 0/' "$work/scenario.yaml"
rehearse 0 --pass backfill
report "not $b['measured'] and $b['why_not'] == 'no row is left to do' and $b['rows'] == 0"

fact 'rows that still match where after set'
backfill
sed -i 's/set: total = id \* 2/set: total = NULL/' "$work/scenario.yaml"
rehearse 64 --pass backfill
says "$work/err" 'scenario.yaml:12:12: .*rows still match where after set'
nothing_left

fact 'a window that never opens'
backfill '    schedule: {start: 2026-12-01T22:00, window: 22:00-22:00}'
rehearse 64 --pass backfill
says "$work/err" 'scenario.yaml:16:49: .*never opens'
! grep -q '^staging:' "$work/err" || fail "staging was started"

fact 'a migration that is not pending'
backfill
sed -i 's/after: "000012"/after: "000099"/' "$work/scenario.yaml"
rehearse 64 --pass backfill
says "$work/err" 'scenario.yaml:13:12: .*"000099", which is not pending'
! grep -q '^staging:' "$work/err" || fail "staging was started"

fact 'omitted by --pass'
backfill
rehearse 0 --pass quiet
report "r['backfills'] == [] and any(n['code'] == 'backfill' and '--pass' in n['text'] for n in r['not_measured'])"
