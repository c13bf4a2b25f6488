#!/bin/sh
# Statements are told apart by what they did: the class in the report is the measured one, and where the text says
# something else the report says so.
. "$(dirname "$0")/lib.sh"

# expect CLASS EXPECTED_CLASS SQL: each a migration of its own, and the checks for the end.
number=11
: >"$work/checks"
expect() {
    number=$((number + 1))
    migration "0000${number}_x.up.sql" "$3"
    echo "$number $1 $2" >>"$work/checks"
}
expect rewrite rewrite 'ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid();'
expect catalog catalog 'ALTER TABLE orders ADD COLUMN flag int DEFAULT 1;'
expect heap_scan heap_scan 'ALTER TABLE orders ALTER COLUMN flag SET NOT NULL;'
expect index_build index_build 'CREATE INDEX flag_idx ON orders (flag);'
expect index_concurrent index_concurrent 'CREATE INDEX CONCURRENTLY flag_idx2 ON orders (flag);'
expect catalog catalog 'DROP INDEX flag_idx2;'
expect data_change data_change 'UPDATE orders SET flag = 2;'
expect backfill_batch backfill_batch 'UPDATE orders SET flag = 3 WHERE id BETWEEN 1 AND 50;'
expect data_change backfill_batch 'UPDATE orders SET flag = 4 WHERE id BETWEEN 1 AND 100000000;'
expect catalog catalog 'ALTER TABLE orders ADD CONSTRAINT flag_set CHECK (flag > 0) NOT VALID;'
expect validation validation 'ALTER TABLE orders VALIDATE CONSTRAINT flag_set;'
expect foreign_key foreign_key 'ALTER TABLE order_items ADD CONSTRAINT o FOREIGN KEY (order_id) REFERENCES orders (id);'
# Where the text cannot know.
expect catalog rewrite 'ALTER TABLE orders ALTER COLUMN channel TYPE varchar(200);'
expect rewrite procedure 'DO $$ BEGIN ALTER TABLE orders ALTER COLUMN flag TYPE bigint; END $$;'
expect data_change catalog 'TRUNCATE order_items;'
expect heap_scan heap_scan 'ALTER TABLE order_items ADD CONSTRAINT never CHECK (id > 0);'
expect data_change procedure 'DO $$ BEGIN DELETE FROM events WHERE id < 100; END $$;'
expect index_build index_build 'ALTER TABLE orders ADD CONSTRAINT token_key UNIQUE (token);'
expect heap_scan procedure 'SELECT 1; DO $$ BEGIN ALTER TABLE orders ADD CONSTRAINT counted CHECK (id > 0); END $$;'

scenario 'migrations: {path: migrations}' 'prepare: [{sql: grow.sql}]' 'rollback: false'
cat >"$work/grow.sql" <<'SQL'
ALTER TABLE orders ALTER COLUMN channel TYPE varchar(100);
SQL
fact "each statement's class is the measured one"
rehearse 0 --pass quiet
valid_report
python3 - "$work/run/report.json" "$work/checks" <<'PYTHON' || fail "a class is not what it should be"
import json, sys
report = json.load(open(sys.argv[1]))
of = {m["id"]: m["statements"][-1] for m in report["migrations"] if m["statements"]}
bad = 0
for line in open(sys.argv[2]):
    number, measured, expected = line.split()
    s = of["%06d" % int(number)]
    says_nothing = expected in ("procedure", "query") or measured == expected
    if (s["class"], s["class_expected"]) != (measured, expected) or (s["class_differs"] and says_nothing):
        bad += 1
        print(number, s["sql"], s["class_expected"], "->", s["class"], s["class_differs"], s["class_evidence"])
sys.exit(bad)
PYTHON

fact 'hazards are confirmed or refuted by measurement, and some are found by it'
hazard() { # NUMBER RULE STATE
    report "[h['state'] for m in r['migrations'] if m['id'] == '0000$1' for h in m['statements'][-1]['hazards'] if h['rule'] == '$2'] == ['$3']"
}
hazard 12 volatile-default measured
hazard 14 set-not-null-scan measured
hazard 15 index-without-concurrently measured
hazard 18 whole-table-update measured
hazard 24 type-change refuted
hazard 25 rewrite-access-exclusive measured
hazard 29 index-without-concurrently measured
hazard 30 scan-access-exclusive measured
report "all(h['evidence'] for m in r['migrations'] for s in m['statements'] for h in s['hazards'])"

fact 'a failed CONCURRENTLY leaves an invalid index, which is named'
rm "$work"/migrations/00001[2-9]* "$work"/migrations/00002* "$work"/migrations/00003* 2>/dev/null || true
migration 000012_x.up.sql 'CREATE UNIQUE INDEX CONCURRENTLY once_only ON orders (channel);'
rehearse 2 --pass quiet
valid_report
hazard 12 invalid-index measured
report "'public.once_only' in [h for h in r['migrations'][1]['statements'][0]['hazards'] if h['rule'] == 'invalid-index'][0]['safer']"

fact 'a silenced hazard is listed with its reason'
migration 000012_x.up.sql '-- pgrehearse: ignore index-without-concurrently a table of the staff alone
CREATE INDEX slow ON orders (channel);'
rehearse 0 --pass quiet
valid_report
hazard 12 index-without-concurrently silenced
report "r['migrations'][1]['statements'][0]['hazards'][0]['silenced_reason'] == 'a table of the staff alone'"
