#!/bin/sh
# How far the back-test's predictions are off: 14 statements of 9 classes on 3 shapes of table, predicted from samples of at most
# 1/8 of the pages, then run at full size PASSES times; beside linear and power-law scaling on the same rows, and beside the noise
# floor: how far one run of a statement is from the median of its others; and beside what the repeats alone would make a perfect
# model miss by: the rest is the model's.
#   tests/bench/prediction.sh                 every configuration (minutes each), then the table over all
#   CONFIGS="2" RESULTS=/var/tmp/x tests/bench/prediction.sh    one of them, its report kept; the table over all that RESULTS holds
# Each configuration crosses shared_buffers and maintenance_work_mem between the samples and the full size.
. "$(dirname "$0")/cluster.sh"
passes=${PASSES:-5}
results=${RESULTS:-$work/results}
configs=${CONFIGS:-1 2 3}
mkdir -p "$results" "$work/migrations"

# settings_of CONFIGURATION: rows ×, then settings for the scenario
settings_of() {
    case $1 in
    1) scale=1.3 settings='{shared_buffers: 40MB, maintenance_work_mem: 10MB, max_wal_size: 2GB, autovacuum: off, synchronous_commit: off}' ;;
    2) scale=1.2 settings='{shared_buffers: 56MB, maintenance_work_mem: 14MB, max_wal_size: 256MB, autovacuum: off}' ;;
    3) scale=1.1 settings='{shared_buffers: 32MB, maintenance_work_mem: 8MB, wal_compression: on, max_wal_size: 2GB, autovacuum: off}' ;;
    *) echo "no configuration $1" >&2; exit 64 ;;
    esac
}

make_dump_of() {
    "$bindir/createdb" shapes
    "$bindir/psql" -q -X -v ON_ERROR_STOP=1 -v scale="$scale" -d shapes -f "$source/tests/bench/prediction/tables.sql"
    "$bindir/pg_dump" -Fc -Z1 -f "$work/shapes.dump" shapes
    "$bindir/dropdb" shapes
    chmod 644 "$work/shapes.dump"
}

make_migrations
for config in $configs; do
    settings_of "$config"
    make_dump_of
    cat >"$work/scenario.yaml" <<YAML
name: prediction-$config
backup: {path: shapes.dump, jobs: 2}
staging: {directory: $work/clusters, settings: $settings}
migrations: {path: migrations, framework: sql}
rollback: false
repeat: $passes
YAML
    rm -rf "$results/$config"
    "$program" run "$work/scenario.yaml" --pass scaled --pass quiet --output "$results/$config" --quiet >/dev/null || [ $? = 3 ]
    echo "configuration $config: done"
done
python3 "$source/tests/bench/prediction/table.py" "$results"/*/report.json
