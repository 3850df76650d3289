#!/bin/bash
# Run once by the database image, over an empty volume: the login role of OneMap, no superuser.
set -euo pipefail
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --set=password="$(cat "$ONEMAP_PASSWORD_FILE")" <<'SQL'
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE ROLE onemap LOGIN CREATEROLE PASSWORD :'password';
ALTER DATABASE onemap OWNER TO onemap;
SQL
