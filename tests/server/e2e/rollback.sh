#!/bin/sh
# Every way back has its verdict, told by what it did not bring back; the next migration is rehearsed all the same.
. "$(dirname "$0")/lib.sh"

fact 'a run with rollbacks passes'
migration 000012_reversible.up.sql 'ALTER TABLE orders ADD COLUMN more int; UPDATE orders SET more = 1;'
migration 000012_reversible.down.sql 'ALTER TABLE orders DROP COLUMN more;'
migration 000013_lossy.up.sql 'ALTER TABLE orders DROP COLUMN note;'
migration 000013_lossy.down.sql 'ALTER TABLE orders ADD COLUMN note text;'
migration 000014_rows.up.sql "UPDATE orders SET channel = upper(channel); DELETE FROM order_items WHERE id <= 100;"
migration 000014_rows.down.sql 'UPDATE orders SET channel = initcap(channel);'
migration 000015_gone.down.sql 'SELECT 1;'
migration 000015_gone.up.sql 'CREATE TABLE IF NOT EXISTS left_over (id int); DROP INDEX IF EXISTS orders_open_idx;'
scenario 'migrations: {path: migrations}'
rehearse 0 --pass quiet
valid_report
way() { # NUMBER EXPRESSION over its rollback b
    report "b=r.migrations[$1].rollback" "$2"
}
fact 'reversible: schema and rows are as before'
way 1 "b['reversibility'] == 'reversible' and b['schema_restored'] and b['data']['tables_different'] == 0"
way 1 "b['statements'][0]['locks'][0]['mode'] == 'AccessExclusiveLock' and b['statements'][0]['locks'][0]['held_s'] > 0"
way 1 "b['statements'][0]['runs'][0]['pass'] == 'rollback' and not r['migrations'][1]['statements'][0]['runs'][-1]['pass'] == 'rollback'"
fact 'reversible with loss: which column lost how many values'
way 2 "b['reversibility'] == 'reversible_with_loss' and 'column note of public.orders' in b['reason']"
way 2 "[(c['column'], c['change']) for t in b['data']['tables'] for c in t['columns']] == [('note', 'emptied')]"
way 2 "b['data']['tables'][0]['columns'][0]['values_lost'] == b['data']['tables'][0]['columns'][0]['values_before'] > 0"
fact 'reversible with loss: which rows are lost'
way 3 "b['reversibility'] == 'reversible_with_loss' and '100 rows of public.order_items' in b['reason'] and 'channel' in b['reason']"
fact 'irreversible: which objects differ'
way 4 "b['reversibility'] == 'irreversible' and 'orders_open_idx (missing)' in b['reason'] and 'left_over' in b['reason']"
report "r['rollback']['reversibility'] == 'irreversible' and r['rollback']['outcome'] == 'ok'"
fact 'the pages show each verdict'
says "$work/run/report.md" '000013 is reversible with loss: column note of public.orders, [0-9,]+ values'
says "$work/run/junit.xml" 'reversible with loss: column note'
says "$work/run/report.html" 'all of them together'
says "$work/run/report.html" '1 statement of the down migration'
says "$work/run/report.html" 'DROP COLUMN more</code> .* m?s, ACCESS EXCLUSIVE on (public[.])?orders, held'
says "$work/out" 'Rollback: 1 reversible; 2 reversible with loss'

fact "no down migration, a failing one, a failing reapply: failures of the rollback, not of the migration"
rm "$work"/migrations/00001[2345]*
migration 000013_none.up.sql 'ALTER TABLE orders ADD COLUMN extra int;'
migration 000014_down.up.sql 'CREATE TABLE used (id int primary key);'
migration 000014_down.down.sql 'DROP TABLE used; DROP TABLE unknown;'
migration 000015_again.up.sql 'CREATE TABLE once (id int primary key);'
migration 000015_again.down.sql 'SELECT 1;'
migration 000016_fine.up.sql 'ALTER TABLE orders ADD COLUMN more int;'
migration 000016_fine.down.sql 'ALTER TABLE orders DROP COLUMN more;'
rehearse 2 --pass quiet
valid_report
way 1 "b['reversibility'] == 'irreversible' and b['reason'] == 'no down migration' and b['data'] is None"
way 2 "b['reversibility'] == 'broken' and 'down migration' in b['reason'] and 'unknown' in b['error']['message']"
way 3 "b['reversibility'] == 'broken' and 'up again' in b['reason'] and b['data']['tables_different'] == 0"
way 4 "b['reversibility'] == 'reversible' and b['schema_restored'] is True"
report "all(m['outcome'] == 'ok' and m['error'] is None for m in r['migrations'][1:])"
report "'rollback of migration 000014' in r['reason'] and '(up again)' in r['migrations'][3]['rollback']['error']['message']"
says "$work/out" 'The rollback of 000014 down and 1 more failed: it cannot be rolled back'
way 2 "b['reason'].startswith('the down migration failed: ') and 'unknown' in b['reason']"
report "r['rollback']['reversibility'] == 'broken' and r['rollback']['reason'].startswith('000013 cannot be rolled back; the 3 after it: the down migration failed: migration 000014 (down)')"
says "$work/run/report.md" '000014 is broken: the down migration failed: .*unknown'

fact 'each down migration works alone, but not all in sequence'
rm "$work"/migrations/00001[23456]*
migration 000012_first.up.sql 'CREATE TABLE first (id int primary key);'
migration 000012_first.down.sql 'DROP TABLE first;'
migration 000013_second.up.sql 'CREATE TABLE IF NOT EXISTS second (id int REFERENCES first);'
migration 000013_second.down.sql 'SELECT 1;'
rehearse 2 --pass quiet
valid_report
way 2 "b['outcome'] == 'ok'"
report "r['rollback']['reversibility'] == 'broken' and 'whole set' in r['reason']"
report "'migration 000012 (down)' in r['rollback']['error']['message']"

fact 'no down migration of the first: those after it are rehearsed together'
rm "$work"/migrations/00001[23]*
migration 000012_none.up.sql 'CREATE TABLE IF NOT EXISTS first (id int primary key);'
migration 000013_note.up.sql 'ALTER TABLE orders DROP COLUMN note;'
migration 000013_note.down.sql 'ALTER TABLE orders ADD COLUMN note text;'
migration 000014_fine.up.sql 'CREATE TABLE fine (id int);'
migration 000014_fine.down.sql 'DROP TABLE fine;'
rehearse 0 --pass quiet
valid_report
report "r['rollback']['reversibility'] == 'irreversible' and r['rollback']['outcome'] == 'ok'"
report "r['rollback']['reason'].startswith('000012 cannot be rolled back; the 2 after it: column note of public.orders, ')"
rm "$work"/migrations/00001[234]*

fact 'steps of one change: none works alone, all together do'
migration 000012_steps.up.sql 'CREATE TABLE first (id int primary key);'
migration 000012_steps.down.sql 'DROP TABLE second;'
migration 000013_steps.up.sql 'CREATE TABLE second (id int primary key);'
migration 000013_steps.down.sql 'DROP TABLE first;'
rehearse 2 --pass quiet
valid_report
way 1 "b['reversibility'] == 'broken' and 'does not exist' in b['reason']"
way 2 "b['reversibility'] == 'broken' and 'up again' in b['reason']"
report "r['rollback']['reversibility'] == 'reversible' and r['rollback']['schema_restored'] and r['rollback']['elapsed_s'] > 0"
says "$work/out" 'all together: reversible'

fact 'each verdict starts from the state that its migration finds'
# not from what an earlier down migration left: rows twice (000013 would fail), an index dropped too much (000014 would seem reversible), a large object that no comparison sees (000017 would fail).
rm "$work"/migrations/00001[23]*
migration 000012_marks.up.sql 'CREATE TABLE IF NOT EXISTS marks (n int); INSERT INTO marks VALUES (1); SELECT lo_creat(-1);'
migration 000012_marks.down.sql 'DROP INDEX orders_open_idx;'
migration 000013_unique.up.sql 'CREATE UNIQUE INDEX marks_n ON marks (n);'
migration 000013_unique.down.sql 'DROP INDEX marks_n;'
migration 000014_drop.up.sql 'DROP INDEX IF EXISTS orders_open_idx; SELECT lo_creat(-1);'
migration 000014_drop.down.sql 'CREATE INDEX orders_open_idx ON orders (id);'
migration 000015_empty.up.sql 'SELECT 1;'
migration 000015_empty.down.sql '-- nothing'
migration 000016_object.up.sql 'SELECT lo_creat(-1);'
migration 000016_object.down.sql 'SELECT 1;'
migration 000017_objects.up.sql 'DO $$ BEGIN ASSERT 3 = (SELECT count(*) FROM pg_largeobject_metadata); END $$;'
migration 000017_objects.down.sql 'SELECT 1;'
rehearse 2 --pass quiet
valid_report
report "all(m['outcome'] == 'ok' and m['error'] is None for m in r['migrations'][1:])"
way 2 "b['outcome'] == 'ok' and b['reversibility'] == 'reversible'"
way 3 "b['reversibility'] == 'irreversible' and 'orders_open_idx (changed)' in b['reason']"
way 4 "b['reversibility'] == 'irreversible' and b['reason'] == 'the down migration has no statements'"
way 6 "b['reversibility'] == 'reversible'"
says "$work/run/report.html" 'no statements'
report "any('its up migration fails on the state that they leave' in n for n in (n['text'] for n in r['not_measured']))"
nothing_left
