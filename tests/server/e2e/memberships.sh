#!/bin/sh
# A pg_dumpall has the roles' memberships and attributes: a migration has a right by them here where it has it on production.
. "$(dirname "$0")/lib.sh"
rm -f "$work/migrations/"*
cat >"$work/backup.sql" <<'SQL'
--
-- PostgreSQL database cluster dump
--
SET default_transaction_read_only = off;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
CREATE ROLE app_owner;
ALTER ROLE app_owner WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;
CREATE ROLE deployer;
ALTER ROLE deployer WITH NOSUPERUSER NOINHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS;
CREATE ROLE heir;
ALTER ROLE heir WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS;
GRANT app_owner TO deployer;
GRANT app_owner TO heir;
\connect template1
SET client_encoding = 'UTF8';
CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE = 'C.UTF-8';
ALTER DATABASE shop OWNER TO app_owner;
\connect shop
SET client_encoding = 'UTF8';
CREATE TABLE public.orders (id bigint PRIMARY KEY, note text);
ALTER TABLE public.orders OWNER TO app_owner;
COPY public.orders (id, note) FROM stdin;
1	a
2	b
\.
--
-- PostgreSQL database cluster dump complete
--
SQL
backup=$work/backup.sql
as() { # ROLE
    scenario "migrations: {path: migrations, framework: sql, role: $1}" 'rollback: false'
}

fact 'a member that inherits owns the table'
migration 001_note.sql 'ALTER TABLE public.orders ADD COLUMN remark text;'
as heir
rehearse 0 --pass quiet
valid_report
report "r['roles']['migrations']['name'] == 'heir' and not r['roles']['migrations']['superuser']"
fact 'memberships are known, so none is reported missing'
report "not any('memberships' in n['text'] for n in r['not_measured'])"
fact 'a member that does not inherit is refused'
as deployer
rehearse 2 --pass quiet
report "r['failure']['sqlstate'] == '42501'"
fact 'and may become the owner'
migration 001_note.sql 'SET ROLE app_owner;
ALTER TABLE public.orders ADD COLUMN remark text;'
rehearse 0 --pass quiet
fact 'a role that is not a member may not'
sed -i '/^GRANT app_owner TO deployer/d' "$work/backup.sql"
rehearse 2 --pass quiet
report "r['failure']['sqlstate'] == '42501'"
fact 'no processes or files are left'
nothing_left
