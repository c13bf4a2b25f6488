#!/bin/sh
# A rehearsal on PostgreSQL 16: see ../version.sh.
. "$(dirname "$0")/lib.sh"
version=16
. "$(dirname "$0")/../version.sh"
