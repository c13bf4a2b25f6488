#!/bin/sh
# Programs among the files: each in its place, as a migration of its own, up, down and up again.
. "$(dirname "$0")/lib.sh"
PATH=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1):$PATH
export PATH
cat >"$work/fill.sh" <<'SH'
#!/bin/sh
exec psql -X -q -v ON_ERROR_STOP=1 -c "UPDATE orders SET remark = 'filled'"
SH
cat >"$work/unfill.sh" <<'SH'
#!/bin/sh
exec psql -X -q -v ON_ERROR_STOP=1 -c 'UPDATE orders SET remark = NULL'
SH
cat >"$work/last.sh" <<'SH'
#!/bin/sh
exec psql -X -q -v ON_ERROR_STOP=1 -c "COMMENT ON TABLE orders IS '$1'"
SH
chmod 755 "$work"/*.sh
# With a default: what the load inserts between the two has a value as well.
migration 000012_add.up.sql "ALTER TABLE orders ADD COLUMN remark text DEFAULT 'new';"
migration 000012_add.down.sql 'ALTER TABLE orders DROP COLUMN remark;'
migration 000013_require.up.sql 'ALTER TABLE orders ALTER COLUMN remark SET NOT NULL;'
migration 000013_require.down.sql 'ALTER TABLE orders ALTER COLUMN remark DROP NOT NULL;'
scenario 'migrations:' '  path: migrations' '  steps:' \
    '    - {command: [./last.sh, whole]}' \
    '    - {after: add, command: [./fill.sh], down: [./unfill.sh]}' \
    '    - {command: [./last.sh, done]}' \
    '    - {after: "000011", command: [./last.sh, never]}'
fact 'plan shows each step in its place'
"$program" plan "$work/scenario.yaml" >"$work/out" 2>"$work/err" || fail "plan"
says "$work/out" '^fill.sh$'
says "$work/out" '^last.sh-2 done$'
fact 'each step runs in its place, up and down'
rehearse 0
valid_report
nothing_left
report "[m['id'] for m in r['migrations']] == ['000011', 'last.sh-3', '000012', 'fill.sh', '000013', 'last.sh', 'last.sh-2']"
report "[m['outcome'] for m in r['migrations']] == ['not_run', 'not_run'] + ['ok'] * 5"
report "[m['program'] for m in r['migrations']] == [False, True, False, True, False, True, True]"
report "r['migrations'][3]['statements'][0]['command_tag'].startswith('UPDATE ') and [l['mode'] for l in r['migrations'][3]['statements'][0]['locks']] == ['RowExclusiveLock']"
report "all({'quiet', 'loaded'} <= {run['pass'] for run in m['statements'][0]['runs']} for m in r['migrations'][2:])"
report "[m['rollback']['outcome'] for m in r['migrations'][2:]] == ['ok', 'ok', 'ok', 'not_run', 'not_run']"

fact 'only the step'
rehearse 2 --pass quiet --only fill.sh
says "$work/err" 'scenario.yaml:10:.*fill.sh.*column "remark"'

fact 'a migration name that does not exist'
scenario 'migrations: {path: migrations, steps: [{after: nowhere, command: [./fill.sh]}]}'
rehearse 64
says "$work/err" 'scenario.yaml:6:.*there is no migration "nowhere"'
