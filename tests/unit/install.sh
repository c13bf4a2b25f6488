#!/bin/sh
# install.sh BUILD_DIRECTORY: cmake --install puts the program, the manual page, completion and the documents in place, and the shells
# that are there accept their completion.
set -eu
prefix=$(mktemp -d "${TMPDIR:-/tmp}/rh_install_XXXXXX")
trap 'rm -rf "$prefix"' EXIT
trap 'exit 1' INT TERM HUP
cmake --install "$1" --prefix "$prefix" >/dev/null
status=0
complain() { echo "$1"; status=1; }
share=$prefix/share
for file in "$prefix/bin/pgrehearse" "$share/man/man1/pgrehearse.1" "$share/bash-completion/completions/pgrehearse" \
    "$share/zsh/site-functions/_pgrehearse" "$share/fish/vendor_completions.d/pgrehearse.fish" \
    "$share/pgrehearse/report.schema.json" "$share/pgrehearse/scenarios/quickstart/scenario.yaml" \
    "$share/doc/pgrehearse/README.md" "$share/doc/pgrehearse/docs/hazards/rename.md"; do
    [ -s "$file" ] || complain "not installed: ${file#"$prefix"/}"
done
syntax() { # SHELL FILE: skipped where there is no such shell
    ! command -v "$1" >/dev/null || "$1" -n "$2" || complain "$1 does not read ${2#"$prefix"/}"
}
syntax bash "$share/bash-completion/completions/pgrehearse"
syntax zsh "$share/zsh/site-functions/_pgrehearse"
syntax fish "$share/fish/vendor_completions.d/pgrehearse.fish"
if command -v man >/dev/null; then
    said=$(man --warnings=w -l "$share/man/man1/pgrehearse.1" 2>&1 >/dev/null | head -5)
    [ -z "$said" ] || complain "the manual page: $said"
fi
exit $status
