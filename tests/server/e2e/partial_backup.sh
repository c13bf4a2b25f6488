#!/bin/sh
# A backup that pg_dump made of some schemas or tables only, and that restores without an error: no silent pass.
. "$(dirname "$0")/lib.sh"
given_server
export PGHOST="$work/given" PGUSER=postgres PGPORT="$port"
createdb shop
psql -Xq -v ON_ERROR_STOP=1 -d shop <<'SQL'
CREATE SCHEMA audit; CREATE SCHEMA app;
CREATE TYPE before AS (a int, b int);
CREATE TABLE customers (id serial PRIMARY KEY, name text);
CREATE TABLE audit.log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, t text);
CREATE TYPE between_them AS (a int, b int);
CREATE TABLE app.items (id int PRIMARY KEY, pair between_them);
CREATE TABLE parts (id int, k int) PARTITION BY RANGE (k);
CREATE TABLE parts1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
CREATE TABLE notes (id int PRIMARY KEY, document oid);
INSERT INTO customers (name) VALUES ('a'), ('b');
INSERT INTO parts SELECT i, i % 20 FROM generate_series(1, 40) AS i;
INSERT INTO notes VALUES (1, lo_from_bytea(0, 'abc'));
SQL
migration 001_a.sql 'ALTER TABLE customers ADD COLUMN x int;'
rm "$work/migrations/000011_applied.up.sql"

try() { # EXPECTED_EXIT EXPRESSION PG_DUMP_OPTION ...
    expected=$1 expression=$2
    shift 2
    rm -rf "$work/backup"
    pg_dump "$@" -f "$work/backup" shop
    backup=$work/backup scenario 'migrations: {path: migrations, framework: sql, pending: all}' "rollback: false" 'workload: {source: none}'
    sed -i '/^workload: {rate/d' "$work/scenario.yaml"
    rehearse "$expected" --pass quiet ${partial:+--set backup.partial=true}
    report "$expression"
}
unknown="any(n.startswith('backup: completeness') for n in (n['text'] for n in r['not_measured']))"
lacks() { printf "'lacks %s' in r['reason'] and r['verdict'] == 'inconclusive'" "$1"; }

fact 'a whole archive'
try 0 "$unknown and r['backup']['skipped'] == []" -Fc
fact 'a whole plain dump'
try 0 "$unknown" -Fp
fact 'an archive of one schema'
try 3 "$(lacks 'objects in other schemas')" -Fc -n public
fact 'a plain dump of one schema'
try 3 "$(lacks 'objects in other schemas')" -Fp -n public
fact 'an archive without a schema'
try 3 "$(lacks '2 relations')" -Fc -N audit
fact 'a directory without a table'
try 3 "$(lacks '1 relation:')" -Fd -T parts2
fact 'an archive without large objects'
try 0 "'large objects' in [s['subject'] for s in r['backup']['skipped']]" -Fc --no-blobs
fact 'a public schema with an owner and a comment of its own'
psql -Xqd shop -c "ALTER SCHEMA public OWNER TO postgres; COMMENT ON SCHEMA public IS 'as of an upgrade'"
try 0 "$unknown" -Fc
fact 'a materialized view'
psql -Xqd shop -c 'CREATE MATERIALIZED VIEW names AS SELECT name FROM customers; CREATE INDEX ON names (name)'
try 0 "$unknown" -Fc
fact 'a plain dump without the rows of a materialized view'
try 3 "$(lacks 'MATERIALIZED VIEW DATA public.names')" -Fp --exclude-table-data=names
fact 'the same where backup.skip names it'
rehearse 0 --pass quiet --set 'backup.skip=["MATERIALIZED VIEW DATA public.names"]'
fact 'an archive without a schema where backup.partial accepts it'
partial=yes
try 0 "'2 relations' in [s['subject'] for s in r['backup']['skipped']] and not $unknown" -Fc -N audit
nothing_left
