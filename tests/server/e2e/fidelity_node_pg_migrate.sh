#!/bin/sh
# node-pg-migrate's up by itself and in a rehearsal: all migrations in one transaction but for the one that asks for none.
. "$(dirname "$0")/../fidelity.sh"
tools=${RH_TOOLS:-$source/.cache/tools}/node_modules
[ -d "$tools/node-pg-migrate" ] && command -v node >/dev/null || skip "node-pg-migrate is not installed (tests/server/migrations/tools.sh)"

mkdir -p "$work/steps"
# pgm_migration NUMBER BODY
pgm_migration() {
    printf 'exports.up = (pgm) => { %s };\nexports.down = false;\n' "$2" >"$work/steps/170406720000$1_step.js"
}
pgm_migration 1 "pgm.createTable('orders', {id: 'id', total: 'integer'});"
pgm_migration 2 "pgm.sql('INSERT INTO orders (total) SELECT i FROM generate_series(1, 50) i');"
pgm_migration 3 "pgm.addColumn('orders', {remark: 'text'});"
printf -- '-- Up Migration\nUPDATE orders SET remark = total;\nCREATE TABLE plain (i int);\n-- Down Migration\nDROP TABLE plain;\n' >"$work/steps/1704067200004_sql.sql"
pgm_migration 5 "pgm.noTransaction(); pgm.createIndex('orders', 'remark', {concurrently: true});"
pgm_migration 6 "pgm.createTable('lines', {id: 'id', order_id: {type: 'integer', references: 'orders'}});"
pgm_migration 7 "pgm.alterColumn('orders', 'total', {type: 'bigint'});"
pgm_migration 8 "pgm.addConstraint('orders', 'positive', 'CHECK (total > 0)');"
compare "exec '$tools/.bin/node-pg-migrate' up -m steps"
