# The examples of docs/hazards/ are reported, and the safer ways run and are not: see hazard_pages.py. RULE=NAME checks one page.
. "$(dirname "$0")/../fidelity.sh"
start_peer
export PGHOST="$work/peer" PGUSER=postgres PGPORT=5432 PGDATABASE=postgres
createdb shop
psql -X -q -v ON_ERROR_STOP=1 -d shop -f "$source/tests/server/e2e/hazard_pages.sql"
fact 'each example is reported, each safer way runs and is not'
python3 "$source/tests/server/e2e/hazard_pages.py" "$program" "$source/docs/hazards" "$work" || fail "a page is not true"
