-- The rows to do are the last 30 % of the key: batches before them find nothing.
-- set: total = key * 2
-- where: total IS NULL
CREATE TABLE t (key bigint PRIMARY KEY, total bigint, note text);
INSERT INTO t SELECT i, CASE WHEN i < 0.7 * :rows THEN 0 END, repeat('x', 100) FROM generate_series(1, :rows) AS i;
