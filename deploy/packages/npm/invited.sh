#!/bin/sh
# Becomes the program of this platform: signals, exit code and terminal are the program's own.
here=$(dirname "$(readlink -f "$0")")
program=$(node "$here/program.js") || exit 1
exec "$program" "$@"
