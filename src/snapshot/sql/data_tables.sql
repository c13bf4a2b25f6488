-- Every user table whose rows can be compared, a row a column in the table's order: its qualified name, whether it is
-- partitioned (then its partitions are read through it), its bytes with TOAST, whether one of the relations that the setting
-- pgrehearse.affected lists is it or a part of it, and the column (null for a table without any).
-- The table that pgrehearse.history names is the framework's bookkeeping and left out, and so is the schema that
-- pgrehearse.history_registry names, and what an extension owns.
with recursive part (root, oid) as (
    select oid, oid from pg_class where relkind in ('r', 'p') and not relispartition
    union all
    select part.root, i.inhrelid
    from part join pg_inherits i on i.inhparent = part.oid join pg_class c on c.oid = i.inhrelid and c.relispartition
),
tree as (
    select part.root, sum(case when c.relkind = 'r' then pg_table_size(c.oid) else 0 end) as bytes,
           bool_or(exists (select from unnest(coalesce(nullif(current_setting('pgrehearse.affected', true), ''), '{}')::text[]) a (name)
                            where a.name in (format('%I.%I', n.nspname, c.relname), quote_ident(c.relname), c.relname))) as affected
    from part join pg_class c on c.oid = part.oid join pg_namespace n on n.oid = c.relnamespace
    group by part.root
)
select format('%I.%I', n.nspname, c.relname) collate "C" as name, c.relkind = 'p' as partitioned, t.bytes, t.affected,
       quote_ident(a.attname) as column_name
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join tree t on t.root = c.oid
left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and coalesce(current_setting('pgrehearse.history', true), '') not in (c.relname, quote_ident(c.relname))
  and c.oid is distinct from to_regclass(nullif(current_setting('pgrehearse.history', true), ''))
  and coalesce(current_setting('pgrehearse.history_registry', true), '') <> n.nspname
  and not exists (select from pg_depend d
                  where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by name, a.attnum;
