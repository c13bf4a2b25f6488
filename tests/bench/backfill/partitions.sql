-- Twelve partitions by month.
-- set: total = key * 2
-- where: total IS NULL
CREATE TABLE t (key bigint, month int, total bigint, note text, PRIMARY KEY (key, month)) PARTITION BY LIST (month);
SELECT format('CREATE TABLE t_%s PARTITION OF t FOR VALUES IN (%s)', m, m) FROM generate_series(1, 12) AS m \gexec
INSERT INTO t SELECT i, 1 + (i * 12 / (:rows + 1))::int, NULL, repeat('x', 100) FROM generate_series(1, :rows) AS i;
