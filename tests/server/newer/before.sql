-- What newer_syntax.sql needs, run before it: all of it is syntax that PostgreSQL 15 knows.
CREATE EXTENSION btree_gist;
CREATE TABLE item (id int PRIMARY KEY, note text, amount numeric, doc jsonb, valid_at daterange);
INSERT INTO item SELECT g, '{"a": 1}', g, '{"a": 1}', daterange('2026-01-01', '2026-02-01') FROM generate_series(1, 20000) g;
CREATE TABLE change (id int PRIMARY KEY, note text);
INSERT INTO change SELECT g, '{"b": 2}' FROM generate_series(1, 100) g;
CREATE TABLE child (id int PRIMARY KEY, item int);
INSERT INTO child SELECT g, g FROM generate_series(1, 10000) g;
CREATE TABLE made (id int, amount numeric, twice numeric GENERATED ALWAYS AS (amount * 2) STORED);
INSERT INTO made SELECT g, g FROM generate_series(1, 20000) g;
CREATE TABLE shift (room int NOT NULL, at daterange NOT NULL);
CREATE DOMAIN label AS text;
