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

finish() {
    status=$?
    pkill -9 -f "$work/clusters" 2>/dev/null || true
    [ -n "${RH_TEST_DIRECTORY:-}" ] || rm -rf "$work"
    [ "$status" != 0 ] || [ "$failures" = 0 ] || status=1
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

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
    [ "$status" = "$expected" ] || fail "exit $status, expected $expected"
}

# says FILE PATTERN: an extended regular expression that some line of it must match.
says() {
    grep -Eq "$2" "$1" || fail "$(basename "$1") does not say: $2"
}

# report EXPRESSION: a Python expression over the report r must be true.
report() {
    [ -f "$work/run/report.json" ] || { fail "there is no report.json"; return; }
    python3 - "$work/run/report.json" "$1" <<'PYTHON' || fail "report.json: not true: $1"
import json, sys
r = json.load(open(sys.argv[1]))
ok = eval(sys.argv[2])
if not ok:
    print(json.dumps({k: r.get(k) for k in ("verdict", "exit_code", "reason", "failure")}, indent=1))
sys.exit(0 if ok else 1)
PYTHON
}

valid_report() {
    python3 - "$work/run/report.json" "$source/reports/report.schema.json" <<'PYTHON' || fail "report.json breaks its schema"
import json, sys, jsonschema
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))
PYTHON
}

# nothing_left: no process and no cluster of ours.
nothing_left() {
    i=0
    while pgrep -f "$work/clusters" >/dev/null && [ $i -lt 50 ]; do sleep 0.1; i=$((i + 1)); done
    pgrep -f "$work/clusters" >/dev/null && fail "still running: $(pgrep -af "$work/clusters")"
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
    trap 'kill -QUIT "$(head -1 "$work/given/data/postmaster.pid")" 2>/dev/null || true; finish' EXIT
}

# wait_for PATTERN: until the run's standard error says so (the run is in the background).
wait_for() {
    i=0
    until grep -Eq "$1" "$work/err" "$work/run/log/pgrehearse.log" 2>/dev/null; do
        sleep 0.05
        i=$((i + 1))
        [ $i -lt 1200 ] || { fail "never said: $1"; return 1; }
    done
}
