#!/bin/sh
# Installs the migration programs that the fidelity tests run, from the npm registry, into .cache/tools.
set -eu
directory=${RH_TOOLS:-$(dirname "$0")/../../../.cache/tools}
mkdir -p "$directory"
exec npm install --prefix "$directory" --no-save --no-audit --no-fund \
    dbmate@2 @prisma/schema-engine-wasm @prisma/adapter-pg@7 @prisma/driver-adapter-utils@7 postgrator@8 pg@8
