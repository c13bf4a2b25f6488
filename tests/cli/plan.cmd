# What would run, without a server: plain ordered files, and golang-migrate's layout.
cat >dump.sql <<'END'
--
-- PostgreSQL database dump
--

-- Dumped from database version 15.4
-- Dumped by pg_dump version 15.4

SET statement_timeout = 0;
CREATE TABLE public.orders (id bigint NOT NULL, note text);

--
-- PostgreSQL database dump complete
--
END

printf 'name: nothing\nbackup: {path: dump.sql}\n' >nothing.yaml
try pgrehearse plan nothing.yaml

mkdir plain
cat >plain/1_index.sql <<'END'
-- the naive way
CREATE INDEX orders_note ON public.orders (note);
ALTER TABLE public.orders ALTER COLUMN note SET NOT NULL;
UPDATE public.orders SET note = 'secret word' WHERE id = 4711;
END
cat >plain/10_later.sql <<'END'
CREATE INDEX CONCURRENTLY orders_id ON public.orders (id);
END
echo 'SELECT 1;' >plain/2_between.sql
printf 'name: plain\nbackup: {path: dump.sql}\nmigrations: {path: plain, pending: all}\n' >plain.yaml
try pgrehearse plan plain.yaml
try pgrehearse plan plain.yaml --only 2_between.sql --format json
try pgrehearse plan plain.yaml --only nothing

mkdir golang
cat >golang/000001_rewrite.up.sql <<'END'
ALTER TABLE orders ADD COLUMN public_id uuid DEFAULT gen_random_uuid();
ALTER TABLE orders ALTER COLUMN id TYPE numeric;
END
echo 'ALTER TABLE orders DROP COLUMN public_id;' >golang/000001_rewrite.down.sql
cat >golang/000002_own.up.sql <<'END'
BEGIN;
SELECT 1;
COMMIT;
DROP TABLE orders;
END
printf 'name: golang\nbackup: {path: dump.sql}\nmigrations: {path: golang, pending: all}\n' >golang.yaml
try pgrehearse plan golang.yaml
try pgrehearse plan golang.yaml --set migrations.framework=sql --set 'migrations.pending=["000002_own.up.sql"]'

# mistakes in the migrations
echo 'SELECT 1;' >golang/000002_twice.up.sql
try pgrehearse plan golang.yaml
echo 'ALTER TABEL orders;' >plain/2_between.sql
try pgrehearse plan plain.yaml --only 2_between.sql
printf 'SELECT 1;\n\\! rm -rf /\n' >plain/2_between.sql
try pgrehearse plan plain.yaml
printf "COPY orders FROM PROGRAM 'id';\n" >plain/2_between.sql
try pgrehearse plan plain.yaml
mkdir empty
try pgrehearse plan plain.yaml --set migrations.path=empty

# the backup's own history says what is applied
rm golang/000002_twice.up.sql
sed '/^CREATE/r /dev/stdin' dump.sql >with_history.sql <<'END'
CREATE TABLE public.schema_migrations (version bigint NOT NULL, dirty boolean NOT NULL);
COPY public.schema_migrations (version, dirty) FROM stdin;
1	f
\.
END
sed 's/dump.sql/with_history.sql/; s/, pending: all//' golang.yaml >history.yaml
try pgrehearse plan history.yaml --only 000002
sed 's/^1	f/1	t/' with_history.sql >dirty.sql
try pgrehearse plan history.yaml --set backup.path=dirty.sql
: >empty.dump
try pgrehearse plan history.yaml --set backup.path=empty.dump

# a hazard that is looked at and accepted; a rule that there is not; no reason
cat >plain/2_between.sql <<'END'
-- pgrehearse: ignore index-without-concurrently the table has ten rows
CREATE INDEX orders_note ON public.orders (note);
END
try pgrehearse plan plain.yaml --only 2_between.sql
sed -i 's/ignore index/ignore indx/' plain/2_between.sql
try pgrehearse plan plain.yaml --only 2_between.sql
printf 'SELECT 1;\n  -- pgrehearse: ignore rename\nSELECT 2;\n' >plain/2_between.sql
try pgrehearse plan plain.yaml --only 2_between.sql

# backfills are listed; one of them as SQL, by the key and types of the backup and of the migrations before it
cat >backfill.sql <<'END'
--
-- PostgreSQL database dump
--

-- Dumped from database version 15.4
-- Dumped by pg_dump version 15.4

SET statement_timeout = 0;
CREATE TABLE public.orders (id integer NOT NULL, note text, total bigint);
ALTER TABLE ONLY public.orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id);

--
-- PostgreSQL database dump complete
--
END
mkdir backfill
echo 'ALTER TABLE orders ALTER COLUMN id TYPE bigint;' >backfill/1_wider.sql
echo 'ALTER TABLE orders DROP CONSTRAINT orders_pkey;' >backfill/2_keyless.sql
cat >backfill.yaml <<'END'
name: backfill
backup: {path: backfill.sql}
migrations: {path: backfill, pending: all}
backfills:
  - {name: totals, after: 1_wider, table: orders, set: total = length(note), where: total IS NULL, sweep: {batch: [2000, 500]}}
  - {table: orders, set: note = 'secret word'}
END
try pgrehearse plan backfill.yaml --only 2_keyless.sql --set 'backfills=[{table: orders, set: total = 1}]'
try pgrehearse plan backfill.yaml --backfill totals
try pgrehearse plan backfill.yaml --backfill 2
try pgrehearse plan backfill.yaml --backfill total
