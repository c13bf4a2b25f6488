#!/bin/sh
# A clone of production that is there already: copied on its own server, never altered, and only with its mark. The production of this
# test and its clone are two clusters of one system identifier, as a branch of storage makes them.
. "$(dirname "$0")/lib.sh"
given_server -c autovacuum=off
export PGHOST="$work/given" PGUSER=postgres PGPORT="$port"
psql -Xq -c 'CREATE ROLE shop_owner LOGIN' -c 'CREATE DATABASE "My Shop" OWNER shop_owner' -d postgres
psql -Xq -v ON_ERROR_STOP=1 -d 'My Shop' <<'SQL'
SET ROLE shop_owner;
CREATE SCHEMA app;
CREATE TABLE app.orders (id int PRIMARY KEY, note text);
INSERT INTO app.orders SELECT i, repeat('x', 100) FROM generate_series(1, 20000) AS i;
DELETE FROM app.orders WHERE id % 10 <> 0;
ANALYZE app.orders;
INSERT INTO app.orders SELECT i, 'new' FROM generate_series(30001, 30100) AS i;
RESET ROLE;
ALTER DATABASE "My Shop" SET statement_timeout = '7s';
ALTER DATABASE "My Shop" SET search_path = app, public;
SQL
"$program" profile --url "postgresql://postgres@127.0.0.1:$port/My%20Shop" --output "$work/profile.json" >"$work/out" 2>"$work/err" || fail "profile: $?"

# The branch: the files of the stopped server, beside it, which is started again.
as() { if [ -n "$as_server" ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
as "$bindir/pg_ctl" -D "$work/given/data" -w -m fast stop >/dev/null
as cp -r "$work/given/data" "$work/given/branch"
as mkdir "$work/given/socket"
as "$bindir/pg_ctl" -D "$work/given/data" -w -l "$work/given/log" -o "-k $work/given -p $port -c listen_addresses=127.0.0.1 -c fsync=off -c autovacuum=off" start >/dev/null
as "$bindir/pg_ctl" -D "$work/given/branch" -w -l "$work/given/branch.log" \
    -o "-k $work/given/socket -p $port -c listen_addresses='' -c fsync=off -c autovacuum=off" start >/dev/null
trap 'status=$?; kill -QUIT "$(head -1 "$work/given/data/postmaster.pid")" "$(head -1 "$work/given/branch/postmaster.pid")" 2>/dev/null || :; finish "$status"' EXIT
branch() { psql -XAtq -v ON_ERROR_STOP=1 -h "$work/given/socket" "$@"; }

rm "$work/migrations/000011_applied.up.sql"
migration 001_a.sql 'ALTER TABLE app.orders ADD COLUMN x int; CREATE INDEX ON app.orders (note);'
cat >"$work/scenario.yaml" <<YAML
name: test
backup: {clone: My Shop}
staging: {kind: server, url: "postgresql://postgres@/postgres?host=$work/given/socket&port=$port"}
migrations: {path: migrations, framework: sql, pending: all}
workload: {rate: 50, connections: 4, before: 1s, after: 1s}
production: {profile: profile.json}
repeat: 2
YAML
state() { # of the database and its files, without what its sessions count
    branch -d 'My Shop' -c "SELECT md5(string_agg(o::text, ',' ORDER BY id)), pg_relation_size('app.orders') FROM app.orders AS o" \
        -c "SELECT relpages, reltuples, relallvisible, relfrozenxid FROM pg_class WHERE oid = 'app.orders'::regclass" \
        -c "SELECT xmin, ctid FROM pg_class WHERE oid = 'app.orders'::regclass"
    branch -d postgres -c "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database ORDER BY 1"
}
production() {
    psql -XAtq -d 'My Shop' -c "SELECT count(*) FROM app.orders" -c "SELECT txid_snapshot_xmax(txid_current_snapshot()), count(*) FROM pg_database"
}

fact 'a clone without its mark is refused before anything is made'
before=$(state)
there=$(production)
rehearse 4
says "$work/err" 'the database "My Shop" has no mark that says that it is a clone'
says "$work/err" "COMMENT ON DATABASE \"My Shop\" IS 'pgrehearse clone'"
[ "$(state)" = "$before" ] || fail "the refused run changed the clone"
fact 'production has no mark, and is refused'
rehearse 4 --set "staging.url=postgresql://postgres@127.0.0.1:$port/postgres"
[ "$(production)" = "$there" ] || fail "production was changed"
fact 'a clone with its mark is rehearsed'
branch -d postgres -c "COMMENT ON DATABASE \"My Shop\" IS 'pgrehearse clone'"
before=$(state)
rehearse 0
report "r['backup']['format'] == 'clone' and r['backup']['path'] == 'My Shop' and r['staging']['reset_method'] == 'template database'"
report "r['staging']['resets'] >= 3 and r['load'] is not None"
valid_report
fact 'it is as before, and nothing else is left on its server'
[ "$(state)" = "$before" ] || fail "the clone is not as before: $(state) instead of $before"
[ "$(production)" = "$there" ] || fail "production was changed"
fact 'what is rehearsed keeps bloat and statistics'
size=$(branch -d 'My Shop' -c "SELECT pg_relation_size('app.orders')")
report "any(run['relation_bytes'] == $size for m in r['migrations'] for s in m['statements'] for run in s['runs'] if run['pass'] == 'quiet')"
fact 'its rows are not counted'
report "r['backup']['rows'] is None and r['backup']['tables'] == 1"
fact 'the report says what is taken on trust'
report "any(n['text'].startswith('clone: whether it has all') for n in r['not_measured'])"
report "any(n['text'].startswith('guard: a clone may bear') for n in r['not_measured'])"
fact 'steps of prepare change the copy only'
echo "UPDATE orders SET note = 'masked'" >"$work/mask.sql"
migration 002_check.sql "DO \$\$ BEGIN IF (SELECT count(*) FROM app.orders WHERE note = 'masked') <> 2100 THEN RAISE EXCEPTION 'not masked'; END IF; END \$\$;"
rehearse 0 --pass quiet --set 'prepare=[{sql: mask.sql}]'
[ "$(state)" = "$before" ] || fail "prepare changed the clone"
rm "$work/migrations/002_check.sql"
fact 'the owner and the settings are those of the clone'
migration 002_check.sql "DO \$\$ BEGIN IF current_user <> 'shop_owner' OR current_setting('statement_timeout') <> '7s' OR current_schemas(false) <> '{app,public}' THEN RAISE EXCEPTION '% % %', current_user, current_setting('statement_timeout'), current_schemas(false); END IF; END \$\$;"
rehearse 0 --pass quiet
rm "$work/migrations/002_check.sql"
fact 'sessions in the clone are not ended'
branch -d 'My Shop' -c 'SELECT pg_sleep(600)' >/dev/null 2>&1 &
sleeper=$!
sleeping() { [ "$(branch -d postgres -c "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'")" = 1 ]; }
eventually sleeping
rehearse 5
says "$work/err" 'the clone My Shop cannot be copied'
says "$work/err" 'needs it without sessions'
kill -0 "$sleeper" || fail "the session was ended"
branch -d postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'" >/dev/null
fact 'a database that is not there'
rehearse 5 --set backup.clone=nothing
says "$work/err" 'the server of staging.url has no database .nothing.'
fact 'nothing of a killed run is left after the next'
start
wait_for 'quiet pass'
kill -KILL "$run"
wait "$run" 2>/dev/null || :
unlocked() { [ "$(branch -d postgres -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")" = 0 ]; }
eventually unlocked
rehearse 0 --pass quiet
[ "$(state)" = "$before" ] || fail "something was left: $(state)"
