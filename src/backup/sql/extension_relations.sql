-- How many relations belong to each extension, those of composite types among them.
SELECT e.extname, count(*)
FROM pg_catalog.pg_extension AS e
JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid
JOIN pg_catalog.pg_class AS c ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                              OR d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = c.reltype
WHERE d.deptype = 'e' AND c.relkind IN ('r', 'S', 'v', 'c', 'm', 'f', 'p')
GROUP BY 1
