-- Indexes that a CREATE INDEX or REINDEX CONCURRENTLY left half-built: kept up by every write, used by no query.
-- A partitioned index is invalid until every partition has its own, so those do not count.
select format('%I.%I', n.nspname, c.relname) collate "C" as name
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid and c.relkind = 'i'
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where not i.indisvalid and n.nspname !~ '^pg_(?!toast)'
order by name;
