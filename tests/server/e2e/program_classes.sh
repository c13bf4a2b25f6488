#!/bin/sh
# Statements of programs are told apart by what they did, as those of files are; where it cannot be told from outside
# the class stays that of the text, and a sentence says why.
. "$(dirname "$0")/lib.sh"
PATH=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1):$PATH
export PATH

# script NAME: an executable beside the scenario, from standard input.
script() {
    { echo '#!/bin/sh'; cat; } >"$work/$1"
    chmod 755 "$work/$1"
}
# expect CLASS EXPECTED_CLASS SQL: one statement of the program.
expect() {
    printf '%s\n' "$3;" >>"$work/all.sql"
    echo "$1 $2 $3" >>"$work/checks"
}
checks() {
    python3 - "$work/run/report.json" "$work/checks" <<'PYTHON' || fail "a class is not what it should be"
import json, sys
statements = [s for s in json.load(open(sys.argv[1]))["migrations"][0]["statements"] if s["class"] != "transaction"]
checks = [line.rstrip("\n").split(" ", 2) for line in open(sys.argv[2])]
bad = len(statements) != len(checks)
for s, (measured, expected, sql) in zip(statements, checks):
    untold = measured == "untold"
    differs = not untold and measured != expected and expected not in ("procedure", "unclassified")
    wanted = (expected if untold else measured, expected, differs)
    got = (s["class"], s["class_expected"], s["class_differs"])
    told = (s["class_evidence"] or "").startswith("Not measured") == untold
    if wanted != got or not told:
        bad += 1
        print(sql, wanted, got, s["class_evidence"])
sys.exit(bad)
PYTHON
}
cat >"$work/grow.sql" <<'SQL'
ALTER TABLE orders ALTER COLUMN channel TYPE varchar(100);
SQL
script each.sh <<'SH'
# Every statement in a session of its own.
while IFS= read -r line; do psql -X -q -v ON_ERROR_STOP=1 -c "$line" </dev/null; done <all.sql
SH
script once.sh <<'SH'
exec psql -X -q -v ON_ERROR_STOP=1 -f all.sql
SH

fact 'a session a statement'
: >"$work/all.sql" >"$work/checks"
expect rewrite rewrite 'ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid()'
expect catalog catalog 'ALTER TABLE orders ADD COLUMN flag int DEFAULT 1'
expect heap_scan heap_scan 'ALTER TABLE orders ALTER COLUMN flag SET NOT NULL'
expect index_build index_build 'CREATE INDEX flag_idx ON orders (flag)'
expect index_concurrent index_concurrent 'CREATE INDEX CONCURRENTLY flag_idx2 ON orders (flag)'
expect catalog catalog 'DROP INDEX flag_idx2'
expect data_change data_change 'UPDATE orders SET flag = 2'
expect backfill_batch backfill_batch 'UPDATE orders SET flag = 3 WHERE id BETWEEN 1 AND 50'
expect data_change backfill_batch 'UPDATE orders SET flag = 4 WHERE id BETWEEN 1 AND 100000000'
expect catalog catalog 'ALTER TABLE orders ADD CONSTRAINT flag_set CHECK (flag > 0) NOT VALID'
expect validation validation 'ALTER TABLE orders VALIDATE CONSTRAINT flag_set'
expect foreign_key foreign_key 'ALTER TABLE order_items ADD CONSTRAINT o FOREIGN KEY (order_id) REFERENCES orders (id)'
expect catalog rewrite 'ALTER TABLE orders ALTER COLUMN channel TYPE text'
expect rewrite procedure 'DO $$ BEGIN ALTER TABLE orders ALTER COLUMN flag TYPE bigint; END $$'
expect data_change catalog 'TRUNCATE order_items'
expect data_change procedure 'DO $$ BEGIN DELETE FROM events WHERE id < 100; END $$'
expect index_build index_build 'ALTER TABLE orders ADD CONSTRAINT token_key UNIQUE (token)'
scenario 'migrations: {command: [./each.sh]}' 'prepare: [{sql: grow.sql}]' 'rollback: false'
rehearse 0 --pass quiet
valid_report
checks

fact 'one session, transactions of several statements, all in less than a second'
: >"$work/all.sql" >"$work/checks"
echo 'BEGIN;' >>"$work/all.sql"
expect catalog catalog 'ALTER TABLE orders ADD COLUMN flag int DEFAULT 1'
expect index_build index_build 'CREATE INDEX flag_idx ON orders (flag)'
expect catalog catalog 'ALTER TABLE orders ALTER COLUMN flag DROP DEFAULT'
expect data_change data_change 'UPDATE customers SET email = email WHERE id % 2 = 0'
expect untold catalog 'ALTER TABLE customers ALTER COLUMN email DROP DEFAULT'
echo 'COMMIT;' >>"$work/all.sql"
expect rewrite rewrite 'ALTER TABLE order_items ADD COLUMN token uuid DEFAULT gen_random_uuid()'
expect catalog catalog 'ALTER TABLE order_items ADD COLUMN more int'
echo 'BEGIN;' >>"$work/all.sql"
expect untold heap_scan 'ALTER TABLE events ADD CONSTRAINT id_set CHECK (id > 0)'
echo 'ROLLBACK;' >>"$work/all.sql"
scenario 'migrations: {command: [./once.sh]}' 'rollback: false'
rehearse 0 --pass quiet
valid_report
checks
report "all('rolled back' in s['class_evidence'] for s in r['migrations'][0]['statements'] if 'id_set' in s['sql'])"
report "[h['state'] for s in r['migrations'][0]['statements'] for h in s['hazards'] if h['rule'] == 'index-without-concurrently'] == ['measured']"
nothing_left
