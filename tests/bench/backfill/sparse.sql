-- 30 % of the range of the key has 3 % of the rows.
-- set: total = key * 2
-- where: total IS NULL
CREATE TABLE t (key bigint PRIMARY KEY, total bigint, note text);
INSERT INTO t SELECT CASE WHEN i <= 0.67 * :rows THEN i WHEN i <= 0.7 * :rows THEN 0.67 * :rows + 10 * (i - 0.67 * :rows) ELSE i + 0.27 * :rows END,
    NULL, repeat('x', 100)
FROM generate_series(1, :rows) AS i;
