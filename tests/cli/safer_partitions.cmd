# Partitioned tables by statements that block less: an index by its partitions, ATTACH without scans, DETACH CONCURRENTLY; and why not.
cat >dump.sql <<'END_SQL'
--
-- PostgreSQL database dump
--

-- Dumped from database version 15.4
-- Dumped by pg_dump version 15.4

SET statement_timeout = 0;
CREATE TABLE public.events (id bigint NOT NULL, at date NOT NULL, kind text) PARTITION BY RANGE (at);
CREATE TABLE public.events_2025 (id bigint NOT NULL, at date NOT NULL, kind text);
CREATE TABLE public.events_2026 (id bigint NOT NULL, at date NOT NULL, kind text);
CREATE TABLE public.loose (id bigint NOT NULL, at date NOT NULL, kind text);
CREATE TABLE public.regions (id bigint NOT NULL, code text) PARTITION BY LIST (code);
CREATE TABLE public.regions_rest (id bigint NOT NULL, code text);
CREATE TABLE public.north (id bigint NOT NULL, code text);
CREATE TABLE public.spread (id bigint NOT NULL) PARTITION BY HASH (id);
CREATE TABLE public.spread_0 (id bigint NOT NULL);
CREATE TABLE public.tree (id bigint NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE public.tree_1 (id bigint NOT NULL) PARTITION BY RANGE (id);
ALTER TABLE ONLY public.events ATTACH PARTITION public.events_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
ALTER TABLE ONLY public.events ATTACH PARTITION public.events_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
ALTER TABLE ONLY public.regions ATTACH PARTITION public.regions_rest DEFAULT;
ALTER TABLE ONLY public.spread ATTACH PARTITION public.spread_0 FOR VALUES WITH (modulus 2, remainder 0);
ALTER TABLE ONLY public.tree ATTACH PARTITION public.tree_1 FOR VALUES FROM (0) TO (100);
CREATE INDEX events_2026_kind_idx ON public.events_2026 USING btree (kind);

--
-- PostgreSQL database dump complete
--
END_SQL
mkdir index attach detach
cat >index/1_done.sql <<'END_SQL'
SET lock_timeout = '1s';
CREATE UNIQUE INDEX ON events (id, at);
CREATE INDEX by_month ON events (date_trunc('month', at), lower(kind));
CREATE INDEX ON events (kind);
CREATE INDEX ON ONLY events (id);
CREATE INDEX ON tree (id);
CREATE INDEX ON events ((id + 1));
END_SQL
cat >attach/1_attach.sql <<'END_SQL'
SET lock_timeout = '1s';
ALTER TABLE events ATTACH PARTITION loose FOR VALUES FROM (MINVALUE) TO ('2025-01-01');
ALTER TABLE regions ATTACH PARTITION north FOR VALUES IN ('NO', 'SE');
CREATE TABLE regions_south PARTITION OF regions FOR VALUES IN ('IT');
ALTER TABLE spread ATTACH PARTITION nowhere FOR VALUES WITH (modulus 2, remainder 1);
ALTER TABLE spread ATTACH PARTITION loose FOR VALUES WITH (modulus 2, remainder 1);
ALTER TABLE regions ATTACH PARTITION north FOR VALUES IN (NULL);
END_SQL
cat >detach/1_detach.sql <<'END_SQL'
SET lock_timeout = '1s';
ALTER TABLE events DETACH PARTITION events_2025;
ALTER TABLE regions DETACH PARTITION regions_rest;
ALTER TABLE events DETACH PARTITION gone;
ALTER TABLE events DETACH PARTITION events_2026 CONCURRENTLY;
END_SQL
for name in index attach detach; do
    printf 'name: %s\nbackup: {path: dump.sql}\nmigrations: {path: %s, framework: sql, pending: all}\n' "$name" "$name" >"$name.yaml"
    try pgrehearse plan "$name.yaml" --safer
done
