#!/bin/sh
# The proof of a backfill runs on a sample of the database, which may lack rows that SET reads.
. "$(dirname "$0")/lib.sh"

migration 000012_total.up.sql 'ALTER TABLE orders ADD COLUMN total bigint;'
fact 'a sample that lacks the rows that SET reads proves nothing, and is no fault of the backfill'
cat >"$work/children.sql" <<'SQL'
CREATE TABLE parents (id int PRIMARY KEY, filler text);
CREATE TABLE children (parent_id int PRIMARY KEY REFERENCES parents, cents int NOT NULL);
INSERT INTO parents SELECT n, repeat('x', 100) FROM generate_series(1, 80000) n;
INSERT INTO children SELECT n, n FROM generate_series(1, 80000) n;
ALTER TABLE parents ADD COLUMN total int;
SQL
scenario 'migrations: {path: migrations, pending: ["000012"]}' 'rollback: false' 'prepare: [{sql: children.sql}]' 'backfills:' '  - name: totals' \
    '    table: parents' '    sweep: {batch: 200, pause: 0, limit: 5s}' \
    '    set: total = (SELECT sum(cents) FROM children WHERE parent_id = parents.id)' '    where: total IS NULL' '    proof: {kills: 0, races: false, runners: 1}'
rehearse 0 --pass backfill
report "[c['outcome'] for c in r['backfills'][0]['proof'] if c['claim'] == 'complete'] != ['failed']"
report "[n for n in r['not_measured'] if 'sample of the database' in n['text']]"
