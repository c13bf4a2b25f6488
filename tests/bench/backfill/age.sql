-- Wider rows at low keys, 60 to 400 bytes: an old table that lost its wide column.
-- set: total = key * 3
-- where: total IS NULL
CREATE TABLE t (key bigint PRIMARY KEY, total bigint, note text);
INSERT INTO t SELECT i, NULL, repeat('x', 60 + (340 * (:rows - i) / :rows)::int) FROM generate_series(1, :rows) AS i;
