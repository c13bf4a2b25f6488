#!/bin/sh
# PREPARE TRANSACTION in migrations: one that is committed later is fine, one that a later statement waits for or that stays open is
# a failure that names it.
. "$(dirname "$0")/lib.sh"
settings='staging: {kind: embedded, directory: '"$work/clusters"', settings: {max_prepared_transactions: 5}}'
two_phase() {
    scenario 'migrations: {path: migrations}'
    sed -i "s|^staging: .*|$settings|" "$work/scenario.yaml"
}

fact 'a statement that waits for a prepared transaction of an earlier migration fails'
printf '%s\n' 'BEGIN;' 'ALTER TABLE orders ADD COLUMN remark text;' "PREPARE TRANSACTION 'half done';" |
    migration 000012_half.up.sql
migration 000013_other.up.sql 'ALTER TABLE orders ADD COLUMN other text;'
two_phase
rehearse 2 --pass quiet
valid_report
report "'half done' in r['failure']['message'] and '000012' in r['failure']['message'] and 'COMMIT PREPARED' in r['failure']['hint']"
report "r['failure']['file'].endswith('000013_other.up.sql') and r['failure']['line'] == 1"
fact 'the failure is of the migration that waits'
report "[m['outcome'] for m in r['migrations']][-2:] == ['ok', 'failed']"

fact 'one that stays open is a failure of its migration'
migration 000013_other.up.sql 'ALTER TABLE customers ADD COLUMN other text;'
two_phase
rehearse 2 --pass quiet
report "'half done' in r['failure']['message'] and r['failure']['file'].endswith('000012_half.up.sql') and r['failure']['line'] == 3"

fact 'one that is committed is not a failure'
migration 000013_other.up.sql "COMMIT PREPARED 'half done';"
two_phase
rehearse 0 --pass quiet --pass loaded
report "[m['outcome'] for m in r['migrations']][-2:] == ['ok', 'ok']"
fact 'passes that would wait for it are left out'
report "any('PREPARE TRANSACTION' in n for n in (n['text'] for n in r['not_measured']))"
fact 'no processes or files are left'
nothing_left
