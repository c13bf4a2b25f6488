#!/bin/sh
# Killed half-way in each transaction mode: one transaction leaves nothing, none leaves half, CONCURRENTLY an invalid index.
. "$(dirname "$0")/lib.sh"

cut() { # NUMBER EXPRESSION over all its interruptions i
    report "all($2 for i in r['migrations'][$1]['interruptions']) and r['migrations'][$1]['interruptions'] != []"
}

rm "$work"/migrations/*
migration 00001_one.sql "-- +goose Up
CREATE TABLE few AS SELECT generate_series(1, 300) AS id;
-- +goose StatementBegin
CREATE FUNCTION slow(id int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS \$\$ BEGIN PERFORM pg_sleep(0.001); RETURN id; END \$\$;
-- +goose StatementEnd
DO 'BEGIN PERFORM pg_sleep(0.9); END';
CREATE TABLE last (a int);"
migration 00002_none.sql "-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE kept (a int);
DO 'BEGIN PERFORM pg_sleep(0.4); END';
CREATE TABLE never (a int);"
migration 00003_index.sql "-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY few_slow ON few (slow(id));"
scenario 'migrations: {path: migrations, framework: goose, pending: all}' 'interrupt: true' 'rollback: false'
fact 'goose: each migration is interrupted half-way in its own transaction mode'
rehearse 0 --pass quiet
valid_report
report "[m['transaction'] for m in r['migrations']] == ['one', 'each', 'each']"
report "[[i['kind'] for i in m['interruptions']] for m in r['migrations']] == [['connection_lost', 'server_restarted'], ['connection_lost'], ['connection_lost']]"
for m in 0 1 2; do cut $m "i['in_statement'] and i['history'] == 'as before'"; done
fact 'one transaction leaves no changes'
cut 0 "i['state'] == 'as_before' and i['differences'] == [] and i['rerun'] == 'ok'"
fact 'without a transaction, half of the changes stay'
cut 1 "i['state'] == 'partly_applied' and [d['object'] for d in i['differences'] if d['object'].startswith('table')] == ['table public.kept']"
cut 1 "i['rerun'] == 'failed' and 'kept' in i['error']"
fact 'CONCURRENTLY leaves an invalid index'
cut 2 "i['invalid_indexes'] == ['public.few_slow'] and i['rerun'] == 'failed' and i['invalid_after_rerun'] == i['invalid_indexes']"
nothing_left

fact 'Diesel: a transaction a migration unless its metadata says otherwise'
rm "$work"/migrations/*
for m in 2026-01-01-000001_one 2026-01-01-000002_none; do mkdir "$work/migrations/$m"; done
migration 2026-01-01-000001_one/up.sql "CREATE TABLE kept (a int); DO 'BEGIN PERFORM pg_sleep(0.5); END';"
migration 2026-01-01-000002_none/up.sql "DO 'BEGIN PERFORM pg_sleep(0.4); END';"
echo 'run_in_transaction = false' >"$work/migrations/2026-01-01-000002_none/metadata.toml"
scenario 'migrations: {path: migrations, framework: diesel, pending: all}' 'interrupt: true' 'rollback: false'
rehearse 0 --pass quiet
valid_report
cut 0 "i['state'] == 'as_before' and i['rerun'] == 'ok'"
cut 1 "i['in_statement'] and i['rerun'] == 'ok'"
nothing_left
