#!/bin/sh
# A whole backfill predicted from at most 10 % of its rows, then run whole with the same setting by the native runner, RUNS
# times before and behind; beside the estimates that others make: from the first 10 %, the last second and the last 10 s at 10 %,
# an exponential mean of the batches, and random batches on a fresh copy. The tables, each with one peculiarity, are those of
# tests/bench/backfill/. The whole crosses shared_buffers, the distance of checkpoints and autovacuum's threshold; the sample does not.
# Noise floor: how far one whole run is from the mean of both.
#   tests/bench/backfill-prediction.sh
#   CASES="age uuid" ROWS=2000000 RESULTS=/var/tmp/x tests/bench/backfill-prediction.sh
. "$(dirname "$0")/cluster.sh"
rows=${ROWS:-1000000}
results=${RESULTS:-$work/results}
whole=${WHOLE:-$source/build/tests/bench_backfill_whole}
mkdir -p "$results"
cat >>"$cluster/data/postgresql.conf" <<CONF
shared_buffers = 32MB
max_wal_size = ${MAX_WAL_SIZE:-256MB}
autovacuum_naptime = 1s
CONF
as_server "$bindir/pg_ctl" -D "$cluster/data" -w -l "$cluster/log" restart >/dev/null

for file in $(grep -l "^-- set: " "$source"/tests/bench/backfill/*.sql); do
    case=$(basename "$file" .sql)
    case " ${CASES:-$case} " in *" $case "*) ;; *) continue ;; esac
    "$bindir/createdb" "$case"
    "$bindir/psql" -q -X -v ON_ERROR_STOP=1 -v rows="$rows" -d "$case" -f "$file"
    "$bindir/psql" -q -X -d "$case" -c 'VACUUM ANALYZE'
    "$whole" "host=$cluster user=postgres" "$case" "$(sed -n 's/^-- set: //p' "$file")" "$(sed -n 's/^-- where: //p' "$file")" \
        "${SECONDS_OF_SWEEP:-60}" "${RUNS:-2}" ${BATCHES:-1000 5000} >"$results/$case.json"
    "$bindir/dropdb" bench
    "$bindir/dropdb" "$case"
    echo "$case: done"
done
python3 "$source/tests/bench/backfill/table.py" "$results"/*.json
