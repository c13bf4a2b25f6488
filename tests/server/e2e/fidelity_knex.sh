#!/bin/sh
# Knex' migrate:latest by itself and in a rehearsal.
. "$(dirname "$0")/../fidelity.sh"
tools=${RH_TOOLS:-$source/.cache/tools}/node_modules
[ -d "$tools/knex" ] && command -v node >/dev/null || skip "Knex is not installed (tests/server/migrations/tools.sh)"

mkdir -p "$work/steps"
ln -s "$tools" "$work/node_modules"
cat >"$work/migrate.js" <<'JS'
const knex = require('knex')({client: 'pg', connection: process.env.DATABASE_URL, pool: {min: 0, max: 1}, migrations: {directory: './steps'}});
knex.migrate.latest().then(() => knex.destroy(), (error) => { console.error(error); process.exit(1); });
JS
# knex_migration NUMBER BODY [ATTRIBUTE]
knex_migration() {
    printf 'exports.up = (knex) => %s;\nexports.down = () => null;\n%s\n' "$2" "${3:-}" >"$work/steps/2024010100000$1_step.js"
}
knex_migration 1 "knex.schema.createTable('orders', (t) => { t.increments(); t.integer('total'); t.timestamps(); })"
knex_migration 2 "knex('orders').insert(Array.from({length: 50}, (_, i) => ({total: i + 1})))"
knex_migration 3 "knex.schema.alterTable('orders', (t) => { t.text('remark'); })"
knex_migration 4 "knex.raw('UPDATE orders SET remark = total')"
knex_migration 5 "knex.raw('CREATE INDEX CONCURRENTLY orders_remark ON orders (remark)')" 'exports.config = {transaction: false};'
knex_migration 6 "knex.schema.createTable('lines', (t) => { t.increments(); t.integer('order_id').references('orders.id'); })"
knex_migration 7 "knex.raw('ALTER TABLE orders ALTER total TYPE bigint; CREATE TABLE two (i int)')"
knex_migration 8 "knex('orders').where('total', '>', 40).update({remark: 'many'})"
compare "exec node migrate.js"
