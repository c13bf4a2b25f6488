#!/bin/sh
# The harness's own cost: a quiet pass over the quick start's eight migrations against psql running the same statements in the
# same transactions, on the same server, each from a fresh copy of the same database, interleaved.
# Wanted: at most 5 % or 200 ms more.
. "$(dirname "$0")/cluster.sh"
make_dump
# The pending files in order, each in the transaction that golang-migrate's one simple query makes of it.
for file in "$source"/scenarios/quickstart/migrations/0000*.up.sql; do
    version=$(basename "$file" | cut -d_ -f1)
    [ "$version" -gt 11 ] || continue
    if [ "$(grep -c ';[[:space:]]*$' "$file")" -gt 1 ]; then
        { echo 'BEGIN;'; cat "$file"; echo 'COMMIT;'; } >>"$work/all.sql"
    else
        cat "$file" >>"$work/all.sql"
    fi
done
cat >"$work/scenario.yaml" <<YAML
name: bench
backup: {path: grown.dump, jobs: 2}
staging: {kind: server, url: "postgresql:///postgres?host=$cluster&user=postgres"}
migrations: {path: $source/scenarios/quickstart/migrations}
rollback: false
repeat: 1
YAML
"$bindir/createdb" original
"$bindir/pg_restore" -j2 -d original "$work/grown.dump"
"$bindir/psql" -q -X -d original -c 'VACUUM ANALYZE' >/dev/null
: >"$work/pairs"
for pair in $(seq "$pairs"); do
    "$program" run "$work/scenario.yaml" --pass quiet --output "$work/run-$pair" --quiet >/dev/null
    ours=$(from_report "$work/run-$pair" "r['passes'][0]['elapsed_s']")
    "$bindir/createdb" -T original copy
    "$bindir/psql" -q -X -d copy -c CHECKPOINT
    psql=$(seconds "$bindir/psql" -q -X -v ON_ERROR_STOP=1 -d copy -f "$work/all.sql")
    "$bindir/dropdb" copy
    echo "$ours $psql" >>"$work/pairs"
    echo "pair $pair: quiet pass $ours s, psql $psql s"
done
summary "pgrehearse quiet pass" "psql, same statements"
