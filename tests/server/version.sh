# Sourced by e2e/version_N.sh, after e2e/lib.sh, with $version: the whole of a rehearsal on that PostgreSQL. The server is npm's
# (servers.sh), which has no client programs: those are of whatever is installed.
. "$(dirname "$0")/../physical.sh"
. "$(dirname "$0")/../npm_server.sh"
clients=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
client_major=$("$clients/pg_dump" --version | sed 's/.*) //; s/[^0-9].*//')

production
sql shop "CREATE PUBLICATION p FOR TABLE orders" \
    "CREATE SUBSCRIPTION feed CONNECTION 'host=$given port=$port dbname=shop user=admin' PUBLICATION p WITH (connect = false)" \
    "ALTER SUBSCRIPTION feed SET (slot_name = 'feed_slot')"
if [ "$version" -ge 17 ]; then
    sql shop "CREATE FUNCTION go_away() RETURNS event_trigger LANGUAGE plpgsql AS \$\$ BEGIN
        IF session_user NOT IN ('app', 'admin') THEN RAISE 'go away'; END IF; END \$\$" \
        "CREATE EVENT TRIGGER no_superusers ON login EXECUTE FUNCTION go_away()" \
        "ALTER EVENT TRIGGER no_superusers ENABLE ALWAYS"
fi
sql postgres "ALTER SYSTEM SET archive_command = 'touch $given/touched'"
as_owner "$clients/psql" -qX -h "$given" -p "$port" -U admin -d shop \
    -c "BEGIN; LOCK TABLE elsewhere; PREPARE TRANSACTION 'stuck'" 2>/dev/null || fail 'PREPARE TRANSACTION'
fact 'every query of the program is one that this server understands'
sql shop 'CREATE EXTENSION pg_stat_statements'
# All that has no version of its own in the program, and is one query.
for file in "$source"/src/*/sql/*.sql; do
    case ${file##*/} in
    probe_* | proof_* | watch.sql | disturb_burn.sql | profile_begin.sql | sqitch_registry.sql) continue ;;
    counters_io.sql) [ "$version" -ge 16 ] || continue ;;
    counters_wal.sql) [ "$version" = 14 ] || [ "$version" = 15 ] || continue ;;
    waiters.sql) [ "$version" -ge 14 ] || continue ;;
    schema_publications.sql | copy_database_collation.sql) [ "$version" -ge 15 ] || continue ;;
    esac
    { echo 'PREPARE query AS'; cat "$file"; } >"$work/query.sql"
    as_owner "$clients/psql" -qX -h "$given" -p "$port" -U admin -d shop -v ON_ERROR_STOP=1 <"$work/query.sql" >"$work/out" 2>&1 ||
        fail "$file"
done
sql shop 'DROP EXTENSION pg_stat_statements'
fact 'a profile is read from it'
"$program" profile --url "host=$given port=$port user=admin dbname=shop" --no-probe --quiet --output "$work/profile.json" >"$work/out" 2>"$work/err" ||
    fail profile
# As an application may have them: our own sessions must not.
sql shop "ALTER ROLE app SET default_transaction_read_only = off" "ALTER ROLE app SET statement_timeout = 0" \
    "ALTER DATABASE shop SET statement_timeout = '1ms'; ALTER ROLE ALL SET default_transaction_read_only = on"
copy_by_sql "$copies/copy"
stop_server
migration 000012_add.up.sql 'BEGIN; ALTER TABLE orders ADD COLUMN paid boolean; COMMIT;'
migration 000012_add.down.sql 'ALTER TABLE orders DROP COLUMN paid;'
migration 000013_index.up.sql 'CREATE INDEX orders_note ON orders (note);'
migration 000013_index.down.sql 'DROP INDEX orders_note;'
migration 000014_not_null.up.sql 'ALTER TABLE orders ALTER COLUMN note SET NOT NULL;'
migration 000014_not_null.down.sql 'ALTER TABLE orders ALTER COLUMN note DROP NOT NULL;'

# rehearsal PATH_OF_BACKUP [STAGING]
rehearsal() {
    cat >"$work/scenario.yaml" <<YAML
name: test
backup: {path: $1}
staging: {kind: embedded, directory: $work/clusters${2:+, $2}}
migrations: {path: $work/migrations}
workload: {rate: 50, connections: 4, before: 1s, after: 1s}
disturb: [pg_dump: {for: 1s, migrations: [000012]}]
YAML
}

rehearsal "$copies/copy" "bindir: $PG_BINDIR"
# On 12 and 13 without the scaled passes, which are the longest and the same as on 14.
case $version in
12 | 13) rehearse 0 --pass quiet,loaded ;;
*) rehearse 0 ;;
esac
fact 'the copy is rehearsed on a server of its version'
report "r['staging']['server_version_num'] // 10000 == $version"
fact 'the report is valid'
valid_report
fact 'the isolation is proven'
report "r['staging']['isolation']['proven']"
fact 'each migration runs quietly, under load, down and up again'
report "all(m['outcome'] == 'ok' and m['rollback']['outcome'] == 'ok' for m in r['migrations'][1:])"
fact 'locks are observed'
report "any(l['mode'] == 'AccessExclusiveLock' and not l['inferred'] for s in r['migrations'][1]['statements'] for l in s['locks'])"
fact 'effects that the server does not tell are called not measured, and others measured'
if [ "$version" -lt 15 ]; then
    report "'before PostgreSQL 15' in r['migrations'][3]['statements'][0]['class_evidence']"
else
    report "r['migrations'][3]['statements'][0]['class'] == 'heap_scan' and r['migrations'][3]['statements'][0]['class_measured']"
fi
fact 'hazards rest on the definitions of the copy'
report "any(h['rule'] == 'set-not-null-scan' for h in r['migrations'][3]['statements'][0]['hazards'])"
safer='CHECK (note IS NOT NULL) NOT VALID'
[ "$version" -lt 18 ] || safer='NOT NULL note NOT VALID'
report "any('$safer' in h['safer'] for h in r['migrations'][3]['statements'][0]['hazards'])"
fact 'what would act is neutralised, and listed'
for name in archive_command 'subscription feed disabled' '"stuck"'; do
    report "any('$name' in n for n in r['staging']['neutralised'])"
done
fact 'no command of production runs'
[ ! -e "$given/touched" ] || fail 'archive_command ran'
fact 'without a pg_dump for the server nothing is predicted, and the report says so'
if [ "$version" -gt "$client_major" ]; then
    report "any(n['code'] == 'scaled_passes' and 'pg_dump of PostgreSQL $version' in n['text'] for n in r['not_measured'])"
elif [ "$version" -ge 14 ]; then
    report "r['prediction']['backtest']['rows']"
fi
fact 'nothing is left'
nothing_left

fact 'a plain dump is restored into a server of its version, which the PATH has'
plain_dump "$work/dump.sql"
rehearsal "$work/dump.sql"
sed -i 's/^disturb.*/prepare: [{sql: mask.sql}]/' "$work/scenario.yaml"
echo "UPDATE orders SET note = 'masked';" >"$work/mask.sql"
PATH=$PG_BINDIR:$PATH rehearse 0 --pass quiet
report "r['staging']['server_version_num'] // 10000 == $version and r['backup']['server_major'] == $version"
report "r['backup']['rows'] == 20001 and all(m['rollback']['outcome'] == 'ok' for m in r['migrations'][1:])"
fact 'what prepare changed is known to prove no constraint'
report "any(n['code'] == 'masked_constraints' and 'note' in n['text'] for n in r['not_measured'])"
nothing_left
