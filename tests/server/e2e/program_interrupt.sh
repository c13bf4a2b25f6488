#!/bin/sh
# A program that is killed half-way: what it leaves, and whether it runs again.
. "$(dirname "$0")/lib.sh"
PATH=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1):$PATH
export PATH

# script NAME: an executable beside the scenario, from standard input.
script() {
    { echo '#!/bin/sh'; cat; } >"$work/$1"
    chmod 755 "$work/$1"
}
cut() { # EXPRESSION over all its interruptions i
    report "all($1 for i in r['migrations'][0]['interruptions']) and [i['kind'] for i in r['migrations'][0]['interruptions']] == ['connection_lost', 'server_restarted']"
}

fact 'statements with their own transactions: completed ones stay and make the second run fail'
script up.sh <<'SH'
exec psql -X -q -v ON_ERROR_STOP=1 -c 'CREATE TABLE kept (a int)' -c "UPDATE orders SET note = 'x' WHERE id < 100" \
    -c "DO 'BEGIN PERFORM pg_sleep(0.5); END'" -c 'CREATE TABLE never (a int)'
SH
scenario 'migrations: {command: [./up.sh]}' 'interrupt: true' 'rollback: false'
rehearse 0 --pass quiet
valid_report
nothing_left
cut "i['in_statement'] and i['statement'] == 3 and i['state'] == 'partly_applied' and i['history'] is None"
cut "[d['object'] for d in i['differences'] if d['object'].startswith('table')] == ['table public.kept']"
cut "[t['table'] for t in i['data']['tables'] if t['columns']] == ['public.orders']"
cut "i['rerun'] == 'failed' and 'kept' in i['error'] and 'already exists' in i['error']"
report "r['migrations'][0]['outcome'] == 'ok' and len(r['migrations'][0]['statements'][3]['runs']) == 1"
says "$work/out" 'Interrupted: 2 '

fact "one transaction, and the tool's own table of what it did"
script up.sh <<'SH'
exec psql -X -q -v ON_ERROR_STOP=1 <<'SQL'
BEGIN;
CREATE TABLE made (a int);
UPDATE orders SET note = 'x' WHERE id < 100;
SELECT pg_sleep(0.5);
COMMIT;
SQL
SH
rehearse 0 --pass quiet
valid_report
cut "i['in_statement'] and i['state'] == 'as_before' and i['rerun'] == 'ok' and i['error'] is None"

fact 'one that retries by itself, and one that waits without limit'
script up.sh <<'SH'
until psql -X -q -v ON_ERROR_STOP=1 -c 'CREATE TABLE IF NOT EXISTS kept (a int)' -c 'SELECT pg_sleep(0.5)' 2>/dev/null; do sleep 0.2; done
SH
rehearse 0 --pass quiet
valid_report
nothing_left
report "[(i['kind'], i['state'], i['rerun']) for i in r['migrations'][0]['interruptions']] == [('connection_lost', 'applied', None), ('server_restarted', 'partly_applied', 'ok')]"
says "$work/run/report.html" 'continued to its end'
