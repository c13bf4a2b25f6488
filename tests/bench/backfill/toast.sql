-- A value of a document that is stored out of line becomes a column.
-- set: total = (doc ->> 'total')::bigint
-- where: total IS NULL
CREATE TABLE t (key bigint PRIMARY KEY, total bigint, doc jsonb);
ALTER TABLE t ALTER COLUMN doc SET STORAGE EXTERNAL;
INSERT INTO t SELECT i, NULL, jsonb_build_object('total', i, 'text', CASE WHEN i % 4 = 0 THEN repeat('x', 2500) ELSE 'x' END)
FROM generate_series(1, :rows) AS i;
