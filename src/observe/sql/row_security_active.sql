-- The relations of $1 (an array of names) for which row-level security is active in this session: the session's role,
-- the difference between the rows that the open transaction has inserted and deleted, the owner, and the condition under which the
-- policies for the command $3 (w: UPDATE, d: DELETE, null: another) let the session change a row of $2.
SELECT DISTINCT pg_catalog.format('%I.%I', n.nspname, c.relname),
       current_user,
       (SELECT coalesce(sum(pg_catalog.pg_stat_get_xact_tuples_inserted(l.oid) - pg_catalog.pg_stat_get_xact_tuples_deleted(l.oid)), 0)
          FROM (SELECT c.oid UNION SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)) AS l (oid)),
       pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(c.relowner)),
       CASE WHEN $3 IN ('w', 'd') AND c.oid = pg_catalog.to_regclass($2) THEN
           (SELECT coalesce('(' || string_agg(q.text, ' OR ') FILTER (WHERE q.polpermissive) || ')', 'false')
                   || coalesce(' AND ' || string_agg(q.text, ' AND ') FILTER (WHERE NOT q.polpermissive), '')
              FROM (SELECT p.polpermissive, '(' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')' AS text
                      FROM pg_catalog.pg_policy p
                     WHERE p.polrelid = c.oid AND p.polqual IS NOT NULL AND p.polcmd::text IN ('*', $3)
                       AND EXISTS (SELECT FROM unnest(p.polroles) AS r (oid)
                                    WHERE r.oid = 0 OR pg_catalog.pg_has_role(r.oid, 'USAGE'))) AS q)
       END
  FROM unnest($1::text[]) AS u (name)
  JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(u.name)
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relrowsecurity AND pg_catalog.row_security_active(c.oid)
