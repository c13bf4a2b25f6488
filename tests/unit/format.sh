#!/bin/sh
# format.sh SOURCE_DIRECTORY: every C file is as clang-format 14 writes it. With -i behind it, formats them instead.
set -eu
cd "$1"
tool=$(command -v clang-format-14 || command -v clang-format || true)
version=$([ -z "$tool" ] || "$tool" --version | sed -n 's/.*version \([0-9]*\).*/\1/p')
if [ "$version" != 14 ]; then
    echo "skipped: clang-format 14 is needed, found ${version:-none}"
    exit 77
fi
if [ "${2:-}" = -i ]; then mode=-i; else mode='--dry-run -Werror'; fi
# shellcheck disable=SC2086 # words are meant
find src include tests packaging -name '*.[ch]' -print0 | xargs -0 -n 40 -P 2 "$tool" $mode || {
    echo "to format all files: tests/unit/format.sh . -i"
    exit 1
}
