#!/bin/sh
# A rehearsal on PostgreSQL 12: see ../version.sh.
. "$(dirname "$0")/lib.sh"
version=12
. "$(dirname "$0")/../version.sh"
