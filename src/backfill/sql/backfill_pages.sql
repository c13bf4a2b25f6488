-- The heap of $1 and its indexes, those of its partitions too: what a checkpoint cycle and a vacuum go through.
-- $2: the first column of the key. A row a relation: index or heap, pages, whether it begins with that column, and
-- how well the physical order of the table's rows follows its first column (NULL: not analyzed, an expression).
WITH tables AS (
    SELECT relid FROM pg_catalog.pg_partition_tree($1::regclass) UNION SELECT $1::regclass
), relations AS (
    SELECT false AS index, c.oid, c.relname, c.relnamespace, c.oid AS relation,
           (SELECT a.attname FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND pg_catalog.quote_ident(a.attname) = $2)
    FROM pg_catalog.pg_class c JOIN tables ON tables.relid = c.oid WHERE c.relkind = 'r'
    UNION ALL
    SELECT true, c.oid, c.relname, c.relnamespace, i.indexrelid,
           (SELECT a.attname FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = i.indkey[0])
    FROM pg_catalog.pg_index i JOIN tables ON tables.relid = i.indrelid JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
    WHERE c.relkind = 'r'
)
SELECT r.index, pg_catalog.pg_relation_size(r.relation) / pg_catalog.current_setting('block_size')::int,
       coalesce(pg_catalog.quote_ident(r.attname) = $2, false), s.correlation
FROM relations r
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
LEFT JOIN pg_catalog.pg_stats s ON s.schemaname = n.nspname AND s.tablename = r.relname AND s.attname = r.attname AND NOT s.inherited
