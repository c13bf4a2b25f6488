-- Statements of PostgreSQL 16 to 18. The line before each names the version, and the class of what it does (of a query and of a DO block,
-- that of its text). The texts "confidential", 987_654 and 0xBADCAFE are data that no report may show.
-- 16 data_change
UPDATE item SET amount = 987_654 WHERE id <= 1_000;
-- 16 query
SELECT 0xBADCAFE, 0o7_654, 0b1010_1010, 1_5e1_0, .5_5;
-- 16 data_change
INSERT INTO item (id, note, amount, doc) VALUES (0x1_0000, '{}', 1_234.567_8, '{"a": "confidential; 1"}');
-- 16 query
SELECT JSON_ARRAY('confidential', 1, NULL NULL ON NULL);
-- 16 query
SELECT JSON_OBJECT('confidential' VALUE 1, 'b' : 2 ABSENT ON NULL WITH UNIQUE KEYS);
-- 16 query
SELECT JSON_ARRAYAGG(note ORDER BY id RETURNING jsonb) FROM change;
-- 16 query
SELECT JSON_OBJECTAGG(id : note) FROM change;
-- 16 query
SELECT count(*) FROM change WHERE note IS JSON OBJECT WITH UNIQUE KEYS;
-- 16 heap_scan
ALTER TABLE item ADD CONSTRAINT note_is_json CHECK (note IS JSON);
-- 16 catalog
CREATE TABLE kept (a text STORAGE EXTERNAL, b text STORAGE DEFAULT);
-- 16 catalog
ALTER TABLE item ALTER COLUMN note SET STORAGE DEFAULT;
-- 16 catalog
CREATE STATISTICS ON id, amount FROM item;
-- 16 query
SELECT * FROM (SELECT id FROM change LIMIT 1_0);
-- 16 catalog
CREATE FUNCTION newer_body() RETURNS int BEGIN ATOMIC SELECT 1_000; SELECT CASE WHEN 0x1F > 1 THEN 'confidential'::text END; SELECT 0b1; END;
-- 16 procedure
DO $$ BEGIN PERFORM 1_000; PERFORM 'confidential'; END $$;
-- 16 index_build
REINDEX DATABASE;
-- 16 query
SELECT system_user, 1 /* a comment; with 'a quote */;
-- 17 data_change
MERGE INTO item i USING change c ON i.id = c.id
    WHEN MATCHED THEN UPDATE SET note = c.note
    WHEN NOT MATCHED BY SOURCE AND i.id < 0 THEN DELETE
    WHEN NOT MATCHED BY TARGET THEN INSERT (id, note) VALUES (c.id, 'confidential') RETURNING merge_action(), i.id;
-- 17 data_change
MERGE INTO change c USING (VALUES (1, '{"confidential": 1}')) v (id, note) ON v.id = c.id WHEN MATCHED THEN UPDATE SET note = v.note RETURNING c.*;
-- 17 data_change
WITH merged AS (MERGE INTO change c USING item i ON i.id = c.id WHEN MATCHED AND c.id = 3 THEN DELETE RETURNING c.id) SELECT count(*) FROM merged;
-- 17 query
SELECT * FROM JSON_TABLE('[{"a": "confidential"}]'::jsonb, '$[*]' COLUMNS (n FOR ORDINALITY, a text PATH '$.a' DEFAULT 'confidential' ON EMPTY)) AS t;
-- 17 query
SELECT JSON_QUERY(doc, '$.a' WITH WRAPPER KEEP QUOTES) FROM item LIMIT 1;
-- 17 query
SELECT JSON_VALUE(doc, '$.c' RETURNING text DEFAULT 'confidential' ON EMPTY) FROM item LIMIT 1;
-- 17 query
SELECT JSON_EXISTS(doc, '$.a' ERROR ON ERROR) FROM item LIMIT 1;
-- 17 query
SELECT JSON_SCALAR(987_654), JSON('{"confidential": 1}' WITH UNIQUE KEYS), JSON_SERIALIZE('{"a": 1}' RETURNING bytea);
-- 17 rewrite
ALTER TABLE made ALTER COLUMN twice SET EXPRESSION AS (amount * 987_654);
-- 17 catalog
ALTER TABLE item ALTER COLUMN amount SET STATISTICS DEFAULT;
-- 17 catalog
ALTER TABLE item SET ACCESS METHOD DEFAULT;
-- 17 query
SELECT now() AT LOCAL;
-- 17 catalog
ALTER DOMAIN label ADD CONSTRAINT label_there NOT NULL;
-- 17 catalog
GRANT MAINTAIN ON item TO PUBLIC;
-- 18 catalog
ALTER TABLE item ADD CONSTRAINT doc_there NOT NULL doc NOT VALID;
-- 18 validation
ALTER TABLE item VALIDATE CONSTRAINT doc_there;
-- 18 catalog
ALTER TABLE item ALTER CONSTRAINT doc_there NO INHERIT;
-- 18 catalog
ALTER TABLE item ADD NOT NULL amount NOT VALID;
-- 18 catalog
ALTER TABLE item ADD CONSTRAINT positive CHECK (amount > -987_654) NOT ENFORCED;
-- 18 catalog
ALTER TABLE child ADD CONSTRAINT child_item FOREIGN KEY (item) REFERENCES item NOT ENFORCED;
-- 18 heap_scan
ALTER TABLE child ALTER CONSTRAINT child_item ENFORCED;
-- 18 catalog
ALTER TABLE item ADD COLUMN doubled numeric GENERATED ALWAYS AS (amount * 2_0) VIRTUAL;
-- 18 catalog
ALTER TABLE item ADD COLUMN tripled numeric GENERATED ALWAYS AS (amount * 3);
-- 18 catalog
CREATE TABLE booking (room int, at daterange, PRIMARY KEY (room, at WITHOUT OVERLAPS));
-- 18 catalog
CREATE TABLE guest (room int, at daterange, FOREIGN KEY (room, PERIOD at) REFERENCES booking (room, PERIOD at));
-- 18 index_build
ALTER TABLE shift ADD CONSTRAINT shift_once UNIQUE (room, at WITHOUT OVERLAPS);
-- 18 data_change
UPDATE item SET amount = amount + 1_0 WHERE id = 2 RETURNING old.amount, new.amount;
-- 18 data_change
DELETE FROM item WHERE id = 20_000 RETURNING WITH (OLD AS o, NEW AS n) o.id, n.id;
-- 18 data_change
INSERT INTO change VALUES (5, '{"confidential": 2}') ON CONFLICT (id) DO UPDATE SET note = excluded.note RETURNING WITH (OLD AS before) before.note, note;
-- 18 query
SELECT uuidv7(INTERVAL '-1 day'), uuid_extract_timestamp(uuidv7()) > TIMESTAMP '2026-01-01 00:00', 987_654;
-- 18 maintenance
ANALYZE ONLY item;
-- 18 maintenance
VACUUM ONLY change;
-- 18 catalog
CREATE TABLE limited (id int CONSTRAINT id_there NOT NULL NO INHERIT, amount int CHECK (amount < 987_654) NOT ENFORCED);
