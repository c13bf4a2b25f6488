#!/bin/sh
# A backfill with a standby: its replay capacity, the lag in the confirming run, the gate, and what is left when the program is killed.
. "$(dirname "$0")/lib.sh"
b="r['backfills'][0]"
cells="r['backfills'][0]['settings']"
standby="r['backfills'][0]['standby']"

migration 000012_total.up.sql 'CREATE TABLE totals (id int PRIMARY KEY, customer int, note text, total bigint);
INSERT INTO totals SELECT i, i % 1000, repeat(chr(97 + i % 26), 200) FROM generate_series(1, 60000) i;
CREATE INDEX ON totals (customer); CREATE INDEX ON totals (total);'

# backfill LINE ...: a backfill of that table, with LINEs added.
backfill() {
    scenario 'migrations: {path: migrations, pending: ["000012"]}' 'rollback: false' 'backfills:' '  - name: totals' \
        '    table: totals' '    set: total = id * 2' '    where: total IS NULL' '    proof: none' \
        '    sweep: {batch: 2000, pause: 100%, limit: 20s}' "$@"
}

backfill '    gates: {replica_lag: 1min}'
rehearse 0 --pass backfill
valid_report
nothing_left

fact 'replay capacity of the standby, timed alone'
report "$standby['mode'] == 'async' and $standby['why_not'] is None and $standby['replay_why_not'] is None"
report "$standby['replay_bytes'] >= 4 << 20 and $standby['replay_bytes_per_s'] > 1e6"
report "[x['name'] for x in $b['bounds'] if 'replays' in x['why']] == ['rows a second']"
fact 'the recommended setting ran with the standby'
report "[c['setting'] for c in $standby['confirmed']] == [0] and $b['recommended'] == 0"
report "all(c['batches'] > 0 and 0 <= c['lag_p99_s'] <= c['lag_max_s'] < 60 for c in $standby['confirmed'])"
report "all(len(c['course']) > 10 and max(p['lag_s'] for p in c['course']) == c['lag_max_s'] for c in $standby['confirmed'])"
report "$cells[0]['replica_lag_s']['median'] == $standby['confirmed'][0]['lag_max_s']"
fact 'its lag is on every page'
says "$work/out" 'replication lag at most'
grep -q 'replication lag at most' "$work/run/report.md" || fail 'report.md has no lag'
grep -q 'With a standby' "$work/run/report.html" || fail 'report.html has no standby'
grep -q 'totals: replica_lag' "$work/run/junit.xml" || fail 'junit.xml has no replica_lag'

fact 'a lag that may be beyond the gate does not hold it'
backfill '    gates: {replica_lag: 0s}' # each batch is behind for a moment, which a reading may miss
rehearse 1,3 --pass backfill
valid_report
report "$cells[0]['state'] in ('failed', 'unclear') and 'replica_lag' in $cells[0]['why'] and $b['recommended'] is None"

fact 'commits wait for a synchronous standby'
backfill '    standby: remote_apply' '    gates: {replica_lag: 1min}'
rehearse 0 --pass backfill
valid_report
report "$standby['mode'] == 'remote_apply' and $standby['confirmed'][0]['why_not'] is None and $standby['confirmed'][0]['rows'] > 0"
nothing_left

fact 'without a standby nothing is said of one'
backfill '    standby: none'
rehearse 0 --pass backfill
valid_report
report "$standby['mode'] == 'none' and $standby['confirmed'] == [] and $standby['replay_bytes_per_s'] is None"
report "$cells[0]['replica_lag_s']['median'] is None and not any('standby' in n['text'] for n in r['not_measured'])"

fact 'production without WAL senders: the gate is unclear, the rest goes on'
backfill '    gates: {replica_lag: 10s}'
sed -i 's/^staging: {/staging: {settings: {max_wal_senders: "0"}, /' "$work/scenario.yaml"
rehearse 3 --pass backfill
valid_report
report "$standby['why_not'] == 'max_wal_senders is 0' and $cells[0]['state'] == 'unclear' and $cells[0]['batches'] > 0"
nothing_left

fact 'kill -9 of the process that does the work: its standby and its files go'
backfill
standby_runs() { [ -n "$(find "$work/clusters" -path '*.standby/.s.PGSQL.5432')" ]; }
start --pass backfill
eventually or_ended standby_runs
kill -9 "$(pgrep -P "$run")"
ended 137
nothing_left

fact 'kill -9: the standby ends with the run, and the next run removes its files'
start --pass backfill
eventually or_ended standby_runs
kill -9 "$run"
wait "$run" 2>/dev/null || true
eventually no_clusters || ours '' "$work/clusters"
backfill '    standby: none'
rehearse 0 --pass backfill
nothing_left
