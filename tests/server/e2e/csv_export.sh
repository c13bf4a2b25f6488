#!/bin/sh
# A folder of CSV files and a file of definitions, restored as a backup: complete and equal, or refused with file, line and column.
. "$(dirname "$0")/lib.sh"
given_server
export PGHOST="$work/given" PGUSER=postgres PGPORT="$port"
createdb shop
psql -Xq -v ON_ERROR_STOP=1 -d shop <<'SQL'
CREATE SCHEMA audit;
CREATE TYPE mood AS ENUM ('fine', 'bad');
CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, note text, joined date, mood mood, size numeric(8,2),
                        shown text GENERATED ALWAYS AS (name || '!') STORED);
CREATE TABLE audit.log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, who int REFERENCES customers, tags text[], raw bytea);
CREATE TABLE parts (id int, k int) PARTITION BY RANGE (k);
CREATE TABLE parts1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
CREATE TABLE one (t text);
CREATE TABLE "Odd Name" ("A b" int, "c,d" text);
CREATE MATERIALIZED VIEW names AS SELECT name FROM customers;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'fired'; RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE customers DISABLE TRIGGER touch;
INSERT INTO customers (name, note, joined, mood, size) VALUES
    ('plain', NULL, '2026-01-02', 'fine', 1.5), ('empty', '', NULL, NULL, NULL), (E'a "quoted", name\nin two lines', 'null', NULL, 'bad', -2),
    (E'back\\slash\tand tab', E'\\.', NULL, NULL, NULL), ('Zoë', E'\r\n', NULL, NULL, 0);
ALTER TABLE customers ENABLE TRIGGER touch;
INSERT INTO audit.log (who, tags, raw) SELECT 1 + i % 5, ARRAY['x', NULL, 'y"z'], decode(lpad(to_hex(i * 7), 4, '0'), 'hex') FROM generate_series(0, 99) AS i;
INSERT INTO parts SELECT i, i % 20 FROM generate_series(1, 40) AS i;
INSERT INTO one VALUES (NULL), ('x'), (''), (NULL);
INSERT INTO "Odd Name" VALUES (1, 'x');
REFRESH MATERIALIZED VIEW names;
SQL
migration 001_a.sql 'ALTER TABLE customers ADD COLUMN x int;'
rm "$work/migrations/000011_applied.up.sql"
cd "$work"

copy() { psql -Xq -v ON_ERROR_STOP=1 -d shop -c "COPY $1 TO STDOUT (FORMAT csv, HEADER ${3:-})" >"$work/export/$2"; }
export_all() {
    rm -rf "$work/export"
    mkdir "$work/export"
    pg_dump --schema-only -f "$work/export/schema.sql" shop
    copy customers customers.csv "${1:-}"
    copy audit.log audit.log.csv "${1:-}"
    copy parts1 parts1.csv "${1:-}"
    copy parts2 parts2.csv "${1:-}"
    copy one one.csv "${1:-}"
    copy '"Odd Name"' "Odd Name.csv" "${1:-}"
}

# The rows of all tables, sequences and views of what is rehearsed, as one digest, against the original's.
digest="SELECT md5(concat_ws('|', (SELECT string_agg(c::text, '/' ORDER BY id) FROM customers AS c), (SELECT string_agg(l::text, '/' ORDER BY id) FROM audit.log AS l),
    (SELECT string_agg(p::text, '/' ORDER BY id) FROM parts AS p), (SELECT string_agg(COALESCE(t, 'NULL'), '/' ORDER BY t) FROM one), (SELECT string_agg(o::text, '/') FROM \"Odd Name\" AS o),
    (SELECT string_agg(name, '/' ORDER BY name) FROM names), (SELECT last_value FROM customers_id_seq), (SELECT last_value FROM audit.log_id_seq)))"
original=$(psql -XAtq -d shop -c "$digest")
check="DO \$\$ BEGIN IF ($digest) <> '$original' THEN RAISE EXCEPTION 'not the original'; END IF; END \$\$"

try() { # EXPECTED_EXIT [ARGUMENT ...]
    backup=$work/export scenario 'migrations: {path: migrations, framework: sql, pending: all}' "rollback: false" 'workload: {source: none}' \
        "prepare: [{sql: check.sql}]"
    echo "$check" >"$work/check.sql"
    sed -i '/^workload: {rate/d' "$work/scenario.yaml"
    rehearse "$@" --pass quiet
}
refused() { # PATTERN
    try 5
    says "$work/err" "$1"
    report "r['verdict'] == 'error' and r['exit_code'] == 5"
    nothing_left
}

fact 'a folder of CSV files is restored as the original'
export_all
try 0
report "r['backup']['format'] == 'csv' and r['backup']['rows'] == 150 and r['backup']['missing'] == []"
report "r['backup']['csv'] == {'definitions': 'schema.sql', 'files': 6, 'null': ''}"
valid_report
nothing_left
fact 'sequences and materialized views are said to be ours'
report "'SEQUENCE SET of 2 sequences' in [s['subject'] for s in r['backup']['skipped']]"
report "'MATERIALIZED VIEW DATA public.names' in [s['subject'] for s in r['backup']['skipped']]"
fact 'files that write NULL as a word'
export_all ", NULL '\\N', FORCE_QUOTE *"
try 0
report "r['backup']['csv']['null'] == '\\\\N'"
fact 'empty fields beside such words may mean either'
export_all
sed -i '2s/plain,,/plain,\\N,/' "$work/export/customers.csv"
refused 'customers.csv:2:9: the field is .N, and others are empty, all without quotes'
fact 'backup.csv_null tells which'
export_all ", NULL '\\N'"
try 0 --set 'backup.csv_null=\N'
fact 'a word for NULL that backup.csv_null names'
export_all ", NULL 'none'"
try 0 --set backup.csv_null=none
fact 'compressed files, CRLF and a byte-order mark'
export_all
{ printf '\357\273\277'; cat "$work/export/parts1.csv"; } | sed 's/$/\r/' | gzip >"$work/export/public.parts1.csv.gz"
rm "$work/export/parts1.csv"
gzip "$work/export/one.csv"
try 0
fact 'one file for all partitions'
export_all
rm "$work"/export/parts?.csv
copy '(SELECT * FROM parts)' parts.csv
try 0
fact 'rows that would be there twice'
copy parts2 parts2.csv
refused 'parts2.csv: the rows of public.parts2 would be there twice: parts.csv has them, too'
fact 'keys and triggers that the definitions have before the last table'
export_all
cat >"$work/export/schema.sql" <<'SQL'
CREATE SCHEMA audit;
CREATE TYPE mood AS ENUM ('fine', 'bad');
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'fired'; RETURN NEW; END $$;
CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, note text, joined date, mood mood, size numeric(8,2),
                        shown text GENERATED ALWAYS AS (name || '!') STORED);
CREATE TRIGGER touch BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TABLE audit.log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, who int REFERENCES customers, tags text[], raw bytea);
CREATE MATERIALIZED VIEW names AS SELECT name FROM customers;
CREATE TABLE parts (id int, k int) PARTITION BY RANGE (k);
CREATE TABLE parts1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
CREATE TABLE one (t text);
CREATE TABLE "Odd Name" ("A b" int, "c,d" text);
SQL
original_check=$check
check="$check; DO \$\$ BEGIN IF (SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated) <> 1 OR (SELECT count(*) FROM pg_trigger WHERE tgname = 'touch' AND tgenabled = 'O') <> 1 THEN RAISE EXCEPTION 'set aside'; END IF; END \$\$"
try 0
check=$original_check
fact 'rows that violate a foreign key of the definitions'
sed -i '2,$s/^2,/77,/' "$work/export/customers.csv"
refused 'foreign key .?log_who_fkey.? of audit.log.*violates foreign key constraint'
fact 'rows that violate a foreign key behind the rows'
pg_dump --schema-only -f "$work/export/schema.sql" shop
refused 'schema.sql:[0-9]+.*log_who_fkey.*violates foreign key constraint'

fact 'a value that its column does not take, by line and column'
export_all
sed -i 's/^1,plain,,2026-01-02/1,plain,,yesterdayish/' "$work/export/customers.csv"
refused 'customers.csv:2:10: could not load .*invalid input syntax for type date'
fact 'the value itself is nowhere'
! grep -rq yesterdayish "$work/err" "$work/out" "$work/run" || fail "the value was shown"
fact 'a line behind a field of two lines'
export_all
sed -i 's/,-2.00$/,minus two/' "$work/export/customers.csv"
refused 'customers.csv:5:25: could not load .*invalid input syntax for type numeric'
fact 'a NULL where none may be'
export_all
sed -i 's/^1,plain,/1,,/' "$work/export/customers.csv"
refused 'customers.csv:2:3: could not load .*null value in column .name.'
fact 'a row with too few fields'
export_all
sed -i '3s/.*/2,empty/' "$work/export/customers.csv"
refused 'customers.csv:3:3: the row has 2 fields, and the header has 6'
fact 'a field that is not UTF-8'
export_all
iconv -f UTF-8 -t LATIN1 "$work/export/customers.csv" >"$work/latin1" && mv "$work/latin1" "$work/export/customers.csv"
refused 'customers.csv:7:3: the field is not UTF-8'
fact 'a header that names no column'
export_all
sed -i 1d "$work/export/parts1.csv"
refused 'parts1.csv:1:1: the first line is no header'
fact 'a field of the header that is no column'
export_all
sed -i '1s/joined/since/' "$work/export/customers.csv"
refused 'customers.csv:1:14: the table has no column of the name'
says "$work/err" 'columns of "public"."customers" that no field names: joined'
fact 'a file of no table'
export_all
mv "$work/export/customers.csv" "$work/export/custmers.csv"
refused 'custmers.csv: the definitions have no table custmers; did you mean customers'
fact 'a truncated file'
export_all
gzip "$work/export/audit.log.csv"
head -c 300 "$work/export/audit.log.csv.gz" >"$work/cut" && mv "$work/cut" "$work/export/audit.log.csv.gz"
refused 'audit.log.csv.gz.*(truncated|damaged|ends|cut)'
fact 'a link to a file elsewhere'
export_all
ln -sf /etc/passwd "$work/export/one.csv"
refused 'one.csv: the file is a symbolic link'
fact 'a folder without definitions'
export_all
rm "$work/export/schema.sql"
refused 'export.*without the definitions of their tables'

fact 'files of other people are loaded as python3 reads them'
if [ -d "$source/../shared/corpora/csv" ]; then
    rm -rf "$work/export"
    mkdir "$work/export"
    python3 - "$source/../shared/corpora/csv" "$work/export" "$work/corpora.sql" <<'PYTHON'
import csv, hashlib, io, pathlib, shutil, sys
folder, export, check = map(pathlib.Path, sys.argv[1:])
def quote(name): return '"' + name.replace('"', '""') + '"'
schema, tests = "", ""
for path in sorted(folder.glob("*.csv")):
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        continue
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    columns = [quote(name) for name in header]
    schema += f"CREATE TABLE {quote(path.stem)} ({', '.join(c + ' text' for c in columns)});\n"
    joined = "concat_ws('|', " + ", ".join(f"COALESCE({c}, '')" for c in columns) + ")"
    lines = sorted("|".join(row).encode() for row in rows if row)
    digest = hashlib.md5(b"/".join(lines)).hexdigest()
    tests += f"IF (SELECT md5(string_agg({joined}, '/' ORDER BY {joined} COLLATE \"C\")) FROM {quote(path.stem)}) <> '{digest}' THEN RAISE EXCEPTION 'differs'; END IF;\n"
    shutil.copy(path, export)
(export / "schema.sql").write_text(schema)
check.write_text(f"DO $$ BEGIN\n{tests}END $$;\n")
PYTHON
    check=$(cat "$work/corpora.sql")
    migration 001_a.sql 'CREATE TABLE new (x int);'
    try 0
    report "r['backup']['csv']['files'] == 6 and r['backup']['rows'] == 10094"
    migration 001_a.sql 'ALTER TABLE customers ADD COLUMN x int;'
else
    echo "the files of other people are not here"
fi
fact 'a given server'
check=$original_check
export_all
backup=$work/export scenario 'migrations: {path: migrations, framework: sql, pending: all}' "rollback: false" 'prepare: [{sql: check.sql}]'
sed -i '/^workload: {rate/d' "$work/scenario.yaml"
sed -i "s|^staging: .*|staging: {kind: server, url: \"postgresql://postgres@127.0.0.1:$port/postgres\"}|" "$work/scenario.yaml"
echo "$check" >"$work/check.sql"
rehearse 0 --pass quiet
report "r['backup']['format'] == 'csv' and r['backup']['rows'] == 150"

fact 'a table without a file makes the run inconclusive'
export_all
rm "$work/export/one.csv"
check='SELECT 1'
try 3
report "r['verdict'] == 'inconclusive' and 'lacks TABLE DATA public.one' in r['reason']"
fact 'the same where backup.skip accepts it'
try 0 --set 'backup.skip=["TABLE DATA public.one"]'
fact 'a column without a field makes the run inconclusive'
export_all
copy 'customers (id, name, note)' customers.csv
try 3
report "'columns of \"public\".\"customers\": joined, mood, size' in r['reason']"
fact 'the pending migrations are found without a server'
psql -Xq -d shop -c "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)" -c "INSERT INTO schema_migrations VALUES (3, false)"
export_all
copy schema_migrations schema_migrations.csv
for n in 1 2 3 4; do migration "00000${n}_m.up.sql" "CREATE TABLE m$n (id int);"; done
rm "$work/migrations/001_a.sql"
backup=$work/export scenario 'migrations: {path: migrations}'
"$program" plan "$work/scenario.yaml" >"$work/out" 2>"$work/err" || fail "plan: $?"
says "$work/out" 'applied +000001, 000002, 000003'
says "$work/out" 'CSV files'
