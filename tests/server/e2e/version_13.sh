#!/bin/sh
# A rehearsal on PostgreSQL 13: see ../version.sh.
. "$(dirname "$0")/lib.sh"
version=13
. "$(dirname "$0")/../version.sh"
