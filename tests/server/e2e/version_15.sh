#!/bin/sh
# A rehearsal on PostgreSQL 15: see ../version.sh.
. "$(dirname "$0")/lib.sh"
version=15
. "$(dirname "$0")/../version.sh"
