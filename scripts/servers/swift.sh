#!/usr/bin/env bash
# A real OpenStack Swift with TempAuth on loopback, from Debian's packages: one node, one replica, an ordinary folder as its disk.
#
#   swift.sh start DIR     prints one line of JSON once it answers: authUrl, user, key, account, other { the same }, pids
#   swift.sh stop DIR
#   swift.sh missing       prints the programs that are not installed
#
# DIR must be empty or absent. The servers outlive the script unless OWNER_PID names processes: when one of them is gone, they end
# and DIR is removed. Further variables:
#   TOKEN_LIFE    seconds that a token lives, 86400
#   WORKERS       processes of each of the four servers, 1
#   START_LIMIT   seconds that each server may take to answer, 90
#   PROXY_PORT, ACCOUNT_PORT, CONTAINER_PORT, OBJECT_PORT, MEMCACHED_PORT     free ones

set -euo pipefail
# shellcheck source=scripts/servers/processes.sh
. "$(dirname "$0")/processes.sh"

missing() {
  missing_of curl memcached swift-account-server swift-container-server swift-object-server swift-proxy-server
}

# storage_config <account|container|object> <port>
storage_config() {
  cat <<CONFIG
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $2
# Started by root, the servers would become another user, who cannot write here.
user = $user
swift_dir = $dir/etc
devices = $dir/disks
mount_check = false
fallocate_reserve = 0
workers = $workers
log_level = WARNING
[pipeline:main]
pipeline = healthcheck $1-server
[app:$1-server]
use = egg:swift#$1
[filter:healthcheck]
use = egg:swift#healthcheck
CONFIG
}

# proxy_config <port> <port of memcached>
proxy_config() {
  local filter
  cat <<CONFIG
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $1
user = $user
swift_dir = $dir/etc
workers = $workers
log_level = WARNING
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats bulk tempurl tempauth copy container_quotas account_quotas slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:$2
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
user_test2_tester2 = testing2 .admin
token_life = ${TOKEN_LIFE:-86400}
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
allow_object_versioning = true
CONFIG
  # Left to themselves these two hand out one segment a second after the tenth: a test of patience, not of clients.
  for filter in slo dlo; do
    printf '[filter:%s]\nuse = egg:swift#%s\nrate_limit_after_segment = 1000000\n' "$filter" "$filter"
  done
  for filter in catch_errors gatekeeper healthcheck listing_formats bulk tempurl copy container_quotas account_quotas symlink; do
    printf '[filter:%s]\nuse = egg:swift#%s\n' "$filter" "$filter"
  done
}

# rings <account port> <container port> <object port>: says of each kind of data that all of it is on the one disk.
rings() {
  "$python" - "$dir" "$@" <<'PYTHON' 2>"$dir/log/rings.log"
import os
import sys
from swift.common.ring import RingBuilder

folder, ports = sys.argv[1], sys.argv[2:]
try:
    os.setxattr(f"{folder}/disks", "user.skystream", b"1")
except OSError as error:
    sys.exit(f"the file system of {folder} keeps no extended attributes, in which Swift writes metadata: {error}")
for kind, port in zip(("account", "container", "object"), ports):
    builder = RingBuilder(part_power=4, replicas=1, min_part_hours=0)
    place = {"region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "disk1"}
    builder.add_dev({**place, "replication_ip": place["ip"], "replication_port": place["port"], "weight": 1.0, "meta": ""})
    builder.rebalance()
    builder.get_ring().save(f"{folder}/etc/{kind}.ring.gz")
PYTHON
}

start_servers() {
  local user workers=${WORKERS:-1} kind free origin
  user=$(id -un)
  if [ ! -r /etc/swift/swift.conf ]; then
    say '/etc/swift/swift.conf cannot be read: the servers take their hash from there'
    return 1
  fi
  read -r -a free <<<"$(free_ports 5)"
  local -A port=(
    [proxy]=${PROXY_PORT:-${free[0]}} [account]=${ACCOUNT_PORT:-${free[1]}} [container]=${CONTAINER_PORT:-${free[2]}}
    [object]=${OBJECT_PORT:-${free[3]}} [memcached]=${MEMCACHED_PORT:-${free[4]}}
  )
  origin=http://127.0.0.1:${port[proxy]}

  launch memcached memcached -l 127.0.0.1 -p "${port[memcached]}" -U 0 -m 64 -u "$user"
  mkdir -p "$dir/disks/disk1"
  rings "${port[account]}" "${port[container]}" "${port[object]}"
  proxy_config "${port[proxy]}" "${port[memcached]}" >"$dir/etc/proxy-server.conf"
  for kind in account container object; do
    storage_config "$kind" "${port[$kind]}" >"$dir/etc/$kind-server.conf"
  done
  for kind in account container object proxy; do launch "$kind" "swift-$kind-server" "$dir/etc/$kind-server.conf"; done
  for kind in account container object proxy; do
    wait_for "$kind" "http://127.0.0.1:${port[$kind]}/healthcheck"
  done
  # A login needs all five of them.
  if ! curl --noproxy '*' --silent --show-error --fail --output /dev/null \
    -H 'X-Auth-User: test:tester' -H 'X-Auth-Key: testing' "$origin/auth/v1.0"; then
    say "no token from $origin/auth/v1.0"
    return 1
  fi

  local pids=
  for kind in memcached account container object proxy; do
    pids+=",\"$kind\":$(process_of "$kind")"
  done
  printf '{"authUrl":"%s/auth/v1.0","user":"test:tester","key":"testing","account":"AUTH_test",' "$origin"
  printf '"other":{"user":"test2:tester2","key":"testing2","account":"AUTH_test2"},"pids":{%s}}\n' "${pids#,}"
}

main "$@"
