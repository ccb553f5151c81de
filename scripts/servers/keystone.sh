#!/usr/bin/env bash
# A real OpenStack Keystone (v3 only) on loopback, from Debian's packages: SQLite, uWSGI, short-lived Fernet tokens.
#
#   keystone.sh start DIR     prints one line of JSON once it answers: authUrl, user, password, project, domainId, region,
#                             tokenLife, pids
#   keystone.sh stop DIR
#   keystone.sh missing       prints the programs that are not installed
#
# DIR must be empty or absent. The server outlives the script unless OWNER_PID names processes: when one of them is gone, it ends
# and DIR is removed. Further variables:
#   TOKEN_LIFE    seconds that a token lives, 20
#   WORKERS       processes, of four threads each, 1
#   START_LIMIT   seconds that the server may take to answer, 90
#   PORT          a free one

set -euo pipefail
# shellcheck source=scripts/servers/processes.sh
. "$(dirname "$0")/processes.sh"

missing() { missing_of curl uwsgi keystone-manage keystone-wsgi-public; }

config() {
  cat <<CONFIG
[DEFAULT]
log_dir = $dir/log
[database]
connection = sqlite:///$dir/data/keystone.db
[token]
provider = fernet
expiration = $1
[fernet_tokens]
key_repository = $dir/data/fernet-keys
[fernet_receipts]
key_repository = $dir/data/receipt-keys
[credential]
key_repository = $dir/data/credential-keys
[cache]
enabled = true
backend = dogpile.cache.memory
[oslo_policy]
enforce_scope = false
[identity]
# The cheapest there is: the default takes a second of a processor for each token.
password_hash_rounds = 4
CONFIG
}

manage() { keystone-manage --config-file "$dir/etc/keystone.conf" "$@" >>"$dir/log/manage.log" 2>&1; }

start_servers() {
  local life=${TOKEN_LIFE:-20} port=${PORT:-} url password=keystone-admin keys
  if [ -z "$port" ]; then port=$(free_ports 1); fi
  url=http://127.0.0.1:$port/v3
  keys=(--keystone-user "$(id -un)" --keystone-group "$(id -gn)")
  mkdir -p "$dir/data/fernet-keys" "$dir/data/receipt-keys" "$dir/data/credential-keys"
  config "$life" >"$dir/etc/keystone.conf"

  manage db_sync
  manage fernet_setup "${keys[@]}"
  manage credential_setup "${keys[@]}"
  manage bootstrap --bootstrap-username admin --bootstrap-password "$password" --bootstrap-project-name admin \
    --bootstrap-role-name admin --bootstrap-service-name keystone --bootstrap-region-id RegionOne \
    --bootstrap-admin-url "$url/" --bootstrap-public-url "$url/" --bootstrap-internal-url "$url/"
  # Otherwise a writer finds the database locked by a reader, and the client a status 500.
  "$python" -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("pragma journal_mode=wal")' \
    "$dir/data/keystone.db"

  # The router (`--http`, a plugin of its own) keeps connections alive; without it some are reset.
  OS_KEYSTONE_CONFIG_FILES=$dir/etc/keystone.conf launch keystone uwsgi --plugins http,python3 \
    --http "127.0.0.1:$port" --http-keepalive --wsgi-file "$(command -v keystone-wsgi-public)" \
    --processes "${WORKERS:-1}" --threads 4 --enable-threads --master --die-on-term --lazy-apps
  wait_for keystone "$url"

  printf '{"authUrl":"%s","user":"admin","password":"%s","project":"admin","domainId":"default",' "$url" "$password"
  printf '"region":"RegionOne","tokenLife":%d,"pids":{"keystone":%d}}\n' \
    "$life" "$(process_of keystone)"
}

main "$@"
