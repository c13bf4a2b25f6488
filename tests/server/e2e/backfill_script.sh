#!/bin/sh
# plan --backfill NAME: the printed SQL runs on a real server, may be killed, stopped and resumed, and ends like one UPDATE.
. "$(dirname "$0")/lib.sh"

given_server
psql() { "$bindir/psql" -X -q -v ON_ERROR_STOP=1 -h "$work/given" -p "$port" -U postgres "$@"; }
ask() { psql -At -d shop -c "$1"; }

# A row in 7 is done already; ids have gaps; the key of lines has two columns and names that need quotes.
psql -d postgres -c 'CREATE DATABASE shop'
psql -d shop <<'SQL'
CREATE TABLE orders (id integer PRIMARY KEY, price integer NOT NULL, total bigint, note text);
INSERT INTO orders SELECT g * 3, g % 100, CASE WHEN g % 7 = 0 THEN -1 END, repeat('x', g % 50) FROM generate_series(1, 20000) g;
CREATE SCHEMA "Sales";
CREATE TABLE "Sales"."Order lines" (tenant text COLLATE "C", "No" bigint, price numeric, total numeric, PRIMARY KEY (tenant, "No"));
INSERT INTO "Sales"."Order lines" SELECT 't' || g % 13, g, g % 100 FROM generate_series(1, 5000) g;
CREATE TABLE keyless (a integer, b integer);
CREATE TABLE copies AS SELECT * FROM orders;
SQL
"$bindir/pg_dump" -h "$work/given" -p "$port" -U postgres -Fc -f "$work/shop.dump" shop
backup=$work/shop.dump
scenario 'backfills:' \
    '  - {name: keys, table: orders, set: total = price * 2, where: total IS NULL, sweep: {batch: [200], pause: [0]}}' \
    '  - {name: ranges, table: orders, set: total = price * 2, where: total IS NULL, walk: range, sweep: {batch: [500, 900], pause: [0, 1ms]}}' \
    '  - {name: pages, table: orders, set: total = price * 2, where: total IS NULL, walk: ctid, sweep: {batch: [2000], pause: [0]}}' \
    '  - {name: rest, table: orders, set: total = price * 2, where: total IS NULL, walk: remaining, sweep: {batch: [700], pause: [0]}}' \
    "  - {name: quotes, table: '\"Sales\".\"Order lines\"', set: total = price * 2 -- \$batch\$, sweep: {batch: [300], pause: [0]}}" \
    '  - {name: slow, table: orders, set: total = price * 2, where: total IS NULL, sweep: {batch: [50], pause: [10ms]}}' \
    '  - {name: locked, table: orders, set: total = price * 2, where: total IS NULL, lock_timeout: 20ms, sweep: {batch: [5000], pause: [0]}}' \
    "  - {name: own, table: orders, where: total IS NULL, sql: own_batch.sql, sweep: {batch: [300], pause: [0]}}" \
    "  - {name: any, table: orders, where: total IS NULL, sql: any_batch.sql, sweep: {batch: [700], pause: [0]}}" \
    '  - {name: keyless, table: keyless, set: b = a}' \
    '  - {name: copied, table: copies, set: total = price * 2, key: [id]}' \
    '  - {name: absent, table: nowhere, set: b = a}'

cat >"$work/own_batch.sql" <<'SQL'
UPDATE orders SET total = price * 2
WHERE id IN (SELECT id FROM orders WHERE id > :after AND total IS NULL ORDER BY id LIMIT :limit) RETURNING id; -- the key
SQL
cat >"$work/any_batch.sql" <<'SQL'
UPDATE orders SET total = price * 2 WHERE id IN (SELECT id FROM orders WHERE total IS NULL LIMIT :limit)
SQL

# printed NAME: its SQL, in $work/NAME.sql.
printed() {
    "$program" plan "$work/scenario.yaml" --backfill "$1" >"$work/$1.sql" 2>"$work/err" || fail "no SQL for $1"
}

# The rows are as they were: for the next fact.
again() {
    ask 'UPDATE orders SET total = CASE WHEN id / 3 % 7 = 0 THEN -1 END' >/dev/null
    ask 'ANALYZE orders' >/dev/null
}

# What one UPDATE would give.
digest() { ask "SELECT md5(string_agg(t::text, E'\n' ORDER BY t::text)) FROM $1 t"; }
expected_orders=$(ask "BEGIN; UPDATE orders SET total = price * 2 WHERE total IS NULL;
    SELECT md5(string_agg(t::text, E'\n' ORDER BY t::text)) FROM orders t; ROLLBACK")
expected_lines=$(ask "BEGIN; UPDATE \"Sales\".\"Order lines\" SET total = price * 2;
    SELECT md5(string_agg(t::text, E'\n' ORDER BY t::text)) FROM \"Sales\".\"Order lines\" t; ROLLBACK")
todo=$(ask 'SELECT count(*) FROM orders WHERE total IS NULL')

for name in keys ranges pages rest own any; do
    again
    printed $name
    psql -d shop -f "$work/$name.sql" >"$work/out" 2>"$work/err" || fail "the SQL of $name does not run"
    eval "digest_$name=\$(digest orders) rows_$name=\$(ask 'SELECT rows_changed FROM backfill_${name}_progress')"
    eval "batches_$name=\$(ask 'SELECT batches FROM backfill_${name}_progress')"
done
fact 'keyset ends like one UPDATE'
[ "$digest_keys" = "$expected_orders" ] || fail "other rows"
[ "$rows_keys" = "$todo" ] || fail "$rows_keys rows changed, expected $todo"
[ "$batches_keys" = $(((todo + 199) / 200)) ] || fail "$batches_keys batches"
fact 'range ends like one UPDATE'
[ "$digest_ranges" = "$expected_orders" ] || fail "other rows"
[ "$rows_ranges" = "$todo" ] || fail "$rows_ranges rows changed, expected $todo"
fact 'ctid ends like one UPDATE'
[ "$digest_pages" = "$expected_orders" ] || fail "other rows"
[ "$rows_pages" = "$todo" ] || fail "$rows_pages rows changed, expected $todo"
[ "$batches_pages" -ge 8 ] || fail "$batches_pages batches: a batch is to have about 2,000 rows"
[ "$batches_pages" -le 40 ] || fail "$batches_pages batches: a batch is to have about 2,000 rows"
fact 'remaining ends like one UPDATE'
[ "$digest_rest" = "$expected_orders" ] || fail "other rows"
[ "$rows_rest" = "$todo" ] || fail "$rows_rest rows changed, expected $todo"

fact 'own SQL with :after ends like one UPDATE'
[ "$digest_own" = "$expected_orders" ] || fail "other rows"
[ "$rows_own" = "$todo" ] || fail "$rows_own rows changed, expected $todo"
[ "$batches_own" = $(((todo + 299) / 300)) ] || fail "$batches_own batches"
fact 'own SQL with :limit ends like one UPDATE'
[ "$digest_any" = "$expected_orders" ] || fail "other rows"
[ "$rows_any" = "$todo" ] || fail "$rows_any rows changed, expected $todo"

fact 'a key of two columns with quoted names'
printed quotes
psql -d shop -f "$work/quotes.sql" >"$work/out" 2>"$work/err" || fail "the SQL does not run"
[ "$(digest '"Sales"."Order lines"')" = "$expected_lines" ] || fail "other rows"
[ "$(ask 'SELECT rows_changed FROM "Sales".backfill_quotes_progress')" = 5000 ] || fail "not each row once"

# slow: 343 batches with a pause, in the background.
again
printed slow
sed '/^SET statement_timeout/,$d' "$work/slow.sql" >"$work/slow_made.sql"
psql -d shop -f "$work/slow_made.sql" >/dev/null
call() { psql -d shop -c 'CALL backfill_slow()' >"$work/call" 2>&1; }
progressed() { [ "$(ask 'SELECT batches FROM backfill_slow_progress')" -ge "$1" ]; }
is_running() { [ "$(ask "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")" = 1 ]; }
is_idle() { ! is_running; }

fact 'it pauses behind a batch'
call &
caller=$!
pauses() { [ "$(ask "SELECT count(*) FROM pg_stat_activity a, backfill_slow_progress p WHERE a.pid = p.pid AND a.wait_event = 'PgSleep'")" = 1 ]; }
eventually pauses
ask 'UPDATE backfill_slow_progress SET stop = true'
wait $caller || fail "stopping is no error"
ask 'UPDATE backfill_slow_progress SET stop = false'

fact 'killed half-way: each batch has its progress or neither'
call &
caller=$!
eventually progressed 20
ask 'SELECT pg_terminate_backend(pid) FROM backfill_slow_progress' >/dev/null
wait $caller && fail "the session outlived its end"
killed=$(ask 'SELECT rows_changed FROM backfill_slow_progress')
[ "$killed" -lt "$todo" ] || fail "it had ended before it was killed"
[ "$(ask 'SELECT count(*) FROM orders WHERE total IS NULL')" = $((todo - killed)) ] || fail "progress says $killed"
fact 'the server killed half-way: the same'
eventually is_idle
call &
caller=$!
eventually progressed $(($(ask 'SELECT batches FROM backfill_slow_progress') + 20))
$as_server "$bindir/pg_ctl" -D "$work/given/data" -m immediate stop >/dev/null
wait $caller && fail "the session outlived its server"
$as_server "$bindir/pg_ctl" -D "$work/given/data" -w -l "$work/given/log" -o "-k $work/given -p $port -c listen_addresses=127.0.0.1" start >/dev/null
crashed=$(ask 'SELECT rows_changed FROM backfill_slow_progress')
[ "$crashed" -gt "$killed" ] || fail "it did not go on where it was killed"
[ "$crashed" -lt "$todo" ] || fail "it had ended before the server was killed"
[ "$(ask 'SELECT count(*) FROM orders WHERE total IS NULL')" = $((todo - crashed)) ] || fail "progress says $crashed"

fact 'one session at a time'
call &
caller=$!
eventually is_running
psql -d shop -c 'CALL backfill_slow()' >"$work/out" 2>&1 && fail "a second session ran it"
says "$work/out" 'this backfill runs in another session'
fact 'stop ends it after a batch'
ask 'UPDATE backfill_slow_progress SET stop = true'
wait $caller || fail "stopping is no error"
says "$work/call" 'rows changed, stopped'
[ "$(ask 'SELECT finished_at IS NULL FROM backfill_slow_progress')" = t ] || fail "it says that it finished"
fact 'it resumes to the same end, no row twice'
ask 'UPDATE backfill_slow_progress SET stop = false, pause_s = 0, batch_rows = 1000'
call || fail "it does not go on: $(cat "$work/call")"
says "$work/call" 'rows changed, finished'
[ "$(digest orders)" = "$expected_orders" ] || fail "other rows"
[ "$(ask 'SELECT rows_changed FROM backfill_slow_progress')" = "$todo" ] || fail "not each row once"

fact 'a lock that stays ends it with the reason, and it goes on afterwards'
again
printed locked
mkfifo "$work/locker"
psql -d shop <"$work/locker" >/dev/null 2>&1 &
exec 3>"$work/locker"
echo "BEGIN; SELECT FROM orders WHERE id = 300 FOR UPDATE;" >&3
is_locked() { [ "$(ask "SELECT count(*) FROM pg_locks WHERE relation = 'orders'::regclass AND mode = 'RowShareLock'")" = 1 ]; }
eventually is_locked
psql -d shop -f "$work/locked.sql" >"$work/out" 2>"$work/err" && fail "it ended before the lock"
says "$work/err" '8 attempts in a row failed: canceling statement due to lock timeout'
exec 3>&-
eventually sh -c "! '$bindir/psql' -X -At -h '$work/given' -p $port -U postgres -d shop -c \"SELECT 1 FROM pg_locks WHERE relation = 'orders'::regclass\" | grep -q 1"
psql -d shop -c 'CALL backfill_locked()' >"$work/out" 2>&1 || fail "it does not go on"
[ "$(digest orders)" = "$expected_orders" ] || fail "other rows"

fact 'rows that no batch changes end it with the reason'
again
ask "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'" >/dev/null
ask 'CREATE TRIGGER keep BEFORE UPDATE ON orders FOR EACH ROW WHEN (OLD.id = 3) EXECUTE FUNCTION keep()' >/dev/null
ask 'UPDATE backfill_rest_progress SET finished_at = NULL' >/dev/null
psql -d shop -c 'CALL backfill_rest()' >"$work/out" 2>&1 && fail "it says that it finished"
says "$work/out" 'rows match where, but a batch changed none of them'
[ "$(ask 'SELECT string_agg(id::text, $$ $$) FROM orders WHERE total IS NULL')" = 3 ] || fail "it left more rows than that"

# refused NAME PATTERN: no SQL, and a message with the place.
refused() {
    "$program" plan "$work/scenario.yaml" --backfill "$1" >"$work/out" 2>"$work/err" && fail "$1 got SQL"
    says "$work/err" "$2"
}
fact 'without a key, the key to write'
refused keyless 'public.keyless has no primary key by the backup.s definitions'
says "$work/err" 'write key: with the columns of a unique index'
says "$work/err" 'scenario.yaml:[0-9]+:[0-9]+'
refused copied 'column "id" of the key may be null'
refused absent 'table "nowhere" is not defined by the backup'
fact 'a name that the scenario does not have'
refused kays 'the scenario has no backfill "kays"'
says "$work/err" 'did you mean "keys"'
