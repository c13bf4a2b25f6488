# A run directory that was moved: the summary names the report where it is now.
mkdir moved
cp "$(dirname "$script")/../unit/report/v1/failed.json" moved/report.json
try sh -c 'pgrehearse report moved | grep "^Report:"'
