#!/bin/sh
# A program that migrates, run as it is: its statements are rows with times and locks, its failures are told, and its way back is rehearsed.
. "$(dirname "$0")/lib.sh"
PATH=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1):$PATH
export PATH

# script NAME: an executable beside the scenario, from standard input.
script() {
    { echo '#!/bin/sh'; cat; } >"$work/$1"
    chmod 755 "$work/$1"
}

script up.sh <<'SH'
set -e
[ "$PWD" = "$(dirname "$(readlink -f "$0")")" ]
psql -X -q -v ON_ERROR_STOP=1 <<'SQL' # PGHOST and the like
SELECT version FROM schema_migrations;
BEGIN;
ALTER TABLE orders ADD COLUMN remark text;
UPDATE customers SET email = email WHERE id % 2 = 0;
CREATE INDEX orders_remark ON orders (remark);
COMMIT;
CREATE INDEX CONCURRENTLY events_extra ON events (id, customer_id);
\copy customers (id) to '/dev/null'
SQL
psql -X -q -v ON_ERROR_STOP=1 "$DATABASE_URL" -c "CREATE TABLE made (id int); INSERT INTO made VALUES (1)"
psql -X -q -v ON_ERROR_STOP=1 -h "$PGREHEARSE_SOCKET" "dbname=$PGDATABASE" -c "SELECT 'wanted' FROM misspelt" || true
psql -X -q -v ON_ERROR_STOP=1 "$PGREHEARSE_URL" -c "UPDATE schema_migrations SET version = $(date +%s%N)"
SH
script down.sh <<'SH'
exec psql -X -q -v ON_ERROR_STOP=1 -c 'DROP TABLE made' -c 'DROP INDEX events_extra' -c 'ALTER TABLE orders DROP COLUMN remark'
SH
migrations='migrations: {framework: command, command: [./up.sh], down: [./down.sh]}'
fact 'plan says that the statements are known only when the program runs'
repeat=2 scenario "$migrations" 'gates: {reads_blocked: 1min}'
"$program" plan "$work/scenario.yaml" >"$work/out" 2>"$work/err" || fail "plan"
says "$work/out" 'a program: its statements are seen when it runs'

fact 'a program is rehearsed, and leaves no socket'
rehearse 0
valid_report
nothing_left
[ -z "$(find "$work" -name '.s.PGSQL.*')" ] || fail "a socket is left" # those in /tmp may be another test's
report "len(r['migrations']) == 1 and r['migrations'][0]['id'] == 'up.sh' and r['migrations'][0]['outcome'] == 'ok'"
fact 'its statements are rows, with a time in every pass'
report "len(r['migrations'][0]['statements']) == 11"
report "[s['command_tag'] for s in r['migrations'][0]['statements']][:9] == ['SELECT 1', 'BEGIN', 'ALTER TABLE', 'UPDATE 1500', 'CREATE INDEX', 'COMMIT', 'CREATE INDEX', 'COPY 3000', 'INSERT 0 1']"
report "all([run['pass'] for run in s['runs']] == ['quiet'] * 2 + ['loaded'] for s in r['migrations'][0]['statements'])"
report "[row['pass'] for row in samples('statements') if row['statement'] == '3'].count('scaled') == 16"
report "r['migrations'][0]['statements'][9]['command_tag'] != 'SELECT 0' and 'wanted' not in str(r)" # it failed, and the program went on
report "all(run['elapsed_s'] >= 0 for s in r['migrations'][0]['statements'] for run in s['runs'])"
fact 'its statements have classes, locks, WAL and hazards'
report "r['migrations'][0]['statements'][4]['class'] == 'index_build' and r['migrations'][0]['statements'][6]['class'] == 'index_concurrent'"
report "[(l['relation'], l['mode']) for l in r['migrations'][0]['statements'][2]['locks']] == [('public.orders', 'AccessExclusiveLock')]"
report "[(l['relation'], l['mode']) for l in r['migrations'][0]['statements'][3]['locks']] == [('public.customers', 'RowExclusiveLock')]"
report "r['migrations'][0]['statements'][2]['locks'][0]['held_s'] > r['migrations'][0]['statements'][3]['runs'][-1]['elapsed_s']"
report "sum(run['wal_bytes'] or 0 for s in r['migrations'][0]['statements'] for run in s['runs'] if run['pass'] == 'quiet') > 500000"
report "any(h['rule'] == 'index-without-concurrently' for h in r['migrations'][0]['statements'][4]['hazards'])"
fact 'its down program is rehearsed, and its duration predicted'
report "r['migrations'][0]['rollback']['schema_restored'] is True and r['migrations'][0]['rollback']['outcome'] == 'ok'"
report "[s['command_tag'] for s in r['migrations'][0]['rollback']['statements']] == ['DROP TABLE', 'DROP INDEX', 'ALTER TABLE']"
report "r['prediction']['reads_blocked_s'] > 0 and r['prediction']['median_s'] > 0 and r['prediction']['wal_bytes'] > 500000"

fact 'a down migration that does not restore the schema'
script down.sh <<'SH'
exec psql -X -q -c 'DROP TABLE made' -c 'DROP INDEX events_extra' -c 'ALTER TABLE orders ADD COLUMN IF NOT EXISTS remark text'
SH
script up.sh <<'SH'
exec psql -X -q -v ON_ERROR_STOP=1 -c 'CREATE TABLE made ()' -c 'CREATE INDEX events_extra ON events (id, customer_id)' -c 'ALTER TABLE orders ADD COLUMN IF NOT EXISTS remark text'
SH
scenario "$migrations"
rehearse 0 --pass quiet
report "r['migrations'][0]['rollback']['schema_restored'] is False and 'remark' in str(r['migrations'][0]['rollback']['differences'])"

fact 'one that fails'
script up.sh <<'SH'
psql -X -q -v ON_ERROR_STOP=1 -c 'ALTER TABLE orders ADD COLUMN other text'
psql -X -q -v ON_ERROR_STOP=1 -c "INSERT INTO customers SELECT * FROM customers WHERE email LIKE '%@%'" 2>/dev/null || {
    echo 'migration 0042 did not work' >&2
    exit 3
}
SH
rehearse 2 --pass quiet
valid_report
says "$work/err" 'scenario.yaml:6:.*status 3: migration 0042 did not work; its statement 2 had failed: duplicate key'
report "r['migrations'][0]['outcome'] == 'failed' and r['migrations'][0]['error']['sqlstate'] == '23505'"
report "r['verdict'] == 'fail' and len(r['migrations'][0]['statements'][0]['runs']) == 1"
nothing_left

fact 'a program that does not exist'
script up.sh <<'SH'
exec /nowhere/at/all
SH
rehearse 2 --pass quiet
says "$work/err" 'status 12[67]'
nothing_left
fact 'a program that does nothing'
script up.sh <<'SH'
exit 0
SH
scenario 'migrations: {command: [./up.sh]}'
rehearse 0 --pass quiet
report "r['migrations'][0]['statements'] == [] and r['migrations'][0]['outcome'] == 'ok'"
nothing_left
fact 'SIGTERM while its sessions run'
script up.sh <<'SH'
psql -X -q -c 'SELECT pg_sleep(3600)' &
psql -X -q -c 'SELECT pg_sleep(3600)'
SH
start --pass quiet
wait_until "SELECT FROM pg_stat_activity WHERE query LIKE '%sleep(3600)%' AND wait_event = 'PgSleep' HAVING count(*) = 2"
kill -TERM "$run"
ended 130
report "r['migrations'][0]['outcome'] == 'not_run'"
nothing_left
