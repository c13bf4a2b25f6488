try pgrehearse
try pgrehearse paln scenario.yaml
try pgrehearse frobnicate
try pgrehearse run
try pgrehearse run a b
try pgrehearse compare a
try pgrehearse run a --outptu x
try pgrehearse run a --format json
try pgrehearse --output x run a
try pgrehearse run a --output
try pgrehearse run a --output=
try pgrehearse run a --pass quite
try pgrehearse run a --quiet=no
try pgrehearse run a -x
try pgrehearse plan a --format html
try pgrehearse profile --sql --url postgresql://nobody
try pgrehearse profile --watch 10
try pgrehearse profile --probe cpu,disk
try pgrehearse profile --probe cpu --no-probe
try pgrehearse profile --url "host=/nonexistent dbname=x" --output facts.json
try pgrehearse score run --actual times.csv
try pgrehearse completion tcsh
try pgrehearse report nowhere
echo '{"verdict": "pass"' >report.json
try pgrehearse report .
echo '{}' >report.json
try pgrehearse report report.json
try pgrehearse compare . nowhere
