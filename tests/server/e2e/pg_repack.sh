#!/bin/sh
# pg_repack as a step: its statements, its copy, its locks and the swap are rows of the report.
. "$(dirname "$0")/lib.sh"
bindir=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
[ -x "$bindir/pg_repack" ] || skip "pg_repack is not installed"
PATH=$bindir:$PATH
export PATH
migration 000012_prune.up.sql 'DELETE FROM events WHERE id % 2 = 0;'
migration 000013_extension.up.sql 'CREATE EXTENSION pg_repack;'
scenario 'migrations: {path: migrations, steps: [{command: [pg_repack, --no-order, --table=public.events]}]}'
fact 'pg_repack runs as a step'
rehearse 0
valid_report
nothing_left
steps="[s for m in r['migrations'] if m['id'] == 'pg_repack' for s in m['statements']]"
report "r['migrations'][-1]['outcome'] == 'ok' and r['migrations'][-1]['program']"
fact 'its statements are the same rows in every pass'
# The names of its tables have the relation's number, which is another in a sample: still one row a statement, run in every pass.
report "len($steps) < 80 and all({run['pass'] for run in s['runs']} == {'quiet', 'loaded'} for s in $steps)"
report "{row['statement'] for row in samples('statements') if row['pass'] == 'scaled'} == {row['statement'] for row in samples('statements') if row['pass'] == 'quiet'}"
report "any(s['sql'].startswith('INSERT INTO repack.table_') and s['runs'][-1]['rows'] > 1000 for s in $steps)"
report "[s['class'] for s in $steps].count('index_build') == 2"
fact 'it takes three short ACCESS EXCLUSIVE locks'
# for the trigger, for the swap, and to drop what is left; in between one that blocks no reads and writes
report "[(l['relation'], l['mode']) for s in $steps for l in s['locks'] if s['sql'].startswith('LOCK TABLE public.events IN ACCESS EXCLUSIVE')] == [('public.events', 'AccessExclusiveLock')] * 3"
report "all(l['relation'] != 'public.events' or l['mode'] != 'AccessExclusiveLock' for s in $steps for l in s['locks'] if not s['sql'].startswith('LOCK TABLE'))"
report "any('repack_swap' in s['sql'] for s in $steps)"
report "r['migrations'][-1]['impact']['reads_blocked_s'] > 0"
