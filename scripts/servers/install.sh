#!/usr/bin/env bash
# Installs what the suites against real servers need, from the packages of Debian or Ubuntu. Does nothing if all is there.
#
#   install.sh [--peers]      --peers: also the programs that the benchmarks compare with

set -euo pipefail

packages=(
  swift-proxy swift-account swift-container swift-object memcached curl
  python3-keystone uwsgi-core uwsgi-plugin-python3
)
programs=()
case "$#:${1:-}" in
  0:) ;;
  1:--peers)
    packages+=(rclone python3-swiftclient)
    programs+=(rclone swift)
    ;;
  *)
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

if ! command -v apt-get >/dev/null; then
  here=$(dirname "$0")
  absent=$("$here/swift.sh" missing && "$here/keystone.sh" missing)
  for program in "${programs[@]}"; do command -v "$program" >/dev/null || absent+=" $program"; done
  if [ -z "$absent" ]; then exit 0; fi
  printf 'install.sh: %s missing, and no apt-get to install the packages: %s\n' "$(xargs <<<"$absent")" "${packages[*]}" >&2
  exit 1
fi

absent=()
for package in "${packages[@]}"; do
  state=$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || absent+=("$package")
done
if [ "${#absent[@]}" -eq 0 ]; then exit 0; fi

root=(env DEBIAN_FRONTEND=noninteractive)
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
    printf 'install.sh: run it as root, or as somebody who may sudo without a password, to install: %s\n' "${absent[*]}" >&2
    exit 1
  fi
  root=(sudo -n "${root[@]}")
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# apt <arguments…>: silent unless it fails.
apt() {
  if "${root[@]}" apt-get -qq -o DPkg::Lock::Timeout=120 "$@" </dev/null >"$log" 2>&1; then return 0; fi
  printf 'install.sh: apt-get %s failed\n' "$*" >&2
  tail -n 40 "$log" >&2
  exit 1
}
apt update
apt install --yes --no-install-recommends "${absent[@]}"
printf 'installed: %s\n' "${absent[*]}"
