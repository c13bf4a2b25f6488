#!/bin/sh
# Fails on an include that breaks the layers: who may include whom is one line a folder, and a third-party
# header may only stand in adapters/.
set -eu
cd "$1"
status=0
complain() { echo "$1"; status=1; }
allowed() {
    case $1 in
    base) echo "base" ;;
    model) echo "model base" ;;
    adapters) echo "adapters base" ;;
    scenario | staging | backup | migrations | workload | observe | profile | proxy | predict | report) echo "$1 model adapters base" ;;
    rehearsal) echo "rehearsal scenario staging backup migrations workload observe profile proxy predict report model adapters base" ;;
    cli) echo "cli rehearsal scenario staging backup migrations workload observe profile proxy predict report model adapters base" ;;
    main.c) echo "cli" ;;
    *) echo "" ;;
    esac
}
for file in $(find src include -name '*.c' -o -name '*.h'); do
    folder=${file#src/}; folder=${folder#include/pgrehearse/}; folder=${folder%%/*}
    may=" $(allowed "$folder") "
    for included in $(sed -n 's|^#include "pgrehearse/\([a-z_]*\)/.*|\1|p' "$file"); do
        case "$may" in *" $included "*) ;; *) complain "$file: $folder may not include $included" ;; esac
    done
    if [ "$folder" != adapters ]; then
        found=$(grep -nE '^#include <(libpq|postgres|archive|csv|libfyaml|jansson|libxml|uv|openssl|seccomp|zlib|pg_query)' "$file" || true)
        [ -z "$found" ] || complain "$file: a third-party header outside adapters: $found"
    fi
    case "$folder/$file" in
    predict/* | report/* | observe/*wait_graph*)
        grep -q 'adapters/pg\.h' "$file" && complain "$file: needs no server, so may not include adapters/pg.h" ;;
    esac
    case "$folder" in
    cli | main.c) ;;
    *) grep -nE '\b(printf|puts|fprintf\(std(out|err))\(' "$file" && complain "$file: only cli/ prints" ;;
    esac
done
exit $status
