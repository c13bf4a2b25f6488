#!/bin/sh
# The harness's own cost: a quiet pass against psql running the same statements in the same transactions, the tool's own history among
# them (golang-migrate commits it before and after each file), on the same server, each from a fresh copy of the same database, interleaved. Four sets: the quick start's eight migrations (wanted: at most
# 5 % or 200 ms more), one of 20,000 statements (wanted: at most 3 %), one of 1,000 tiny ones that are timed one by one, and one
# of 150 files of eight small statements each (wanted: at most 25 % and 0.3 ms a statement), where the observation of each weighs
# most. CASES picks among them.
. "$(dirname "$0")/cluster.sh"
make_dump
# file VERSION FILE: what golang-migrate sends for a file, in the transaction that its one simple query makes of it.
history() { echo "BEGIN READ WRITE; TRUNCATE schema_migrations; INSERT INTO schema_migrations (version, dirty) VALUES ($1, $2); COMMIT;"; }
file() {
    history "$1" true
    if [ "$(grep -c ';[[:space:]]*$' "$2")" -gt 1 ]; then
        { echo 'BEGIN;'; cat "$2"; echo 'COMMIT;'; }
    else
        cat "$2"
    fi
    history "$1" false
}
mkdir "$work/many" "$work/tiny" "$work/files"
for file in "$source"/scenarios/quickstart/migrations/0000*.up.sql; do
    version=$(basename "$file" | cut -d_ -f1)
    [ "$version" -gt 11 ] || continue
    file "$version" "$file" >>"$work/quickstart.sql"
done
echo 'SELECT 1;' >"$work/many/000011_applied.up.sql"
cp "$work/many/000011_applied.up.sql" "$work/tiny"
cp "$work/many/000011_applied.up.sql" "$work/files"
for file in $(seq 12 161); do
    cat >"$work/files/$(printf %06d "$file")_table.up.sql" <<SQL
CREATE TABLE small_$file (id bigserial PRIMARY KEY, customer_id int REFERENCES customers (id), note text NOT NULL DEFAULT '');
CREATE INDEX ON small_$file (customer_id);
INSERT INTO small_$file (note) SELECT 'note ' || n FROM generate_series(1, 20) n;
ALTER TABLE small_$file ADD COLUMN created timestamptz NOT NULL DEFAULT now();
ALTER TABLE small_$file ADD CONSTRAINT small_${file}_note CHECK (note <> 'x');
COMMENT ON TABLE small_$file IS 'table $file';
UPDATE small_$file SET note = 'other' WHERE id = 1;
CREATE VIEW small_view_$file AS SELECT id, note FROM small_$file;
SQL
    file "$file" "$work/files/$(printf %06d "$file")_table.up.sql" >>"$work/files.sql"
done
awk 'BEGIN { print "CREATE TABLE notes (id int PRIMARY KEY, note text);"
    for (i = 1; i < 10000; i++) printf "INSERT INTO notes VALUES (%d, \047note %d\047);\nUPDATE notes SET note = \047other\047 WHERE id = %d;\n", i, i, i
    print "SELECT 1;" }' >"$work/many/000012_many.up.sql"
awk 'BEGIN { for (i = 1; i <= 500; i++) printf "COMMENT ON TABLE orders IS \047comment %d\047;\nUPDATE orders SET note = \047n\047 WHERE id = %d;\n", i, i
    }' >"$work/tiny/000012_tiny.up.sql"
for set in many tiny; do
    file 12 "$work/$set/000012_$set.up.sql" >"$work/$set.sql"
done
"$bindir/createdb" original
"$bindir/pg_restore" -j2 -d original "$work/grown.dump"
"$bindir/psql" -q -X -d original -c 'VACUUM ANALYZE' >/dev/null

# compare SET FOLDER
compare() {
    cat >"$work/scenario.yaml" <<YAML
name: bench
backup: {path: grown.dump, jobs: 2}
staging: {kind: server, url: "postgresql:///postgres?host=$cluster&user=postgres"}
migrations: {path: $2}
rollback: false
repeat: 1
YAML
    : >"$work/pairs"
    for pair in $(seq "$pairs"); do
        "$program" run "$work/scenario.yaml" --pass quiet --output "$work/run-$1-$pair" --quiet >/dev/null
        ours=$(from_report "$work/run-$1-$pair" "r['passes'][0]['elapsed_s']")
        "$bindir/createdb" -T original copy
        "$bindir/psql" -q -X -d copy -c CHECKPOINT
        psql=$(seconds "$bindir/psql" -q -X -v ON_ERROR_STOP=1 -d copy -f "$work/$1.sql")
        "$bindir/dropdb" copy
        echo "$ours $psql" >>"$work/pairs"
        echo "$1, pair $pair: quiet pass $ours s, psql $psql s"
    done
    echo "== $1"
    summary "pgrehearse quiet pass" "psql, same statements"
}

for case in ${CASES:-quickstart many tiny files}; do
    if [ "$case" = quickstart ]; then
        compare quickstart "$source/scenarios/quickstart/migrations"
    else
        compare "$case" "$work/$case"
    fi
done
