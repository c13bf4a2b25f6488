#!/bin/sh
# The load generator beside pgbench (-M prepared -R) and sysbench: the same transactions at the same rates through the same socket,
# interleaved. Wanted: client CPU per transaction at most pgbench's (20 µs from 5,000/s on), mean pacing lag at most 0.05 ms, and
# the p99 through a 3-second ACCESS EXCLUSIVE stall within 5 % of what the arrival schedule says.
# WORKS="select tpcb" RATES="1000 5000 10000" SECONDS_EACH=8 PAIRS=1 STALL=1
# Needs sysbench (Debian package; without it the other two are compared).
. "$(dirname "$0")/cluster.sh"
export play=${PLAY:-$source/build/tests/bench_generator_play} bindir work scale="${SCALE:-10}"
export works="${WORKS-select tpcb}" rates="${RATES:-1000 5000 10000}" each="${SECONDS_EACH:-8}" pairs stall="${STALL:-1}"
export lua="$source/tests/bench/generator_sysbench.lua" connections="${CONNECTIONS:-20}"
[ -x "$play" ] || { echo "build the tests (-DBUILD_TESTING=ON), or set PLAY" >&2; exit 77; }
"$bindir/psql" -q -X -d postgres -c "ALTER SYSTEM SET synchronous_commit = off" -c "ALTER SYSTEM SET max_wal_size = '4GB'" \
    -c "ALTER SYSTEM SET shared_buffers = '512MB'" -c "ALTER SYSTEM SET autovacuum = off"
as_server "$bindir/pg_ctl" -D "$cluster/data" -w -m fast -l "$cluster/log" -o "-k $cluster -c listen_addresses=''" restart >/dev/null
"$bindir/createdb" bench
"$bindir/pgbench" -q -i -s "$scale" bench >/dev/null 2>&1
cat >"$work/select.sql" <<'SQL'
\set aid random(1, 100000 * :scale)
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
SQL
cat >"$work/tpcb.sql" <<'SQL'
\set aid random(1, 100000 * :scale)
\set bid random(1, 1 * :scale)
\set tid random(1, 10 * :scale)
\set delta random(-5000, 5000)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid;
UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (:tid, :bid, :aid, :delta, CURRENT_TIMESTAMP);
END;
SQL
python3 "$source/tests/bench/generator.py"
