# The same migrations by statements that block less, as each framework wants them.
printf -- '--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.4\n-- Dumped by pg_dump version 15.4\n\nSET statement_timeout = 0;\nCREATE TABLE public.orders (id bigint NOT NULL, note text, n integer);\nALTER TABLE ONLY public.orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id);\nCREATE TABLE shop."Order lines" (a integer, "B" integer, kind text);\n\n--\n-- PostgreSQL database dump complete\n--\n' >dump.sql
mkdir plain goose dbmate golang known
cat >plain/1_all.sql <<'END_SQL'
ALTER TABLE shop."Order lines" ADD CONSTRAINT "a b" CHECK (kind IN ('a, b', $x$;$x$)) -- why not
    , ADD COLUMN "Id" int DEFAULT 3 NOT NULL,
    ADD UNIQUE (a, "B");
-- pgrehearse: ignore index-without-concurrently ten rows
CREATE INDEX small ON tiny (a);
ALTER TABLE orders ALTER COLUMN id TYPE bigint;
UPDATE orders SET n = n + 1;
UPDATE orders SET note = 'it''s' WHERE note IS NULL;
END_SQL
printf 'name: plain\nbackup: {path: dump.sql}\nmigrations: {path: plain, pending: all}\n' >plain.yaml
try pgrehearse plan plain.yaml --safer
# What the backup tells of a table decides what is mechanical.
cat >known.sql <<'END_SQL'
--
-- PostgreSQL database dump
--

-- Dumped from database version 15.4
-- Dumped by pg_dump version 15.4

SET statement_timeout = 0;
CREATE TABLE public.lines (id bigint NOT NULL, "Kind" integer DEFAULT 1 NOT NULL, label character varying(20), amount integer,
    "order" text, CONSTRAINT lines_kind_check CHECK (("Kind" > 0)));
CREATE TABLE public.parts (line_id bigint PRIMARY KEY, amount integer);
CREATE TABLE public.sliced (id bigint) PARTITION BY RANGE (id);
ALTER TABLE ONLY public.lines ADD CONSTRAINT lines_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.parts ADD CONSTRAINT parts_line_id_fkey FOREIGN KEY (line_id) REFERENCES public.lines(id);
CREATE UNIQUE INDEX lines_kind_idx ON public.lines USING btree ("Kind", lower(label)) WHERE ("Kind" < 9);
COMMENT ON COLUMN public.lines."Kind" IS 'it''s one';
CREATE VIEW public.amounts AS SELECT lines.amount FROM public.lines;
CREATE TABLE public.watched (id bigint PRIMARY KEY, amount integer);
CREATE TRIGGER touch BEFORE UPDATE ON public.watched FOR EACH ROW EXECUTE FUNCTION public.touch();

--
-- PostgreSQL database dump complete
--
END_SQL
cat >known/1_type.sql <<'END_SQL'
SET lock_timeout = '1s';
ALTER TABLE lines ALTER "Kind" DROP DEFAULT, ALTER "Kind" TYPE text USING "Kind"::text || label, ALTER "Kind" SET DEFAULT 'x';
ALTER TABLE lines ALTER label TYPE varchar(30);
ALTER TABLE lines ALTER id TYPE numeric;
ALTER TABLE nowhere ALTER id TYPE numeric;
ALTER TABLE watched ALTER amount TYPE numeric;
ALTER TABLE watched ADD CHECK (amount > 0) NOT ENFORCED;
END_SQL
cat >known/2_name.sql <<'END_SQL'
SET lock_timeout = '1s';
ALTER TABLE lines RENAME amount TO total;
ALTER TABLE parts RENAME amount TO total;
END_SQL
cat >known/3_rows.sql <<'END_SQL'
UPDATE lines l SET "order" = p.amount FROM parts p WHERE p.line_id = l.id AND l."order" IS NULL;
UPDATE lines SET "order" = (SELECT max(label) FROM lines);
BEGIN;
SET LOCAL search_path = other, public;
LOCK TABLE parts;
UPDATE parts SET amount = 1;
COMMIT;
UPDATE sliced SET id = 1;
CREATE INDEX ON sliced (id);
END_SQL
printf 'name: known\nbackup: {path: known.sql}\nmigrations: {path: known, pending: all}\n' >known.yaml
try pgrehearse plan known.yaml --safer
try pgrehearse plan plain.yaml --safer --format json

printf -- '-- +goose Up\nALTER TABLE orders ADD token uuid DEFAULT gen_random_uuid();\n-- +goose Down\nSELECT 1;\n' >goose/1_a.sql
printf 'name: goose\nbackup: {path: dump.sql}\nmigrations: {path: goose, pending: all}\n' >goose.yaml
try pgrehearse plan goose.yaml --safer
printf -- '-- migrate:up\nCREATE INDEX i ON orders (id);\n-- migrate:down\nDROP INDEX i;\n' >dbmate/1_a.sql
printf 'name: dbmate\nbackup: {path: dump.sql}\nmigrations: {path: dbmate, pending: all}\n' >dbmate.yaml
try pgrehearse plan dbmate.yaml --safer
echo 'SELECT 1;' >golang/1_a.up.sql
printf 'name: golang\nbackup: {path: dump.sql}\nmigrations: {path: golang, pending: all}\n' >golang.yaml
try pgrehearse plan golang.yaml --safer
try pgrehearse run golang.yaml --safer

# what is pasted changes the same rows: literals keep tabs, carriage returns and control characters
mkdir exact
printf "UPDATE shop.\"Order lines\" SET kind = 'a\tb\r\nc' WHERE a = 1;\nINSERT INTO shop.\"Order lines\" (kind) VALUES ('\001\342\200\256');\n" >exact/1_a.sql
printf 'ALTER TABLE orders ALTER COLUMN n SET NOT NULL;\n' >>exact/1_a.sql
printf 'name: exact\nbackup: {path: dump.sql}\nmigrations: {path: exact, pending: all}\n' >exact.yaml
pgrehearse plan exact.yaml --safer >exact.sql
grep -qF "$(printf "'a\tb\r")" exact.sql && grep -qF "$(printf "'\001\342\200\256'")" exact.sql && echo 'literals are exact'
script -qec 'pgrehearse plan exact.yaml --safer' /dev/null </dev/null | tr -d '\r'
