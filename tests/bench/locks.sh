#!/bin/sh
# The lock sampler against injected waits whose truth is known (recall, wrong blockers, error of the length), and its cost beside
# pg_wait_sampling's collector and pg_activity in the same run (Debian: postgresql-15-pg-wait-sampling, pg-activity; left out,
# with a line, where they are missing). Wanted: every wait of 20 ms and at least 95 % of those of 5 ms seen, no wrong
# blocker, length within 2 ms, at most 1 % of a core at 50 Hz with 50 backends. BENCH is build/tests/bench_locks.
. "$(dirname "$0")/cluster.sh"
bench=${BENCH:-$source/build/tests/bench_locks}
if [ -e "$bindir/../lib/pg_wait_sampling.so" ]; then
    printf "shared_preload_libraries = 'pg_wait_sampling'\npg_wait_sampling.history_size = 400000\n" >>"$cluster/data/postgresql.conf"
    as_server "$bindir/pg_ctl" -D "$cluster/data" -w -m fast -l "$cluster/log" -o "-k $cluster -c listen_addresses=''" restart >/dev/null
    "$bindir/psql" -q -X -d template1 -c 'CREATE EXTENSION pg_wait_sampling'
else
    echo "pg_wait_sampling is not installed: left out"
fi
"$bindir/createdb" shop
activity=
if command -v pg_activity >/dev/null && command -v script >/dev/null; then
    # it wants a terminal
    TERM=xterm script -qfc "stty rows 60 columns 200; exec pg_activity --no-db-size -h $cluster -U postgres -d shop" "$work/activity" >/dev/null 2>&1 </dev/null &
    sleep 3
    activity=$(pgrep -f "pg_activity --no-db-size -h $cluster" | tail -1 || true)
fi
[ -n "$activity" ] || echo "pg_activity is not installed, or would not start: left out"
"$bench" "host=$cluster user=postgres dbname=shop" ${activity:+"$activity"}
[ -z "$activity" ] || kill "$activity" 2>/dev/null || true
