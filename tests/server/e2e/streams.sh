#!/bin/sh
# Standard output that is full or closed: the exit code stays the verdict of report.json.
. "$(dirname "$0")/lib.sh"

scenario
run_into() { # LABEL REDIRECTION
    rm -rf "$work/run"
    status=0
    (eval "exec $2"; exec "$program" run "$work/scenario.yaml" --output "$work/run" 2>"$work/err" </dev/null) || status=$?
    [ "$status" = 0 ] || fail "exit $status with a standard output that is $1"
    report "r['verdict'] == 'pass' and r['exit_code'] == 0"
}
fact 'a full standard output'
run_into full '>/dev/full'
says "$work/err" 'cannot write to standard output'
fact 'a closed standard output'
run_into closed '>&-'
nothing_left
