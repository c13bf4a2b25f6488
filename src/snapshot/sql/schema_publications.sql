-- What publications have since PostgreSQL 15: columns and rows of a table, and whole schemas. Rows as schema_objects.sql has them.
select 'publication ' || quote_ident(p.pubname) || ' of table ' || pr.prrelid::regclass::text as object,
       concat_ws(' ', '(' || (select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
                              from pg_attribute a where a.attrelid = pr.prrelid and a.attnum = any (pr.prattrs)) || ')',
                 'where ' || pg_get_expr(pr.prqual, pr.prrelid)) as definition,
       false as is_column_order, false as is_hidden
from pg_publication p join pg_publication_rel pr on pr.prpubid = p.oid
where pr.prattrs is not null or pr.prqual is not null
union all
select 'publication ' || quote_ident(p.pubname) || ' of schema ' || pn.pnnspid::regnamespace::text, '', false, false
from pg_publication p join pg_publication_namespace pn on pn.pnpubid = p.oid;
