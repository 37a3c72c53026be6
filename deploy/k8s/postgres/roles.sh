#!/bin/sh
# Run once, in a new database: the users of projector, gateway and auth, with what each may do.
set -eu
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --quiet --set ON_ERROR_STOP=1 \
  --set projector="$(cat /run/secrets/postgres/projector-password)" \
  --set gateway="$(cat /run/secrets/postgres/gateway-password)" \
  --set auth="$(cat /run/secrets/postgres/auth-password)" <<'SQL'
SELECT set_config('latchkey.projector', :'projector', false), set_config('latchkey.gateway', :'gateway', false),
  set_config('latchkey.auth', :'auth', false) \g /dev/null
\i /etc/latchkey/roles.sql
SQL
