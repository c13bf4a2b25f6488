#!/bin/sh
# A staging disk that runs full in the restore, and in a migration: exit 5, said plainly, nothing left.
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
    mkdir "$RH_TEST_DIRECTORY/clusters"
    for megabytes in 60 420; do
        RH_TEST_DISK_MB=$megabytes unshare $outer sh -c '
            mount -t tmpfs -o size="$RH_TEST_DISK_MB"m,mode=1777 tmpfs "$RH_TEST_DIRECTORY/clusters" ||
                { echo "skipped: no tmpfs can be mounted here"; exit 77; }
            exec "$@"' sh $inner sh "$0" "$@" || exit
    done
    exit 0
fi
. "$(dirname "$0")/lib.sh"

if [ "$RH_TEST_DISK_MB" = 60 ]; then
    echo "-- in the restore or before it"
    scenario
    rehearse 5
    report "r['verdict'] == 'error'"
else
    echo "-- in a migration"
    migration 000012_large.up.sql "CREATE TABLE large AS SELECT n, repeat('x', 1000) AS filler FROM generate_series(1, 2000000) n;"
    scenario 'migrations: {path: migrations}'
    rehearse 5 --pass quiet
    report "r['verdict'] == 'error' and r['migrations'][1]['outcome'] == 'failed'"
fi
says "$work/err" 'No space left|disk|full|space'
nothing_left
