"""CPU time of this process and of the servers beside it, from /proc (Linux).

On a busy machine a rate says little: what a receipt costs is the processor time that everybody
spends on it, whatever else runs at the same time.
"""

from __future__ import annotations

import os
from pathlib import Path

_TICK = 1.0 / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of one process, in seconds; of its children only those that have ended."""
    return _ticks(Path(f"/proc/{pid}/stat"), 4) * _TICK


def family_seconds(pid: int) -> float:
    """``cpu_seconds`` of a process and of its living children: a postmaster and its backends."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    living = sum(_ticks(Path(f"/proc/{child}/stat"), 2) for child in children)
    return cpu_seconds(pid) + living * _TICK


def _ticks(stat: Path, fields: int) -> int:
    """utime, stime, cutime, cstime: the first ``fields`` of them; 0 for a process that has just ended."""
    try:
        # The name of the program may hold spaces and ends with the last bracket.
        values = stat.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(map(int, values[11 : 11 + fields]))
