-- SHOP-437, 4 of 4: NOT NULL, as a primary key needs it. See 000016.
SET LOCAL lock_timeout = '1s';
ALTER TABLE events VALIDATE CONSTRAINT events_id_big_present;
ALTER TABLE events ALTER COLUMN id_big SET NOT NULL;
ALTER TABLE events DROP CONSTRAINT events_id_big_present;
