#!/bin/sh
# Backups that cannot be restored: exit 5 (4 where one tries to get out), one clear message, nothing left.
. "$(dirname "$0")/lib.sh"
good=$source/scenarios/quickstart/backup.dump

try() { # NAME EXPECTED_EXIT PATTERN
    backup=$work/$1 scenario
    rehearse "$2"
    says "$work/err" "$3"
    report "r['verdict'] == ('refused' if $2 == 4 else 'error') and r['exit_code'] == $2"
    nothing_left
}

fact 'an empty file'
: >"$work/empty"
try empty 5 'empty'
fact 'a file that is not a backup'
head -c 100000 "$program" >"$work/program"
try program 5 'ELF|not a backup|no backup'
fact 'a truncated archive'
head -c 400000 "$good" >"$work/truncated"
try truncated 5 'truncated|ends'
fact 'a plain dump with a statement that fails'
printf -- '-- PostgreSQL database dump\nCREATE TABLE a (id int);\nCREATE TABLE b (id no_such_type);\n-- PostgreSQL database dump complete\n' >"$work/halfway"
try halfway 5 'halfway:3|line 3|no_such_type'
fact 'a plain dump that ends within its rows'
printf 'CREATE TABLE a (id int);\nCOPY a (id) FROM stdin;\n1\n2\n' >"$work/cut.sql"
try cut.sql 5 'truncated|ends'
fact 'a shell command in a plain dump'
printf 'CREATE TABLE a (id int);\n\\! touch /tmp/escaped\n' >"$work/shell.sql"
try shell.sql 4 'shell.sql:2|line 2'
[ ! -e /tmp/escaped ] || fail "a shell command of the dump ran"
fact 'COPY FROM PROGRAM within a DO block'
printf "CREATE TABLE a (t text);\nDO \$\$ BEGIN EXECUTE 'COPY a FROM PROGRAM ''id'''; END \$\$;\n" >"$work/program.sql"
try program.sql 5 'program|not permitted|execute|PROGRAM'
