#!/bin/sh
# Profiles that do not carry a verdict: a table that is missing from one, a production that is smaller than the copy, and
# formats of another time. Each is told, and nothing is better for it.
. "$(dirname "$0")/lib.sh"

migration 000012_note.up.sql 'ALTER TABLE orders ADD COLUMN remark text;'
cat >"$work/production.json" <<'JSON'
{"format": "pgrehearse profile", "version": 1,
 "server": {"version": "15.4", "version_num": 150004, "database": "shop", "clock_s": 4000000000, "block_bytes": 8192},
 "size": {"database_bytes": 1000000},
 "relations": [{"schema": "public", "name": "customers", "pages": 3, "tuples": 900000000, "bytes": 24576},
               {"schema": "public", "name": "order_items", "pages": 3, "tuples": 10, "bytes": 24576},
               {"schema": "audit", "name": "log", "pages": 3, "tuples": 10, "bytes": 24576}],
 "ages": [{"looks": 400, "watched_s": 100}],
 "probe": {"cpu": {"rows": 100000, "seconds": 0.05, "cut_short": true}}}
JSON
repeat=4
scenario 'migrations: {path: migrations}' 'production: {profile: production.json}' 'rollback: false' \
    'gates: {reads_blocked: 1h, writes_blocked: 1h, predicted_duration: 1h}'
rehearse 3 --pass quiet
valid_report
fact 'a table that the profile lacks makes the gate unmeasured'
report "r['verdict'] == 'inconclusive'"
report "all(g['outcome'] == 'not_measured' for g in r['gates'] if g['name'] != 'predicted_duration' or not r['production']['translated'])"
report "r['prediction']['reads_blocked_s'] is None"
report "r['production']['locks']['statements'][0]['unknown_reason'].endswith('orders')"
report "any('lacks' in s and 'public.orders' in s for s in (n['text'] for n in r['not_measured']))"
fact 'a table that only the profile has was not rehearsed'
report "any('the backup lacks 1 of the 3 tables' in s and s.endswith(': audit.log') for s in (n['text'] for n in r['not_measured']))"
fact 'implausible figures in it are reported'
report "any('smaller on production than in the backup: public.order_items' in s for s in (n['text'] for n in r['not_measured']))"
report "any('is smaller than the restored backup' in s for s in (n['text'] for n in r['not_measured']))"
report "any('clock_s is out of range' in s for s in (n['text'] for n in r['not_measured']))"
report "any('900000000 rows do not fit' in s for s in (n['text'] for n in r['not_measured']))"
report "any('\"cpu\" ended early' in s for s in (n['text'] for n in r['not_measured']))"
nothing_left

fact "a small, fast production makes no prediction shorter than staging's time"
# its table is a thousandth of the copy's, its probe was cut short and says that it is a thousand times as fast; rows of -1
# are of a table that was never analysed. The index takes longer than the 10 ms below which a duration counts as noise.
migration 000012_note.up.sql 'CREATE INDEX order_items_by_product ON order_items (md5(repeat(product_id::text, 500)));'
sed -i 's/"rows": 100000, "seconds": 0.05/"rows": 1000000000, "seconds": 0.1/; s/"tuples": 900000000/"tuples": -1/' "$work/production.json"
rehearse 3 --pass quiet
valid_report
report "p=[m for m in r.migrations if m.id == '000012'][0].statements[0].prediction" "p.median_s >= 0.99 * p.staging_s > 0"
report "any('tuples is out of range: -1' in s for s in (n['text'] for n in r['not_measured']))"
report "any('never analysed these tables, so their rows are not known: public.customers' in s for s in (n['text'] for n in r['not_measured']))"

fact 'formats that this program does not know end the run before anything starts'
sed -i 's/"version": 1,/"version": 9,/' "$work/production.json"
rehearse 64
says "$work/err" 'format version 9; this program reads 1'
printf 'part,fact\nserver,"{""version"": ""15.4"", ""version_num"": 150004}"\nquasar,"{}"\n' >"$work/production.json"
rehearse 64
says "$work/err" 'production.json:3: the profile has an unknown section "quasar"'
