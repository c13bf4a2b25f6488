#!/bin/sh
# A load of the application's role, where row-level security and privileges by column show it a part of the rows: its values are rows
# that it sees, what it cannot use is left out with the reason, and what a policy refuses before any migration is not the migration's.
. "$(dirname "$0")/lib.sh"
rm -f "$work/migrations/"*

# rows NAME: the rows of TABLE (id, tenant, note, touched), one in a hundred of tenant 7.
rows() {
    echo "COPY public.$1 (id, tenant, note, touched) FROM stdin;"
    seq 20000 | awk '{ print $1 "\t" ($1 % 100 == 0 ? 7 : $1 % 100 + 10) "\tnote " $1 "\t0" }'
    echo '\.'
}
{
    cat <<'SQL'
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.touched := OLD.touched + 1; RETURN NEW; END $$;
SQL
    for table in by_setting unset no_policy asymmetric by_column; do
        echo "CREATE TABLE public.$table (id bigint PRIMARY KEY, tenant integer NOT NULL, note text, touched integer DEFAULT 0 NOT NULL);"
        echo "ALTER TABLE public.$table OWNER TO shop_owner;"
        rows $table
        echo "CREATE TRIGGER touch BEFORE UPDATE ON public.$table FOR EACH ROW EXECUTE FUNCTION public.touch();"
    done
    for table in by_setting unset no_policy asymmetric; do
        echo "ALTER TABLE public.$table ENABLE ROW LEVEL SECURITY;"
        echo "GRANT SELECT, INSERT, UPDATE ON public.$table TO shop_app;"
    done
    cat <<'SQL'
CREATE POLICY tenant ON public.by_setting USING (tenant = current_setting('app.tenant_id')::integer);
CREATE POLICY tenant ON public.unset USING (tenant = NULLIF(current_setting('app.other_id', true), '')::integer);
CREATE POLICY see ON public.asymmetric FOR SELECT USING (true);
CREATE POLICY change ON public.asymmetric FOR UPDATE USING (tenant = 7);
CREATE POLICY add ON public.asymmetric FOR INSERT WITH CHECK (tenant = 7);
GRANT SELECT (id, note), INSERT (id, tenant, note), UPDATE (note) ON public.by_column TO shop_app;
SQL
} >"$work/backup.sql"
backup=$work/backup.sql
echo "ALTER ROLE shop_app SET app.tenant_id = '7';" >"$work/prepare.sql"
cat >"$work/checks.sql" <<'SQL'
SELECT 'by_setting: no row was changed' WHERE NOT EXISTS (SELECT FROM public.by_setting WHERE touched > 0);
SELECT 'by_setting: no row was added' WHERE NOT EXISTS (SELECT FROM public.by_setting WHERE id > 20000 AND tenant = 7);
SELECT 'asymmetric: no row was changed' WHERE NOT EXISTS (SELECT FROM public.asymmetric WHERE touched > 0);
SELECT 'asymmetric: no row was added' WHERE NOT EXISTS (SELECT FROM public.asymmetric WHERE id > 20000 AND tenant = 7);
SELECT 'by_column: no row was changed' WHERE NOT EXISTS (SELECT FROM public.by_column WHERE touched > 0);
SELECT 'by_column: no row was added' WHERE NOT EXISTS (SELECT FROM public.by_column WHERE id > 20000);
SQL
migration 001_small.sql 'ALTER TABLE public.by_setting ADD COLUMN extra text;'
of_role='prepare: [{sql: prepare.sql}]'

# load SOURCE: the scenario with a load of shop_app.
load() {
    scenario 'migrations: {path: migrations, framework: sql}' 'rollback: false' "$of_role" 'gates: {load_errors: 0}' "$@"
    sed -i "s/^workload: {rate: 50,/workload: {role: shop_app, ${source_of:-} rate: 200,/" "$work/scenario.yaml"
}

fact 'values of rows that the role sees'
load 'verify: [{sql: checks.sql}]'
rehearse 0 --pass quiet --pass loaded
valid_report
report "r['load']['windows']['before']['errors'] == 0 and r['load']['windows']['before']['transactions'] > 0"
report "not any('no_policy' in t['name'] or 'unset' in t['name'] for t in r['load']['mix']['templates'])"
report "{t['name'] for t in r['load']['mix']['templates'] if 'by_column' in t['name']} == {'read public.by_column by key', 'read a range of public.by_column', 'insert into public.by_column', 'update public.by_column by key'}"
report "any('public.no_policy' in s and 'shop_app' in s and 'no policy' in s for s in (n['text'] for n in r['not_measured']))"
report "any('public.unset' in s and 'shop_app' in s and 'app.other_id' in s for s in (n['text'] for n in r['not_measured']))"
report "any('insert into public.asymmetric' in s and 'row-level security' in s for s in r['load']['mix']['omitted'])"
report "any('update public.asymmetric' in s and 'row-level security' in s for s in r['load']['mix']['omitted'])"
report "any('row-level security refuses them' in s for s in (n['text'] for n in r['not_measured']))"

fact 'a setting that a policy reads and nobody sets: nothing of that table, and why'
echo "SELECT 1;" >"$work/prepare.sql"
load
rehearse 0 --pass quiet --pass loaded
report "any('public.by_setting' in s and 'app.tenant_id' in s for s in (n['text'] for n in r['not_measured']))"
report "not any('by_setting' in t['name'] for t in r['load']['mix']['templates'])"

fact 'a script that a policy refuses before any migration as often as during one'
echo "ALTER ROLE shop_app SET app.tenant_id = '7';" >"$work/prepare.sql"
cat >"$work/add.sql" <<'SQL'
\set tenant random(7, 8)
INSERT INTO public.by_setting (id, tenant, note) VALUES (30000 + pg_catalog.mod(pg_catalog.txid_current(), 1000000), :tenant, 'x');
SQL
source_of='source: pgbench, path: add.sql,'
load
rehearse 0 --pass quiet --pass loaded
valid_report
report "r['load']['errors'][0]['sqlstate'] == '42501' and 0 < r['load']['errors'][0]['before'] < r['load']['errors'][0]['count']"
report "r['gates'][0]['measured'] == 0 and 'before any migration' in r['gates'][0]['detail']"
report "any('42501' in s and 'before' in s for s in (n['text'] for n in r['not_measured']))"

fact 'the same script, and a migration that lets the policy refuse all of it'
migration 001_small.sql 'ALTER POLICY tenant ON public.by_setting USING (tenant = 9);'
load
rehearse 1 --pass quiet --pass loaded
report "r['gates'][0]['measured'] > 20"
nothing_left
