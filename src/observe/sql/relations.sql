-- Names, kinds and tables of the relations whose OIDs the setting pgrehearse.relations lists ('{16384,16390}').
-- made_by is the transaction that created it, from a row that nothing updates later.
SELECT c.oid::bigint,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       c.relkind,
       coalesce(t.refobjid, x.indrelid, 0)::bigint AS owner,
       c.relpersistence = 't' AS temporary,
       pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())
           - pg_catalog.age(coalesce(x.xmin, a.xmin, y.xmin)) AS made_by,
       CASE WHEN o.oid IS NOT NULL THEN pg_catalog.format('%I.%I', m.nspname, o.relname) END AS owner_name
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = -6
  LEFT JOIN pg_catalog.pg_type y ON y.oid = c.reltype
  LEFT JOIN pg_catalog.pg_depend t
         ON n.nspname ~ '^pg_toast' AND t.classid = 'pg_catalog.pg_class'::regclass
            AND t.objid = coalesce(x.indrelid, c.oid) AND t.objsubid = 0
            AND t.refclassid = 'pg_catalog.pg_class'::regclass AND t.deptype = 'i'
  LEFT JOIN pg_catalog.pg_class o ON o.oid = coalesce(t.refobjid, x.indrelid)
  LEFT JOIN pg_catalog.pg_namespace m ON m.oid = o.relnamespace
 WHERE c.oid = ANY (current_setting('pgrehearse.relations', true)::oid[])
