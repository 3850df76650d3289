#!/bin/sh
# onemap, with the database password from a file (a secret) where one is named.
set -eu
if [ -n "${PGPASSWORD_FILE-}" ]; then
    PGPASSWORD=$(cat "$PGPASSWORD_FILE")
    export PGPASSWORD
    unset PGPASSWORD_FILE
fi
exec onemap "$@"
