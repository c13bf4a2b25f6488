#!/bin/sh
# The lag of a standby by positions in the WAL against injected pauses of its replay (0.2 to 10 s), beside
# pg_last_xact_replay_timestamp() and replay_lag in the same run, then while idle. Wanted: within 100 ms, and none when
# idle. BENCH is build/tests/bench_standby_lag; MEGABYTES, the size of the cluster's table.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
bench=${BENCH:-$source/build/tests/bench_standby_lag}
work=$(mktemp -d /var/tmp/pgrehearse-bench.XXXXXX)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
"$bench" "$work" "${MEGABYTES:-100}"
