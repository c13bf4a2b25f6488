#!/bin/sh
# Resets on file systems with reflinks, each on a loop device: the bytes, what they cost, and the passes of a rehearsal. Root only.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip 'loop devices need root'
. "$(dirname "$0")/../loop.sh"
tests=$(dirname "$program")/tests
migration 000012_update.up.sql "UPDATE orders SET note = 'x' WHERE id % 10 = 0;"

# on FS: the same on that file system.
on() {
    loop "$1"
    PGREHEARSE_TEST_DIRECTORY=$work/$1 "$tests/unit_adapters_test_blocks" >"$work/out" 2>&1 || fail "blocks on $1"
    says "$work/out" 'PASSED  . 6 test'
    PGREHEARSE_TEST_DIRECTORY=$work/$1 "$tests/server_staging_test_reset" >"$work/out" 2>&1 || fail "resets on $1"
    clusters=$work/$1/clusters repeat=2
    scenario "migrations: {path: $work/migrations}"
    rehearse 0 --pass quiet
    report "r['staging']['reset_method'] == 'reflink'"
}

fact 'XFS: resets bring every byte back, and copy what was written'
on xfs
fact 'XFS: the report says what the timed passes have of copy-on-write'
report "r['staging']['copy_on_write'] == 'unshared' and not any('copy-on-write' in n['text'] for n in r['not_measured'])"
says "$work/err" '^warm-up: done'
fact 'XFS: without the untimed pass the report says so'
rehearse 0 --pass quiet --set staging.warm_up=false
report "r['staging']['copy_on_write'] == 'first_pass'"
! grep -q warm-up "$work/err" || fail 'it ran'
fact 'XFS: what fails in the untimed pass is reported by the timed one'
migration 000012_update.up.sql "SELECT 1/0;"
rehearse 2 --pass quiet
says "$work/err" '^warm-up: done'
report "r['failed_stage'] == 'quiet passes'"
migration 000012_update.up.sql "UPDATE orders SET note = 'x' WHERE id % 10 = 0;"
fact 'btrfs: resets bring every byte back, and copy what was written'
on btrfs
fact 'btrfs: the report says what the timed passes have of copy-on-write'
report "r['staging']['copy_on_write'] == 'every_pass' and any('copies each write' in n['text'] for n in r['not_measured'])"
fact 'the report is valid'
valid_report
