-- SHOP-437, 3 of 4: the index of the primary key to be.
CREATE UNIQUE INDEX CONCURRENTLY events_id_big_key ON events (id_big);
