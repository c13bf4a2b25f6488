# Sourced by the benchmarks: a stock private cluster (initdb's own settings) in $cluster, and medians.
# PROGRAM is build/pgrehearse; everything is removed at the end.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
program=${PROGRAM:-$source/build/pgrehearse}
bindir=${BINDIR:-$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)}
pairs=${PAIRS:-5}
work=$(mktemp -d "${BENCH_DIRECTORY:-/var/tmp}"/pgrehearse-bench.XXXXXX)
chmod 755 "$work"
cluster=$work/cluster
mkdir "$cluster" "$work/clusters"
chmod 1777 "$work/clusters"

as_server() { # PostgreSQL refuses to run as root
    if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}
[ "$(id -u)" != 0 ] || chown postgres "$cluster"

stop_cluster() {
    as_server "$bindir/pg_ctl" -D "$cluster/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap stop_cluster EXIT
trap 'exit 130' INT TERM

as_server "$bindir/initdb" -D "$cluster/data" -A trust -U postgres -E UTF8 --locale=C >/dev/null
as_server "$bindir/pg_ctl" -D "$cluster/data" -w -l "$cluster/log" -o "-k $cluster -c listen_addresses=''" start >/dev/null
export PGHOST="$cluster" PGUSER=postgres

# The quick start's backup, grown as its scenario grows it, as a custom-format dump.
make_dump() {
    "$bindir/createdb" shop
    "$bindir/pg_restore" -d shop "$source/scenarios/quickstart/backup.dump"
    "$bindir/psql" -q -X -v ON_ERROR_STOP=1 -d shop -f "$source/scenarios/quickstart/grow.sql" >/dev/null
    "$bindir/pg_dump" -Fc -f "$work/grown.dump" shop
    "$bindir/dropdb" shop
    chmod 644 "$work/grown.dump"
}

# The statements of prediction/statements.sql for each of its three tables, a migration each, in $work/migrations.
make_migrations() {
    mkdir -p "$work/migrations"
    number=100
    for table in narrow wide indexed; do
        while IFS= read -r statement; do
            case $statement in --* | '') continue ;; esac
            number=$((number + 1))
            echo "$statement" | sed "s/\\bT\\b/$table/g; s/\\bT_/${table}_/g" >"$work/migrations/${number}_$table.sql"
        done <"$source/tests/bench/prediction/statements.sql"
    done
}

# seconds COMMAND...: wall time of a command.
seconds() {
    python3 - "$@" <<'PYTHON'
import subprocess, sys, time
t = time.monotonic()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(f"{time.monotonic() - t:.3f}")
PYTHON
}

# from_report DIRECTORY EXPRESSION
from_report() {
    python3 -c 'import json, sys; r = json.load(open(sys.argv[1] + "/report.json")); print(f"{eval(sys.argv[2]):.3f}")' "$1" "$2"
}

# summary LABEL_A LABEL_B <pairs: medians, and the ratio pair by pair.
summary() {
    python3 - "$1" "$2" "$work/pairs" <<'PYTHON'
import statistics, sys
pairs = [tuple(map(float, line.split())) for line in open(sys.argv[3])]
for name, column in ((sys.argv[1], 0), (sys.argv[2], 1)):
    values = [p[column] for p in pairs]
    print(f"{name:34} median {statistics.median(values):7.3f} s   min {min(values):7.3f}   max {max(values):7.3f}")
ratios = [a / b for a, b in pairs]
print(f"{'ratio, pair by pair':34} median {statistics.median(ratios):7.3f}     min {min(ratios):7.3f}   max {max(ratios):7.3f}")
print(f"{'difference, pair by pair':34} median {statistics.median(a - b for a, b in pairs):7.3f} s")
PYTHON
}
