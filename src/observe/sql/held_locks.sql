-- Relation locks that are held, with what is needed to name and fold them. Of the session whose pid is $1; of
-- this session when that is null. OIDs below 16384 are the server's own relations.
-- "made" is true when the relation came into being in this very transaction: the row looked at is one that
-- nothing updates later (a system column's, the index's own, a view's type), and no transaction id that this
-- transaction uses is older than its first.
SELECT l.relation::bigint AS oid,
       l.mode,
       CASE WHEN c.oid IS NOT NULL THEN pg_catalog.format('%I.%I', n.nspname, c.relname) END AS name,
       c.relkind,
       coalesce(t.refobjid, x.indrelid, 0)::bigint AS owner,
       coalesce(c.relpersistence = 't', false) AS temporary,
       coalesce(CASE WHEN pg_catalog.txid_current_if_assigned() IS NOT NULL
                     THEN pg_catalog.age(coalesce(x.xmin, a.xmin, y.xmin)) BETWEEN -1000000 AND 0 END, false) AS made,
       CASE WHEN o.oid IS NOT NULL THEN pg_catalog.format('%I.%I', m.nspname, o.relname) END AS owner_name
  FROM (SELECT DISTINCT relation, mode
          FROM pg_catalog.pg_locks
         WHERE granted AND locktype = 'relation' AND relation >= 16384
           AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
           AND pid = coalesce($1::int, pg_catalog.pg_backend_pid())) l
  LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = -6
  LEFT JOIN pg_catalog.pg_type y ON y.oid = c.reltype
  LEFT JOIN pg_catalog.pg_depend t
         ON n.nspname ~ '^pg_toast' AND t.classid = 'pg_catalog.pg_class'::regclass
            AND t.objid = coalesce(x.indrelid, c.oid) AND t.objsubid = 0
            AND t.refclassid = 'pg_catalog.pg_class'::regclass AND t.deptype = 'i'
  LEFT JOIN pg_catalog.pg_class o ON o.oid = coalesce(t.refobjid, x.indrelid)
  LEFT JOIN pg_catalog.pg_namespace m ON m.oid = o.relnamespace
 WHERE n.nspname IS NULL OR n.nspname NOT IN ('pg_catalog', 'information_schema')
