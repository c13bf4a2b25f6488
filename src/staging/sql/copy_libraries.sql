-- The libraries that functions of this database call, and where the server looks for them.
SELECT DISTINCT p.probin AS library,
       CASE WHEN p.probin LIKE '$libdir/%' THEN l.setting || substr(p.probin, 8)
            WHEN p.probin LIKE '/%' THEN p.probin
            ELSE l.setting || '/' || p.probin END AS path
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_language g ON g.oid = p.prolang AND g.lanname = 'c'
 CROSS JOIN pg_catalog.pg_config l
 WHERE l.name = 'PKGLIBDIR' AND p.probin IS NOT NULL
 ORDER BY 1
