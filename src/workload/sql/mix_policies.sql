-- How many policies may show role $1 rows of table $2, and the settings that those which apply to it read, such as "app.tenant".
SELECT count(DISTINCT p.oid) FILTER (WHERE p.polpermissive),
       string_agg(DISTINCT m.names[1], ',')
  FROM pg_catalog.pg_policy p
  LEFT JOIN LATERAL regexp_matches(pg_catalog.pg_get_expr(p.polqual, p.polrelid),
                                   'current_setting\(''([^'']+)''', 'g') AS m (names) ON true
 WHERE p.polrelid = $2
   AND p.polcmd IN ('r', '*')
   AND EXISTS (SELECT FROM unnest(p.polroles) AS r (oid) WHERE CASE WHEN r.oid = 0 THEN true ELSE pg_catalog.pg_has_role($1, r.oid, 'USAGE') END)
