-- SHOP-437, 1 of 4: events.id passes two thousand million this winter. A bigint beside it, which the trigger keeps equal from now on.
-- The swap of the two columns, a moment's work, comes with the next release, once nothing reads the old one (see README.md).
SET LOCAL lock_timeout = '1s';
ALTER TABLE events
    ADD COLUMN id_big bigint,
    ADD CONSTRAINT events_id_big_present CHECK (id_big IS NOT NULL) NOT VALID;

CREATE FUNCTION events_fill_id_big() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.id_big := NEW.id;
    RETURN NEW;
END
$$;
CREATE TRIGGER events_fill_id_big BEFORE INSERT OR UPDATE ON events FOR EACH ROW EXECUTE FUNCTION events_fill_id_big();
