# Every kind of mistake in a scenario: exit code 64, one message with its place.
mkdir migrations
echo x >b.dump
echo 'select 1' >ok.sql
unset RH_UNSET
RH_SECRET=geheim
export RH_SECRET
base='name: n
backup: {path: b.dump}'
only() { # LINES: the whole scenario
    printf '%s\n' "$@" >s.yaml
    printf '\n'
    sed 's/^/    /' s.yaml
    try pgrehearse plan s.yaml
}
with() { # LINES: below a good beginning
    only "$base" "$@"
}

# the file itself
try pgrehearse plan absent.yaml
try pgrehearse run migrations
only ''
only 'just a text'
only '- a' '- list'
only 'name: [n'
only 'name: n' '  backup: x'
only 'name: n' 'name: m'
only 'name: n' '---' 'name: m'
printf 'name: \377\n' >s.yaml
try pgrehearse plan s.yaml
head -c 64 /dev/zero >s.yaml
try pgrehearse plan s.yaml

# keys
only 'name: n'
only 'backup: {path: b.dump}'
only 'name: n' 'backup: b.dump'
with 'migrations:' '  path: migrations' '  pendng: all'
with 'verfiy: []'
with 'pending: all'
with 'frobnicate: yes'
with 'migrations: {pending: all}'

# types and units
with 'repeat: many'
with 'repeat: 0'
with 'repeat: [3]'
with 'repeat:'
with 'rollback: perhaps'
with 'workload: {rate: fast}'
with 'workload: {before: 10}'
with 'workload: {before: 10 seconds}'
with 'gates: {reads_blocked: 500MB}'
with 'gates: {load_errors: few}'
with 'staging: {kind: embeded}'
with 'staging: {kind: server}'
with 'staging: {url: x}'
with 'migrations: {path: migrations, framework: golang}'
with 'migrations: {path: migrations, pending: everything}'
with 'verify: checks.sql'
with 'verify: [{sql: ok.sql, command: [make]}]'
with 'verify: [{command: make test}]'

# files
only 'name: n' 'backup: {path: no.dump}'
with 'migrations: {path: no}'
with 'prepare: [{sql: no.sql}]'
with 'prepare: [{command: [./no.sh]}]'
with 'staging: {directory: /no/where}'
with 'staging: {settings: no.conf}'
echo 'work_mem = 4 MB' >bad.conf
with 'staging: {settings: bad.conf}'

with 'workload: {source: pg_stat_statements}'
with 'workload: {source: pg_stat_statements, path: no.csv}'
with 'workload: {path: b.dump}'
with 'workload: {source: schema, next: {source: schema}}'
with 'workload: {source: schema, next: {source: pgbench}}'
with 'production: {profile: p.json}'
with 'production: {profile: migrations}'
with 'production: {connections: 0}'
with 'history: no/runs'

# disturbers and the lock policy
loaded='migrations: {path: migrations}'
with "$loaded" 'disturb: pg_dump'
with "$loaded" 'disturb: [pgdump]'
with "$loaded" 'disturb:' '  - autovacuum'
with "$loaded" 'disturb:' '  - pg_dump: {table: orders}'
with "$loaded" 'disturb:' '  - snapshot: {for: 10}'
with "$loaded" 'disturb:' '  - query: {sql: ok.sql, table: orders}'
with "$loaded" 'workload: {source: none}' 'disturb: [pg_dump]'
with "$loaded" 'lock_policy: serch'
with "$loaded" 'lock_policy: {attemps: 3}'
with "$loaded" 'lock_policy: {timeouts: [100us]}'

# variables
with 'staging: {directory: "${RH_UNSET}"}'
with 'staging: {directory: "${RH_UNSET"}'
with 'repeat: ${RH_SECRET}'

# a folder without the framework's files
with 'migrations: {path: migrations, framework: sqitch}'
with 'migrations: {path: migrations, steps: [make]}'
with 'migrations: {path: migrations, steps: {command: [make]}}'
with 'migrations: {path: migrations, steps: [{after: "1", comand: [make]}]}'
with 'migrations: {path: migrations, steps: [{command: [./nowhere]}]}'

# --set
printf '%s\n' "$base" >s.yaml
try pgrehearse plan s.yaml --set rate
try pgrehearse plan s.yaml --set workload.rat=5
try pgrehearse plan s.yaml --set workload.rate=fast
try pgrehearse plan s.yaml --set name.first=x
try pgrehearse plan s.yaml --set 'repeat=[3'

# a run directory that cannot be made: refused before anything starts
: >file
try pgrehearse run s.yaml --output file/run
try pgrehearse run s.yaml --output file


# a file that is none
mkfifo pipe.yaml
try pgrehearse plan pipe.yaml
