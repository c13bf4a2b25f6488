#!/bin/sh
# backfills: auto: each statement that changes a whole table, beside the same in batches.
. "$(dirname "$0")/lib.sh"
b="r['backfills'][0]"

migration 000012_total.up.sql 'ALTER TABLE orders ADD COLUMN total bigint;
UPDATE orders o SET total = o.id * 2;
ALTER TABLE orders ALTER COLUMN total SET DEFAULT 0;'
migration 000013_odd.up.sql 'UPDATE orders SET total = total + 1;'
offers() {
    scenario 'migrations: {path: migrations, pending: ["000012", "000013"]}' 'rollback: false' 'backfills:' '  - auto: true' \
        '    standby: none' '    sweep: {batch: 400, pause: 0, limit: 20s}' '    gates: {duration: 1h}' '    proof: none' "$@"
}
offers
"$program" plan "$work/scenario.yaml" >"$work/out" 2>"$work/err" || fail "no plan"
fact 'plan lists what is offered, and why a statement is not'
says "$work/out" 'backfill 000012#2 of public.orders: walk keyset by id, instead of statement 2 of 000012'
says "$work/out" 'not offered: statement 1 of migration 000013 as a backfill: changing a row twice gives another result'
fact 'plan prints it as a procedure'
"$program" plan "$work/scenario.yaml" --backfill '000012#2' >"$work/out" 2>"$work/err" || fail "no SQL"
says "$work/out" 'UPDATE orders o SET total = o.id . 2'

rehearse 0 --pass quiet,loaded,backfill
valid_report
nothing_left
fact 'it runs on what the statements before have left'
report "len(r['backfills']) == 1 and $b['name'] == '000012#2' and $b['measured'] and $b['rows'] == 8000"
report "$b['settings'][0]['state'] == 'held' and $b['settings'][0]['rows'] > 0"
fact 'the report has the one statement beside it'
report "$b['one_statement']['statement'] == 2 and $b['one_statement']['alone_s'] > 0 and $b['one_statement']['beside_load_s'] > 0"
says "$work/out" 'As one statement .2 of migration 000012.: .* without load, .* with the'
fact 'a statement that is not offered has its reason'
report "any('statement 1 of migration 000013 as a backfill: changing' in n['text'] for n in r['not_measured'])"
