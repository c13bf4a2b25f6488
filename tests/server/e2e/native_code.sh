#!/bin/sh
# Native code that a migration brings along: what it attempts is denied, and what it leaves running ends with the run.
. "$(dirname "$0")/lib.sh"
command -v gcc >/dev/null || skip "gcc is not installed"
name=rh$$native
version=$(ls /usr/lib/postgresql | sort -V | tail -1)
cat >"$work/native.c" <<'C'
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
struct magic { int length, version, arguments, keys, name, by_value; char abi[32]; };
const void *Pg_magic_func(void)
{
    static const struct magic magic = {sizeof magic, VERSION, 100, 32, 64, 1, "PostgreSQL"};
    return &magic;
}
static void say(FILE *log, const char *what, int reached) { fprintf(log, "%s %s\n", what, reached ? "reached" : "denied"); }
static void leave_daemon(void)
{
    if (fork() != 0)
        return;
    setsid();
    if (fork() != 0)
        _exit(0);
    prctl(PR_SET_NAME, NAME);
    for (int i = 0; i < 64; i++)
        close(i);
    for (;;)
        pause();
}
void _PG_init(void)
{
    struct sockaddr_un here = {.sun_family = AF_UNIX};
    FILE *log = fopen("native.log", "w");
    char *const argv[] = {"/bin/true", NULL};
    strcpy(here.sun_path, "../socket/.s.PGSQL.5432"); /* the server's own: nobody else's is in sight */
    say(log, "connect", connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&here, sizeof here) == 0);
    say(log, "internet socket", socket(AF_INET, SOCK_STREAM, 0) >= 0);
    say(log, "datagram socket", socket(AF_UNIX, SOCK_DGRAM, 0) >= 0);
    say(log, "create", open(OUTSIDE "/created", O_CREAT | O_WRONLY, 0644) >= 0);
    say(log, "read", open(OUTSIDE "/secret", O_RDONLY) >= 0);
    say(log, "signal", kill(PROGRAM, 0) == 0);
    say(log, "trace", ptrace(PTRACE_SEIZE, PROGRAM, 0, 0) == 0);
    fflush(log);
    say(log, "mount namespace", unshare(0x20000) == 0);
    fclose(log);
    leave_daemon();
    execve(argv[0], argv, NULL);
}
C
chmod 1777 "$work"
echo secret >"$work/secret"
gcc -shared -fPIC -w "-DVERSION=${version}00" "-DNAME=\"$name\"" "-DOUTSIDE=\"$work\"" "-DPROGRAM=$$" -o "$work/native.so" "$work/native.c"
migration 000012_native.up.sql <<SQL
DO \$\$ DECLARE o oid; log text; file text := current_setting('data_directory') || '/native.so'; BEGIN
o := lo_from_bytea(0, decode('$(od -An -v -tx1 "$work/native.so" | tr -d ' \n')', 'hex'));
EXECUTE 'SELECT lo_ex' || 'port(' || o || ', ' || quote_literal(file) || ')';
EXECUTE 'LOAD ' || quote_literal(file);
EXECUTE 'SELECT pg_read_' || 'file(''native.log'')' INTO log;
IF log NOT LIKE '%mount namespace denied%' OR log LIKE '%reached%' THEN RAISE EXCEPTION 'not isolated'; END IF;
END \$\$;
SQL
scenario 'migrations: {path: migrations}' 'rollback: false'
fact 'native code is denied its attempts, and its processes end with the run'
rehearse 0 --pass quiet
valid_report
nothing_left
report "r['staging']['isolation']['proven'] and len(r['staging']['isolation']['attempts']) >= 13"
report "not any(a['succeeded'] for a in r['staging']['isolation']['attempts'])"
says "$work/out" 'Isolation: proven'
[ ! -e "$work/created" ] || fail "a file was written outside"
pgrep -x "$name" >/dev/null && { pkill -9 -x "$name"; fail "a process of native code outlives the run"; }
true
