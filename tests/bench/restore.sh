#!/bin/sh
# Restore by pgrehearse against pg_restore -j2 into a stock cluster: the same dump, in one run, interleaved.
# What is compared is the time from an empty database to a restored one. Wanted: a ratio of at most 1.
. "$(dirname "$0")/cluster.sh"
make_dump
cat >"$work/scenario.yaml" <<YAML
name: bench
backup: {path: grown.dump, jobs: 2}
staging: {kind: embedded, directory: $work/clusters}
YAML
: >"$work/pairs"
for pair in $(seq "$pairs"); do
    "$program" run "$work/scenario.yaml" --output "$work/run-$pair" --quiet >/dev/null
    ours=$(from_report "$work/run-$pair" "r['backup']['restore_s']")
    "$bindir/createdb" "stock$pair"
    stock=$(seconds "$bindir/pg_restore" -j2 -d "stock$pair" "$work/grown.dump")
    "$bindir/dropdb" "stock$pair"
    echo "$ours $stock" >>"$work/pairs"
    echo "pair $pair: pgrehearse $ours s, pg_restore -j2 $stock s"
done
summary "pgrehearse restore" "pg_restore -j2, stock cluster"
