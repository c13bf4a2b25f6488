#!/bin/sh
# run.sh PROGRAM FILE.cmd: runs the script in an empty directory and compares its transcript with FILE.expected.
# With UPDATE=1 in the environment the transcript becomes the expectation: read the difference before you commit it.
#
# In a script, `try COMMAND ARGUMENT...` goes into the transcript: the command, its standard output, each line of its standard
# error after "2> ", and "=> exit code". Everything else is plain sh and prepares files. @DIR@ stands for the directory.
set -eu
program=$(readlink -f "$1")
script=$(readlink -f "$2")
expected=${script%.cmd}.expected
work=$(mktemp -d "${TMPDIR:-/tmp}/rh_cli_XXXXXX")
work=$(readlink -f "$work")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
mkdir "$work/bin" "$work/here"
ln -s "$program" "$work/bin/pgrehearse"
PATH=$work/bin:$PATH
LC_ALL=C
TERM=dumb
export PATH LC_ALL TERM
unset NO_COLOR

try() {
    echo "\$ $*"
    code=0
    "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
    cat "$work/out"
    sed 's/^/2> /' "$work/err"
    echo "=> $code"
}

cd "$work/here"
(set +e; . "$script") >"$work/transcript" 2>&1
sed "s|$work/here|@DIR@|g" "$work/transcript" >"$work/actual"
if [ "${UPDATE:-}" = 1 ]; then
    cp "$work/actual" "$expected"
else
    diff -u "$expected" "$work/actual"
fi
