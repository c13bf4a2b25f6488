#!/bin/sh
# What it costs a program that it is watched: its own time as a migration command through the proxy (which
# reads locks before COMMITs and counters behind long statements) against the same command in the same
# rehearsal that goes past the proxy to the server, interleaved, pass by pass.
# WHAT (all):
#   steady    statements of a tenth of a second each, whatever else the machine does, in transactions that change the
#             schema: all that the proxy adds stands out, and little else does
#   psql      the quick start's migrations on its grown database: what a migration is like
#   pgbench   its standard transaction, seven short statements to a COMMIT: nothing but round trips, the worst
#             case, for information
# In the first quiet pass what is committed is looked at too, for the classes of statements: FIRST (3) pairs of
# rehearsals of one pass show that. PAIRS (16) are passes of one rehearsal.
# Wanted, for steady and psql: a ratio of at most 1.03.
PAIRS=${PAIRS:-16}
. "$(dirname "$0")/cluster.sh"
PATH=$bindir:$PATH
export PATH
# Neither the disk's moods nor background writers are what is compared. Without them the program is faster, so that the
# ratio is worse, if anything.
as_server "$bindir/psql" -q -X -c 'ALTER SYSTEM SET fsync = off' -c 'ALTER SYSTEM SET autovacuum = off' \
    -c "ALTER SYSTEM SET max_wal_size = '8GB'" -c 'SELECT pg_reload_conf()' >/dev/null
make_dump
# The pending files in order, each in the transaction that golang-migrate's one simple query makes of it.
for file in "$source"/scenarios/quickstart/migrations/0000*.up.sql; do
    version=$(basename "$file" | cut -d_ -f1)
    [ "$version" -gt 11 ] || continue
    if [ "$(grep -c ';[[:space:]]*$' "$file")" -gt 1 ]; then
        { echo 'BEGIN;'; cat "$file"; echo 'COMMIT;'; } >>"$work/all.sql"
    else
        cat "$file" >>"$work/all.sql"
    fi
done
for number in 1 2 3 4 5; do
    cat >>"$work/steady.sql" <<SQL
BEGIN;
ALTER TABLE pgbench_tellers ADD COLUMN c$number int;
SELECT pg_sleep(0.1);
CREATE INDEX i$number ON pgbench_tellers (c$number);
UPDATE pgbench_branches SET bbalance = $number;
COMMIT;
SELECT pg_sleep(0.1);
SQL
done
cat >"$work/program.sh" <<SH
#!/bin/sh
# program.sh WHAT: runs it on the database in the environment, through the proxy or past it, and writes down how
# long it took. Each goes first in every other pair.
exec python3 - "\$@" <<'PYTHON'
import os, subprocess, sys, time
commands = {"steady": ["psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", "-f", "$work/steady.sql"],
            "psql": ["psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", "-f", "$work/all.sql"],
            "pgbench": ["pgbench", "-n", "-t", "2000"]}
counter = "$work/count"
count = int(open(counter).read()) if os.path.exists(counter) else 0
way = ("through", "past", "past", "through")[count % 4]
environment = dict(os.environ, **({"PGHOST": "$cluster", "PGPORT": "5432"} if way == "past" else {}))
t = time.monotonic()
subprocess.run(commands[sys.argv[1]], check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
t = time.monotonic() - t
open(counter, "w").write(str(count + 1))
open("$work/took", "a").write(f"{way} {t:.4f}\n")
PYTHON
SH
chmod 755 "$work/program.sh"
createdb small
pgbench -i -q -s 1 small >/dev/null 2>&1
psql -q -X -d small -c 'VACUUM ANALYZE' >/dev/null
pg_dump -Fc -f "$work/small.dump" small
chmod 644 "$work/small.dump"
createdb original
pg_restore -j2 -d original "$work/grown.dump"
pgbench -i -q -s 5 original >/dev/null 2>&1
psql -q -X -d original -c 'VACUUM ANALYZE' >/dev/null
pg_dump -Fc -f "$work/both.dump" original
chmod 644 "$work/both.dump"

# rehearsal WHAT REPEAT: the times are in $work/pairs afterwards.
rehearsal() {
    cat >"$work/bench.yaml" <<YAML
name: bench
backup: {path: $([ $1 = steady ] && echo small || echo both).dump, jobs: 2}
staging: {kind: server, url: "postgresql:///postgres?host=$cluster&user=postgres"}
migrations: {framework: command, command: [./program.sh, $1]}
rollback: false
repeat: $2
YAML
    rm -rf "$work/run"
    "$program" run "$work/bench.yaml" --pass quiet --output "$work/run" --quiet >/dev/null
}
# Lines "through T" and "past T", each pair together, in either order.
show() {
    python3 - "$work/took" <<'PYTHON' >"$work/pairs"
import sys
lines = [line.split() for line in open(sys.argv[1])]
for a, b in zip(lines[::2], lines[1::2]):
    pair = dict((a, b))
    print(pair["through"], pair["past"])
PYTHON
    summary "$1, through the proxy" "$1, past it"
}

for what in ${WHAT:-steady psql pgbench}; do
    rm -f "$work/took" "$work/count"
    rehearsal "$what" 2 # warms up
    rm -f "$work/took" "$work/count"
    for pass in $(seq $((2 * ${FIRST:-3}))); do rehearsal "$what" 1; done
    echo "$what, first passes, ${FIRST:-3} pairs:"
    show "$what"
    # The first two passes of a rehearsal are put aside: the one through the proxy looks.
    rm -f "$work/took" "$work/count"
    rehearsal "$what" $((2 * pairs + 2))
    sed -i 1,2d "$work/took"
    echo "$what, later passes, $pairs pairs:"
    show "$what"
    [ "${SHOW:-}" = "" ] || cat "$work/pairs"
done
