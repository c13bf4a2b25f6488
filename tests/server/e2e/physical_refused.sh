#!/bin/sh
# Physical copies that cannot be restored: exit 5, the reason by name, nothing left.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/../physical.sh"
production

try() { # NAME EXPECTED_EXIT PATTERN [KEYS [STAGING]]
    of "$1" "${4:-}" "${5:-}"
    rehearse "$2" --pass quiet
    says "$work/err" "$3"
    nothing_left
}

# another NAME [FROM]: a copy of the base backup.
another() { as_owner cp -a "$copies/${2:-base}" "$copies/$1"; }

basebackup "$copies/base" -T "$given/space=$copies/base/pg_tblspc_space"
oid=$(ls "$copies/base/pg_tblspc")
as_owner rm "$copies/base/pg_tblspc/$oid"
as_owner mv "$copies/base/pg_tblspc_space" "$copies/base/pg_tblspc/$oid"
segment=$(sed -n 's/^START WAL.*(file \([0-9A-F]*\))/\1/p' "$copies/base/backup_label")

fact 'the directory of a server that runs'
try ../data 5 'running: its files change'
fact 'a base backup whose label was removed'
another label
rm "$copies/label/backup_label"
try label 5 'label was removed'
fact 'plan refuses it, too'
status=0
"$program" plan "$work/scenario.yaml" --set migrations.pending=all >"$work/out" 2>"$work/err" || status=$?
[ "$status" = 5 ] || fail "exit $status, expected 5"
fact 'a running server copied without a label'
another live label
rm "$copies/live/backup_manifest"
try live 5 'different moments'
fact 'a missing WAL segment is named'
another wal
rm "$copies/wal/pg_wal/$segment"
try wal 5 "lacks the WAL segment $segment"
fact 'a flipped byte is found by the manifest'
another byte
file=$(cd "$copies/byte" && ls base/*/1259 | tail -1)
printf '\377' | dd of="$copies/byte/$file" bs=1 seek=5000 conv=notrunc 2>/dev/null
try byte 5 "$file does not have the checksum"
fact 'a missing file is found by the manifest'
another file
rm "$copies/file/$file"
try file 5 "$file is missing"
fact 'an incremental backup'
another incremental
echo 'INCREMENTAL FROM LSN: 0/1000028' >>"$copies/incremental/backup_label"
start=$(sed -n 's/^START WAL LOCATION: \([0-9A-F/]*\) .*/\1/p' "$copies/base/backup_label")
try incremental 5 'the backup that starts at 0/1000028 .* is not in .*/copies: put the whole chain there'
fact 'the chain of an incremental backup is named, as pg_combinebackup takes it'
sed -i "s|^INCREMENTAL FROM LSN.*|INCREMENTAL FROM LSN: $start|; s|^START WAL LOCATION: [0-9A-F/]*|START WAL LOCATION: 0/F000028|" "$copies/incremental/backup_label"
another second incremental
sed -i 's|^START WAL LOCATION: [0-9A-F/]*|START WAL LOCATION: 0/1F000028|; s|^INCREMENTAL FROM LSN.*|INCREMENTAL FROM LSN: 0/F000028|' "$copies/second/backup_label"
try second 5 "backup: .command: .pg_combinebackup, -o, .PGDATA, $copies/base, $copies/incremental, $copies/second"
rm -r "$copies/second"
fact 'WAL that ends before the backup does'
another short
rm "$copies/short/backup_manifest"
head -c 16777216 /dev/zero >"$copies/short/pg_wal/$segment"
try short 5 'could not be recovered.*(checkpoint record|WAL ends)'
fact 'a tablespace elsewhere without a manifest'
another space
rm "$copies/space/backup_manifest"
rm -r "$copies/space/pg_tblspc/$oid"
ln -s "$given/space" "$copies/space/pg_tblspc/$oid"
try space 5 'of the same moment'
fact 'another symbolic link'
another link
mv "$copies/link/pg_xact" "$copies/xact"
ln -s "$copies/xact" "$copies/link/pg_xact"
try link 5 'only tablespaces and pg_wal may be links'
fact 'a version without a server here'
another version
echo 13 >"$copies/version/PG_VERSION"
try version 5 'of PostgreSQL 13, which only a server of that version'
fact 'a copy with several databases'
sql postgres "CREATE DATABASE blog"
basebackup "$copies/two" -T "$given/space=$copies/two.space"
try two 64 'several databases.*blog, shop'
fact 'a key that a copy does not have'
try two 64 'backup.skip is not for a physical copy' 'skip: ["TABLE a"]'
fact 'a given server'
try two 64 'staging.kind: server is not for a physical copy' '' '{kind: server, url: "postgresql://x@localhost:1/postgres"}'

fact 'backup.database chooses among several'
of two 'database: shop'
migration 000012_a.up.sql 'ALTER TABLE orders ADD COLUMN paid boolean;'
rehearse 0 --pass quiet
report "r['migrations'][-1]['outcome'] == 'ok'"
fact 'a base backup without any of pg_xact'
another clog
rm "$copies/clog/pg_xact/"* "$copies/clog/backup_manifest"
try clog 5 'lacks the files of pg_xact'
fact 'WAL of another server'
another system
as_owner "$bindir/initdb" -D "$copies/other" -A trust --no-sync >/dev/null
rm "$copies/system/backup_manifest"
cp "$copies/other/pg_wal/000000010000000000000001" "$copies/system/pg_wal/$segment"
try system 5 'is of two servers: global/pg_control is of system'
fact 'a tablespace created after the backup began'
of two 'database: shop'
as_owner mkdir "$given/late"
sql postgres "CREATE TABLESPACE late LOCATION '$given/late'" "SELECT pg_switch_wal()" >/dev/null
as_owner cp "$given/data/pg_wal/"????????????????????[0-9A-F]??? "$copies/two/pg_wal/"
before=$(ls -A "$given/late")
rehearse 5 --pass quiet
says "$work/err" 'tablespace was created after the backup began'
fact 'and its directory is not written to'
[ "$(ls -A "$given/late")" = "$before" ] || fail 'the recovery wrote into it'
fact 'a stopped server that lacks pg_xact, or a part of it'
trap finish EXIT
stop_server
as_owner cp -a "$given/data" "$copies/stopped"
for link in "$copies/stopped/pg_tblspc/"*; do
    to=$(readlink "$link")
    rm "$link"
    as_owner cp -a "$to" "$link"
done
rm "$copies/stopped/pg_xact/0000"
try stopped 5 'lacks the files of pg_xact'
fact 'a stopped server that lacks a file of a database'
as_owner cp -a "$given/data/pg_xact/0000" "$copies/stopped/pg_xact/0001"
try stopped 5 'lacks pg_xact/0000, which says which transactions were committed'
as_owner mv "$copies/stopped/pg_xact/0001" "$copies/stopped/pg_xact/0000"
rm "$copies/stopped/base/1/pg_filenode.map"
try stopped 5 'lacks base/1/pg_filenode.map, of a database'
