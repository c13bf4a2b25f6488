#!/bin/sh
# A server process that is killed while no session of the rehearsal is open: PostgreSQL starts again within a moment, and nothing
# fails by itself. The run knows nothing then: exit 5, at whatever moment.
. "$(dirname "$0")/lib.sh"

cat >"$work/strike.sh" <<'SH'
#!/bin/sh
# Kills the background writer of the cluster that this is run in, and waits until the server is up again.
set -eu
postmaster=$(head -1 "$1"/clusters/*/data/postmaster.pid)
old=$(pgrep -P "$postmaster" -f 'background writer')
kill -9 "$old"
until new=$(pgrep -P "$postmaster" -f 'background writer') && [ "$new" != "$old" ] && psql -XqAtc 'SELECT 1' >/dev/null 2>&1; do sleep 0.02; done
SH
cat >"$work/migrate.sh" <<'SH'
#!/bin/sh
set -eu
psql -XqAtc 'ALTER TABLE orders ADD COLUMN IF NOT EXISTS remark text'
[ "$2" != "$3" ] || sh "$1/strike.sh" "$1"
SH
cat >"$work/down.sh" <<'SH'
#!/bin/sh
set -eu
psql -XqAtc 'ALTER TABLE orders DROP COLUMN IF EXISTS remark'
[ "$2" != "$3" ] || sh "$1/strike.sh" "$1"
SH
strike="{command: [sh, $work/strike.sh, $work]}"

blamed() { # STAGE
    rehearse 5 --pass quiet
    valid_report
    report "r['verdict'] == 'error' and ('ended by a signal' in r['reason'] or 'closed the connection' in r['reason']) and r['failed_stage'] == '$1'"
    [ ! -s "$work/run/junit.xml" ] || says "$work/run/junit.xml" 'ended by a signal|closed the connection'
    nothing_left
}

migration 000012_a.up.sql 'ALTER TABLE orders ADD COLUMN remark text;'
fact 'before the migrations'
scenario 'migrations: {path: migrations}' "prepare: [$strike]"
blamed prepare
fact 'after the migrations'
scenario 'migrations: {path: migrations}' "verify: [$strike]"
blamed verify

beside() { # MOMENT
    scenario "migrations: {command: [sh, $work/migrate.sh, $work, $1, up], down: [sh, $work/down.sh, $work, $1, down]}"
}
fact 'behind the statements of a program'
beside up
blamed 'quiet passes'
fact 'behind the statements of a down program'
beside down
blamed rollback
