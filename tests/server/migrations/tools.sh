#!/bin/sh
# Installs the migration programs that the fidelity tests run, from the npm registry, into .cache/tools: the versions of
# tools/package-lock.json. Where that cannot be done it says so and is content: those tests are then skipped.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
directory=${RH_TOOLS:-$here/../../../.cache/tools}
skipped="the tests against Knex, node-pg-migrate, Prisma, dbmate and postgrator are skipped"
command -v npm >/dev/null || { echo "tools: there is no npm: $skipped"; exit 0; }
if cmp -s "$here/tools/package-lock.json" "$directory/installed.json"; then
    exit 0
fi
rm -rf "$directory"
mkdir -p "$directory"
cp "$here/tools/package.json" "$here/tools/package-lock.json" "$directory/"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if (cd "$directory" && timeout 180 npm install --no-save --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=30000) >"$log" 2>&1; then
    cp "$here/tools/package-lock.json" "$directory/installed.json"
else
    rm -rf "$directory"
    grep -v '^npm warn' "$log" | head -3
    echo "tools: npm could not install them: $skipped"
fi
