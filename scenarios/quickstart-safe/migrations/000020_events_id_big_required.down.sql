SET LOCAL lock_timeout = '1s';
ALTER TABLE events ALTER COLUMN id_big DROP NOT NULL;
ALTER TABLE events ADD CONSTRAINT events_id_big_present CHECK (id_big IS NOT NULL) NOT VALID;
