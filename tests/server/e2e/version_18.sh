#!/bin/sh
# A rehearsal on PostgreSQL 18: see ../version.sh.
. "$(dirname "$0")/lib.sh"
version=18
. "$(dirname "$0")/../version.sh"
