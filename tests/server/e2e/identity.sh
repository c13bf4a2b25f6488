#!/bin/sh
# The database as it was, and whose rights: locale, encoding and settings of the backup's database; migrations and load as
# roles of the backup.
. "$(dirname "$0")/lib.sh"
rm -f "$work/migrations/"*
secret=hunter2-of-the-settings

# dump LOCALE: what pg_dump --create writes, without its comments, of a database of shop_owner, with its content on standard input.
dump() {
    cat <<SQL
SET statement_timeout = 0;
SET client_encoding = 'UTF8';
CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = '$2' LOCALE_PROVIDER = libc LOCALE = '$1';
ALTER DATABASE shop OWNER TO "Shop Owner";
\\connect shop
SET client_encoding = 'UTF8';
SET client_min_messages = warning;
ALTER DATABASE shop SET search_path TO 'public';
ALTER DATABASE shop SET lock_timeout TO '3s';
ALTER DATABASE shop SET "app.key" TO '$secret';
ALTER DATABASE shop SET session_preload_libraries TO 'auto_explain';
ALTER ROLE shop_app IN DATABASE shop SET work_mem TO '5MB';
ALTER ROLE "Shop Owner" IN DATABASE shop SET search_path TO 'app', 'public';
\\connect shop
SELECT pg_catalog.set_config('search_path', '', false);
SQL
    cat
    cat <<SQL
GRANT SELECT,INSERT,UPDATE ON TABLE app.orders TO shop_app;
GRANT USAGE ON SCHEMA app TO shop_app;
REVOKE TEMPORARY ON DATABASE shop FROM PUBLIC;
SQL
}
content() {
    cat <<SQL
CREATE SCHEMA app;
ALTER SCHEMA app OWNER TO "Shop Owner";
CREATE FUNCTION app.is_known(text) RETURNS boolean LANGUAGE sql AS \$\$ SELECT current_setting('app.key') <> \$1 \$\$;
CREATE TABLE app.orders (id integer PRIMARY KEY, note text, CONSTRAINT known CHECK (app.is_known(note)));
ALTER TABLE app.orders OWNER TO "Shop Owner";
COPY app.orders (id, note) FROM stdin;
$(seq 2000 | sed 's/$/\tx/')
\\.
CREATE TABLE app.hidden (id integer PRIMARY KEY, note text);
ALTER TABLE app.hidden OWNER TO "Shop Owner";
COPY app.hidden (id, note) FROM stdin;
$(seq 2000 | sed 's/$/\tx/')
\\.
CREATE TABLE app.foreign_owned (id integer PRIMARY KEY);
ALTER TABLE app.foreign_owned OWNER TO other;
SQL
}
content | dump de_AT LATIN1 >"$work/backup.sql"
content | dump xx_XX.UTF-8 UTF8 >"$work/missing.sql"
backup=$work/backup.sql

fact "the backup's roles, settings, encoding and locale are in force"
migration 001_own.sql 'SET ROLE NONE;
RESET ROLE;
ALTER TABLE orders ADD COLUMN extra text;
CREATE TABLE public.coupons (id integer PRIMARY KEY);
INSERT INTO public.coupons SELECT 1 WHERE current_user = $$Shop Owner$$ AND session_user = current_user
   AND current_setting($$lock_timeout$$) = $$3s$$;'
printf '%s\n' "SELECT 'coupons' WHERE NOT EXISTS (SELECT FROM public.coupons);" \
    "SELECT datname FROM pg_database WHERE datname = current_database() AND (pg_encoding_to_char(encoding), datcollate, pg_get_userbyid(datdba)) <> ('LATIN1', 'de_AT', 'Shop Owner');" \
    "SELECT 'order of text' WHERE NOT 'a' < 'B';" >"$work/checks.sql"
scenario 'migrations: {path: migrations, framework: sql}' "verify: [{sql: checks.sql}]" 'rollback: false'
rehearse 0 --pass quiet --pass loaded
valid_report
report "r['roles']['migrations'] == {'name': 'Shop Owner', 'superuser': False, 'reason': \"the owner of the backup's database\"}"
report "r['roles']['workload']['name'] == 'shop_app'"
report "r['backup']['rows'] == 4000 and r['staging']['collate'] == 'de_AT' and r['backup']['database']['encoding'] == 'LATIN1'"
report "any('hidden' in s and 'shop_app' in s for s in r['load']['mix']['omitted'])"
report "r['load']['windows']['before']['errors'] == 0 and r['load']['windows']['before']['transactions'] > 0"
report "{s['name']: s['applied'] for s in r['backup']['database']['settings']} == {'search_path': True, 'lock_timeout': True, 'app.key': True, 'session_preload_libraries': False, 'work_mem': True}"
report "[l['relation'] for l in r['migrations'][0]['statements'][2]['locks']] == ['app.orders']"
report "any('session_preload_libraries' in s for s in (n['text'] for n in r['not_measured']))"
says "$work/out" 'Roles: migrations ran as Shop Owner'
! grep -rq "$secret" "$work/run" "$work/out" "$work/err" || fail "a custom setting's value is in the output"

fact 'what the role does not own is refused with a hint'
migration 001_own.sql 'ALTER TABLE app.foreign_owned ADD COLUMN extra text;'
scenario 'migrations: {path: migrations, framework: sql}' 'rollback: false'
rehearse 2 --pass quiet
report "r['failure']['sqlstate'] == '42501' and 'migrations.role' in r['failure']['hint'] and 'Shop Owner' in r['failure']['hint']"
fact 'a superuser is named, and a role that does not exist is refused'
scenario 'migrations: {path: migrations, framework: sql, role: postgres}' 'rollback: false'
rehearse 0 --pass quiet
report "r['roles']['migrations']['superuser'] and any('superuser postgres' in s for s in (n['text'] for n in r['not_measured']))"
scenario 'migrations: {path: migrations, framework: sql, role: nobody_here}'
rehearse 64 --pass quiet
says "$work/err" 'scenario.yaml:6:54: migrations.role: staging has no role "nobody_here"'

fact 'a locale that cannot be compiled makes the run inconclusive'
migration 001_own.sql 'ALTER TABLE orders ADD COLUMN extra text;'
backup=$work/missing.sql
scenario 'migrations: {path: migrations, framework: sql}' 'rollback: false'
rehearse 3 --pass quiet
report "'xx_XX.UTF-8' in r['reason'] and r['staging']['locale_missing'] == 'xx_XX.UTF-8'"
nothing_left
