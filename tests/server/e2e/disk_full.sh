#!/bin/sh
# A disk that runs full in the restore, in a migration, and when the report is written: exit 5, said plainly, nothing left.
# Each in a mount namespace of its own, so that the small disk goes with it. An ordinary user is root in one, to mount, and
# within it himself again: PostgreSQL refuses a root of any kind.
if [ -z "${RH_TEST_DISK_MB:-}" ]; then
    outer=-m inner=
    [ "$(id -u)" = 0 ] || { outer=-rm inner="unshare --map-user=$(id -u) --map-group=$(id -g)"; }
    unshare $outer $inner true 2>/dev/null || { echo "skipped: no mount namespace can be made here"; exit 77; }
    RH_TEST_DIRECTORY=$(mktemp -d /var/tmp/pgrehearse-test.XXXXXX)
    export RH_TEST_DIRECTORY
    trap 'rm -rf "$RH_TEST_DIRECTORY"' EXIT
    trap 'exit 130' INT TERM
    mkdir "$RH_TEST_DIRECTORY/clusters" "$RH_TEST_DIRECTORY/run"
    for case in 60:clusters 420:clusters 1:run; do
        RH_TEST_DISK_MB=${case%:*} RH_TEST_DISK=${case#*:} unshare $outer sh -c '
            mount -t tmpfs -o size="$RH_TEST_DISK_MB"m,mode=1777 tmpfs "$RH_TEST_DIRECTORY/$RH_TEST_DISK" ||
                { echo "skipped: no tmpfs can be mounted here"; exit 77; }
            exec "$@"' sh $inner sh "$0" "$@" || exit
    done
    exit 0
fi
. "$(dirname "$0")/lib.sh"

if [ "$RH_TEST_DISK_MB" = 60 ]; then
    fact 'in the restore or before it'
    scenario
    rehearse 5
    report "r['verdict'] == 'error'"
elif [ "$RH_TEST_DISK_MB" = 1 ]; then
    fact 'when the report is written: no page says that the run passed'
    scenario
    output=$work/run/full
    mkdir "$output"
    status=0
    dd if=/dev/zero of="$work/run/filler" bs=1000 count=990 2>/dev/null
    "$program" run "$work/scenario.yaml" --output "$output" >"$work/out" 2>"$work/err" </dev/null || status=$?
    [ "$status" = 5 ] || fail "exit $status, expected 5"
    [ -f "$output/INCOMPLETE" ] || fail "INCOMPLETE is missing"
    ! grep -qsE '"verdict": *"pass"' "$output/report.json" || fail "report.json says pass"
else
    fact 'in a migration'
    migration 000012_large.up.sql "CREATE TABLE large AS SELECT n, repeat('x', 1000) AS filler FROM generate_series(1, 2000000) n;"
    scenario 'migrations: {path: migrations}'
    rehearse 5 --pass quiet
    report "r['verdict'] == 'error' and r['migrations'][1]['outcome'] == 'failed'"
fi
says "$work/err" 'No space left|disk|full|space'
nothing_left
