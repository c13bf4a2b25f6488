-- Eight indexes besides the key, half of them on columns in random order.
-- set: total = a::bigint + b
-- where: total IS NULL
CREATE TABLE t (key bigint PRIMARY KEY, total bigint, a int, b int, c int, d int, e int, f int, note text);
INSERT INTO t SELECT i, NULL, hashint8(i), hashint8(i + 1), hashint8(i + 2), hashint8(i + 3), i, i / 10, repeat('x', 60)
FROM generate_series(1, :rows) AS i;
CREATE INDEX ON t (a); CREATE INDEX ON t (b); CREATE INDEX ON t (c); CREATE INDEX ON t (d);
CREATE INDEX ON t (e); CREATE INDEX ON t (f); CREATE INDEX ON t (e, f); CREATE INDEX ON t (key, e);
