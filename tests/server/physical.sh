# Sourced by the tests of physical copies, after e2e/lib.sh: a server with what production has and a rehearsal must not act on.

given=$work/given
copies=$given/copies # of that server, each below a name

# as_owner COMMAND ...: as the account of the given server.
as_owner() { $as_server "$@"; }

# sql DATABASE SQL ...: as the superuser admin.
sql() {
    in=$1
    shift
    for text in "$@"; do
        as_owner "${clients:-$bindir}/psql" -qXAt -v ON_ERROR_STOP=1 -h "$given" -p "$port" -U "${superuser:-admin}" -d "$in" -c "$text"
    done
}

# copy_by_sql DIRECTORY: a base backup of the given server as cp and the functions of SQL make it; any psql can do that.
copy_by_sql() {
    begin=pg_backup_start end='pg_backup_stop(false)'
    [ "$version" -ge 15 ] || { begin=pg_start_backup end='pg_stop_backup(false)'; }
    as_owner mkdir -p "$1"
    as_owner "${clients:-$bindir}/psql" -qXAt -v ON_ERROR_STOP=1 -h "$given" -p "$port" -U admin -d postgres >/dev/null <<SQL || fail "$begin"
SELECT $begin('test', true$([ "$version" -ge 15 ] || echo ', false'));
\! cp -a "$given/data/." "$1" && rm -rf "$1"/postmaster.* "$1"/pg_wal/*
\o $1/backup_label
SELECT labelfile FROM $end;
SQL
    as_owner find "$given/data/pg_wal" -maxdepth 1 -type f -exec cp {} "$1/pg_wal" \;
    as_owner find "$1/pg_tblspc" -type l -exec sh -c 'to=$(readlink "$1"); rm "$1"; cp -a "$to" "$1"' - {} \;
}

# production: a server with a database shop, an application's history table, a tablespace and two rows of statistics.
production() {
    given_server -c max_prepared_transactions=5 -c wal_level=logical "$@"
    mkdir "$given/space" "$copies"
    [ "$(id -u)" != 0 ] || chown postgres "$given/space" "$copies"
    superuser=postgres sql postgres "CREATE ROLE admin SUPERUSER LOGIN" "CREATE ROLE app LOGIN" "CREATE DATABASE shop OWNER app" \
        "CREATE TABLESPACE space LOCATION '$given/space'"
    sql shop "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)" \
        "INSERT INTO schema_migrations VALUES (11, false)" \
        "CREATE TABLE orders (id bigint PRIMARY KEY, note text)" \
        "INSERT INTO orders SELECT g, md5(g::text) FROM generate_series(1, 20000) g" \
        "CREATE TABLE elsewhere (id int PRIMARY KEY) TABLESPACE space" \
        "INSERT INTO elsewhere SELECT generate_series(1, 100)" \
        "ALTER TABLE schema_migrations OWNER TO app" "ALTER TABLE orders OWNER TO app" "VACUUM ANALYZE"
}

# of NAME [KEYS [STAGING]]: a scenario for that copy, with more keys of backup.
of() {
    cat >"$work/scenario.yaml" <<YAML
name: test
backup: {path: $copies/$1${2:+, $2}}
staging: ${3:-{kind: embedded, directory: $work/clusters\}}
migrations: {path: $work/migrations}
workload: {source: none}
YAML
}

# by COMMAND [KEYS]: a scenario whose backup is restored by COMMAND, with more keys of backup.
by() {
    cat >"$work/scenario.yaml" <<YAML
name: test
backup: {command: $1${2:+, $2}}
staging: {kind: embedded, directory: $work/clusters}
migrations: {path: $work/migrations}
workload: {source: none}
YAML
}

# counts N: a step of verify, in the scenario that follows, fails unless orders has N rows.
counts() { echo "SELECT count(*) FROM orders HAVING count(*) <> $1;" >"$work/counts.sql"; }
verify_counts() { echo "verify: [{sql: $work/counts.sql}]" >>"$work/scenario.yaml"; }

# rows_around POINT: ten rows of orders, the restore point, ten more.
rows_around() {
    sql shop "INSERT INTO orders SELECT g, 'late' FROM generate_series(30001, 30010) g"
    sql postgres "SELECT pg_create_restore_point('$1')" >/dev/null
    sql shop "INSERT INTO orders SELECT g, 'later' FROM generate_series(40001, 40010) g"
}

# basebackup DIRECTORY [OPTION ...]: of the given server; its tablespace goes to DIRECTORY/../space.
basebackup() {
    to=$1
    shift
    as_owner "$bindir/pg_basebackup" -h "$given" -p "$port" -U admin -c fast -D "$to" "$@" || fail "pg_basebackup $*"
}

stop_server() { as_owner "$bindir/pg_ctl" -D "$given/data" -w -m fast stop >/dev/null; }

# unchanged DIRECTORY: its list of files with sizes, times and digests, to compare.
listing() { (cd "$1" && find . -printf '%p %s %m %U %T@ %l\n' | sort && find . -type f -exec cksum {} + | sort); }
