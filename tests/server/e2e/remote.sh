#!/bin/sh
# A staging on another machine, as far as the tool can tell: a given server that is reached by TCP. What the statements
# used comes by SQL alone, each figure says from where, and what the role may not ask is null and told.
. "$(dirname "$0")/lib.sh"

given_server
migration 000012_price.up.sql 'BEGIN;
ALTER TABLE order_items ALTER COLUMN product_id TYPE bigint;
COMMIT;
CREATE INDEX order_items_by_product ON order_items (product_id);'
scenario 'migrations: {path: migrations}' 'rollback: false'
given() {
    sed -i '/^staging:/d' "$work/scenario.yaml"
    printf 'staging: {kind: server, url: "postgresql://%s@127.0.0.1:%s/postgres"}\n' "$1" "$port" >>"$work/scenario.yaml"
}
statement() { # ORDINAL EXPRESSION: of its quiet run x
    report "s=[m for m in r.migrations if m.id == '000012'][0].statements[$1 - 1]" "x=[x for x in s.runs if x['pass'] == 'quiet'][0]" "$2"
}

source() { # ORDINAL EXPRESSION: of the row x of samples/statements.csv
    report "x=[x for x in samples('statements') if (x.migration, x.statement, x['pass']) == ('000012', '$1', 'quiet')][0]" "$2"
}

fact 'a superuser on another machine: each figure by SQL, with its source'
given postgres
rehearse 0 --pass quiet
valid_report
report "r['staging']['local'] is False and r['staging']['kind'] == 'server'"
for ordinal in 2 4; do # in its own transaction, and in the implicit one
    statement $ordinal "x['cpu_user_s'] + x['cpu_system_s'] > 0"
    statement $ordinal "x['read_bytes'] >= 0 and x['write_bytes'] >= 0"
    statement $ordinal "x['wal_bytes'] > 100000"
    source $ordinal "'log_statement_stats' in x.cpu_source and 'log_statement_stats' in x.io_source"
    source $ordinal "x.wal_source.startswith('pg_current_wal_insert_lsn')"
done
report "[m for m in r['migrations'] if m['id'] == '000012'][0]['statements'][3]['prediction']['parts']['cpu_s'] > 0"

fact 'a role that may only create databases: facts that it may not read are null'
"$bindir/psql" -qX -h "$work/given" -p "$port" -U postgres -d postgres -c 'CREATE ROLE builder LOGIN CREATEDB'
given builder
rehearse 0 --pass quiet
valid_report
statement 2 "x['cpu_user_s'] is None and x['read_bytes'] is None and x['wal_bytes'] > 100000"
source 2 "x.cpu_source == ''"
report "any('may not set log_statement_stats' in s for s in (n['text'] for n in r['not_measured']))"
"$bindir/psql" -qX -h "$work/given" -p "$port" -U postgres -d postgres -tAc "SELECT datname FROM pg_database WHERE datname LIKE 'pgrehearse%'" >"$work/out"
[ ! -s "$work/out" ] || fail "databases were left behind"
