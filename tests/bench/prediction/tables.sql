-- Three shapes of table, and a small one that two of them refer to. SCALE (psql variable) multiplies the rows.
-- Values are scattered by multiplication with a prime, so that no column but the key lies in the order of the heap.
CREATE TABLE kinds (id int PRIMARY KEY, label text NOT NULL);
INSERT INTO kinds SELECT g, 'kind ' || g FROM generate_series(0, 19999) AS g;

CREATE TABLE narrow (id int PRIMARY KEY, kind_id int NOT NULL, amount int, ratio float8, at timestamptz NOT NULL);
INSERT INTO narrow
SELECT g, (g * 7919::bigint) % 20000, (g * 104729::bigint) % 1000003, (g * 1299709::bigint) % 99991 / 7.0,
       '2026-01-01'::timestamptz + ((g * 15485863::bigint) % 31536000) * interval '1 second'
  FROM generate_series(1, (400000 * :scale)::int) AS g;

-- Half of the documents are moved out of line (TOAST), uncompressed as random text is.
CREATE TABLE wide (id int PRIMARY KEY, kind_id int NOT NULL, title text NOT NULL, amount int, document text NOT NULL);
ALTER TABLE wide ALTER COLUMN document SET STORAGE EXTERNAL;
INSERT INTO wide
SELECT g, (g * 7919::bigint) % 20000, md5(g::text) || md5((g + 1)::text), (g * 104729::bigint) % 1000003,
       left(repeat(md5(g::text) || md5((-g)::text), 64), CASE WHEN g % 2 = 0 THEN 300 ELSE 3000 END)
  FROM generate_series(1, (40000 * :scale)::int) AS g;

CREATE TABLE indexed (id int PRIMARY KEY, kind_id int NOT NULL, amount int, ratio float8, at timestamptz NOT NULL, code text NOT NULL, note text);
INSERT INTO indexed
SELECT g, (g * 7919::bigint) % 20000, (g * 104729::bigint) % 1000003, (g * 1299709::bigint) % 99991 / 7.0,
       '2026-01-01'::timestamptz + ((g * 15485863::bigint) % 31536000) * interval '1 second',
       md5((g * 104729::bigint)::text), 'row ' || g
  FROM generate_series(1, (150000 * :scale)::int) AS g;
CREATE INDEX indexed_kind ON indexed (kind_id);
CREATE INDEX indexed_amount ON indexed (amount);
CREATE INDEX indexed_at ON indexed (at);
CREATE UNIQUE INDEX indexed_code ON indexed (code);
CREATE INDEX indexed_kind_at ON indexed (kind_id, at);
