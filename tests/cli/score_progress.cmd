# Production's course of a backfill beside the predicted one: nights from 22 to 6, ten hours of work predicted.
mkdir run
cat >run/report.json <<'JSON'
{"schema_version": 2, "verdict": "pass", "migrations": [], "backfills": [
  {"name": "totals", "rows": 1000000, "level": 0.9, "rate_per_s": 100, "chosen": 0,
   "settings": [{"total_s": {"median": 36000, "low": 28800, "high": 43200}}],
   "strata": [{"rows": 500000, "us_per_row": 10}, {"rows": 500000, "us_per_row": 10}],
   "schedule": {"start": "2026-12-01T22:00:00+01:00", "zone": "Europe/Berlin", "windows": [{"from_minute": 1320, "to_minute": 360}], "days": [], "hours": []},
   "course": [{"at": "2026-12-01T22:00:00+01:00", "rows": {"median": 0, "low": 0, "high": 0}}]}]}
JSON
printf 'time,rows\n2026-12-01T23:00,100000\n2026-12-02T06:00,500000\n2026-12-02T21:00:00Z,500000\n' >progress.csv
try pgrehearse score run --progress progress.csv
try pgrehearse score run --progress totals=progress.csv
try pgrehearse score run --progress other=progress.csv
printf 'time,rows\n2026-12-01T21:00,0\n' >before.csv
try pgrehearse score run --progress before.csv
printf 'time,rows\n2026-12-01T23:00,many\n' >number.csv
try pgrehearse score run --progress number.csv
printf 'time,rows\nyesterday,1\n' >date.csv
try pgrehearse score run --progress date.csv
printf 'when,rows\n' >columns.csv
try pgrehearse score run --progress columns.csv
try pgrehearse score run
