"""Runs a command and prints as JSON what it took, by the system's own account of the process and of those it waited for.

The figure for memory is never below the few MiB of this program, in whose image the command starts.
"""

import json
import os
import sys
import time

command = sys.argv[1:]
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
began = time.monotonic()
process = os.posix_spawnp(command[0], command, os.environ, file_actions=quiet)
_, status, usage = os.wait4(process, 0)
ended = time.monotonic()
measured = {
    "code": os.waitstatus_to_exitcode(status),
    "seconds": ended - began,
    "cpu": usage.ru_utime + usage.ru_stime,
    "peakRss": usage.ru_maxrss * 1024,
}
print(json.dumps(measured))
