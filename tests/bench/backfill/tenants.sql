-- A few tenants have most of the rows, and a row trigger that works longer for the large ones.
-- set: total = tenant * 2
-- where: total IS NULL
CREATE TABLE t (key bigint PRIMARY KEY, tenant int, total bigint, hash text);
CREATE FUNCTION work() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN
    FOR i IN 1 .. 200 / NEW.tenant LOOP NEW.hash := md5(NEW.hash); END LOOP;
    RETURN NEW;
END$$;
INSERT INTO t SELECT i, 1 + (99 * power((i::float8 / :rows), 3))::int, NULL, md5(i::text) FROM generate_series(1, :rows) AS i;
CREATE TRIGGER work BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION work();
