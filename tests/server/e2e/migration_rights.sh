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
hidden "'0 rows' in hidden[1]['evidence'] and '1,000 rows of public.forced, shop_owner sees 0' in hidden[1]['evidence']"
fact 'also where some rows were changed'
hidden "'changed 100 rows' in hidden[3]['evidence'] and 'sees 100' in hidden[3]['evidence']"
fact 'nothing is left'
nothing_left
