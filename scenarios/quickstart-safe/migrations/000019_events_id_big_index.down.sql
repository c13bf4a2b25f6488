DROP INDEX CONCURRENTLY events_id_big_key;
