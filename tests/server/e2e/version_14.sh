#!/bin/sh
# A rehearsal on PostgreSQL 14: see ../version.sh.
. "$(dirname "$0")/lib.sh"
version=14
. "$(dirname "$0")/../version.sh"
