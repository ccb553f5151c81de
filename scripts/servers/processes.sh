# shellcheck shell=bash
# What swift.sh and keystone.sh share: starting server processes that belong to one folder, and ending exactly those.
#
# Each process leads a session of its own and is recorded in DIR/run by its number and the moment it began, so that neither a
# number that came round again nor a worker left behind is mistaken.
# A script that sources this defines `missing` and `start_servers`, and calls `main "$@"`.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
# Debian's Python programs want Debian's Python as it is.
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV
export PYTHONDONTWRITEBYTECODE=1

readonly python=/usr/bin/python3
# Seconds. Two busy cores take 25 for the slowest of the servers.
readonly start_limit=${START_LIMIT:-90} stop_limit=10

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }

# Prints those of the named programs that are not installed.
missing_of() {
  local program
  [ "$(uname -s)" = Linux ] || echo Linux
  for program in "$python" "$@"; do command -v "$program" >/dev/null || echo "$program"; done
}

# read_process <number>: sets `state`, `group` and `begun` (clock ticks since the system's start). Fails if there is none, or only
# a zombie that nobody reaps.
read_process() {
  local line
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  # The name of the program, in parentheses, may hold blanks.
  set -- ${line##*) }
  state=$1 group=$3 begun=${20}
  [ "$state" != Z ]
}

# Prints a process as `recorded` finds it again: its number and the moment it began.
identify() {
  local state group begun=0
  read_process "$1" || true
  echo "$1 $begun"
}

# lives <number> <moment it began>
lives() {
  local state group begun
  read_process "$1" && [ "$begun" = "$2" ]
}

# Whether anything of a process group still runs, or its first process, which is about to found it.
runs() {
  local process state group begun
  for process in $1 $(ls /proc); do
    [[ $process == [1-9]* ]] || continue
    if read_process "$process" && { [ "$group" = "$1" ] || [ "$process" = "$1" ]; }; then return 0; fi
  done
  return 1
}

signal() { kill "-$1" -- "-$2" 2>/dev/null || kill "-$1" "$2" 2>/dev/null || true; }

# Ends process groups and waits until they are gone.
end_groups() {
  local group tenths
  for group in "$@"; do signal TERM "$group"; done
  for group in "$@"; do
    for ((tenths = 0; tenths < stop_limit * 10; tenths += 1)); do
      runs "$group" || continue 2
      sleep 0.1
    done
    say "process $group does not end: killed"
    signal KILL "$group"
    while runs "$group"; do sleep 0.1; done
  done
}

# Prints the group of a record unless its number is somebody else's by now. While any process of a group lives, the system gives
# the group's number to nobody.
recorded() {
  local process since state group begun
  read -r process since <"$1" || return 0
  if read_process "$process" && [ "$begun" != "$since" ]; then return 0; fi
  echo "$process"
}

# launch <name> <command…>: in the background, with its output in DIR/log.
launch() {
  local name=$1
  shift
  setsid "$@" </dev/null >"$dir/log/$name.log" 2>&1 &
  record "$name" "$!"
}

record() { identify "$2" >"$dir/run/$1.pid"; }

process_of() { cut -d ' ' -f 1 "$dir/run/$1.pid"; }

# wait_for <name> <url>: until the launched server answers with a success.
wait_for() {
  local tenths
  for ((tenths = 0; tenths < start_limit * 10; tenths += 1)); do
    if curl --noproxy '*' --silent --fail --max-time 5 --output /dev/null "$2"; then return 0; fi
    if ! runs "$(process_of "$1")"; then
      say "$1 has ended"
      return 1
    fi
    sleep 0.1
  done
  say "$1 does not answer at $2"
  return 1
}

# Prints as many free ports. Each has just been used by a connection that was closed from this side: for a minute the system gives
# it to nobody who does not ask for it by number, so that two starts at the same time do not meet.
free_ports() {
  "$python" - "$1" <<'PYTHON'
import socket
import sys

ports = []
for _ in range(int(sys.argv[1])):
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        with socket.create_connection(listener.getsockname()) as client:
            accepted, _ = listener.accept()
            accepted.close()
            client.recv(1)
        ports.append(str(listener.getsockname()[1]))
print(*ports)
PYTHON
}

# guard <folder> <process, began, process, began…>: waits until one of the processes is gone, however it went; then ends the
# servers, with a start that is under way, and removes the folder.
guard() {
  local folder=$1
  local -a owners
  shift
  while true; do
    owners=("$@")
    while [ "${#owners[@]}" -gt 0 ]; do
      lives "${owners[0]}" "${owners[1]}" || break 2
      owners=("${owners[@]:2}")
    done
    sleep 0.5
  done
  rm -f "$folder/run/guard.pid"
  stop "$folder"
  rm -rf -- "$folder"
}

launch_guard() {
  local owner
  local -a owners=()
  for owner in $OWNER_PID; do owners+=($(identify "$owner")); done
  launch guard "$script" guard "$dir" "${owners[@]}"
  guard_process=$!
}

failed() {
  local status=$? log job
  local -a groups=()
  trap - EXIT
  trap '' INT TERM HUP
  for job in $(jobs -p); do
    # A guard without its record is what ended this start, and has the folder still to remove.
    if [ "$job" != "${guard_process:-}" ] || [ -f "$dir/run/guard.pid" ]; then groups+=("$job"); fi
  done
  end_groups "${groups[@]}"
  for log in "$dir"/log/*.log; do
    [ -s "$log" ] || continue
    printf '\n--- the end of %s\n' "$(basename "$log")" >&2
    tail -n 20 "$log" >&2
  done
  rm -rf -- "$dir/run"
  exit "$status"
}

# start <folder>: calls `start_servers`, which launches, waits and prints what a client needs.
start() {
  local absent
  absent=$(missing)
  if [ -n "$absent" ]; then
    say "not installed: ${absent//$'\n'/, } (scripts/servers/install.sh installs it)"
    return 1
  fi
  umask 077
  mkdir -p "$1"
  dir=$(cd "$1" && pwd)
  if [ -n "$(ls -A "$dir")" ]; then
    say "$dir is not empty"
    return 1
  fi
  mkdir "$dir/etc" "$dir/log" "$dir/run"
  trap failed EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  record start "$$"
  if [ -n "${OWNER_PID:-}" ]; then launch_guard; fi
  start_servers
  trap - EXIT
  rm "$dir/run/start.pid"
}

# stop <folder>: ends what `start` has started there, a start that is still under way as well.
stop() {
  local file process since
  local -a groups=()
  cd "$1/run" 2>/dev/null || return 0
  if read -r process since 2>/dev/null <start.pid && lives "$process" "$since"; then
    kill "$process" 2>/dev/null || true
    while lives "$process" "$since" && [ -f start.pid ]; do sleep 0.1; done
    rm -f start.pid
  fi
  for file in *.pid; do
    if [ -f "$file" ]; then groups+=($(recorded "$file")); fi
  done
  end_groups "${groups[@]}"
  rm -f -- *.pid
}

# main <start|stop|missing> [folder]
main() {
  script=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
  case "${1:-} $#" in
    'start 2') start "$2" ;;
    'stop 2') stop "$2" ;;
    'missing 1') missing ;;
    'guard '*) guard "${@:2}" ;;
    *)
      sed -n '2,/^$/s/^# \{0,1\}//p' "$script" >&2
      return 2
      ;;
  esac
}
