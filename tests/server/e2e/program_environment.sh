#!/bin/sh
# A program finds staging, and nothing but staging, by whatever variable its driver or its documentation names; what the
# caller's own environment says of another server is not passed on.
. "$(dirname "$0")/lib.sh"
PATH=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1):$PATH
export PATH
cat >"$work/up.sh" <<'SH'
#!/bin/sh
set -e
env >>environment.txt
[ -z "${PGSERVICE+x}${PGHOSTADDR+x}${SQITCH_USERNAME+x}${SQITCH_PASSWORD+x}${PGPASSWORD+x}" ]
[ "db:pg${DATABASE_URL#postgresql}" = "$SQITCH_TARGET" ]
[ "$GOOSE_DRIVER" = postgres ]
psql -X -q -v ON_ERROR_STOP=1 -c 'CREATE TABLE libpq ()'
for url in "$DATABASE_URL" "$PGREHEARSE_URL" "$DIRECT_URL" "$PG_CONNECTION_STRING" "$PGROLL_PG_URL" "$GOOSE_DBSTRING"; do
    psql -X -q -v ON_ERROR_STOP=1 "$url" -c "COMMENT ON TABLE libpq IS 'seen'"
done
psql -X -q -v ON_ERROR_STOP=1 -h "$PGREHEARSE_SOCKET" -c 'DROP TABLE libpq'
SH
cat >"$work/step.sh" <<'SH'
#!/bin/sh
set -e
[ -z "${PGSERVICE+x}${PGSERVICEFILE+x}${PGHOSTADDR+x}${PGPASSWORD+x}${PGOPTIONS+x}${PGTZ+x}${PGREQUIREPEER+x}${PGCONNECT_TIMEOUT+x}" ]
env >>environment.txt
psql -X -q -v ON_ERROR_STOP=1 -c "$1"
psql -X -q -v ON_ERROR_STOP=1 "$DATABASE_URL" -c "COMMENT ON TABLE $2 IS 'seen'"
psql -X -q -v ON_ERROR_STOP=1 -h "$PGREHEARSE_SOCKET" -c "SELECT '$2'::regclass" >/dev/null
psql -X -q -A -t -c "SELECT 'Jane' || 'Doe'"
SH
chmod 755 "$work/up.sh" "$work/step.sh"
printf '[production]\nhost=203.0.113.1\nport=1\ndbname=production\n' >"$work/services"
scenario 'migrations: {command: [./up.sh]}' 'rollback: false' 'prepare:' '  - command: [./step.sh, CREATE TABLE prepared (), prepared]' \
    'verify:' '  - command: [./step.sh, CREATE TABLE verified (), prepared]'
export PGHOST=203.0.113.1 PGPORT=1 PGUSER=nobody PGDATABASE=production PGTZ=nowhere PGOPTIONS='-c statement_timeout=1' PGREQUIREPEER=root
export PGCONNECT_TIMEOUT=x PGCLIENTENCODING=SJIS PGSSLMODE=verify-full PGTARGETSESSIONATTRS=standby
export PGSERVICEFILE="$work/services" PGSERVICE=production PGHOSTADDR=203.0.113.1 PGPASSWORD=secret
export SQITCH_USERNAME=somebody SQITCH_PASSWORD=secret SQITCH_TARGET=db:pg://203.0.113.1/production DATABASE_URL=postgresql://203.0.113.1/
fact 'a program finds staging by every variable'
rehearse 0 --pass quiet
valid_report
nothing_left
report "[s['command_tag'] for s in r['migrations'][0]['statements']] == ['CREATE TABLE'] + ['COMMENT'] * 6 + ['DROP TABLE']"
fact "nothing of the caller's environment is passed on, and no secret is in the run directory"
grep -q '203[.]0[.]113' "$work/environment.txt" && fail "production's address was passed on"
! grep -rq secret "$work/run" || fail "a password is in the run's directory"
! grep -rq JaneDoe "$work/run" || fail "a row that a command printed is in the run's directory"
