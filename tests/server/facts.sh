#!/bin/sh
# An end-to-end script in CTest: one case runs it, and each of its facts (see fact in e2e/lib.sh) is a case of its own that says
# what came of it.
#   facts.sh run LOG SCRIPT PROGRAM SOURCE_DIRECTORY: runs the script; its output goes to LOG as well.
#   facts.sh show LOG PROGRAM FACT: what LOG has of the fact; fails where one of its checks failed or the script ended before it.
set -eu
mode=$1
log=$2
shift 2
case $mode in
run)
    mkdir -p "$(dirname "$log")"
    rm -f "$log"
    status=0
    sh "$@" >"$log" 2>&1 || status=$?
    cat "$log"
    exit $status
    ;;
show)
    [ -f "$log" ] && [ "$log" -nt "$1" ] || { echo "its script did not run: ctest -R runs both by the script's name"; exit 1; }
    ! grep -q '^skipped: ' "$log" || { grep '^skipped: ' "$log"; exit 77; }
    fact=$2 awk '
        /^=== / { on = $0 == "=== fact " ENVIRON["fact"] }
        on { print; seen = 1; if (/^FAILED: /) failed = 1 }
        /^=== / { last = now; now = on }
        /^=== broke off/ { if (last) failed = 1; print }
        END { if (!seen) print "the script did not reach it"; exit failed || !seen }' "$log"
    ;;
esac
