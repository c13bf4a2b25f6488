-- The owner of the database $1, and its settings of all sessions, one a row (NULL: none).
SELECT pg_catalog.pg_get_userbyid(d.datdba), split_part(entry, '=', 1), quote_literal(substr(entry, strpos(entry, '=') + 1))
  FROM pg_catalog.pg_database AS d
  LEFT JOIN pg_catalog.pg_db_role_setting AS r ON r.setdatabase = d.oid AND r.setrole = 0
  LEFT JOIN LATERAL unnest(r.setconfig) AS entry ON true
 WHERE d.datname = $1
