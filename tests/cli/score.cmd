# A score: matched by id, by number and by full name; what fits nothing is told; wrong files are refused with their line.
mkdir run
cat >run/report.json <<'JSON'
{"schema_version": 2, "verdict": "pass", "migrations": [
  {"id": "000012", "name": "public_id", "statements": [
    {"prediction": {"median_s": 2.0, "low_s": 1.5, "high_s": 2.5, "level": 0.9}},
    {"prediction": {"median_s": 1.0, "low_s": null, "high_s": null, "level": null}}]},
  {"id": "000013", "name": "by_product", "statements": [
    {"prediction": {"median_s": 0.5, "low_s": 0.4, "high_s": 0.6, "level": 0.9}}]}]}
JSON
printf 'statement,migration,seconds\n1,000012,2.4\n2,12,0.8\n,000013_by_product,1.0\n,14,1\n' >actual.csv
try pgrehearse score run --actual actual.csv
try cat run/score.json
printf 'migration,elapsed\n12,1\n' >columns.csv
try pgrehearse score run --actual columns.csv
printf 'migration,seconds\n12,soon\n' >number.csv
try pgrehearse score run --actual number.csv
printf 'migration,seconds\n14,1\n' >nothing.csv
try pgrehearse score run --actual nothing.csv
try pgrehearse score run
try pgrehearse score nowhere --actual actual.csv

# A server log: the session that migrates is the one that did most of it; a file sent at once counts as a whole; a wait for a
# lock is no part of the duration; what the log lacks is told.
cat >run/report.json <<'JSON'
{"schema_version": 2, "verdict": "pass", "migrations": [
  {"id": "000012", "name": "public_id", "statements": [
    {"class": "rewrite", "sql": "ALTER TABLE orders ALTER COLUMN total TYPE numeric(12,2)",
     "prediction": {"median_s": 2.0, "low_s": 1.5, "high_s": 2.5, "level": 0.9}},
    {"class": "data_change", "sql": "UPDATE orders SET note = $1 WHERE id = $2",
     "prediction": {"median_s": 1.0, "low_s": null, "high_s": null, "level": null, "correction": 1.25}},
    {"class": "transaction", "sql": "COMMIT", "prediction": {"median_s": 0.001, "low_s": null, "high_s": null, "level": null}},
    {"class": "catalog", "sql": "ALTER TABLE orders ADD COLUMN x text",
     "prediction": {"median_s": 0.001, "low_s": null, "high_s": null, "level": null}},
    {"class": "index_build", "sql": "CREATE INDEX i ON orders (x)",
     "prediction": {"median_s": 3.0, "low_s": null, "high_s": null, "level": null}}]},
  {"id": "000013", "name": "by_product", "statements": [
    {"class": "catalog", "sql": "ALTER TABLE items ADD COLUMN y text", "prediction": {"median_s": 0.05, "low_s": 0.02, "high_s": 0.06, "level": 0.9}},
    {"class": "index_build", "sql": "CREATE INDEX j ON items (y)", "prediction": {"median_s": 0.5, "low_s": 0.4, "high_s": 0.6, "level": 0.9}}]}]}
JSON
cat >server.log <<'LOG'
2026-11-22 15:42:01.000 UTC [7] LOG:  duration: 0.300 ms  statement: UPDATE orders SET note = 'secret' WHERE id = 5
2026-11-22 15:42:01.000 UTC [12] LOG:  duration: 0.050 ms  statement: BEGIN
2026-11-22 15:42:01.000 UTC [12] LOG:  process 12 acquired AccessExclusiveLock on relation 17 of database 5 after 600.000 ms
2026-11-22 15:42:01.000 UTC [12] LOG:  duration: 3000.000 ms  statement: ALTER TABLE orders ALTER COLUMN total TYPE numeric(12,2) -- a word
2026-11-22 15:42:01.000 UTC [7] LOG:  duration: 0.300 ms  statement: UPDATE orders SET note = 'other' WHERE id = 6
2026-11-22 15:42:01.000 UTC [12] LOG:  duration: 1250.000 ms  statement: UPDATE orders
	SET note = 'new' WHERE id = 77;
2026-11-22 15:42:01.000 UTC [12] LOG:  duration: 1.500 ms  statement: ALTER TABLE orders ADD COLUMN x text
2026-11-22 15:42:02.000 UTC [13] LOG:  duration: 580.000 ms  statement: BEGIN; SET LOCAL lock_timeout = '1s'; ALTER TABLE items ADD COLUMN y text; CREATE INDEX j ON items (y); COMMIT;
LOG
try pgrehearse score run --actual server.log
try grep -c secret run/score.json
try grep -E 'source|class|correction|lock_wait' run/score.json
printf '2026-11-22 15:42:01.000 UTC [7] LOG:  duration: 0.300 ms  statement: SELECT 1\n' >other.log
try pgrehearse score run --actual other.log
printf '2026-11-22 15:42:01.000 UTC [7] LOG:  checkpoint starting: time\n' >silent.log
try pgrehearse score run --actual silent.log
