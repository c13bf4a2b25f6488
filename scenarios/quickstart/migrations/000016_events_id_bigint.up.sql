-- SHOP-437: events.id passes two thousand million this winter.
ALTER TABLE events ALTER COLUMN id TYPE bigint;
ALTER SEQUENCE events_id_seq AS bigint;
