#!/bin/sh
# Statements in syntax of 16 to 18, which the parser does not know, on a server that does.
. "$(dirname "$0")/lib.sh"
version=18
. "$(dirname "$0")/../npm_server.sh"
plain_dump "$work/dump.sql"

# newer FILE ...: these files as plain SQL, in the names' order, on a dump of 18.
newer() {
    rm -rf "$work/newer"
    mkdir "$work/newer"
    cp "$@" "$work/newer/"
    cat >"$work/scenario.yaml" <<YAML
name: newer
backup: {path: $work/dump.sql}
staging: {kind: embedded, directory: $work/clusters, bindir: $PG_BINDIR}
migrations: {path: $work/newer, framework: sql, pending: all}
workload: {source: none}
rollback: false
repeat: 1
YAML
}

newer "$source/tests/server/newer/newer_syntax.sql" "$source/tests/server/newer/before.sql"
rehearse 0 --pass quiet
fact 'each statement of 16 to 18 runs and is timed by itself'
report "s=r['migrations'][1]['statements']" "len(s) == 50 and all(len(i['runs']) == 1 and i['runs'][0]['elapsed_s'] > 0 for i in s)"
fact 'the class of each is what it did'
grep -E '^-- 1[678] ' "$source/tests/server/newer/newer_syntax.sql" | cut -d' ' -f3 >"$work/classes"
report "s=r['migrations'][1]['statements']" "[i['class'] for i in s] == open('$work/classes').read().split()"
fact 'the server says that they are newer than the parser, not wrong'
report "s=r['migrations'][1]['statements']" "all(i['parse_error'] is None or 'PostgreSQL 18 knows it' in i['parse_error'] for i in s)"
fact 'no data of theirs is in the run directory'
! grep -rqiE 'confidential|987_?654|badcafe' "$work/run" || fail "$(grep -rliE 'confidential|987_?654|badcafe' "$work/run")"
fact 'what 18 refuses as well is called wrong'
echo 'ALTER TABLE orders ADD COLUM paid boolean;' >"$work/wrong.sql"
newer "$work/wrong.sql"
rehearse 2 --pass quiet
report "'a syntax error: PostgreSQL 18 refuses it as well' == r['migrations'][0]['statements'][0]['parse_error']"

fact 'the safer way to SET NOT NULL is a constraint that is validated apart'
echo 'ALTER TABLE orders ALTER COLUMN note SET NOT NULL;' >"$work/not_null.sql"
newer "$work/not_null.sql"
"$program" plan "$work/scenario.yaml" --safer >"$work/out" 2>"$work/err" || fail 'plan --safer'
says "$work/out" 'ADD CONSTRAINT orders_note_not_null NOT NULL note NOT VALID'
says "$work/out" 'VALIDATE CONSTRAINT orders_note_not_null'
! grep -q 'CHECK' "$work/out" || fail 'the detour of older versions'
fact 'it ends as SET NOT NULL does'
{
    cat "$work/out"
    echo "DO \$\$ BEGIN ASSERT (SELECT convalidated AND attnotnull AND conname = 'orders_note_not_null' FROM pg_constraint
        JOIN pg_attribute ON attrelid = conrelid AND attname = 'note' WHERE conrelid = 'orders'::regclass AND contype = 'n'
        AND conkey = ARRAY[attnum]); END \$\$;"
} >"$work/safer.sql"
newer "$work/safer.sql"
rehearse 0 --pass quiet
report "any('VALIDATE CONSTRAINT' in s['sql'] for s in r['migrations'][0]['statements'])"
fact "what the server's I/O workers read is the statement's"
echo 'SELECT sum(length(note)) FROM orders;' >"$work/read.sql"
newer "$work/read.sql"
rehearse 0 --pass quiet
report "all(int(s.cached_read_bytes) > 700000 for s in samples('statements'))"
nothing_left
