-- One statement a line, a migration each, for each table T. What it may change is what the ones after it find.
ALTER TABLE T ADD COLUMN added_fast int DEFAULT 7;
ALTER TABLE T ADD CONSTRAINT T_positive CHECK (amount >= 0);
ALTER TABLE T ALTER COLUMN amount SET NOT NULL;
CREATE INDEX T_by_amount ON T (amount);
CREATE INDEX T_by_kind_amount ON T (kind_id, amount DESC, id);
CREATE INDEX CONCURRENTLY T_concurrent ON T (kind_id, id);
ALTER TABLE T ADD CONSTRAINT T_small CHECK (amount < 2000000) NOT VALID;
ALTER TABLE T VALIDATE CONSTRAINT T_small;
ALTER TABLE T ADD CONSTRAINT T_kind_fkey FOREIGN KEY (kind_id) REFERENCES kinds;
CREATE TABLE T_copy AS SELECT id, kind_id, amount FROM T WHERE amount % 2 = 0;
SELECT kind_id, count(*), max(amount) FROM T GROUP BY kind_id ORDER BY 2 DESC LIMIT 1;
UPDATE T SET added_fast = amount % 100 WHERE kind_id % 4 = 0;
DELETE FROM T WHERE amount % 4 = 1;
REINDEX INDEX T_by_amount;
VACUUM T;
ALTER TABLE T ALTER COLUMN amount TYPE bigint;
ALTER TABLE T ADD COLUMN added_slow uuid DEFAULT gen_random_uuid();
INSERT INTO T_copy SELECT id, kind_id, amount FROM T;
