#!/bin/sh
# Recovery from production's archive on PostgreSQL 18: see ../archive_version.sh.
. "$(dirname "$0")/lib.sh"
version=18
. "$(dirname "$0")/../archive_version.sh"
