-- An integer key whose order has nothing to do with that of the heap, in a table with room on its pages.
-- set: total = key * 2
-- where: total IS NULL
CREATE TABLE t (key bigint PRIMARY KEY, total bigint, note text) WITH (fillfactor = 80);
INSERT INTO t SELECT (i * 7919::bigint) % (:rows + 1), NULL, repeat('x', 100) FROM generate_series(1, :rows) AS i ON CONFLICT DO NOTHING;
