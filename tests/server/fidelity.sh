# Sourced by e2e/fidelity_*.sh: one set of migrations by the tool itself on a stock private cluster, and once more in a rehearsal
# (framework: command). What both leave must be alike (pg_dump with the history's rows, times apart), and so must what the server
# logged of the tool's sessions: every statement, BEGIN and COMMIT in its order.
. "$(dirname "$0")/lib.sh"
PATH=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1):$PATH
export PATH PYTHONDONTWRITEBYTECODE=1
log_settings="log_statement=all log_line_prefix=<%a> log_duration=off log_min_duration_statement=-1"

as_server() { # PostgreSQL refuses to run as root
    if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

start_peer() {
    mkdir "$work/peer"
    [ "$(id -u)" != 0 ] || chown postgres "$work/peer"
    as_server initdb -D "$work/peer/data" -A trust -U postgres -E UTF8 --locale=C -N >/dev/null
    for setting in $log_settings; do echo "${setting%%=*} = '${setting#*=}'"; done | as_server tee -a "$work/peer/data/postgresql.conf" >/dev/null
    as_server pg_ctl -D "$work/peer/data" -w -l "$work/peer/log" -o "-k $work/peer -c listen_addresses='' -c fsync=off" start >/dev/null
    trap 'status=$?; as_server pg_ctl -D "$work/peer/data" -m immediate stop >/dev/null 2>&1 || :; finish "$status"' EXIT
}

# dump OUT: the database of the environment, without times and random ids.
cat >"$work/dump.sh" <<'SH'
#!/bin/sh
set -eu
pg_dump --inserts --no-owner -d "$DATABASE_URL" | grep -v -e '^.restrict' -e '^.unrestrict' -e '^-- Dumped' |
    sed -E "s/'[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.+]+'/'T'/g" >"${1:-rehearsed.sql}"
SH
chmod 755 "$work/dump.sh"
touch "$work/rehearsed.sql"
chmod 666 "$work/rehearsed.sql"

# The first words of what a tool's sessions sent, one line a message: BEGIN and COMMIT in their order. From the server's log, or
# from report.json as the proxy saw them.
statements() {
    python3 - "$1" <<'PYTHON'
import json, re, sys
text = open(sys.argv[1], errors="replace").read()
if sys.argv[1].endswith(".json"):
    sent = [s["sql"] for s in json.loads(text)["migrations"][0]["statements"]]
else:
    entries = re.findall(r"^<(?!pg_dump|psql)[^>]*> ?LOG:  (?:statement|execute [^:]*): (.*(?:\n\t.*)*)", text, re.M)
    sent = [re.sub(r"/\*.*?\*/|--[^\n]*", " ", e, flags=re.S) for e in entries]
for one in sent:
    words = re.sub(r"'[^']*'|\$\d+|\b\d+\b", "?", one).split()
    print(" ".join(words[:3]).rstrip(";").upper())
PYTHON
}

# compare COMMAND: runs it, a shell command in $work, both ways.
compare() {
    fact 'the tool by itself migrates'
    start_peer
    (
        export PGHOST="$work/peer" PGUSER=postgres PGDATABASE=real PGPORT=5432 DATABASE_URL="postgresql://postgres@/real?host=$work/peer"
        createdb -T template0 real
        pg_dump -Fc -f "$work/base.dump" real
        chmod 644 "$work/base.dump"
        cd "$work"
        : >"$work/peer/log"
        sh -c "$1" >"$work/out" 2>"$work/err" </dev/null || { fail "the tool itself: $1"; exit 1; }
        cp "$work/peer/log" "$work/real.log"
        ./dump.sh "$work/real.sql"
    )
    fact 'a rehearsal of it passes'
    printf '#!/bin/sh\n%s\n' "$1" >"$work/migrate.sh"
    chmod 755 "$work/migrate.sh"
    backup=$work/base.dump
    scenario 'migrations: {framework: command, command: [./migrate.sh]}' 'rollback: false' 'verify: [{command: [./dump.sh]}]'
    rehearse 0 --pass quiet
    valid_report
    statements "$work/real.log" >"$work/real.statements"
    statements "$work/run/report.json" >"$work/rehearsed.statements"
    [ -s "$work/real.statements" ] || fail "the peer's log is empty"
    fact 'both leave the same database'
    diff -u "$work/real.sql" "$work/rehearsed.sql" || fail "the dumps differ"
    fact 'both send the same statements in the same transactions'
    diff -u "$work/real.statements" "$work/rehearsed.statements" || fail "the transactions differ"
    echo "$(wc -l <"$work/real.statements") statements, $(grep -c '^INSERT' "$work/real.sql") rows"
    nothing_left
}
