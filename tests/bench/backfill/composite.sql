-- A key of two columns, of which the first has few values.
-- set: total = number * 2
-- where: total IS NULL
CREATE TABLE t (tenant int, number bigint, total bigint, note text, PRIMARY KEY (tenant, number));
INSERT INTO t SELECT i % 100, i, NULL, repeat('x', 100) FROM generate_series(1, :rows) AS i;
