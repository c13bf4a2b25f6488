#!/bin/sh
# 14 defects that public backfills had, as programs, and the corrected ones: how many defects are named by the proof, and how many claims
# of a corrected program fail. Wanted: 14 of 14, and none. The corrected twin of eleven of them is one program, d1.fixed.
#   tests/bench/backfill-defects.sh                    all, once: a quarter of an hour on an idle machine
#   ONLY="d1 d7" TWINS=d1 ROUNDS=20 tests/bench/backfill-defects.sh
. "$(dirname "$0")/cluster.sh"
only=${ONLY:-d1 d2 d3 d4 d5 d6 d7 d8 d9 d10 d11 d12 d13 d14}
twins=${TWINS-d1 d3 d5 d10}
PSQL=$bindir/psql
export PSQL
"$bindir/createdb" shop
"$bindir/psql" -q -X -v ON_ERROR_STOP=1 -d shop -f "$source/tests/bench/backfill/tables.sql"
"$bindir/pg_dump" -Fc -f "$work/shop.dump" shop
chmod 644 "$work/shop.dump"

# item NAME PROOF: a backfill of the scenario.
item() {
    table=orders where='total IS NULL' dual=application
    case $1 in
    d3*) where='ratio IS NULL AND parts > 0' ;;
    d5*) table=tokens dual=none ;;
    esac
    printf '  - {name: %s, table: %s, where: "%s", dual_write: %s, proof: %s, sweep: {batch: 200},\n     command: [python3, %s, %s, "{batch}", "{pause_s}"]}\n' \
        "$1" $table "$where" $dual "$2" "$source/tests/bench/backfill/defects.py" "$1"
}

for round in $(seq "${ROUNDS:-1}"); do
    cat >"$work/scenario.yaml" <<YAML
name: defects
backup: {path: shop.dump, jobs: 2}
staging: {kind: embedded, directory: $work/clusters}
workload: {source: none, seed: $round}
rollback: false
backfills:
YAML
    for name in $only; do
        case $name in
        d10) proof='{kills: 4, runners: 1, races: false, twice: false}' ;;
        d1 | d2 | d4 | d5 | d7 | d8) proof='{kills: 0, runners: 1, twice: false}' ;;
        *) proof='{kills: 0, runners: 1, races: false, twice: false}' ;;
        esac
        item "$name" "$proof" >>"$work/scenario.yaml"
    done
    for name in $twins; do item "$name.fixed" "{kills: ${KILLS:-3}, runners: 1}" >>"$work/scenario.yaml"; done
    "$program" run "$work/scenario.yaml" --output "$work/run-$round" --pass backfill --quiet >/dev/null || :
done
python3 - "$work"/run-*/report.json <<'PYTHON'
import collections, json, sys
NAMES = {"d1": "skip-locked", "d2": "ends-early", "d3": "never-ends", "d4": "never-ends", "d5": "random-key", "d6": "in-one-transaction",
         "d7": "whole-row", "d8": "lock-order", "d9": "lock-order", "d10": "no-resume", "d11": "rows-left", "d12": "key-not-unique",
         "d13": "rescan", "d14": "held-snapshot"}
named, wrong, rounds = collections.Counter(), [], len(sys.argv) - 1
order = []
for path in sys.argv[1:]:
    for b in json.load(open(path))["backfills"]:
        failed = {c["defect"]: c for c in b["proof"] if c["outcome"] == "failed"}
        name = b["name"].removesuffix(".fixed")
        if b["name"] not in order:
            order.append(b["name"])
        if b["name"].endswith(".fixed"):
            wrong += [f"{b['name']}: {d}: {c['why']}" for d, c in failed.items()]
            unknown = [f"{c['claim']}: {c['why']}" for c in b["proof"] if c["outcome"] == "unknown"]
            print(f"{b['name']}: {len(failed)} failed, {len(unknown)} unknown of {len(b['proof'])} claims", *unknown, sep="\n    ")
        else:
            hit = "backfill-" + NAMES[name] in failed
            named[name] += hit
            print(f"{name}: {'named' if hit else 'NOT named'}: {', '.join(failed) or 'nothing failed'}",
                  *[f"{c['outcome']} {c['claim']}: {c['why']}" for c in b["proof"] if not hit], sep="\n    ")
kinds = [n for n in order if not n.endswith(".fixed")]
print(f"named: {sum(named[n] == rounds for n in kinds)} of {len(kinds)} in each of {rounds} rounds; {sum(named.values())} of {rounds * len(kinds)} runs")
print(f"claims of twins that failed: {len(wrong)}", *wrong, sep="\n  ")
PYTHON
