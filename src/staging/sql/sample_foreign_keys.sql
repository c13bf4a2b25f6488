-- Each foreign key as the statements that fetch what the sample's rows refer to and the sample lacks.
-- missing_sql runs in the sample, keys_sql and fetch_sql in the whole database, store_sql in the sample again.
WITH keys AS (
    SELECT con.oid, con.conname, con.conrelid, con.confrelid,
           string_agg(format('c.%I', ca.attname), ', ' ORDER BY k.i) AS child_columns,
           string_agg(format('c.%I IS NOT NULL', ca.attname), ' AND ' ORDER BY k.i) AS child_present,
           string_agg(format('p.%I AS k%s', pa.attname, k.i), ', ' ORDER BY k.i) AS key_columns,
           string_agg(format('p.%I OPERATOR(%I.%s) c.%I', pa.attname, pfn.nspname, pf.oprname, ca.attname), ' AND '
                      ORDER BY k.i) AS parent_is_child,
           string_agg(format('p.%I OPERATOR(%I.%s) k.k%s', pa.attname, ppn.nspname, pp.oprname, k.i), ' AND '
                      ORDER BY k.i) AS parent_is_key
      FROM pg_constraint con
     CROSS JOIN LATERAL unnest(con.conkey, con.confkey, con.conpfeqop, con.conppeqop)
                WITH ORDINALITY AS k (child, parent, pf_operator, pp_operator, i)
      JOIN pg_attribute ca ON ca.attrelid = con.conrelid AND ca.attnum = k.child
      JOIN pg_attribute pa ON pa.attrelid = con.confrelid AND pa.attnum = k.parent
      JOIN pg_operator pf ON pf.oid = k.pf_operator
      JOIN pg_namespace pfn ON pfn.oid = pf.oprnamespace
      JOIN pg_operator pp ON pp.oid = k.pp_operator
      JOIN pg_namespace ppn ON ppn.oid = pp.oprnamespace
     WHERE con.contype = 'f' AND con.conparentid = 0
     GROUP BY con.oid, con.conname, con.conrelid, con.confrelid
), relations AS (
    -- A partitioned table means its partitions; any other table means itself and not what inherits from it.
    SELECT c.oid, c.oid::regclass::text AS name, CASE WHEN c.relkind = 'p' THEN '' ELSE 'ONLY ' END AS only,
           coalesce(pg_partition_root(c.oid), c.oid) AS root
      FROM pg_class c
     WHERE c.relkind IN ('r', 'p')
), columns AS (
    SELECT attrelid AS oid, string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS list,
           string_agg(format('p.%I', attname), ', ' ORDER BY attnum) AS parent_list
      FROM pg_attribute
     WHERE attnum > 0 AND NOT attisdropped AND attgenerated = ''
     GROUP BY attrelid
)
SELECT format('%s of %s', quote_ident(keys.conname), child.name) AS name,
       child.root AS child_root,
       parent.root AS parent_root,
       format('COPY (SELECT DISTINCT %s FROM %s%s c WHERE %s AND NOT EXISTS (SELECT FROM %s%s p WHERE %s)) TO STDOUT',
              child_columns, child.only, child.name, child_present, parent.only, parent.name, parent_is_child) AS missing_sql,
       format('CREATE TEMPORARY TABLE pgrehearse_keys AS SELECT %s FROM %s p WITH NO DATA', key_columns, parent.name)
           AS keys_sql,
       format('COPY (SELECT %s FROM %s%s p JOIN pg_temp.pgrehearse_keys k ON %s) TO STDOUT', parent_list, parent.only,
              parent.name, parent_is_key) AS fetch_sql,
       format('COPY %s (%s) FROM STDIN', parent.name, list) AS store_sql
  FROM keys
  JOIN relations child ON child.oid = keys.conrelid
  JOIN relations parent ON parent.oid = keys.confrelid
  JOIN columns ON columns.oid = parent.oid
 ORDER BY keys.oid
