#!/bin/sh
# Run once, in a new database: the user of gateway and auth may read everything and write nothing.
set -eu
password=$(cat /run/secrets/postgres/gateway-password)
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 --set password="$password" <<'SQL'
CREATE ROLE gateway LOGIN PASSWORD :'password';
GRANT pg_read_all_data TO gateway;
SQL
