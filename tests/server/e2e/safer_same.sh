#!/bin/sh
# plan --safer: what it prints runs and ends in the same schema and rows as the original, for every case of safer_same.txt.
. "$(dirname "$0")/lib.sh"
fact 'each sequence ends in the same schema and rows as its original'
given_server -c max_connections=40 -c shared_buffers=32MB
python3 "$(dirname "$0")/safer_same.py" "$program" "$bindir" "$work" "$(dirname "$0")/safer_same.txt" || fail "a sequence does not end like its original"
