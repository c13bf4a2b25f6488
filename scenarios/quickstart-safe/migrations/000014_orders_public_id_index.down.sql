DROP INDEX CONCURRENTLY orders_public_id_key;
