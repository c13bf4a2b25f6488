SET LOCAL lock_timeout = '1s';
DROP TRIGGER events_fill_id_big ON events;
DROP FUNCTION events_fill_id_big();
ALTER TABLE events DROP COLUMN id_big;
