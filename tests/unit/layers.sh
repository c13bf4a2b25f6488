#!/bin/sh
# Fails on an include that breaks the layers: who may include whom is one line a folder, and a third-party
# header may only stand in adapters/. Also on a tag that is defined twice: a file that sees one definition and
# gets a pointer to the other compiles without a warning.
set -eu
cd "$1"
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
folders=$(find src include/pgrehearse -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort -u)
table=$(for folder in $folders main.c; do echo "$folder: $(allowed "$folder")"; done)
find src include -name '*.c' -o -name '*.h' | xargs awk -v table="$table" '
function complain(what) { print FILENAME ": " what; bad = 1 }
BEGIN {
    count = split(table, lines, "\n")
    for (i = 1; i <= count; i++) {
        n = split(lines[i], words, /:? /)
        for (k = 2; k <= n; k++) may[words[1], words[k]] = 1
    }
}
FNR == 1 {
    folder = FILENAME
    sub(/^src\//, "", folder); sub(/^include\/pgrehearse\//, "", folder); sub(/\/.*/, "", folder)
    no_server = FILENAME ~ /(predict|report)\// || FILENAME ~ /observe\/.*wait_graph/
}
match($0, /^#include "pgrehearse\/[a-z_]*\//) {
    to = substr($0, 22, RLENGTH - 22)
    if (!((folder, to) in may)) complain(folder " may not include " to)
    if (no_server && /adapters\/pg\.h/) complain("needs no server, so may not include adapters/pg.h")
}
/^#include <(libpq|postgres|archive|csv|libfyaml|jansson|libxml|uv|openssl|seccomp|zlib|pg_query)/ && folder != "adapters" {
    complain("a third-party header outside adapters: " $0)
}
/(^|[^a-zA-Z0-9_])((printf|puts)\(|fprintf\(std(out|err))/ && folder != "cli" && folder != "main.c" {
    complain("only cli/ prints: " $0)
}
match($0, /^(typedef )?(struct|enum|union) rh_[a-z0-9_]+ *\{/) {
    tag = substr($0, RSTART, RLENGTH)
    sub(/ *\{$/, "", tag); sub(/.* /, "", tag)
    if (tag in defined) complain(tag " is also defined in " defined[tag])
    defined[tag] = FILENAME
}
END { exit bad }'
