# Sourced by every end-to-end test: a scratch directory with a small real backup, and checks that tell what they saw.
# Called as: TEST.sh PROGRAM SOURCE_DIRECTORY. A directory that comes in RH_TEST_DIRECTORY is its caller's to remove.
set -eu
program=$1
source=$2
work=${RH_TEST_DIRECTORY:-$(mktemp -d /var/tmp/pgrehearse-test.XXXXXX)}
chmod 755 "$work"
mkdir -p "$work/clusters" "$work/migrations"
chmod 1777 "$work/clusters"
failures=0

# Sends SIGNAL to each process that has a path of this test among its arguments; nothing: lists them.
ours() { # [SIGNAL]
    ps -eo pid=,args= | at=${2:-$work/} awk 'index($0, ENVIRON["at"])' | while read -r pid args; do
        if [ -n "${1:-}" ]; then kill -"$1" "$pid" 2>/dev/null || true; else echo "$pid $args"; fi
    done
}

finish() {
    status=${1:-$?}
    ours KILL
    [ -n "${RH_TEST_DIRECTORY:-}" ] || rm -rf "$work"
    [ "$status" = 0 ] || [ "$status" = 77 ] || echo "=== broke off with status $status"
    [ "$status" != 0 ] || [ "$failures" = 0 ] || status=1
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# fact 'NAME': the checks from here to the next one belong to it. CTest shows each as a case (facts.sh), so the name is a literal,
# unique in its script, and without semicolons.
fact() {
    echo "=== fact $1"
}

skip() {
    echo "skipped: $*"
    exit 77
}

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
    for file in "$work/out" "$work/err"; do
        [ ! -s "$file" ] || { echo "--- $(basename "$file")"; tail -30 "$file"; }
    done
}

# scenario [LINE ...]: a quick scenario on the shop's dump, with LINEs added.
scenario() {
    cat >"$work/scenario.yaml" <<YAML
name: test
backup: {path: ${backup:-$source/scenarios/quickstart/backup.dump}, jobs: 2}
staging: {kind: embedded, directory: ${clusters:-$work/clusters}}
workload: {rate: 50, connections: 4, before: 1s, after: 1s}
repeat: ${repeat:-1}
YAML
    for line in "$@"; do printf '%s\n' "$line" >>"$work/scenario.yaml"; done
}

# migration NAME [SQL]: a golang-migrate file; standard input when SQL is left out.
migration() {
    if [ $# -gt 1 ]; then printf '%s\n' "$2"; else cat; fi >"$work/migrations/$1"
}

# The shop's history table says 11: the folder must have it.
migration 000011_applied.up.sql 'SELECT 1;'

# rehearse EXPECTED_EXIT [ARGUMENT ...]: runs the scenario into $work/run.
rehearse() {
    expected=$1
    shift
    rm -rf "$work/run"
    status=0
    "$program" run "$work/scenario.yaml" --output "$work/run" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
    case ",$expected," in *",$status,"*) ;; *) fail "exit $status, expected $expected" ;; esac
}

# unwrapped FILE: its text with the indented lines, which continue a sentence, joined to the line before.
unwrapped() { sed -E ':join; N; $!b join; s/\n +/ /g' "$1"; }

# says FILE PATTERN: an extended regular expression that some line or wrapped sentence of it must match.
says() {
    grep -Eq "$2" "$1" || unwrapped "$1" | grep -Eq "$2" || fail "$(basename "$1") does not say: $2"
}

# report [NAME=EXPRESSION ...] EXPRESSION: a Python expression over the report r that must be true (report.py).
report() {
    [ -f "$work/run/report.json" ] || { fail "there is no report.json"; return; }
    python3 "$source/tests/server/e2e/report.py" "$work/run/report.json" "$@" || fail "report.json: not true: $*"
}

valid_report() {
    python3 - "$work/run/report.json" "$source/reports/report.schema.json" <<'PYTHON' || fail "report.json breaks its schema"
import json, sys, jsonschema
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))
PYTHON
}

# eventually COMMAND ...: waits until it succeeds, for five minutes at the most.
eventually() {
    deadline=$(($(date +%s) + 300))
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt $deadline ] || { fail "never came true: $*"; return 1; }
        sleep 0.05
    done
}

no_clusters() { [ -z "$(ours '' "$work/clusters")" ]; }

# nothing_left: no process and no cluster of ours.
nothing_left() {
    eventually no_clusters || ours '' "$work/clusters"
    [ -z "$(ls -A "$work/clusters")" ] || fail "left lying about: $(ls "$work/clusters")"
}

# given_server [OPTION ...]: a server of its own in $work/given, reached by its socket there and, at the port $port, by TCP.
given_server() {
    bindir=${PG_BINDIR:-$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)}
    as_server=
    [ "$(id -u)" != 0 ] || as_server="runuser -u postgres --"
    mkdir "$work/given"
    [ "$(id -u)" != 0 ] || chown postgres "$work/given"
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    $as_server "$bindir/initdb" -D "$work/given/data" -A trust -U postgres -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
    $as_server "$bindir/pg_ctl" -D "$work/given/data" -w -l "$work/given/log" \
        -o "-k $work/given -p $port -c listen_addresses=127.0.0.1 -c fsync=off $*" start >/dev/null ||
        { cat "$work/given/log"; exit 1; }
    trap 'status=$?; kill -QUIT "$(head -1 "$work/given/data/postmaster.pid")" 2>/dev/null || :; finish "$status"' EXIT
}

# start [ARGUMENT ...]: runs the scenario into $work/run in the background; its process is $run.
start() {
    rm -rf "$work/run"
    : >"$work/err"
    "$program" run "$work/scenario.yaml" --output "$work/run" "$@" >"$work/out" 2>"$work/err" </dev/null &
    run=$!
}

# ended EXPECTED_EXIT: waits for what was started.
ended() {
    status=0
    wait "$run" || status=$?
    [ "$status" = "$1" ] || fail "exit $status, expected $1"
}

# wait_for PATTERN: until the started run says so on standard error or in its log.
wait_for() {
    eventually or_ended grep -Eqs "$1" "$work/err" "$work/run/log/pgrehearse.log"
    kill -0 "$run" 2>/dev/null || fail "the run ended before it said: $1"
}

# wait_until QUERY: until it gives a row on the embedded server that the started run has just then.
wait_until() {
    eventually or_ended is_true "$1"
    kill -0 "$run" 2>/dev/null || fail "the run ended before: $1"
}

or_ended() { ! kill -0 "$run" || "$@"; }

is_true() {
    socket=$(find "$work/clusters" -name '.s.PGSQL.*[0-9]' ! -path '*.standby/*' | head -1)
    [ -n "$socket" ] || return 1
    found=$("$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)/psql" -qXAt -h "${socket%/*}" -p "${socket##*.}" -U postgres \
        -d postgres -c "SELECT EXISTS ($1)") && [ "$found" = t ]
}
