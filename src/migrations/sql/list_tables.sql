-- Ordinary and partitioned tables outside of the system's schemas that belong to no extension, a row a column (one with null
-- for a table without any), in the order of the columns.
select n.nspname, c.relname, a.attname
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (select from pg_depend d
                  where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by 1, 2, a.attnum;
