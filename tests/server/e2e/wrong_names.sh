#!/bin/sh
# Names and digests in the scenario that are wrong end the run before anything starts: the place of the mistake, no cluster.
. "$(dirname "$0")/lib.sh"
migration 000012_note.up.sql 'ALTER TABLE orders ADD COLUMN remark text;'

refused() { # EXPECTED_EXIT PATTERN
    says "$work/err" "$2"
    ! grep -q '^staging:' "$work/err" || fail "staging was started"
    nothing_left
}

fact 'a role of the migrations that the backup does not name'
scenario 'migrations: {path: migrations, role: shop_ownr}'
rehearse 64 --pass quiet
refused 64 'scenario.yaml:[0-9]+:[0-9]+: migrations.role: staging has no role "shop_ownr"'
fact 'a role of the load that the backup does not name'
sed -i '/^workload:/d' "$work/scenario.yaml"
echo 'workload: {role: shop_ap}' >>"$work/scenario.yaml"
sed -i 's/, role: shop_ownr//' "$work/scenario.yaml"
rehearse 64 --pass quiet
refused 64 'scenario.yaml:[0-9]+:[0-9]+: workload.role: staging has no role "shop_ap"'
fact 'a role that no step creates, beside steps of prepare and before'
echo 'UPDATE customers SET email = id::text;' >"$work/mask.sql"
scenario 'migrations: {path: migrations, role: shop_ownr}' 'prepare: [{sql: mask.sql}]'
sed -i 's|, jobs: 2}|, jobs: 2, before: [{sql: mask.sql}]}|' "$work/scenario.yaml"
rehearse 64 --pass quiet
refused 64 'scenario.yaml:[0-9]+:[0-9]+: migrations.role: staging has no role "shop_ownr"'
fact 'a role that a step of prepare creates is accepted'
cat >"$work/role.sql" <<'SQL'
CREATE ROLE shop_ownr;
ALTER TABLE orders OWNER TO shop_ownr;
GRANT CREATE ON SCHEMA public TO shop_ownr;
GRANT ALL ON schema_migrations TO shop_ownr;
SQL
scenario 'migrations: {path: migrations, role: shop_ownr}' 'rollback: false' 'prepare: [{sql: role.sql}]'
rehearse 0 --pass quiet
report "r['verdict'] == 'pass'"
fact 'a role that a step before the restore creates is accepted'
echo 'CREATE ROLE shop_ownr SUPERUSER;' >"$work/role.sql"
scenario 'migrations: {path: migrations, role: shop_ownr}' 'rollback: false'
sed -i 's|, jobs: 2}|, jobs: 2, before: [{sql: role.sql}]}|' "$work/scenario.yaml"
rehearse 0 --pass quiet
report "r['verdict'] == 'pass'"
fact 'a migration that --only names and the folder does not have'
scenario 'migrations: {path: migrations}'
rehearse 64 --pass quiet --only 000099
refused 64 '000099'
fact 'a digest that the backup does not have'
scenario 'migrations: {path: migrations}'
digest=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
sed -i "s|^backup: .*|backup: {path: $source/scenarios/quickstart/backup.dump, sha256: $digest}|" "$work/scenario.yaml"
rehearse 5 --pass quiet
refused 5 'scenario.yaml:2:[0-9]+: '
fact 'a check whose file does not exist'
scenario 'migrations: {path: migrations}' 'verify: [{sql: no_checks.sql}]'
rehearse 64 --pass quiet
refused 64 'scenario.yaml:[0-9]+:[0-9]+: .*no_checks.sql'
