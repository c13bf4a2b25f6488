#!/bin/sh
# What it costs a program that it is watched: its own time as a migration command through the proxy (which
# reads locks before COMMITs and counters behind long statements) against the same command in the same
# rehearsal that goes past the proxy to the server, interleaved.
#   psql      the quick start's migrations on its grown database: what a migration is like
#   pgbench   its standard transaction, seven short statements to a COMMIT: nothing but round trips, the worst
#             case, for information
# Wanted, for psql: a ratio of at most 1.03.
. "$(dirname "$0")/cluster.sh"
PATH=$bindir:$PATH
export PATH
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
cat >"$work/program.sh" <<SH
#!/bin/sh
# program.sh WHAT [past]: runs it on the database in the environment and writes down how long it took.
[ "\$2" = "" ] || export PGHOST=$cluster PGPORT=5432
exec python3 - "\$1" <<'PYTHON'
import subprocess, sys, time
commands = {"psql": ["psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", "-f", "$work/all.sql"],
            "pgbench": ["pgbench", "-n", "-t", "2000"]}
t = time.monotonic()
subprocess.run(commands[sys.argv[1]], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
open("$work/took", "w").write(f"{time.monotonic() - t:.3f}")
PYTHON
SH
chmod 755 "$work/program.sh"
createdb original
pg_restore -j2 -d original "$work/grown.dump"
pgbench -i -q -s 5 original >/dev/null 2>&1
psql -q -X -d original -c 'VACUUM ANALYZE' >/dev/null
pg_dump -Fc -f "$work/both.dump" original
chmod 644 "$work/both.dump"

for what in psql pgbench; do
    for way in through past; do
        cat >"$work/$way.yaml" <<YAML
name: bench
backup: {path: both.dump, jobs: 2}
staging: {kind: server, url: "postgresql:///postgres?host=$cluster&user=postgres"}
migrations: {framework: command, command: [./program.sh, $what$([ $way = through ] || echo ", past")]}
rollback: false
repeat: 1
YAML
    done
    : >"$work/pairs"
    for pair in $(seq "$pairs"); do
        order="through past" # each goes first every other time
        [ $((pair % 2)) = 1 ] || order="past through"
        for way in $order; do
            "$program" run "$work/$way.yaml" --pass quiet --output "$work/run-$what-$way-$pair" --quiet >/dev/null
            mv "$work/took" "$work/$way"
        done
        echo "$(cat "$work/through") $(cat "$work/past")" >>"$work/pairs"
        echo "$what, pair $pair: through the proxy $(cat "$work/through") s, past it $(cat "$work/past") s"
    done
    summary "$what, through the proxy" "$what, past it"
done
