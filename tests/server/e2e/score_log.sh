#!/bin/sh
# Production's word from its own log: plain, csvlog and jsonlog, as a real server writes them, tell the same; a wait for a
# lock is told from the work; and the next run makes something of it.
. "$(dirname "$0")/lib.sh"

given_server -c logging_collector=on -c log_destination=stderr,csvlog,jsonlog -c log_directory=logs -c log_filename=server.log \
    -c log_min_duration_statement=0 -c log_lock_waits=on -c deadlock_timeout=100ms -c log_file_mode=0644
on_production() { "$bindir/psql" -qX -v ON_ERROR_STOP=1 -h "$work/given" -p "$port" -U postgres -d shop "$@"; }
"$bindir/createdb" -h "$work/given" -p "$port" -U postgres shop
"$bindir/pg_restore" -h "$work/given" -p "$port" -U postgres --no-owner -d shop "$source/scenarios/quickstart/backup.dump"

migration 000012_price.up.sql "ALTER TABLE order_items ALTER COLUMN product_id TYPE bigint;
UPDATE addresses SET city = 'it''s \"quoted\", and
on two lines' WHERE id % 3 = 0;"
migration 000013_index.up.sql 'CREATE INDEX order_items_by_product ON order_items (product_id);'
mkdir "$work/runs"
scenario 'migrations: {path: migrations}' 'rollback: false' "history: $work/runs"
rehearse 0 --pass quiet
cp -r "$work/run" "$work/runs/night1"

# production: a reader ends 0.3 s after the first statement has begun to wait for it; others send the same texts
on_production -c "BEGIN; SELECT count(*) FROM order_items" -c "DO \$\$ BEGIN
    WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'order_items'::regclass) LOOP
        PERFORM pg_sleep(0.02);
    END LOOP;
    PERFORM pg_sleep(0.3);
END \$\$" -c COMMIT >/dev/null &
reader=$!
reads() {
    on_production -tAc "SELECT mode FROM pg_locks WHERE granted AND relation = 'order_items'::regclass" | grep -q AccessShareLock
}
eventually reads
on_production -f "$work/migrations/000012_price.up.sql" -f "$work/migrations/000013_index.up.sql"
wait $reader
on_production -c "UPDATE addresses SET city = 'other' WHERE id % 3 = 1"
logs=$work/given/data/logs
ls "$logs"/server.log "$logs"/server.csv "$logs"/server.json >/dev/null || fail "the server wrote no logs"

fact 'the three formats give the same durations, and lock waits separately'
for format in log csv json; do
    cp "$logs/server.$format" "$work/production.$format"
    "$program" score "$work/runs/night1" --actual "$work/production.$format" >"$work/out" 2>"$work/err" || fail "$format: exit $?"
    says "$work/out" '^000012 +1 .*besides [0-9.]+ ms of waiting for locks'
    says "$work/out" '^000012 +2 '
    says "$work/out" '^000013 +1 '
    cp "$work/runs/night1/score.json" "$work/score.$format"
done
python3 - "$work" <<'PYTHON' || fail "the three logs do not tell the same"
import json, sys
scores = [json.load(open(f"{sys.argv[1]}/score.{f}"))["rows"] for f in ("log", "csv", "json")]
keys = ("migration", "statement", "actual_s", "lock_wait_s")
tell = [[tuple(row[k] for k in keys) for row in rows] for rows in scores]
assert tell[0] == tell[1] == tell[2], tell
assert len(tell[0]) == 3 and tell[0][0][3] > 0.1, tell
assert all(row[2] > 0 for row in tell[0]), tell
PYTHON

fact 'the next run reads the scores'
rehearse 0 --pass quiet
valid_report
report "r['production']['history']['scored_runs'] == 1"
report "len(r['production']['history']['corrections']) > 0"

fact 'a truncated log counts up to its end, one without durations is refused'
head -c -40 "$logs/server.json" >"$work/cut.json"
"$program" score "$work/runs/night1" --actual "$work/cut.json" >"$work/out" 2>"$work/err" || fail "cut: exit $?"
says "$work/out" '^000013 +1 '
grep -v duration "$logs/server.csv" | head -3 >"$work/none.csv"
! "$program" score "$work/runs/night1" --actual "$work/none.csv" >"$work/out" 2>"$work/err" || fail "a log without durations was scored"
