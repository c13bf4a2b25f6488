#!/bin/sh
# A backfill that is a program: one that keeps its claims, and some that break one.
. "$(dirname "$0")/lib.sh"
proof="{c['claim']: c for c in r['backfills'][0]['proof']}"
PSQL=$(ls -d /usr/lib/postgresql/*/bin/psql | sort -V | tail -1)
export PSQL
cp "$source/tests/bench/backfill/session.py" "$work/session.py"
migration 000012_total.up.sql 'ALTER TABLE orders ADD COLUMN total bigint;'

# program NAME: a Python program with the helpers of the session, from standard input.
program() {
    { printf 'import signal, sys, time\nfrom session import Session, Failed\nbatch, pause = int(sys.argv[1]), float(sys.argv[2])\n'; cat; } >"$work/$1.py"
}

# prove EXIT NAME [LINE ...]: the proof of the program.
prove() {
    expected_exit=$1 name=$2
    shift 2
    scenario 'migrations: {path: migrations, pending: ["000012"]}' 'rollback: false' 'backfills:' '  - name: totals' '    table: orders' \
        "    command: [python3, $name.py, \"{batch}\", \"{pause_s}\"]" '    where: total IS NULL' '    sweep: {batch: 400}' "$@"
    rehearse "$expected_exit" --pass backfill
    valid_report
    nothing_left
}

program good <<'PYTHON'
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
s, last = Session(), "0"
while not stop:
    last = s.execute("WITH b AS (SELECT id FROM orders WHERE id > %s AND total IS NULL ORDER BY id LIMIT %d FOR UPDATE),"
        " u AS (UPDATE orders SET total = id * 2 WHERE id IN (SELECT id FROM b)) SELECT max(id) FROM b" % (last, batch))[0][0]
    if not last:
        break
    time.sleep(pause)
PYTHON
prove 0 good '    dual_write: application' '    proof: {kills: 6, runners: 1, races: false}'
fact 'a program that keeps its claims'
report p="$proof" "all(c['outcome'] == 'held' for c in p.values()) and {'resumes', 'idempotent', 'stops', 'commits'} <= set(p)"
report "r['backfills'][0]['measured'] is False and 'program' in r['backfills'][0]['why_not']"

program part <<'PYTHON'
part = dict(a.split("=") for a in sys.argv[3:])
s, last = Session(), str(int(part["--from"]) - 1)
while True:
    end = s.execute("SELECT max(id) FROM (SELECT id FROM orders WHERE id > %s AND id <= %s AND total IS NULL"
        " ORDER BY id LIMIT %d) b" % (last, part["--to"], batch))[0][0]
    if not end:
        break
    s.execute("UPDATE orders SET total = id * 2 WHERE total IS NULL AND id > %s AND id <= %s" % (last, end))
    last = end
    time.sleep(pause)
PYTHON
# measure EXIT NAME RANGE [LINE ...]: the capacity of the program, with RANGE behind its other arguments.
measure() {
    expected_exit=$1 name=$2 range=$3
    shift 3
    scenario 'migrations: {path: migrations, pending: ["000012"]}' 'rollback: false' 'backfills:' '  - name: totals' '    table: orders' \
        "    command: [python3, $name.py, \"{batch}\", \"{pause_s}\"$range]" '    where: total IS NULL' '    standby: none' \
        '    sweep: {batch: 100, pause: 0, limit: 30s}' '    gates: {duration: 1h}' "$@"
    rehearse "$expected_exit" --pass backfill
    nothing_left
}
measure 0 part ', "--from={from}", "--to={to}"' '    proof: {kills: 2, runners: 1, races: false, twice: false}'
valid_report
fact 'a program that does a part: each setting ran beside the load'
report c="r['backfills'][0]['settings']" "r['backfills'][0]['measured'] and len(c) == 1 and all(s['batches'] > 0 and s['batch_p50_s'] > 0 for s in c)"
report c="r['backfills'][0]['settings']" "all(0.5 * s['batch'] <= s['rows'] / s['batches'] <= s['batch'] for s in c)"
report c="r['backfills'][0]['settings']" "all(s['total_s']['low'] <= s['total_s']['median'] <= s['total_s']['high'] and s['wal_bytes'] > 0 for s in c)"
fact 'it is proven on all rows'
report p="$proof" "p['resumes']['outcome'] == 'held' and p['commits']['outcome'] == 'held'"

sed 's/^part = .*/part = {"--from": 1, "--to": 1000000000}/' "$work/part.py" >"$work/all.py"
measure 64 all '' '    range: ["--from={from}", "--to={to}"]' '    proof: none'
fact 'a program that ignores its range is named'
says "$work/err" 'scenario.yaml:16:12: python3 ignores its range: it changed [0-9]+ rows outside of'

sed '/^while/,$d' "$work/part.py" >"$work/called.py"
echo 's.execute("DO $$ BEGIN UPDATE orders SET total = id * 2 WHERE id BETWEEN %s AND %s; END $$" % (part["--from"], part["--to"]))' >>"$work/called.py"
measure 3 called ', "--from={from}", "--to={to}"' '    proof: none'
fact 'a program whose transactions are not seen'
report "not r['backfills'][0]['measured'] and 'calls a procedure or a DO block' in r['backfills'][0]['why_not']"

program whole_row <<'PYTHON'
s = Session()
while True:
    s.execute("BEGIN")
    rows = s.execute("SELECT id, channel FROM orders WHERE total IS NULL ORDER BY id LIMIT %d" % batch)
    if not rows:
        break
    s.execute("CREATE TEMP TABLE b (id, channel) ON COMMIT DROP AS VALUES " + ",".join("(%s, '%s')" % tuple(r) for r in rows))
    s.execute("UPDATE orders o SET total = o.id * 2, channel = b.channel FROM b WHERE b.id = o.id")
    s.execute("COMMIT")
    time.sleep(pause)
PYTHON
prove 2 whole_row '    proof: {kills: 0, runners: 1, twice: false}'
fact 'a program that writes the whole row: the application loses updates'
report p="$proof" "p['keeps_updates']['outcome'] == 'failed' and p['keeps_updates']['columns'] == ['channel'] and p['keeps_updates']['rows'] > 0"

program at_once <<'PYTHON'
s = Session()
s.execute("BEGIN")
while True:
    s.execute("UPDATE orders SET total = id * 2 WHERE id IN (SELECT id FROM orders WHERE total IS NULL ORDER BY id LIMIT %d)" % batch)
    if s.count == 0:
        break
s.execute("COMMIT")
PYTHON
prove 2 at_once '    proof: {kills: 0, runners: 1, races: false, twice: false}' '    stop: none'
fact 'a program that commits once'
report p="$proof" "p['commits']['outcome'] == 'failed' and p['commits']['defect'] == 'backfill-in-one-transaction'"

program idle <<'PYTHON'
PYTHON
prove 3 idle '    proof: {kills: 0}'
fact 'a program that ends at once proves nothing'
report p="$proof" "all(c['outcome'] == 'unknown' for c in p.values())"
report "r['reason'] == 'nothing of backfill totals could be proven: the backfill ended without changing a row of public.orders'"

program broken <<'PYTHON'
sys.exit("no such model")
PYTHON
prove 3 broken '    proof: {kills: 0}'
fact 'a program that fails proves nothing'
report p="$proof" "all(c['outcome'] == 'unknown' and 'status 1: no such model' in c['why'] for c in p.values())"

program endless <<'PYTHON'
s = Session()
while True:
    s.execute("UPDATE orders SET total = id * 2 WHERE id IN (SELECT id FROM orders ORDER BY id LIMIT %d)" % batch)
PYTHON
prove 2 endless '    proof: {kills: 0}'
fact 'a program that never ends'
report p="$proof" "p['ends']['outcome'] == 'failed' and 'repeatedly' in p['ends']['why']"

fact 'a program that is not there is refused before anything starts'
sed -i 's/command: .python3/command: [no-such-program/' "$work/scenario.yaml"
rehearse 64 --pass backfill
says "$work/err" 'scenario.yaml:[0-9]+:14: no program "no-such-program" is in PATH'
! grep -q '^staging:' "$work/err" || fail "staging was started"
sed -i 's/command: .no-such-program/command: [bin\/fill/' "$work/scenario.yaml"
rehearse 64 --pass backfill
says "$work/err" 'bin/fill is not an executable file'
