-- Every table with storage: how to read its share of $1 of the pages, and how to write it. Small ones (under 1 MB) come over whole, larger
-- ones by at least about 8 pages, or a sample would often hold nothing of them.
WITH tables AS (
    SELECT c.oid, c.oid::regclass::text AS name, pg_relation_size(c.oid) / current_setting('block_size')::int AS pages
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND c.relpersistence <> 't'
       AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
       AND NOT EXISTS (SELECT FROM pg_depend d
                        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), columns AS (
    SELECT attrelid AS oid, string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS list
      FROM pg_attribute
     WHERE attnum > 0 AND NOT attisdropped AND attgenerated = ''
     GROUP BY attrelid
)
SELECT name,
       format('COPY (SELECT %s FROM ONLY %s%s) TO STDOUT', list, name,
              CASE WHEN pages < 128 THEN ''
                   ELSE format(' TABLESAMPLE SYSTEM (%s) REPEATABLE (1)',
                               (100 * least(1, greatest($1::numeric, 8.0 / pages)))::numeric(12, 8)) END) AS read_sql,
       format('COPY %s (%s) FROM STDIN', name, list) AS write_sql
  FROM tables
  JOIN columns USING (oid)
 ORDER BY pages, name
