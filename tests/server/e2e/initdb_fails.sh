#!/bin/sh
# initdb, or the server that it runs, ends half-way: exit 5, and neither directories nor shared memory are left. As root and as an
# ordinary user. In namespaces of the test's own, since other servers on the machine make and remove shared memory, too.
. "$(dirname "$0")/lib.sh"
apart="unshare --mount --ipc"
[ "$(id -u)" = 0 ] || apart="unshare --map-root-user --mount --ipc"
$apart mount -t tmpfs none /dev/shm || exit 77

try() { # LIMIT [COMMAND ...]: the program under a limit, started by COMMAND
    limit=$1
    shift
    rm -rf "$work/run"
    status=0
    $apart sh -c 'mount -t tmpfs -o mode=1777 none /dev/shm; "$@"; status=$?; ls -A /dev/shm >&3; ipcs -m | grep ^0x >&3; exit $status' sh \
        "$@" prlimit "$limit" "$program" run "$work/scenario.yaml" --output "$work/run" >"$work/out" 2>"$work/err" 3>"$work/memory" </dev/null || status=$?
    [ "$status" = 5 ] || fail "exit $status, expected 5"
    says "$work/err" 'initdb failed'
    report "r['verdict'] == 'error' and r['exit_code'] == 5 and r['failed_stage'] == 'staging'"
    nothing_left
    [ ! -s "$work/memory" ] || fail "shared memory is left: $(cat "$work/memory")"
}

scenario
chmod 755 "$work/clusters"

by_root_and_nobody() { # LIMIT
    try "$1"
    if [ "$(id -u)" = 0 ] && id nobody >/dev/null 2>&1; then
        chown nobody "$work" "$work/clusters"
        try "$1" setpriv --reuid=nobody --regid=nogroup --clear-groups
        chown root "$work" "$work/clusters"
    fi
}
fact 'a segment of WAL is too large'
by_root_and_nobody --fsize=4000000
fact 'a table is too large'
by_root_and_nobody --fsize=400000
fact 'the server does not fit into memory'
by_root_and_nobody --as=90000000
