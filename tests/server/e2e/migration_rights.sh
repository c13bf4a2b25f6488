#!/bin/sh
# Migrations as a role that row-level security restricts: what a data change did not reach is reported with its rows.
. "$(dirname "$0")/lib.sh"
rm -f "$work/migrations/"*
{
    cat <<'SQL'
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.forced (id bigint PRIMARY KEY, tenant integer NOT NULL, note text);
ALTER TABLE public.forced OWNER TO shop_owner;
CREATE TABLE public.own (id bigint PRIMARY KEY, tenant integer NOT NULL, note text);
ALTER TABLE public.own OWNER TO shop_owner;
CREATE TABLE public.target (id bigint PRIMARY KEY);
ALTER TABLE public.target OWNER TO shop_owner;
SQL
    for table in forced own; do
        echo "COPY public.$table (id, tenant, note) FROM stdin;"
        seq 1000 | awk '{ print $1 "\t" $1 % 10 "\tx" }'
        echo '\.'
    done
    cat <<'SQL'
ALTER TABLE public.forced ENABLE ROW LEVEL SECURITY;
ALTER TABLE ONLY public.forced FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON public.forced USING (tenant = NULLIF(current_setting('app.tenant_id', true), '')::integer);
ALTER TABLE public.own ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON public.own USING (tenant = 3);
SQL
} >"$work/backup.sql"
backup=$work/backup.sql

migration 001_change.sql "UPDATE public.forced SET note = 'y';
SET app.tenant_id = '3';
UPDATE public.forced SET note = 'z' WHERE id > 0;
BEGIN;
DELETE FROM public.own WHERE id > 500;
UPDATE public.own SET note = 'y';
INSERT INTO public.target SELECT id FROM public.forced;
COMMIT;
ALTER TABLE public.forced NO FORCE ROW LEVEL SECURITY;
UPDATE public.forced SET note = 'w';"
scenario 'migrations: {path: migrations, framework: sql}' 'rollback: false'
fact 'the run itself'
rehearse 0 --pass quiet
valid_report
hidden() {
    report 'hidden={s["ordinal"]: h for s in r["migrations"][0]["statements"] for h in s["hazards"] if h["rule"] == "row-security-hides-rows"}' "$1"
}
fact 'statements that did not reach all rows are reported'
hidden "sorted(hidden) == [1, 3, 7]"
fact 'as measured'
hidden "all(h['state'] == 'measured' for h in hidden.values())"
fact 'with the rows of the table and of the role'
hidden "'0 rows' in hidden[1]['evidence'] and '1,000 rows of public.forced, shop_owner may change 0' in hidden[1]['evidence']"
fact 'also where some rows were changed'
hidden "'changed 100 rows' in hidden[3]['evidence'] and 'may change 100' in hidden[3]['evidence']"

migration 001_change.sql "ALTER TABLE public.own FORCE ROW LEVEL SECURITY;
UPDATE public.own SET note = 'a';
BEGIN;
ALTER TABLE public.target ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.target FORCE ROW LEVEL SECURITY;
UPDATE public.target SET id = -id;
INSERT INTO public.own (id, tenant) VALUES (2001, 3);
COMMIT;
ALTER TABLE public.own NO FORCE ROW LEVEL SECURITY;
CREATE POLICY reads ON public.forced FOR SELECT USING (true);
UPDATE public.forced SET note = 'b' WHERE tenant = 4;
BEGIN;
ALTER POLICY reads ON public.forced USING (tenant = 5);
DELETE FROM public.forced WHERE tenant < 9;
COMMIT;
DO 'BEGIN UPDATE public.forced SET note = ''c''; END';
UPDATE public.own SET note = 'd';"
sed -i '/^CREATE TABLE public.target/s/$/\nINSERT INTO public.target VALUES (1), (2);/' "$work/backup.sql"
fact 'a migration that changes policies runs'
rehearse 0 --pass quiet
valid_report
fact 'rows that a policy of the same run hides are reported'
hidden "sorted(hidden) == [2, 6, 11, 14, 16]"
fact 'those of a table that the transaction has locked'
hidden "'0 rows' in hidden[6]['evidence'] and 'of 2 rows of public.target, shop_owner may change 0' in hidden[6]['evidence']"
fact 'rows that are visible but may not be changed'
hidden "'0 rows' in hidden[11]['evidence'] and 'may change 0' in hidden[11]['evidence']"
fact 'a down migration that does not reach all rows is reported'
rm "$work/migrations/"*
migration 1_change.up.sql "ALTER TABLE public.target ADD COLUMN more integer;"
migration 1_change.down.sql "ALTER TABLE public.target DROP COLUMN more;
UPDATE public.forced SET note = 'x' WHERE tenant > 0;"
scenario 'migrations: {path: migrations, framework: golang-migrate, pending: all}'
rehearse 0 --pass quiet
valid_report
report "any(h['rule'] == 'row-security-hides-rows' and 'may change 0' in h['evidence'] for s in r['migrations'][0]['rollback']['statements'] for h in s['hazards'])"
fact 'a program that may not reach all rows is said to be unmeasured'
rm "$work/migrations/"*
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
cat >"$work/up.sh" <<SH
#!/bin/sh
$bin/psql -Xq -v ON_ERROR_STOP=1 -c "UPDATE public.forced SET note = 'p'" -c "UPDATE public.target SET id = -id"
SH
chmod 755 "$work/up.sh"
scenario 'migrations: {command: [./up.sh]}' 'rollback: false'
rehearse 0 --pass quiet
report "any('hid rows of public.forced from 1 statement of the program' in n['text'] for n in r['not_measured'])"
report "not any('public.own' in n['text'] or 'public.target' in n['text'] for n in r['not_measured'])"
fact 'no processes or files are left'
nothing_left
