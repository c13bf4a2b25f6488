-- What would fire or fail while rows are loaded table by table, and comes after them in a dump: foreign keys and triggers of user
-- tables. A statement that sets each aside, one that brings it back, and a name for it. A foreign key that comes back is checked.
-- Since PostgreSQL 13 the triggers of partitions are listed beside those of their table, which is why only the latter is meant (ONLY).
SELECT pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::pg_catalog.regclass, k.conname),
       pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.conrelid::pg_catalog.regclass, k.conname,
                         pg_catalog.pg_get_constraintdef(k.oid)),
       pg_catalog.format('the foreign key %I of %s', k.conname, k.conrelid::pg_catalog.regclass), false AS partition, k.oid AS made
  FROM pg_catalog.pg_constraint AS k
 WHERE k.contype = 'f' AND k.conparentid = 0 AND k.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = k.conrelid AND d.deptype = 'e')
UNION ALL
SELECT pg_catalog.format('ALTER TABLE %s DISABLE TRIGGER %I', t.tgrelid::pg_catalog.regclass, t.tgname),
       pg_catalog.format('ALTER TABLE %s %s ENABLE %s TRIGGER %I',
                         CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 130000 THEN 'ONLY' ELSE '' END, t.tgrelid::pg_catalog.regclass,
                         CASE t.tgenabled WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA' ELSE '' END, t.tgname),
       pg_catalog.format('the trigger %I of %s', t.tgname, t.tgrelid::pg_catalog.regclass), c.relispartition, t.oid
  FROM pg_catalog.pg_trigger AS t
  JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
 WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND c.relkind IN ('r', 'p') AND t.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = t.tgrelid AND d.deptype = 'e')
 ORDER BY partition, made
