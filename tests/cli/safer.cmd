# The same migrations by statements that block less, as each framework wants them.
printf -- '--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.4\n-- Dumped by pg_dump version 15.4\n\nSET statement_timeout = 0;\nCREATE TABLE public.orders (id bigint NOT NULL, note text);\n\n--\n-- PostgreSQL database dump complete\n--\n' >dump.sql
mkdir plain goose dbmate golang
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
