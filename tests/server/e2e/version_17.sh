#!/bin/sh
# A rehearsal on PostgreSQL 17: see ../version.sh.
. "$(dirname "$0")/lib.sh"
version=17
. "$(dirname "$0")/../version.sh"
