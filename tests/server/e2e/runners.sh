#!/bin/sh
# Two of the program that migrates at once: an advisory lock keeps one out, or both run.
. "$(dirname "$0")/lib.sh"
PATH=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1):$PATH
export PATH
cat >"$work/scenario.yaml" <<YAML
name: test
backup: {path: $source/scenarios/quickstart/backup.dump, jobs: 2}
staging: {kind: embedded, directory: $work/clusters}
migrations: {command: [./up.sh], concurrent_runners: 2}
workload: {source: none}
rollback: false
repeat: 1
YAML
# script: the program, from standard input, on one session.
script() {
    { echo '#!/bin/sh'; echo "exec psql -X -q -v ON_ERROR_STOP=1 <<'SQL'"; cat; echo SQL; } >"$work/up.sh"
    chmod 755 "$work/up.sh"
}
what="r['concurrent_runners']"

fact 'waits for the lock, and checks again'
script <<'SQL'
SELECT pg_advisory_lock(42);
SELECT to_regclass('made') IS NULL AS wanted \gset
\if :wanted
CREATE TABLE made (id int);
INSERT INTO made VALUES (1);
\endif
SELECT pg_advisory_unlock(42);
SQL
rehearse 0 --pass quiet
valid_report
nothing_left
report "$what['outcome'] == 'waited' and sorted(x['changes'] for x in $what['runners']) == [0, 2]"
report "[x['exit_status'] for x in $what['runners']] == [0, 0] and max(x['lock_wait_s'] for x in $what['runners']) > 0"
report "$what['differences'] == [] and $what['row_differences'] == [] and $what['repeated_changes'] == 0"

fact 'fails when another runner holds the advisory lock'
script <<'SQL'
SELECT pg_try_advisory_lock(42) AS ours \gset
\if :ours
CREATE TABLE made (id int);
\else
DO $$ BEGIN RAISE 'another migration is running'; END $$;
\endif
SQL
rehearse 0 --pass quiet
valid_report
report "$what['outcome'] == 'refused' and sorted(x['exit_status'] for x in $what['runners']) == [0, 3]"
report "'gave up' in $what['reason']"

fact 'no lock serialises them'
script <<'SQL'
INSERT INTO schema_migrations (version, dirty) SELECT 424242 + pg_backend_pid(), false;
SQL
rehearse 0 --pass quiet
report "$what['outcome'] == 'both_ran' and $what['repeated_changes'] == 1 and 'INSERT INTO schema_migrations' in $what['repeated_sql']"
report "$what['row_differences'] == ['public.schema_migrations: 3 rows, and 2 when one runs alone'] and '424242' not in str(r)"

fact 'one fails because of the other'
script <<'SQL'
CREATE TABLE made (id int);
SQL
rehearse 0 --pass quiet
valid_report
report "$what['outcome'] == 'collided' and 'status 3' in $what['reason'] and sorted(x['exit_status'] for x in $what['runners'])[0] == 0"
nothing_left
