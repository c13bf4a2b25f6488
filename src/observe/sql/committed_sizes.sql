-- Pages of the relations whose OIDs $1 lists; those that are gone have none.
SELECT o::bigint, pg_catalog.pg_relation_size(o) / current_setting('block_size')::bigint AS pages
  FROM pg_catalog.unnest($1::oid[]) o
