# A score: matched by id, by number and by full name; what fits nothing is told; wrong files are refused with their line.
mkdir run
cat >run/report.json <<'JSON'
{"verdict": "pass", "migrations": [
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
