#!/bin/sh
# Makes backup.dump: a small web shop in pg_dump's custom format.
#
#   ./make-backup.sh [OUTPUT]        default: backup.dump beside this script
#   PG_BINDIR=/usr/lib/postgresql/15/bin ./make-backup.sh
#
# It starts a private throw-away cluster (Unix socket only), applies the migrations that count as applied (000010 and
# 000011), fills the tables with seed.sql, dumps, and removes the cluster. Nothing in it is random: the same rows
# come out each time. As root, the server runs under an unprivileged user: PG_USER, default postgres, else nobody.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
output=${1:-$here/backup.dump}
bindir=${PG_BINDIR:-/usr/lib/postgresql/15/bin}
[ -x "$bindir/initdb" ] || { echo "make-backup.sh: no initdb in $bindir; set PG_BINDIR" >&2; exit 1; }

work=$(mktemp -d "${TMPDIR:-/tmp}/make-backup.XXXXXX")
if [ "$(id -u)" -eq 0 ]; then
    user=${PG_USER:-postgres}
    id "$user" >/dev/null 2>&1 || user=nobody
    chown "$user" "$work"
    as_user() { runuser -u "$user" -- "$@"; }
else
    as_user() { "$@"; }
fi
cd "$work"

cleanup() {
    [ ! -f "$work/data/postmaster.pid" ] || as_user "$bindir/pg_ctl" -D "$work/data" -m immediate -w stop >/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

as_user "$bindir/initdb" -D "$work/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
as_user "$bindir/pg_ctl" -D "$work/data" -l "$work/server.log" -w start \
    -o "-c listen_addresses= -c unix_socket_directories=$work -c fsync=off -c timezone=UTC" >/dev/null

# The caller reads the files, and writes the dump: the unprivileged user may not be able to.
sql() { as_user "$bindir/psql" -X -q -h "$work" -U postgres -d "$1" -v ON_ERROR_STOP=1 >/dev/null; }
echo 'CREATE DATABASE shop' | sql postgres
for version in 000010_shop_schema 000011_payments_by_order; do
    sql shop <"$here/migrations/$version.up.sql"
done
sql shop <"$here/seed.sql"
as_user "$bindir/pg_dump" -h "$work" -U postgres -d shop -Fc -Z9 >"$work/backup.dump"
cp "$work/backup.dump" "$output"
ls -l "$output"
