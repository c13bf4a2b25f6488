-- A key whose order is not that of the heap.
-- set: total = length(note)
-- where: total IS NULL
CREATE TABLE t (key uuid PRIMARY KEY, total bigint, note text);
INSERT INTO t SELECT md5(i::text)::uuid, NULL, repeat('x', 100) FROM generate_series(1, :rows) AS i;
