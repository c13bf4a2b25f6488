ALTER SEQUENCE events_id_seq AS integer;
ALTER TABLE events ALTER COLUMN id TYPE integer;
