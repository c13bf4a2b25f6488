# Sourced by the tests that run a PostgreSQL of npm's (servers.sh), after e2e/lib.sh, with $version: its programs are in $PG_BINDIR.
PG_BINDIR=${RH_SERVERS:-$source/.cache/servers}/node_modules/postgresql-$version/native/bin
[ -x "$PG_BINDIR/postgres" ] || skip "PostgreSQL $version is not installed (tests/server/servers.sh)"
[ "$(id -u)" != 0 ] || runuser -u postgres -- test -x "$PG_BINDIR/postgres" ||
    skip "the account postgres may not read $PG_BINDIR"

# plain_dump FILE: one of that version, of a table and a history table.
plain_dump() {
    transaction_timeout=
    [ "$version" -lt 17 ] || transaction_timeout='SET transaction_timeout = 0;'
    cat >"$1" <<SQL
--
-- PostgreSQL database dump
--

-- Dumped from database version $version.1
-- Dumped by pg_dump version $version.1

SET statement_timeout = 0;
$transaction_timeout
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);

CREATE TABLE public.schema_migrations (version bigint NOT NULL, dirty boolean NOT NULL);

CREATE TABLE public.orders (id bigint NOT NULL, note text);

COPY public.schema_migrations (version, dirty) FROM stdin;
11	f
\\.

COPY public.orders (id, note) FROM stdin;
$(seq 1 20000 | sed 's/.*/&\tnote &/')
\\.

ALTER TABLE ONLY public.orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id);

--
-- PostgreSQL database dump complete
--

SQL
}
