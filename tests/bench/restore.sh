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

# Many small tables: each COPY commits new files, which looks through all of shared_buffers. TABLES=10000 takes minutes.
tables=${TABLES:-3000}
"$bindir/createdb" many
"$bindir/psql" -XqAt -d many -c "SELECT format('CREATE TABLE t%s (id int PRIMARY KEY, a text); INSERT INTO t%s
    SELECT n, md5(n::text) FROM generate_series(1, 5) n;', i, i) FROM generate_series(1, $tables) i" >"$work/many.sql"
"$bindir/psql" -XqAt -v ON_ERROR_STOP=1 -d many -f "$work/many.sql" >/dev/null
"$bindir/pg_dump" -Fc -f "$work/many.dump" many
"$bindir/dropdb" many
chmod 644 "$work/many.dump"
sed 's/grown\.dump/many.dump/' "$work/scenario.yaml" >"$work/many.yaml"
: >"$work/pairs"
for pair in $(seq "$pairs"); do
    "$program" run "$work/many.yaml" --output "$work/many-$pair" --quiet >/dev/null
    ours=$(from_report "$work/many-$pair" "r['backup']['restore_s']")
    "$bindir/createdb" "many$pair"
    stock=$(seconds "$bindir/pg_restore" -j2 -d "many$pair" "$work/many.dump")
    "$bindir/dropdb" "many$pair"
    echo "$ours $stock" >>"$work/pairs"
    echo "$tables tables, pair $pair: pgrehearse $ours s, pg_restore -j2 $stock s"
done
summary "pgrehearse restore of $tables tables" "pg_restore -j2, stock cluster"
