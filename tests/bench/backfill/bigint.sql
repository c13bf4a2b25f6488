-- int becomes bigint: a trigger keeps both columns alike.
-- set: new_id = id
-- where: new_id IS NULL
CREATE TABLE t (key bigint PRIMARY KEY, id int NOT NULL, new_id bigint, note text);
INSERT INTO t SELECT i, i, NULL, repeat('x', 80) FROM generate_series(1, :rows) AS i;
CREATE UNIQUE INDEX ON t (new_id);
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.new_id := NEW.id; RETURN NEW; END$$;
CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION keep();
