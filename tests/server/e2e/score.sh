#!/bin/sh
# A run, production's word on it, and what the next runs make of that; histories that are not what they seem.
. "$(dirname "$0")/lib.sh"

migration 000012_price.up.sql 'ALTER TABLE order_items ALTER COLUMN product_id TYPE bigint;'
repeat=2
scenario 'migrations: {path: migrations}' 'workload: {source: none}' 'rollback: false' "history: $work/runs"
sed -i '/^workload: {rate/d' "$work/scenario.yaml"
mkdir -p "$work/runs" "$work/runs/no-run" "$work/runs/damaged" "$work/runs/other"
echo '{oops' >"$work/runs/damaged/report.json"
echo '{"schema_version": 2, "verdict": "pass", "scenario": {"name": "other"}, "started_at": "2020-01-01T00:00:00Z"}' >"$work/runs/other/report.json"

fact 'directories that are not runs are skipped, a damaged one is named'
rehearse 0 --pass quiet
report "r['production']['history']['runs'] == 0 and r['production']['history']['directory'] == '$work/runs'"
report "[s[:8] for s in r['production']['history']['skipped']] == ['damaged:']"
first=$(python3 -c "
import json
r = json.load(open('$work/run/report.json'))
print([m for m in r['migrations'] if m['id'] == '000012'][0]['statements'][0]['prediction']['median_s'])")

fact 'production took twice as long, three times over: the error is 50 %'
for night in 1 2 3; do
    cp -r "$work/run" "$work/runs/night$night"
    printf 'migration,statement,seconds\n12,1,%s\n' "$(python3 -c "print(2 * $first)")" >"$work/actual.csv"
    "$program" score "$work/runs/night$night" --actual "$work/actual.csv" >"$work/out" 2>"$work/err" || fail "score: exit $?"
    says "$work/out" '^1 prediction was off by 50 % in the median'
done
fact 'the next run corrects its prediction'
rehearse 0 --pass quiet
valid_report
report "r['production']['history']['runs'] == 3 and r['production']['history']['scored_runs'] == 3"
report "any(s.startswith('rewrite: 3 earlier predictions held against production took 100 % longer') for s in r['production']['history']['corrections'])"
report "[m for m in r['migrations'] if m['id'] == '000012'][0]['statements'][0]['prediction']['correction'] > 1.9"
report "'3 earlier scores' in [m for m in r['migrations'] if m['id'] == '000012'][0]['statements'][0]['prediction']['basis']"

fact 'history: none reads none'
sed -i 's/^history: .*/history: none/' "$work/scenario.yaml"
rehearse 0 --pass quiet
report "r['production']['history'] is None"
nothing_left
