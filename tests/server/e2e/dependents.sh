#!/bin/sh
# The rule blocked-by-dependents is reported exactly where the server refuses, for each statement of dependents.txt.
. "$(dirname "$0")/lib.sh"
fact 'blocked-by-dependents is reported exactly where the server refuses'
given_server -c shared_buffers=32MB
here=$(dirname "$0")
python3 "$here/dependents.py" "$program" "$bindir" "$work" "$here/dependents.sql" "$here/dependents.txt" || fail "the rule and the server differ"
