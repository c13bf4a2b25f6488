-- What depends on what: the schema that the statements of dependents.txt work on.
SET check_function_bodies = off;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE unused AS ENUM ('a');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN small AS positive CHECK (VALUE < 100);
CREATE SCHEMA audit;
CREATE SCHEMA empty;
CREATE TABLE audit.log (id int);

CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE FUNCTION free(int) RETURNS int LANGUAGE sql AS 'SELECT $1 FROM customers';
CREATE FUNCTION checked(int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 0';
CREATE FUNCTION allowed(int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 0';
CREATE FUNCTION seen(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION indexed(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION many(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION many(text) RETURNS int LANGUAGE sql AS 'SELECT 1';

CREATE TABLE customers (id int PRIMARY KEY, code text UNIQUE, name text, age positive, feeling mood, spare int);
CREATE TABLE orders (id serial PRIMARY KEY, customer_id int REFERENCES customers, code text REFERENCES customers (code),
    qty int, price int, total int GENERATED ALWAYS AS (qty * price) STORED, double_qty int DEFAULT twice(1), note text, seen_at int,
    state int CHECK (checked(state)), spare int);
CREATE TABLE lines (id int PRIMARY KEY, parent int REFERENCES lines, n int, m int, flag int);
CREATE TABLE alone (id int PRIMARY KEY, a int, b int, c varchar(10));
CREATE TABLE rows_of (id int, whole alone);
CREATE TABLE ruled (id int, k int, extra int);
CREATE TABLE target (id int, k int, other int);
CREATE TABLE shared_ids (id int PRIMARY KEY);
CREATE TABLE borrowing (id int DEFAULT nextval('orders_id_seq'));
CREATE TABLE base (id int);
CREATE TABLE child () INHERITS (base);
CREATE TABLE parted (id int, k int) PARTITION BY RANGE (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE SEQUENCE numbers;
CREATE TABLE numbered (id int DEFAULT nextval('numbers'), it int GENERATED ALWAYS AS IDENTITY);
CREATE SEQUENCE unowned;
CREATE TABLE policed (id int, owner int, open bool);
CREATE TABLE members (id int, org int);
CREATE TABLE atomic_read (id int, v int, w int);
CREATE TABLE returned (id int);

CREATE INDEX lines_n ON lines (n, m);
CREATE UNIQUE INDEX alone_a ON alone (a);
CREATE INDEX alone_b ON alone (indexed(b));
CREATE TABLE to_alone (a int REFERENCES alone (a));

CREATE VIEW names AS SELECT id, name, feeling FROM customers;
CREATE VIEW names_of_names AS SELECT name FROM names;
CREATE MATERIALIZED VIEW counts AS SELECT seen(flag) AS s, count(*) FROM lines GROUP BY 1;
CREATE VIEW alone_view AS SELECT 1 AS one;
CREATE VIEW casts AS SELECT 'sad'::mood AS m;
CREATE TRIGGER on_note BEFORE UPDATE OF note ON orders FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER when_seen BEFORE UPDATE ON orders FOR EACH ROW WHEN (OLD.seen_at IS DISTINCT FROM NEW.seen_at) EXECUTE FUNCTION touch();
CREATE POLICY own ON policed USING (owner = 1 AND allowed(id));
CREATE POLICY org ON policed USING (id IN (SELECT org FROM members));
CREATE RULE copy AS ON INSERT TO ruled WHERE NEW.extra > 0 DO ALSO INSERT INTO target (id, k) VALUES (NEW.id, NEW.k);
CREATE FUNCTION atomic_sum() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum(v) FROM atomic_read; END;
CREATE FUNCTION all_returned() RETURNS SETOF returned LANGUAGE sql AS 'SELECT * FROM returned';
CREATE STATISTICS lines_nm (dependencies) ON n, m FROM lines;

-- What only looks as if.
CREATE FUNCTION length(audit.log) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE VIEW lengths AS SELECT length(name) AS l FROM customers;
CREATE TABLE audit.customers (id int, name text);
CREATE TABLE audit.alone (id int, b int);
CREATE VIEW audit.alone_rows AS SELECT b FROM audit.alone;
CREATE TYPE audit.unused AS ENUM ('b');
CREATE TABLE audit.typed (v audit.unused);
CREATE TABLE moods (all_of mood[]);
CREATE TYPE sole AS ENUM ('x');
CREATE TABLE sole_user (v sole[]);
CREATE TABLE refers_parted (k int);
CREATE TABLE keyed (id int, k int, PRIMARY KEY (id, k)) PARTITION BY RANGE (k);
CREATE TABLE keyed_1 PARTITION OF keyed FOR VALUES FROM (0) TO (10);
CREATE TABLE refers_keyed (id int, k int, FOREIGN KEY (id, k) REFERENCES keyed (id, k));
CREATE TABLE part_refers (id int, c int REFERENCES shared_ids) PARTITION BY RANGE (id);
CREATE TABLE part_refers_1 PARTITION OF part_refers FOR VALUES FROM (0) TO (10);
CREATE TABLE joined_a (id int, x int, y int);
CREATE TABLE joined_b (id int, x int, z int);
CREATE VIEW joined AS SELECT a.x, b.z FROM joined_a a JOIN joined_b b USING (id);
CREATE VIEW starred AS SELECT * FROM keyed;
CREATE FUNCTION spoken() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM y FROM joined_a; END';
