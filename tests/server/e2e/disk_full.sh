#!/bin/sh
# A staging disk that runs full in the restore, and in a migration: exit 5, said plainly, nothing left.
# In a mount namespace of its own, so that the small disk goes with the test.
if [ "${IN_NAMESPACE:-}" != 1 ]; then
    if [ "$(id -u)" = 0 ]; then flags=-m; else flags=-rm; fi
    unshare $flags true 2>/dev/null || { echo "skipped: no mount namespace can be made here"; exit 77; }
    IN_NAMESPACE=1 exec unshare $flags sh "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
mount -t tmpfs -o size=${size:-60m},mode=1777 tmpfs "$work/clusters" || skip "no tmpfs can be mounted here"

echo "-- in the restore or before it"
scenario
rehearse 5
says "$work/err" 'No space left|disk|full|space'
report "r['verdict'] == 'error'"
nothing_left

echo "-- in a migration"
umount "$work/clusters"
mount -t tmpfs -o size=420m,mode=1777 tmpfs "$work/clusters"
migration 000012_large.up.sql "CREATE TABLE large AS SELECT n, repeat('x', 1000) AS filler FROM generate_series(1, 2000000) n;"
scenario 'migrations: {path: migrations}'
rehearse 5 --pass quiet
says "$work/err" 'No space left|disk|full|space'
report "r['verdict'] == 'error' and r['migrations'][1]['outcome'] == 'failed'"
nothing_left
umount "$work/clusters"
