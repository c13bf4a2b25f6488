#!/bin/sh
# Backups that cannot be restored: exit 5 (4 where one tries to get out), one clear message, nothing left.
. "$(dirname "$0")/lib.sh"
good=$source/scenarios/quickstart/backup.dump

try() { # NAME EXPECTED_EXIT PATTERN
    echo "-- $1"
    backup=$work/$1 scenario
    rehearse "$2"
    says "$work/err" "$3"
    report "r['verdict'] == ('refused' if $2 == 4 else 'error') and r['exit_code'] == $2"
    nothing_left
}

: >"$work/empty"
try empty 5 'empty'
head -c 100000 "$program" >"$work/program"
try program 5 'ELF|not a backup|no backup'
head -c 400000 "$good" >"$work/truncated"
try truncated 5 'truncated|ends'
printf -- '-- PostgreSQL database dump\nCREATE TABLE a (id int);\nCREATE TABLE b (id no_such_type);\n-- PostgreSQL database dump complete\n' >"$work/halfway"
try halfway 5 'halfway:3|line 3|no_such_type'
printf 'CREATE TABLE a (id int);\nCOPY a (id) FROM stdin;\n1\n2\n' >"$work/cut.sql"
try cut.sql 5 'truncated|ends'
printf 'CREATE TABLE a (id int);\n\\! touch /tmp/escaped\n' >"$work/shell.sql"
try shell.sql 4 'shell.sql:2|line 2'
[ ! -e /tmp/escaped ] || fail "a shell command of the dump ran"
printf "CREATE TABLE a (t text);\nDO \$\$ BEGIN EXECUTE 'COPY a FROM PROGRAM ''id'''; END \$\$;\n" >"$work/program.sql"
try program.sql 5 'program|not permitted|execute|PROGRAM'
