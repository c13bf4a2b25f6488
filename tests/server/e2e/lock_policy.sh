#!/bin/sh
# lock_policy: search: beside a forgotten transaction a short lock_timeout with retries hurts least, and is recommended.
. "$(dirname "$0")/lib.sh"

migration 000012_remark.up.sql 'ALTER TABLE orders ADD COLUMN remark text;'
migration 000013_index.up.sql 'CREATE INDEX CONCURRENTLY orders_status ON orders (status);'
migration 000014_quiet.up.sql 'CREATE TABLE notes (id int PRIMARY KEY);'
scenario 'migrations: {path: migrations}' 'rollback: false' \
    'lock_policy: {timeouts: [50ms, 2s, 0], attempts: 12, tries: 1, limit: 2min}' 'disturb:' \
    '  - idle_in_transaction: {table: orders, for: 1500ms, migrations: [12]}' '  - snapshot: {for: 1s, migrations: [13]}'
rehearse 0 --pass loaded
valid_report
nothing_left
p="r['lock_policy']"
c="r['lock_policy']['cases']"

fact 'the trials of each transaction'
report "$p['measured'] and $p['with_disturbers'] and [(c['migration'], c['first_statement']) for c in $c] == [('000012', 1), ('000013', 1)]"
report "[p['lock_timeout_s'] for p in $c[0]['policies']] == [0.05, 2, None] and all(p['trials'] == 1 for c in $c for p in c['policies'])"

fact 'a short lock_timeout needs several attempts, and is recommended, and without one everybody waits'
report "$c[0]['policies'][0]['successes'] == 1 and $c[0]['policies'][0]['attempts_max'] > 1"
report "$c[0]['policies'][2]['response_max_ms'] > 1000 and $c[0]['policies'][2]['attempts_max'] == 1"
report "$c[0]['recommended'] == 0 and $c[0]['policies'][0]['recommended'] and $c[0]['reason']"

fact 'a CONCURRENTLY that is cancelled leaves an invalid index: reported, and dropped'
report "$c[1]['policies'][0]['successes'] == 1 and $c[1]['policies'][0]['attempts_max'] > 1"
report "[i for i in $c[1]['invalid_indexes']] == [{'name': 'orders_status', 'dropped': True}]"

fact 'ready to paste'
report "any(s['text'].startswith(\"SET lock_timeout = '50ms'\") for s in $p['settings']) and any('lock_timeout=50' in s['text'] for s in $p['settings'])"
report "$p['recommended'] == 0 and $p['overall'][0]['trials'] == 2"

fact 'bounded, and lists what was not tried'
scenario 'migrations: {path: migrations}' 'rollback: false' 'lock_policy: {tries: 100, limit: 3s}'
rehearse 0 --pass loaded
valid_report
report "len($p['not_tried']) == 2 and 'lock_policy.limit' in $p['not_tried'][0]"
nothing_left

fact 'no transaction blocks the load'
rm "$work"/migrations/00001[23]*
rehearse 0 --pass loaded
report "not $p['measured'] and 'no pending transaction blocks' in $p['not_tried'][0] and $p['cases'] == []"
