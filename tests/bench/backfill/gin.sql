-- A GIN index on an array.
-- set: total = cardinality(tags)
-- where: total IS NULL
CREATE TABLE t (key bigint PRIMARY KEY, total bigint, tags int[]);
INSERT INTO t SELECT i, NULL, ARRAY[hashint8(i) % 1000, hashint8(i + 1) % 1000, i % 50] FROM generate_series(1, :rows) AS i;
CREATE INDEX ON t USING gin (tags);
