#!/bin/sh
# The proof of a backfill: claims that hold, one that fails, and what the reports say of them.
. "$(dirname "$0")/lib.sh"
proof="{c['claim']: c for c in r['backfills'][0]['proof']}"

migration 000012_total.up.sql 'ALTER TABLE orders ADD COLUMN total bigint;'
migration 000013_strict.up.sql 'ALTER TABLE orders ALTER COLUMN total SET NOT NULL;'

# backfill LINE ...: a backfill between the two migrations, with LINEs added.
backfill() {
    scenario 'migrations: {path: migrations, pending: ["000012", "000013"]}' 'rollback: false' 'backfills:' '  - name: totals' \
        '    table: orders' '    after: "000012"' '    sweep: {batch: 200, pause: 0, limit: 30s}' '    standby: none' "$@"
}

backfill '    set: total = id * 2' '    where: total IS NULL' '    dual_write: application' '    proof: {kills: 10}'
rehearse 0 --pass backfill
valid_report
nothing_left
fact 'every claim holds'
report p="$proof" "len(p) == 10 and all(c['outcome'] == 'held' for c in p.values())"
fact 'kills at each moment'
report p="$proof" "p['resumes']['runs'] == 10 and all(m in p['resumes']['why'] for m in ('random', 'before COMMIT', 'before its answer', 'pause', 'crash of the server;', 'synchronous_commit off'))"
fact 'the headline says what all of them mean'
says "$work/out" 'may be killed at any time, repeated, and misses nothing'
says "$work/run/report.md" '\| resumes after a kill \| held \|'
grep -q 'name="totals: misses no row"' "$work/run/junit.xml" || fail "no case for a claim"

fact 'a counter may not be repeated: exit 2, the rows and the column'
backfill '    set: total = coalesce(total, 0) + 1' '    proof: {kills: 0, races: false}'
rehearse 2 --pass backfill
valid_report
report p="$proof" "p['idempotent']['outcome'] == 'failed' and p['idempotent']['columns'] == ['total'] and p['idempotent']['rows'] > 0"
says "$work/out" 'idempotent'

fact 'a migration behind it that fails on the filled rows'
backfill '    set: total = CASE WHEN id % 1000 > 0 THEN id END' '    proof: {kills: 0, races: false, twice: false}'
rehearse 2 --pass backfill
report p="$proof" "p['contract']['outcome'] == 'failed' and 'migration 000013' in p['contract']['why']"
nothing_left
