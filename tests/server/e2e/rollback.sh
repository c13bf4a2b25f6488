#!/bin/sh
# Ways back that do not lead back: told object by object, and the next migration is rehearsed all the same.
. "$(dirname "$0")/lib.sh"

migration 000012_forgets.up.sql 'CREATE TABLE IF NOT EXISTS kept (id int); CREATE TABLE dropped (id int);'
migration 000012_forgets.down.sql 'DROP TABLE dropped;'
scenario 'migrations: {path: migrations}'
rehearse 0 --pass quiet
report "r['migrations'][1]['rollback']['schema_restored'] is False"
report "any('kept' in d['object'] and d['change'] == 'added' for d in r['migrations'][1]['rollback']['differences'])"

migration 000013_broken.up.sql 'ALTER TABLE orders ADD COLUMN extra int;'
migration 000013_broken.down.sql 'ALTER TABLE orders DROP COLUMN misspelt;'
migration 000014_fine.up.sql 'ALTER TABLE orders ADD COLUMN more int;'
migration 000014_fine.down.sql 'ALTER TABLE orders DROP COLUMN more;'
rehearse 2 --pass quiet
valid_report
report "r['migrations'][2]['rollback']['outcome'] == 'failed' and 'misspelt' in str(r['migrations'][2]['rollback'])"
report "r['migrations'][3]['rollback']['schema_restored'] is True"
report "'000013' in r['reason'] and r['migrations'][2]['outcome'] == 'ok'"

# Down works and leaves the table; up again then fails: that is the way back, not the migration.
migration 000015_once.up.sql 'CREATE TABLE once (id int);'
migration 000015_once.down.sql 'SELECT 1;'
rehearse 2 --pass quiet
valid_report
report "r['migrations'][4]['outcome'] == 'ok' and r['migrations'][4]['error'] is None"
report "r['migrations'][4]['rollback']['outcome'] == 'failed' and 'up again' in r['migrations'][4]['rollback']['error']['message']"
says "$work/out" 'rollback of 000013 broken and 1 more failed: there is no way back'
nothing_left
